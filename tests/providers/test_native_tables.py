"""The tables of native paths: what they match, who may ask, and what a reply says it cost."""

from __future__ import annotations

from typing import Any

import pytest

from providers.errors import TaskFailed
from providers.hunter import Hunter
from providers.letrics import Letrics
from providers.native import Asked, NativeApi, NativePath
from providers.registry import ADAPTERS, native_capabilities
from providers.sixtyfour import Sixtyfour
from providers.snov import Snov


def row(provider: Any, method: str, path: str) -> NativePath:
    found: NativePath | None = provider.native.match(method, path).path
    assert found is not None
    return found


def charged(provider: Any, name: str, body: Any, status: int = 200, **fields: Any) -> int:
    method, path = name.split(" ")
    tell = row(provider, method, path).charged
    assert tell is not None
    return tell(Asked(fields=fields), status, body)


def worst(provider: Any, name: str, **fields: Any) -> int:
    method, path = name.split(" ")
    return row(provider, method, path).worst(Asked(fields=fields))


@pytest.mark.parametrize(
    "path, template",
    [
        ("/leads/12", "/leads/{id}"),
        ("/leads/exist", "/leads/exist"),
        ("/leads/12/", "/leads/{id}"),
        ("/Leads/12.json", "/leads/{id}"),
        ("/leads-lists", "/leads_lists"),
        ("/leads%5Flists", "/leads_lists"),
        ("/leads_lists.xml", "/leads_lists"),
        ("/sequences/1/follow_ups/2", "/sequences/{id}/follow-ups/{step}"),
        ("/leads/1/2", None),
        ("/", None),
        ("/lead", None),
    ],
)
def test_a_path_is_known_in_every_spelling(path: str, template: str | None) -> None:
    found = Hunter.native.match("GET", path)
    assert (found.path.template if found.path else None) == template


def test_open_segments_keep_what_was_sent() -> None:
    found = Hunter.native.match("GET", "/logos/Blue-Harbor.example")
    assert found.segments == {"domain": "Blue-Harbor.example"}
    found = Hunter.native.match("GET", "/leads/a%20b")
    assert found.segments == {"id": "a b"}


@pytest.mark.parametrize(
    "provider, method, path, access",
    [
        (Hunter, "GET", "/companies/find", ""),
        (Hunter, "GET", "/companies", "read"),
        (Hunter, "PUT", "/tags/1", "write"),
        (Hunter, "GET", "/team/members/1", "secret"),
        (Hunter, "GET", "/anything", ""),
        (Snov, "POST", "/v1/get-prospect-by-id", "read"),
        (Snov, "POST", "/v2/domain-search/prospects/start", ""),
        (Snov, "DELETE", "/v1/prospects/1", "write"),
        (Snov, "GET", "/v1/oauth/token", "secret"),
        (Sixtyfour, "POST", "/find-phone", ""),
        (Letrics, "GET", "/api-keys", "secret"),
    ],
)
def test_paths_that_no_table_has_are_judged_by_their_words(
    provider: Any, method: str, path: str, access: str
) -> None:
    assert provider.native.match(method, path).access == access


def test_a_provider_without_a_table_knows_nothing() -> None:
    found = NativeApi().match("GET", "/x/y")
    assert (found.path, found.access) == (None, "")
    assert NativeApi().match("GET", "/secrets").access == "secret"


@pytest.mark.parametrize(
    "name, fields, units",
    [
        ("GET /domain-search", {}, 1000),
        ("GET /domain-search", {"limit": "10"}, 1000),
        ("GET /domain-search", {"limit": 11}, 2000),
        ("GET /domain-search", {"limit": "100"}, 10_000),
        ("GET /domain-search", {"limit": "9999"}, 10_000),
        ("GET /domain-search", {"limit": "many"}, 10_000),
        ("GET /domain-search", {"limit": "-1"}, 10_000),
        ("GET /domain-search", {"limit": "٣"}, 10_000),
        ("GET /email-finder", {}, 1000),
        ("GET /account", {}, 0),
    ],
)
def test_hunters_worst(name: str, fields: dict[str, Any], units: int) -> None:
    assert worst(Hunter, name, **fields) == units


def test_hunters_charges() -> None:
    addresses: dict[str, Any] = {"data": {"emails": [{}] * 11}}
    assert charged(Hunter, "GET /domain-search", addresses) == 2000
    assert charged(Hunter, "GET /domain-search", {"data": {"emails": []}}) == 0
    assert charged(Hunter, "GET /email-finder", {"data": {"email": None}}) == 0
    for status in ("valid", "invalid", "accept_all"):
        assert charged(Hunter, "GET /email-verifier", {"data": {"status": status}}) == 1000
    for status in ("webmail", "disposable", "unknown"):
        assert charged(Hunter, "GET /email-verifier", {"data": {"status": status}}) == 0
    for code in (202, 222):
        assert charged(Hunter, "GET /email-verifier", {"errors": []}, code) == 0


@pytest.mark.parametrize(
    "provider, name, body",
    [
        (Hunter, "GET /email-finder", {"data": {"mail": "a@b.example"}}),
        (Hunter, "GET /email-finder", {"data": None}),
        (Hunter, "GET /email-verifier", {}),
        (Hunter, "GET /domain-search", []),
        (Snov, "POST /v1/add-names-to-find-emails", {"sent": True}),
        (Sixtyfour, "POST /find-email", {"name": "Ada"}),
        (Letrics, "POST /contacts", {"rows": []}),
    ],
)
def test_a_reply_without_its_decisive_field_has_no_price(
    provider: Any, name: str, body: Any
) -> None:
    """It trips, and so it is a doubt."""
    with pytest.raises((KeyError, TypeError)):
        charged(provider, name, body)


