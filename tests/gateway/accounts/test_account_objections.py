"""Nobody who objected is written into an account, or read out of one."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.accounts import recipients
from gateway.lookup.accounts import Keeper
from gateway.lookup.lookup import Caller
from gateway.vault.keys import SCOPES
from tests.gateway.accounts.conftest import Desk, recipient_of
from tests.gateway.api.replies import problem_of

ADA = "ada.lovelace@blue-harbor.example"


async def objected(desk: Desk) -> set[str]:
    found = await desk.store.call("SMEMBERS", "{pgw}:live:suppressed")
    return {mark.decode() for mark in found}


async def object_to(desk: Desk, email: str) -> None:
    """As a provider's 451 about them leaves it behind."""
    desk.fault("hunter", "status", status=451, path="/email-verifier")
    reply = await desk.gateway.post("/v1/emails/verify", {"email": email})
    desk.heal()
    assert reply.status_code == 451, reply.text
    assert await objected(desk)


@pytest.fixture
async def ada(desk: Desk) -> Desk:
    """Ada Lovelace, Hunter's first lead and first recipient, objects after all is seeded."""
    reply = await desk.send("GET", "/hunter/leads/1")
    assert reply.json()["data"]["email"] == ADA
    await object_to(desk, ADA)
    desk.asked()
    return desk


WRITES: list[tuple[str, str, Any, list[str]]] = [
    ("POST", "/hunter/leads", {"email": ADA}, []),
    ("POST", "/hunter/leads", {"email": "ADA.Lovelace+x@Blue-Harbor.example"}, []),
    ("PUT", "/hunter/leads", {"email": ADA}, []),
    ("PATCH", "/hunter/leads/2", {"email": ADA}, []),
    ("POST", "/snov/leads", {"email": ADA, "list_ids": ["1001"]}, []),
    ("PUT", "/snov/leads", {"email": ADA, "list_ids": ["1001"]}, []),
    (
        "POST",
        "/hunter/campaigns/2/recipients",
        {"emails": ["x@y.example", ADA, "z@y.example"]},
        ["/emails/1"],
    ),
    ("PATCH", "/snov/campaigns/2001/recipients", {"email": ADA, "status": "active"}, []),
    ("POST", "/hunter/leads", {"email": "x@y.example", "notes": f"the deputy of {ADA}"}, []),
    ("PATCH", "/hunter/leads/2", {"custom_fields": {"other": ADA.title()}}, []),
    ("GET", f"/hunter/leads?query={ADA}", None, []),
    ("GET", f"/hunter/leads?email={ADA}", None, []),
    ("GET", f"/snov/leads?email={ADA}", None, []),
]


@pytest.mark.parametrize("method, path, body, where", WRITES)
async def test_a_request_that_names_an_objector_is_451_and_never_sent(
    ada: Desk, method: str, path: str, body: Any, where: list[str]
) -> None:
    reply = await ada.send(method, path, body)
    problem = problem_of(reply, 451, "suppressed")
    assert ADA not in reply.text.lower()
    assert [
        fault["pointer"] for fault in problem["errors"] if fault["pointer"] is not None
    ] == where
    assert not ada.asked()


async def test_an_objector_behind_an_id_is_found_before_mail_is_sent(ada: Desk) -> None:
    reply = await ada.send("POST", "/hunter/campaigns/2/recipients", {"lead_ids": [2, 1]})
    problem = problem_of(reply, 451, "suppressed")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/lead_ids/1"]
    assert ada.asked() == ["GET /leads/2", "GET /leads/1"]
    fine = await ada.send("POST", "/hunter/campaigns/2/recipients", {"lead_ids": [2, 3]})
    assert fine.status_code == 201
    assert ada.asked()[-1] == "POST /campaigns/2/recipients"


async def test_an_objector_behind_an_id_is_not_written(ada: Desk) -> None:
    change = {"job_title": "Countess"}
    problem_of(await ada.send("PATCH", "/hunter/leads/1", change), 451, "suppressed")
    assert ada.asked() == ["GET /leads/1"]
    assert (await ada.send("PATCH", "/hunter/leads/2", change)).status_code == 200
    problem_of(await ada.send("PATCH", "/hunter/leads/999999", change), 404, "not_found")


