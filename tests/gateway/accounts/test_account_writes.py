"""What is written is sent once, checked before it travels, and its end is told as it is."""

from __future__ import annotations

from typing import Any

import pytest

from providers.transport import Transport
from tests.gateway.accounts.conftest import Desk
from tests.gateway.accounts.walk import CALLS, HOOK, LEAD, Call
from tests.gateway.api.replies import pointers, problem_of

UNKNOWN = "It was not sent again"
NEW = {"email": "grace@new.example"}
SILENCES = ("close", "reset", "charge_without_reply", "truncated")
WRITES = [(name, call) for name, calls in CALLS.items() for call in calls if call.method != "GET"]
EMPTY = {"leads.update", "leads.delete", "lists.update", "lists.delete", "webhooks.delete",
         "custom_fields.update", "custom_fields.delete"}  # fmt: skip


@pytest.mark.parametrize("kind", SILENCES)
@pytest.mark.parametrize("provider", CALLS)
async def test_a_write_without_a_readable_reply_is_502_and_sent_once(
    desk: Desk, provider: str, kind: str
) -> None:
    await desk.send("GET", f"/{provider}/account")
    for call in [call for name, call in WRITES if name == provider]:
        if kind in ("truncated", "reset") and provider == "hunter" and call.action in EMPTY:
            # There is nothing to cut off.
            continue
        desk.asked()
        desk.fault(provider, kind)
        reply = await desk.call(provider, call)
        desk.heal()
        body = problem_of(reply, 502, "all_providers_failed")
        assert UNKNOWN in body["detail"], call
        assert len(desk.asked()) == 1, call


async def test_a_read_without_a_readable_reply_says_nothing_of_that(desk: Desk) -> None:
    desk.fault("hunter", "close")
    body = problem_of(await desk.send("GET", "/hunter/leads"), 502, "all_providers_failed")
    assert UNKNOWN not in body["detail"]


async def test_a_write_that_never_left_says_nothing_of_that(desk: Desk) -> None:
    await desk.send("GET", "/hunter/account")
    desk.fault("hunter", "status", status=503)
    body = problem_of(await desk.send("POST", "/hunter/leads", NEW), 502, "all_providers_failed")
    assert UNKNOWN not in body["detail"]


async def test_what_was_done_in_silence_can_be_seen_and_is_not_done_twice(desk: Desk) -> None:
    await desk.send("GET", "/hunter/leads/1")
    desk.fault("hunter", "charge_without_reply")
    problem_of(await desk.send("POST", "/hunter/leads", NEW), 502, "all_providers_failed")
    desk.heal()
    found = await desk.send("GET", f"/hunter/leads?email={NEW['email']}")
    assert [row["email"] for row in found.json()["data"]] == [NEW["email"]]
    assert pointers(await desk.send("POST", "/hunter/leads", NEW)) == ["/email"]
    again = await desk.send("PUT", "/hunter/leads", NEW)
    assert (again.status_code, again.json()["data"]["id"]) == (200, found.json()["data"][0]["id"])