def test_snovs_charges() -> None:
    names = "POST /v1/add-names-to-find-emails"
    assert charged(Snov, names, {"success": True, "sent": True}) == 1000
    assert charged(Snov, names, {"success": True, "sent": False}) == 0
    assert charged(Snov, names, {"success": False}) == 0
    pushed = {"success": True, "a@b.example": {"sent": True}, "c@d.example": {"sent": False}}
    two = ["a@b.example", "c@d.example"]
    check = "POST /v1/add-emails-to-verification"
    assert charged(Snov, check, pushed, emails=two) == 1000
    assert charged(Snov, check, {"success": True}, emails=two) == 2000
    assert charged(Snov, check, {"success": False}, emails=two) == 0
    assert worst(Snov, check, emails=two) == 2000
    assert worst(Snov, check, emails=["x"] * 99) == 10_000
    assert worst(Snov, "POST /v2/emails-by-domain-by-name/start", rows=[{}] * 3) == 3000


@pytest.mark.parametrize(
    "body, units",
    [
        ({"status": "in progress", "data": []}, None),
        ({"status": "in_progress", "data": []}, None),
        ({"status": "queued", "data": []}, None),
        ({"status": "Completed", "data": {"company_name": "x"}}, 1000),
        ({"status": "completed", "data": []}, 0),
        ({"status": "not_enough_credits", "data": []}, 0),
    ],
)
def test_snovs_tasks(body: Any, units: int | None) -> None:
    task = row(Snov, "POST", "/v2/domain-search/start").task
    assert task is not None
    assert task.charged(body) == units


def test_a_task_that_failed_is_a_doubt() -> None:
    for provider, path, body in (
        (Snov, "/v2/domain-search/start", {"status": "failed", "data": []}),
        (Sixtyfour, "/find-email-async", {"status": "cancelled"}),
        (Sixtyfour, "/find-email-async", {"status": "completed", "result": {}}),
    ):
        task = row(provider, "POST", path).task
        assert task is not None
        with pytest.raises(TaskFailed) as raised:
            task.charged(body)
        assert raised.value.uncertain


def test_sixtyfours_charges() -> None:
    one, many = "POST /find-email", "POST /find-email-bulk"
    found, missed = [["a@b.example", "OK", "COMPANY"]], [["", "NOT_FOUND", "COMPANY"]]
    assert charged(Sixtyfour, one, {"email": found, "cost_cents": 5}) == 5000
    assert charged(Sixtyfour, one, {"email": found, "cost_cents": 0}) == 0
    assert charged(Sixtyfour, one, {"email": found}) == 5000
    assert charged(Sixtyfour, one, {"email": missed}) == 0
    assert charged(Sixtyfour, one, {"email": []}) == 0
    personal = {"email": found, "personal_email": found}
    assert charged(Sixtyfour, one, personal, mode="personal") == 20_000
    batch = [{"cost_cents": 5}, {"cost_cents": 2.5}]
    assert charged(Sixtyfour, many, batch) == charged(Sixtyfour, many, {"results": batch}) == 7500
    assert worst(Sixtyfour, many, leads=[{}] * 3) == 15_000
    assert worst(Sixtyfour, many, leads=[{}] * 3, mode="Personal") == 60_000
    assert worst(Sixtyfour, many, leads=[{}] * 3, mode="new one") == 60_000
    assert worst(Sixtyfour, many, leads=[{}] * 500) == 500_000
    task = row(Sixtyfour, "POST", "/find-email-async").task
    assert task is not None
    assert task.charged({"status": "RUNNING"}) is None
    assert task.charged({"status": "failed", "charge_amount": 0}) == 0


def test_the_same_search_is_the_same_however_it_is_written() -> None:
    once = row(Snov, "POST", "/v2/domain-search/prospects/start").once
    assert once is not None
    plain = once(Asked(fields={"domain": "blue.example", "positions": ["CTO", "CEO"]}))
    assert (
        once(Asked(fields={"domain": "https://www.Blue.example/", "positions": "CEO,CTO"}))
        == plain
    )
    assert once(Asked(fields={"domain": "blue.example", "page": "2"})) != plain
    other = row(Snov, "POST", "/v2/domain-search/start").once
    assert other is not None
    assert other(Asked(fields={"domain": "blue.example"})) != plain


def test_the_capabilities_have_every_path_once() -> None:
    rows = native_capabilities()
    named = [(row.provider, path) for row in rows for path in row.paths]
    assert len(named) == len(set(named)) == sum(len(a.native.paths) for a in ADAPTERS.values())
    [verifier] = [row for row in rows if row.unit == "verification"]
    assert (verifier.charged, verifier.paths) == ("its reply", ("GET /email-verifier",))
    assert all(bool(row.unit) is bool(row.charged) for row in rows)


@pytest.mark.parametrize("provider", ADAPTERS.values())
def test_every_row_is_sound(provider: Any) -> None:
    """Paid ones say when they are charged, in a unit that has a price; tasks can be read."""
    names = [one.name for one in provider.native.paths]
    assert len(names) == len(set(names))
    units = {offer.unit for offer in provider.offers.values()}
    for one in provider.native.paths:
        assert one.template.startswith("/")
        assert bool(one.unit) is bool(one.charged or one.task), one.name
        assert not (one.charged and one.task), one.name
        if one.unit:
            assert one.unit in units, one.name
            assert one.worst(Asked()) > 0, one.name
        if one.task:
            path = one.task.result.partition("?")[0].replace("{task}", "x")
            reader = provider.native.match("GET", path).path
            assert reader is not None, one.name
            assert reader.reads, one.name
