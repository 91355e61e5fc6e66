"""Calls are priced from the reading of their body that the provider has, or are refused."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.api.native import application, contents
from gateway.api.native.contents import Contents, read
from gateway.lookup import open_tasks, transit
from providers.native import Asked, NativePath
from providers.registry import ADAPTERS
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.native.harness import Native
from tests.gateway.native.requests import DOMAIN
from tests.gateway.native.upstream import Upstream

FORM, JSON, PARTS = "application/x-www-form-urlencoded", "application/json", "multipart/form-data"
PUSH, SEARCH = "/v1/add-emails-to-verification", "/v2/domain-search/prospects/start"
# JSON to whoever does not look at what it is declared as, and two addresses to others.
HIDDEN = b'["&emails[]=a@x.example&emails[]=b@x.example&"]'
ONE_PART = (
    b'--x\r\nContent-Disposition: form-data; name="domain"%s\r\n\r\nnew.example\r\n--x--\r\n'
)


async def post(native: Native, path: str, media: str, body: bytes) -> httpx.Response:
    headers = {"content-type": media} if media else {}
    return await native.ask("POST", "snov", path, content=body, headers=headers)


@pytest.mark.parametrize(
    "media, body, fields",
    [
        (FORM, b"emails[]=a&emails[]=b", {"emails": ["a", "b"]}),
        (f" {FORM.upper()} ; charset=UTF-8", b"domain=new.example", {"domain": "new.example"}),
        (FORM, b'{"domain": "&domain=new.example&"}', {"domain": "new.example"}),
        (JSON, b'{"domain": "new.example"}', {"domain": "new.example"}),
        ("application/vnd.api+JSON", b'{"a": 1, "a": 2}', {"a": 2}),
        (JSON, b'["&domain=new.example&"]', {}),
        (JSON, b"domain=new.example", None),
        (JSON, b'{"domain": "new.example"', None),
        (f"{PARTS}; boundary=x", ONE_PART % b"", {"domain": "new.example"}),
        ("Multipart/Form-Data; boundary=x", ONE_PART % b"", {"domain": "new.example"}),
        (f"{PARTS}; boundary=y", ONE_PART % b"", None),
        (PARTS, ONE_PART % b"", None),
        (f"{PARTS}; boundary=x", ONE_PART % b"\r\nContent-Transfer-Encoding: base64", None),
        (f"{PARTS}; boundary=x", ONE_PART % b"\r\nContent-Type: message/rfc822", None),
        (f"{PARTS}; boundary=x", (ONE_PART % b"").replace(b"name=", b"name*="), None),
        ("text/plain", b'{"domain": "new.example"}', None),
        (f"{FORM}; application/json", b"domain=new.example", None),
        ("", b'{"domain": "new.example"}', {"domain": "new.example"}),
        ("", b"domain=new.example", {"domain": "new.example"}),
        ("", b'["&domain=new.example&"]', {"domain": "new.example"}),
        ("text/plain", b"", {}),
    ],
)
def test_a_body_is_read_as_it_is_declared(
    media: str, body: bytes, fields: dict[str, Any] | None
) -> None:
    found = read("POST", b"/x", b"", body, media)
    assert bool(found.unread) is (fields is None)
    assert (fields or {}).items() <= found.fields.items()


def test_the_query_of_a_get_weighs_more_than_its_body() -> None:
    for media, body in ((FORM, b"limit=1&type=x"), (JSON, b'{"limit": 1, "type": "x"}')):
        found = read("GET", b"/x", b"limit=100", body, media)
        assert (found.fields, found.twofold) == ({"limit": "100", "type": "x"}, ("limit",))
    assert read("GET", b"/x", b"limit=100", b"limit=1", "text/plain").fields == {"limit": "100"}


def test_values_that_are_the_same_are_not_twofold() -> None:
    body = b'{"page": 1, "emails": ["a", "b"]}'
    assert read("POST", b"/x", b"page=1&emails[]=a&emails[]=b", body, JSON).twofold == ()


async def test_hidden_addresses_are_paid_for(native: Native) -> None:
    """The provider reads a form, as it was told to."""
    for media in (FORM, FORM.title()):
        assert (await post(native, PUSH, media, HIDDEN)).status_code == 200
    assert [row["worst_units"] for row in await native.entries()] == ["2000", "2000"]
    assert await native.posted() == native.billed()
    assert native.billed()


async def test_parts_are_parts_in_any_case(native: Native) -> None:
    body = ONE_PART.replace(b"domain", b"emails[]").replace(b"new.", b"new@x.") % b""
    reply = await post(native, PUSH, "Multipart/Form-Data; boundary=x", body)
    assert reply.status_code == 200, reply.text
    assert await native.posted() == native.billed() == {("snov", "credits"): 1000}


async def test_what_cannot_be_read_as_declared_is_refused_if_it_costs(native: Native) -> None:
    bodies = [("text/plain", b"domain=old.example"), (JSON, b"domain=old"), (PARTS, b"domain=old")]
    for media, body in bodies:
        reply = await post(native, f"{SEARCH}?domain=new.example", media, body)
        problem_of(reply, 415, "unsupported_media_type")
        assert reply.headers["x-gateway-refused"] == "1"
    assert native.visits() == 0
    for path in ("/v1/get-domain-emails-count", "/v1/x"):
        reply = await post(native, path, "text/plain", b"x")
        assert "x-gateway-refused" not in reply.headers


async def test_two_values_for_one_name_are_refused_if_it_costs(native: Native) -> None:
    """Nor may a read of one task tell what another cost."""
    begun = await post(native, f"{SEARCH}?domain={DOMAIN}", FORM, b"domain=old.example")
    detail = problem_of(begun, 400, "malformed_request")["detail"]
    assert detail.startswith("domain: ")
    read_ = "/v2/li-profiles-by-urls/result?task_hash=a"
    reply = await native.ask("GET", "snov", read_, data={"task_hash": "b"})
    problem_of(reply, 400, "malformed_request")
    assert native.visits() == 0
    reply = await post(native, f"{SEARCH}?domain={DOMAIN}", FORM, f"domain={DOMAIN}".encode())
    assert reply.status_code == 200


async def test_the_query_of_a_get_is_reserved_for(native: Native) -> None:
    for media in ("text/plain", "text/html"):
        headers = {"content-type": media}
        path = f"/domain-search?domain={DOMAIN}&limit=100"
        await native.ask("GET", "hunter", path, content=b"limit=1", headers=headers)
    assert [row["worst_units"] for row in await native.entries()] == ["10000"] * 2


async def test_two_declarations_are_none(raw: Native, upstream: Upstream) -> None:
    headers = [("content-type", JSON), ("content-type", FORM), ("x-api-key", "x")]
    reply = await raw.client.post("/native/hunter/x", content=b"{}", headers=headers)
    problem_of(reply, 400, "malformed_request")
    assert upstream.heads == []


def answer(told: object) -> bytes:
    body = json.dumps(told)
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def say(raw: Native, upstream: Upstream, body: bytes, **told: Any) -> dict[str, str]:
    """The entry of a push of `body`; the provider's answer is its sign-in's, too."""
    signed = {"access_token": "t", "expires_in": 3600}
    upstream.answer = answer({**signed, "success": True, **told})
    assert (await post(raw, PUSH, FORM, body)).status_code == 200
    await eventually(lambda: _settled(raw))
    return (await raw.entries())[-1]


async def _settled(native: Native) -> bool:
    return (await native.entries())[-1]["state"] in ("posted", "in_doubt")


async def test_addresses_are_counted_by_the_reply(raw: Native, upstream: Upstream) -> None:
    sent, unsent = {"sent": True}, {"sent": False}
    for told, units in (
        ({"a@x.example": unsent, "b@x.example": unsent}, "0"),
        ({"a@x.example": sent, "b@x.example": unsent}, "1000"),
        ({"a@x.example": sent, "b@x.example": sent}, "2000"),
        ({"a@x.example": unsent}, "1000"),
        ({}, "2000"),
    ):
        entry = await say(raw, upstream, HIDDEN, **told)
        assert (entry["state"], entry["units"]) == ("posted", units)
    entry = await say(raw, upstream, b"x=1", **{"a@x.example": sent})
    assert (entry["state"], entry["units"]) == ("posted", "1000")


async def test_what_cannot_be_counted_is_a_doubt(raw: Native, upstream: Upstream) -> None:
    entry = await say(raw, upstream, b"x=1")
    assert (entry["state"], entry["reason"]) == ("in_doubt", "malformed_response")


LEAD = {"lead": {"name": "Ada"}}


async def test_less_than_nothing_is_a_doubt(raw: Native, upstream: Upstream) -> None:
    upstream.answer = answer({"cost_cents": -5})
    await raw.ask("POST", "sixtyfour", "/find-email", json=LEAD)
    await eventually(lambda: _settled(raw))
    [entry] = await raw.entries()
    assert (entry["state"], entry["reason"]) == ("in_doubt", "malformed_response")


async def test_a_task_that_tells_of_less_than_nothing_stays_open(
    raw: Native, upstream: Upstream
) -> None:
    upstream.answer = answer({"task_id": "t"})
    await raw.ask("POST", "sixtyfour", "/find-email-async", json=LEAD)
    upstream.answer = answer({"status": "completed", "charge_amount": -5})
    await raw.ask("GET", "sixtyfour", "/job-status/t")
    assert await raw.open_calls() == ["native POST /find-email-async"]
    upstream.answer = answer({"status": "completed", "charge_amount": 5})
    await raw.ask("GET", "sixtyfour", "/job-status/t")
    await raw.until_settled()
    assert await raw.posted() == {("sixtyfour", "cents"): 5000}


def test_a_search_for_nothing_is_nobodys_twin() -> None:
    for path in (SEARCH, "/v2/database-search/companies/start"):
        row: NativePath | None = ADAPTERS["snov"].native.match("POST", path).path
        assert row is not None
        assert row.once is not None
        assert row.once(Asked()) == ""


@pytest.mark.parametrize("digits", [19, 5000])
async def test_a_number_beyond_all_bounds_is_the_most_there_is(
    native: Native, digits: int
) -> None:
    params = {"domain": DOMAIN, "limit": "9" * digits}
    reply = await native.ask("GET", "hunter", "/domain-search", params=params)
    assert "x-gateway-refused" not in reply.headers, reply.text
    [entry] = await native.entries()
    assert entry["worst_units"] == "10000"


def guess(method: str, path: bytes, query: bytes, body: bytes, media: str) -> Contents:
    """Whatever it is declared as."""
    found = read(method, path, query, body, media)
    return Contents(fields=found.likely, likely=found.likely, texts=found.texts)


Check = Callable[..., Awaitable[None]]
MUTANTS: dict[str, tuple[Check, Any, str, Any]] = {
    "any reading": (test_hidden_addresses_are_paid_for, "request", "read", guess),
    "lower case alone": (
        test_parts_are_parts_in_any_case,
        contents,
        "kind_of",
        lambda media: media.partition(";")[0],
    ),
    "no check": (
        test_what_cannot_be_read_as_declared_is_refused_if_it_costs,
        application,
        "check_reading",
        lambda *_: None,
    ),
    "no check of two values": (
        test_two_values_for_one_name_are_refused_if_it_costs,
        application,
        "check_reading",
        lambda *_: None,
    ),
    "bodies of GET": (test_the_query_of_a_get_is_reserved_for, "request", "read", guess),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_price_from_another_reading_is_noticed(
    native: Native, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, place, attribute, mutant = MUTANTS[name]
    if place == "request":
        monkeypatch.setattr(f"gateway.api.native.request.{attribute}", mutant)
    else:
        monkeypatch.setattr(place, attribute, mutant)
    with pytest.raises(AssertionError):
        await check(native)


async def test_a_task_below_nothing_is_noticed(
    raw: Native, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_tasks, "counted", lambda units: max(0, units))
    with pytest.raises(AssertionError):
        await test_a_task_that_tells_of_less_than_nothing_stays_open(raw, upstream)


async def test_a_price_below_nothing_is_noticed(
    raw: Native, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clamped is as bad as posted."""
    monkeypatch.setattr(transit, "counted", lambda units: max(0, units))
    with pytest.raises(AssertionError):
        await test_less_than_nothing_is_a_doubt(raw, upstream)