async def test_an_objector_is_taken_out_of_lists_and_single_answers(ada: Desk) -> None:
    for path in ("/hunter/leads?limit=100", "/hunter/campaigns/1/recipients?limit=100"):
        reply = await ada.send("GET", path)
        assert reply.status_code == 200
        assert reply.json()["data"]
        assert ADA not in reply.text, path
    problem_of(await ada.send("GET", "/hunter/leads/1"), 451, "suppressed")


async def test_events_and_prospects_of_objectors_are_taken_out(desk: Desk) -> None:
    somebody = recipient_of(desk.simulator)
    lead = await desk.send("GET", f"/snov/leads?email={somebody}")
    [prospect] = lead.json()["data"]
    before = {}
    for kind in ("sent", "opened", "clicked", "replied", "finished"):
        reply = await desk.send("GET", f"/snov/campaigns/2001/events?type={kind}&limit=100")
        before[kind] = [row["email"] for row in reply.json()["data"]]
    assert somebody in before["sent"]
    await object_to(desk, somebody)
    for kind, emails in before.items():
        reply = await desk.send("GET", f"/snov/campaigns/2001/events?type={kind}&limit=100")
        kept = [row["email"] for row in reply.json()["data"]]
        assert kept == [email for email in emails if email != somebody], kind
    listed = await desk.send("GET", "/snov/leads?list_id=1001&limit=100")
    assert somebody not in listed.text
    assert prospect["id"] not in listed.text


async def test_what_stops_mail_stays_open_to_objectors(ada: Desk) -> None:
    cancel = await ada.send("DELETE", "/hunter/campaigns/1/recipients", {"emails": [ADA]})
    assert cancel.status_code == 200
    block = {"items": [ADA], "list_id": "3001"}
    assert (await ada.send("POST", "/snov/do-not-email", block)).status_code == 201
    somebody = recipient_of(ada.simulator)
    await object_to(ada, somebody)
    path = "/snov/campaigns/2001/recipients"
    for status, expected in (("unsubscribed", 200), ("paused", 200), ("active", 451)):
        reply = await ada.send("PATCH", path, {"email": somebody, "status": status})
        assert reply.status_code == expected, status
    assert (await ada.send("DELETE", "/hunter/leads/1")).status_code == 204


DOMAIN = "rival.example"


async def test_only_administrators_suppress_whole_domains(desk: Desk) -> None:
    """The provider is told of them whoever asks, and the reply says what is suppressed here."""
    key = await desk.gateway.key(await desk.gateway.team(), "accounts:write")
    block = {"items": [DOMAIN, "grace@new.example"], "list_id": "3001"}
    headers = {"authorization": f"Bearer {key}"}
    reply = await desk.send("POST", "/snov/do-not-email", block, headers=headers)
    assert reply.json()["meta"]["suppressed"] == ["grace@new.example"]
    assert desk.asked() == ["POST /v1/do-not-email-list"]
    marks = await objected(desk)
    assert marks
    assert not any(mark.startswith("domain:") for mark in marks)
    block["items"] = [DOMAIN]
    reply = await desk.send("POST", "/snov/do-not-email", block)
    assert reply.json()["meta"]["suppressed"] == [DOMAIN]
    assert f"domain:{DOMAIN}" in await objected(desk)


