"""A lookup spends what it may and no more; a verification is part of it."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    HUNTER_VERIFY,
    NOTHING,
    SIXTYFOUR_START,
    SNOV_PUSH,
    SNOV_READ,
    Scene,
    attempts,
    body_of,
    cost,
    outcome,
)

UNCERTAIN: dict[str, Any] = {"providers": ["sixtyfour"], "verify": "uncertain"}
HUNTER_VERDICT, SIXTYFOUR_HIT = Decimal("0.0245"), Decimal("0.05")


@pytest.mark.parametrize(
    "max_cost, asked",
    [
        ("0.03", [("hunter", "over_budget"), ("snov", "empty"), ("sixtyfour", "over_budget")]),
        ("0.049", [("hunter", "empty"), ("snov", "empty"), ("sixtyfour", "over_budget")]),
        ("0.08", [("hunter", "empty"), ("snov", "empty"), ("sixtyfour", "empty")]),
        ("0.079999", [("hunter", "empty"), ("snov", "empty"), ("sixtyfour", "over_budget")]),
    ],
)
async def test_max_cost_skips_what_does_not_fit(
    scene: Scene, max_cost: str, asked: list[tuple[str, str]]
) -> None:
    reply = await scene.find(scene.person(), max_cost=max_cost)
    assert [(name, why or how) for name, how, why in attempts(reply)] == asked
    assert cost(reply) == scene.billed() <= Decimal(max_cost)


async def test_money_in_doubt_counts_for_max_cost(scene: Scene) -> None:
    scene.fault("hunter", "charge_without_reply", path=HUNTER_FIND)
    reply = await scene.find(scene.person(hunter="valid", snov="valid"), max_cost="0.06")
    assert attempts(reply) == [
        ("hunter", "in_doubt", "unavailable"),
        ("snov", "skipped", "over_budget"),
        ("sixtyfour", "skipped", "over_budget"),
    ]
    assert (reply.status_code, reply.json()["in_doubt"]) == (502, "0.049")
    assert scene.billed() == Decimal("0.049")


async def test_nothing_asked_and_over_a_budget_is_402_with_the_budget(scene: Scene) -> None:
    reply = await scene.find(scene.person(), max_cost="0.01")
    assert (reply.status_code, outcome(reply)) == (402, "budget_exhausted")
    fault = reply.json()["errors"][0]
    assert (fault["budget"], fault["limit"], fault["spent"]) == ("max_cost", "0.01", "0")
    assert {why for _, _, why in attempts(reply)} == {"over_budget"}
    assert scene.charges() == 0


async def test_a_teams_budget_is_spent_to_the_last_and_not_beyond(scene: Scene) -> None:
    team = await scene.gateway.team(budget={"amount": "0.1", "period": "day"})
    async with scene.gateway.caller(await scene.gateway.key(team)) as client:
        replies = []
        for _ in range(4):
            person = scene.person(hunter="valid")
            body = {"full_name": person.full_name, "domain": person.company.domain}
            routing = {"providers": ["hunter"]}
            replies.append(await client.post("/v1/emails/find", json={**body, "routing": routing}))
    assert [reply.status_code for reply in replies] == [200, 200, 402, 402]
    assert sum(cost(reply) for reply in replies) == scene.billed() == Decimal("0.098")
    fault = replies[-1].json()["errors"][0]
    assert (fault["budget"], fault["period"], fault["spent"]) == (f"team:{team}", "day", "0.098")
    assert fault["resets_at"].endswith("Z")


async def test_a_step_waits_for_money_that_is_only_reserved(scene: Scene) -> None:
    team = await scene.gateway.team(budget={"amount": "0.049", "period": "total"})
    scene.slow_down("hunter", call=0.2)
    people, route = [scene.person(), scene.person(hunter="valid")], {"providers": ["hunter"]}
    async with scene.gateway.caller(await scene.gateway.key(team)) as client:
        bodies = [{**body_of(person), "routing": route} for person in people]
        first = asyncio.create_task(client.post("/v1/emails/find", json=bodies[0]))
        _ = await scene.simulator.app.traffic.busy.wait()
        second = await client.post("/v1/emails/find", json=bodies[1])
    assert [outcome(reply) for reply in (await first, second)] == ["empty", "accepted"]


async def test_an_uncertain_address_is_checked_by_another_provider(scene: Scene) -> None:
    person = scene.person(sixtyfour="unknown")
    reply = await scene.find(person, **UNCERTAIN)
    data, meta = reply.json()["data"], reply.json()["meta"]
    assert (data["status"], meta["outcome"], meta["provider"]) == (
        "valid",
        "accepted",
        "sixtyfour",
    )
    assert data["provenance"]["verified_by"] == "hunter"
    finder, verifier = meta["attempts"]
    assert (finder["operation"], finder["outcome"]) == ("emails.find", "weak")
    assert (verifier["operation"], verifier["outcome"]) == ("emails.verify", "accepted")
    assert (Decimal(verifier["cost"]), verifier["units"]) == (HUNTER_VERDICT, 1)
    assert cost(reply) == scene.billed() == SIXTYFOUR_HIT + HUNTER_VERDICT


@pytest.mark.parametrize(
    "claim, routing, checked",
    [
        ("unknown", {"verify": "never"}, False),
        ("catch_all", {"verify": "uncertain"}, False),
        ("valid", {"verify": "uncertain"}, False),
        ("unknown", {"verify": "uncertain", "accept": {"statuses": ["unknown"]}}, False),
        ("unknown", {"verify": "uncertain"}, True),
    ],
)
async def test_only_a_weak_unknown_is_checked(
    scene: Scene, claim: Any, routing: dict[str, Any], checked: bool
) -> None:
    await scene.find(scene.person(sixtyfour=claim), providers=["sixtyfour"], **routing)
    assert scene.requests(HUNTER_VERIFY) == checked


async def test_a_bad_verdict_makes_the_answer_a_miss_and_the_waterfall_goes_on(
    scene: Scene,
) -> None:
    person = scene.person(sixtyfour="unknown", snov="valid")
    known = scene.simulator.world.knowledge[person.id]
    known["sixtyfour"] = type(known["sixtyfour"])(
        email=f"nobody.here@{person.company.domain}",
        claim="unknown",
        confidence=40,
        stale=True,
        personal=False,
        prompt=False,
    )
    reply = await scene.find(person, providers=["sixtyfour", "snov"], verify="uncertain")
    assert [(name, how) for name, how, _ in attempts(reply)] == [
        ("sixtyfour", "weak"),
        ("hunter", "accepted"),
        ("snov", "accepted"),
    ]
    assert reply.json()["data"]["email"] == person.email
    assert cost(reply) == scene.billed()


async def test_a_verification_beyond_max_cost_is_skipped(scene: Scene) -> None:
    person = scene.person(sixtyfour="unknown")
    reply = await scene.find(person, **UNCERTAIN, max_cost="0.07")
    assert attempts(reply) == [("sixtyfour", "weak", None), ("hunter", "skipped", "over_budget")]
    assert reply.json()["data"]["status"] == "unknown"
    assert "verified_by" not in reply.json()["data"]["provenance"]
    assert cost(reply) == scene.billed() == SIXTYFOUR_HIT


async def test_a_verification_that_fails_leaves_the_answer_weak_and_incomplete(
    scene: Scene,
) -> None:
    scene.fault("hunter", "charge_without_reply", path=HUNTER_VERIFY)
    reply = await scene.find(scene.person(sixtyfour="unknown"), **UNCERTAIN)
    meta = reply.json()["meta"]
    assert attempts(reply)[1] == ("hunter", "in_doubt", "unavailable")
    assert (meta["outcome"], meta["complete"]) == ("weak", False)
    assert (Decimal(meta["cost"]), Decimal(meta["in_doubt"])) == (SIXTYFOUR_HIT, HUNTER_VERDICT)


async def test_a_verification_is_no_request_of_its_own(scene: Scene) -> None:
    team = await scene.gateway.team(rate_limit_per_minute=1)
    person = scene.person(sixtyfour="unknown")
    body = {"full_name": person.full_name, "domain": person.company.domain, "routing": UNCERTAIN}
    async with scene.gateway.caller(await scene.gateway.key(team)) as client:
        reply = await client.post("/v1/emails/find", json=body)
        again = await client.post("/v1/emails/find", json=body)
    assert (reply.status_code, outcome(reply)) == (200, "accepted")
    assert reply.headers["ratelimit"].startswith('"team";r=0')
    assert (again.status_code, outcome(again)) == (429, "rate_limited")
    assert int(again.headers["retry-after"]) <= 60


async def test_a_cached_uncertain_answer_is_checked_when_asked_to_be(scene: Scene) -> None:
    person = scene.person(sixtyfour="unknown")
    await scene.find(person, providers=["sixtyfour"])
    reply = await scene.find(person, **UNCERTAIN)
    assert reply.json()["data"]["provenance"]["verified_by"] == "hunter"
    assert (cost(reply), scene.requests(SIXTYFOUR_START)) == (HUNTER_VERDICT, 1)
    again = await scene.find(person, **UNCERTAIN)
    assert (cost(again), outcome(again)) == (NOTHING, "accepted")


async def test_an_address_whose_owner_objected_to_its_check_is_never_delivered(
    scene: Scene,
) -> None:
    person = scene.person(sixtyfour="unknown", hunter="valid")
    scene.fault("hunter", "status", path=HUNTER_VERIFY, status=451)
    reply = await scene.find(person, **UNCERTAIN)
    assert (reply.status_code, outcome(reply)) == (451, "suppressed")
    assert attempts(reply)[1] == ("hunter", "failed", "suppressed")
    bill = scene.billed()
    again = await scene.find(person, providers=["hunter"], max_age=0)
    assert again.status_code == 451
    assert scene.billed() == bill


async def test_what_snov_knows_already_is_read_for_nothing(scene: Scene) -> None:
    ready = await scene.find(scene.person(prompt=True, snov="valid"), providers=["snov"])
    assert (outcome(ready), cost(ready)) == ("accepted", NOTHING)
    assert [one["units"] for one in ready.json()["meta"]["attempts"]] == [0]
    assert (scene.requests(SNOV_READ), scene.requests(SNOV_PUSH)) == (1, 0)
    pushed = await scene.find(scene.person(snov="valid"), providers=["snov"])
    assert (outcome(pushed), cost(pushed)) == ("accepted", Decimal("0.03"))
    assert scene.requests(SNOV_PUSH) == scene.charges() == 1


async def test_many_lookups_cost_what_the_providers_bill(scene: Scene) -> None:
    people = scene.simulator.world.people[1:60]
    replies = await asyncio.gather(*[scene.find(one, verify="uncertain") for one in people])
    assert {reply.status_code for reply in replies} <= {200, 451}
    assert sum(cost(reply) for reply in replies) == scene.billed() > 0