async def test_a_mutant_that_sends_a_write_again_is_caught(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Transport.handle_async_request

    async def twice(self: Transport, request: Any) -> Any:
        try:
            return await once(self, request)
        except Exception:  # noqa: BLE001 - what a client with retries does
            return await once(self, request)

    monkeypatch.setattr(Transport, "handle_async_request", twice)
    with pytest.raises(AssertionError):
        await test_a_write_without_a_readable_reply_is_502_and_sent_once(desk, "hunter", "close")


LEADS, RECIPIENTS = "/hunter/leads", "/hunter/campaigns/1/recipients"
BAD: list[tuple[str, str, Any, str]] = [
    ("POST", LEADS, {}, "/email"),
    ("POST", LEADS, {"email": "nobody"}, "/email"),
    ("POST", LEADS, {**NEW, "e_mail": 1}, "/e_mail"),
    ("POST", LEADS, {**NEW, "confidence": 101}, "/confidence"),
    ("POST", LEADS, {**NEW, "domain": "no domain"}, "/domain"),
    ("POST", LEADS, {**NEW, "linkedin_url": "https://x.example"}, "/linkedin_url"),
    ("POST", LEADS, {**NEW, "phone": "12"}, "/phone"),
    ("POST", LEADS, {**NEW, "location": {"country": "Atlantis"}}, "/location/country"),
    ("POST", LEADS, {**NEW, "first_name": "a\u0007b"}, "/first_name"),
    ("POST", LEADS, {**NEW, "custom_fields": {"x": [1]}}, "/custom_fields"),
    ("POST", LEADS, {**NEW, "list_ids": [999]}, "/list_ids"),
    ("POST", LEADS, {**NEW, "full_name": "Ana Garc\u00eda L\u00f3pez"}, "/full_name"),
    ("POST", "/snov/leads", NEW, "/list_ids"),
    ("POST", "/snov/leads", {**NEW, "list_ids": [77]}, "/list_ids"),
    ("POST", RECIPIENTS, {}, ""),
    ("POST", RECIPIENTS, {"emails": ["a@b.example"] * 51}, "/emails"),
    ("POST", RECIPIENTS, {"emails": ["x"]}, "/emails/0"),
    ("DELETE", RECIPIENTS, {"emails": []}, "/emails"),
    ("POST", "/hunter/lists", {"name": ""}, "/name"),
    ("POST", "/hunter/custom-fields", {"label": "Region"}, "/label"),
    ("POST", "/hunter/webhooks", {"url": "ftp://x.example", "event": "email.sent"}, "/url"),
    ("POST", "/hunter/webhooks", {"url": HOOK, "event": "sent"}, "/event"),
    ("PATCH", "/hunter/webhooks/1", {}, ""),
    ("POST", "/snov/do-not-email", {"items": ["x y"], "list_id": 3001}, "/items/0"),
    ("POST", "/snov/do-not-email", {"items": ["x.example"], "list_id": 1}, "/list_id"),
    ("PATCH", "/snov/campaigns/2001/recipients", {**NEW, "status": "sent"}, "/status"),
    ("GET", "/snov/campaigns/2001/events", None, "/type"),
    ("GET", "/snov/campaigns/2001/events?type=seen", None, "/type"),
    ("GET", "/snov/campaigns/2001/stats?date_from=yesterday", None, "/date_from"),
    ("GET", "/snov/campaigns/1/stats?date_from=2026-02-02&date_to=2026-01-01", None, "/date_from"),
    ("GET", "/hunter/leads?colour=red", None, "/colour"),
    ("GET", "/hunter/leads?company=a&company=b", None, "/company"),
    ("GET", "/hunter/leads?status=good", None, "/status/0"),
    ("GET", "/snov/leads?list_id=77", None, "/list_id"),
]  # fmt: skip


@pytest.mark.parametrize("method, path, body, pointer", BAD)
async def test_what_does_not_fit_is_422_at_its_place(
    desk: Desk, method: str, path: str, body: Any, pointer: str
) -> None:
    reply = await desk.send(method, path, body)
    problem = problem_of(reply, 422, "invalid_query")
    assert [fault["pointer"] or "" for fault in problem["errors"]] == [pointer]
    assert "@" not in problem["detail"].replace("ada@example.com", "")


LACKING: list[tuple[str, str, Any, str]] = [
    ("POST", LEADS, {**NEW, "location": {"city": "Berlin"}}, "/location/city"),
    ("POST", "/snov/leads", {**NEW, "list_ids": [1001], "notes": "n"}, "/notes"),
    ("PUT", "/snov/leads", {**NEW, "list_ids": [1001], "company": None}, "/company"),
    ("POST", "/hunter/webhooks", {"url": HOOK, "event": "email.bounced"}, "/event"),
    ("PATCH", "/hunter/webhooks/1", {"status": "deactivated"}, "/status"),
    ("POST", "/snov/webhooks", {"url": HOOK, "event": "lead.created"}, "/event"),
    ("PATCH", "/snov/webhooks/1", {"url": HOOK}, "/url"),
    ("GET", "/snov/leads", None, "/list_id"),
    ("GET", "/snov/leads?list_id=1001&company=x", None, "/company"),
    ("GET", "/hunter/leads?sending_status=moved", None, "/sending_status"),
    ("GET", "/hunter/campaigns/1/stats?date_from=2026-01-01", None, "/date_from"),
    ("GET", "/snov/campaigns?archived=true", None, "/archived"),
]


@pytest.mark.parametrize("method, path, body, pointer", LACKING)
async def test_what_a_provider_has_no_member_for_is_unsupported_at_its_place(
    desk: Desk, method: str, path: str, body: Any, pointer: str
) -> None:
    await desk.send("GET", f"{path[: path.index('/', 1)]}/account")
    desk.asked()
    problem = problem_of(await desk.send(method, path, body), 422, "unsupported")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert not desk.asked()


async def test_a_lead_that_is_in_the_list_already_is_a_conflict(desk: Desk) -> None:
    body = {**NEW, "list_ids": [1001]}
    assert (await desk.send("POST", "/snov/leads", body)).status_code == 201
    problem_of(await desk.send("POST", "/snov/leads", body), 409, "conflict")


async def test_a_body_with_a_delete_is_read_only_as_json(desk: Desk) -> None:
    client = desk.gateway.client
    path = "/v1/providers/hunter/campaigns/1/recipients"
    for headers, content, status in (
        ({"content-type": "application/json"}, b'{"emails": ["a@b.example"]}', 200),
        ({"content-type": "application/json"}, b"{", 400),
        ({"content-type": "application/json"}, b"x" * 3_000_000, 413),
        ({"content-type": "text/plain"}, b"emails", 422),
        ({}, b"", 422),
    ):
        reply = await client.request("DELETE", path, content=content, headers=headers)
        assert reply.status_code == status


LEAD_OF_ALL_MEMBERS: dict[str, Any] = {
    "email": "grace@new.example",
    "first_name": "Grace",
    "last_name": "Hopper",
    "job_title": "Rear Admiral",
    "company": "Navy",
    "domain": "navy.example",
    "industry": "Law & Government",
    "headcount": "10001+",
    "confidence": 97,
    "location": {"country": "US"},
    "linkedin_url": "https://www.linkedin.com/in/grace-hopper",
    "twitter": "grace",
    "phone": "+12025550143",
    "notes": "two\nlines",
    "source": "Fair",
    "custom_fields": {"region": "East", "customer_id": "5"},
}


async def test_every_member_of_a_lead_goes_in_and_comes_out(desk: Desk) -> None:
    lead = LEAD_OF_ALL_MEMBERS
    made = await desk.send("POST", LEADS, {**lead, "list_ids": ["2"]})
    assert made.status_code == 201, made.text
    number = made.json()["data"]["id"]
    path = Call("", "GET", LEAD, 200, (number,)).path("hunter").removeprefix("/v1/providers")
    read = (await desk.send("GET", path)).json()["data"]
    assert read == made.json()["data"]
    bare = {**read, "location": {"country": read["location"]["country"]}}
    assert {name: bare[name] for name in lead} == lead
    assert [one["id"] for one in read["lists"]] == ["2"]
    emptied = {"notes": None, "custom_fields": {"region": None}}
    assert (await desk.send("PATCH", path, emptied)).json()["data"] == {"id": number}
    again = (await desk.send("GET", path)).json()["data"]
    assert again == {**read, "notes": None, "custom_fields": {"customer_id": "5"}}