async def test_a_mutant_that_takes_everybody_for_an_administrator_is_caught(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyone = Caller(team="default", key="", scopes=frozenset(SCOPES))
    monkeypatch.setattr(recipients, "caller_of", lambda _scope: everyone)
    with pytest.raises(AssertionError):
        await test_only_administrators_suppress_whole_domains(desk)


async def test_a_recipient_whom_the_provider_calls_claimed_has_objected(desk: Desk) -> None:
    claimed = next(one.email for one in desk.simulator.world.people if one.claimed)
    assert not await objected(desk)
    reply = await desk.send(
        "POST", "/hunter/campaigns/2/recipients", {"emails": [claimed, "x@y.example"]}
    )
    assert reply.json()["data"] == {
        "added": 1,
        "skipped": [{"email": claimed, "reason": "suppressed"}],
    }
    assert len(await objected(desk)) == 1
    for method, path, sent in (
        ("POST", "/v1/emails/verify", {"email": claimed.replace("@", "+tag@")}),
        ("POST", "/v1/providers/snov/leads", {"email": claimed, "list_ids": ["1001"]}),
    ):
        again = await desk.gateway.client.request(method, path, json=sent)
        problem_of(again, 451, "suppressed")


async def test_a_providers_451_is_remembered(desk: Desk) -> None:
    desk.fault("hunter", "status", status=451)
    problem_of(await desk.send("POST", "/hunter/leads", {"email": ADA}), 451, "suppressed")
    desk.heal()
    assert await objected(desk)
    problem_of(await desk.send("PUT", "/hunter/leads", {"email": ADA}), 451, "suppressed")
    [entry] = await desk.entries()
    assert (entry["state"], entry["reason"]) == ("voided", "suppressed")


async def test_a_mutant_that_keeps_objectors_in_lists_is_caught(
    ada: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def everyone(_self: Keeper, rows: list[Any]) -> list[Any]:
        return rows

    monkeypatch.setattr(Keeper, "without_objectors", everyone)
    with pytest.raises(AssertionError):
        await test_an_objector_is_taken_out_of_lists_and_single_answers(ada)


async def test_a_mutant_that_names_nobody_is_caught(
    ada: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "marks", lambda _self, _row: [])
    for method, path, body, where in WRITES:
        with pytest.raises(AssertionError):
            await test_a_request_that_names_an_objector_is_451_and_never_sent(
                ada, method, path, body, where
            )
        ada.asked()


async def test_an_objection_by_profile_or_name_holds_as_well(desk: Desk) -> None:
    """In whatever spelling it was made; the lead is Hunter's own."""
    lead = (await desk.send("GET", "/hunter/leads/1")).json()["data"]
    slug = lead["linkedin_url"].rpartition("/")[2]
    objections: list[dict[str, Any]] = [
        {"linkedin_url": f"http://de.linkedin.com/in/{slug.upper()}/?x=1"},
        {"full_name": "LOVELACE, Ada", "domain": "https://www.Blue-Harbor.example/"},
        {"full_name": "Ada Lovelace", "company": lead["company"].upper()},
    ]
    for query in objections:
        await desk.store.call("DEL", "{pgw}:live:suppressed")
        listed = await desk.send("GET", "/hunter/leads?limit=100")
        assert ADA in listed.text
        desk.fault("sixtyfour", "status", status=451)
        body = {**query, "routing": {"providers": ["sixtyfour"], "max_age": 0}}
        problem_of(await desk.gateway.post("/v1/emails/find", body), 451, "suppressed")
        desk.heal()
        listed = await desk.send("GET", "/hunter/leads?limit=100")
        assert listed.json()["data"]
        assert ADA not in listed.text, query
        problem_of(await desk.send("GET", "/hunter/leads/1"), 451, "suppressed")


async def test_an_objection_of_a_domain_holds_for_all_below_it(desk: Desk) -> None:
    domain = "blue-harbor.example"
    await desk.store.call("SADD", "{pgw}:live:suppressed", f"domain:{domain}")
    listed = await desk.send("GET", "/hunter/leads?limit=100")
    below = [one["email"] for one in listed.json()["data"] if one["email"].endswith(domain)]
    assert listed.json()["data"]
    assert not below
    body = {"email": "anybody@sales.blue-harbor.example"}
    problem_of(await desk.send("POST", "/hunter/leads", body), 451, "suppressed")
    body = {"email": "anybody@elsewhere.example", "domain": "blue-harbor.example"}
    problem_of(await desk.send("POST", "/hunter/leads", body), 451, "suppressed")
    fine = await desk.send("POST", "/hunter/leads", {"email": "anybody@elsewhere.example"})
    assert fine.status_code == 201


async def test_a_451_about_several_is_held_against_none_of_them(desk: Desk) -> None:
    """Nor does it ever close a whole domain."""
    desk.fault("hunter", "status", status=451)
    several = {"emails": [ADA, "grace@new.example"]}
    reply = await desk.send("POST", "/hunter/campaigns/2/recipients", several)
    problem_of(reply, 451, "suppressed")
    problem_of(await desk.send("GET", "/hunter/leads?last_name=Lovelace"), 451, "suppressed")
    assert not await objected(desk)
    problem_of(await desk.send("POST", "/hunter/leads", {"email": ADA}), 451, "suppressed")
    assert len(await objected(desk)) == 1
    assert not any(mark.startswith("domain:") for mark in await objected(desk))
