"""One provider after the other until an answer is accepted; weak ones kept, all paid once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from providers.simulator.knowledge import Claim
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    NOTHING,
    SIXTYFOUR_START,
    SNOV_PUSH,
    Scene,
    attempts,
    body_of,
    cost,
    outcome,
)

ALL = ["hunter", "snov", "sixtyfour"]
ORDERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["hunter", "snov", "sixtyfour"]),
    ({"order": "cheapest"}, ["snov", "hunter", "sixtyfour"]),
    ({"providers": ["sixtyfour", "snov"]}, ["sixtyfour", "snov"]),
    ({"providers": ["hunter", "snov"], "order": "cheapest"}, ["snov", "hunter"]),
]


async def test_providers_are_asked_in_the_order_of_the_route(scene: Scene) -> None:
    for routing, asked in ORDERS:
        before = scene.billed()
        reply = await scene.find(scene.person(), **routing)
        assert [name for name, how, _ in attempts(reply) if how == "empty"] == asked
        assert (reply.json()["data"], outcome(reply)) == (None, "empty")
        assert reply.json()["meta"]["complete"] is True
        assert cost(reply) == scene.billed() - before == Decimal("0.03")


async def test_an_accepted_answer_ends_the_waterfall(scene: Scene) -> None:
    person = scene.person(snov="valid", sixtyfour="valid")
    reply = await scene.find(person)
    data, meta = reply.json()["data"], reply.json()["meta"]
    assert data["email"] == person.email
    assert (meta["outcome"], meta["provider"], meta["complete"]) == ("accepted", "snov", True)
    assert attempts(reply) == [("hunter", "empty", None), ("snov", "accepted", None)]
    assert [one["units"] for one in meta["attempts"]] == [0, 1]
    assert data["provenance"]["provider"] == reply.headers["x-gateway-provider"] == "snov"
    assert cost(reply) == Decimal(meta["cost"]) == scene.billed()
    assert scene.requests(SIXTYFOUR_START) == 0


BEST: list[tuple[dict[str, Claim], dict[str, Any], str, str]] = [
    ({"hunter": "catch_all", "snov": "valid"}, {}, "snov", "accepted"),
    ({"hunter": "catch_all"}, {"statuses": ["catch_all"]}, "hunter", "accepted"),
    ({"hunter": "valid", "snov": "valid"}, {"min_confidence": 96}, "hunter", "weak"),
    ({"hunter": "valid"}, {"min_confidence": 95}, "hunter", "accepted"),
    ({"hunter": "unknown", "sixtyfour": "catch_all"}, {}, "sixtyfour", "weak"),
    ({"hunter": "catch_all", "sixtyfour": "unknown"}, {}, "hunter", "weak"),
    ({"hunter": "unknown"}, {"statuses": ["valid", "unknown"]}, "hunter", "accepted"),
    ({"hunter": "unknown", "snov": "unknown"}, {}, "hunter", "weak"),
]


async def test_the_best_answer_is_delivered(scene: Scene) -> None:
    for claims, accept, winner, how in BEST:
        before = scene.billed()
        reply = await scene.find(scene.person(claims), accept=accept)
        meta = reply.json()["meta"]
        assert (meta["provider"], meta["outcome"]) == (winner, how), claims
        assert len(attempts(reply)) == (3 if how == "weak" else ALL.index(winner) + 1)
        assert Decimal(meta["cost"]) == scene.billed() - before
        outcomes = {one["provider"]: one["outcome"] for one in meta["attempts"]}
        assert outcomes[winner] == how


@pytest.mark.parametrize(
    "asked, left_out",
    [
        ({"kind": "personal"}, {"hunter": "unsupported", "snov": "unsupported"}),
        ({"company": "Blue Harbor", "domain": None}, {"snov": "unsupported"}),
    ],
)
async def test_a_provider_that_cannot_answer_is_skipped(
    scene: Scene, asked: dict[str, Any], left_out: dict[str, str]
) -> None:
    reply = await scene.find(scene.person(), extra=asked)
    skipped = {name: why for name, how, why in attempts(reply) if how == "skipped"}
    assert skipped == left_out


async def test_a_provider_without_a_credential_is_skipped(start_scene: StartScene) -> None:
    scene = await start_scene(only=("snov",))
    reply = await scene.find(scene.person(snov="valid"))
    assert attempts(reply)[:2] == [
        ("hunter", "skipped", "no_credential"),
        ("sixtyfour", "skipped", "no_credential"),
    ]
    assert reply.json()["meta"]["provider"] == "snov"
    nobody = await scene.find(scene.person(), providers=["hunter"])
    assert (nobody.status_code, outcome(nobody)) == (503, "no_provider_configured")


async def test_what_was_bought_once_is_free_for_every_spelling(scene: Scene) -> None:
    person = scene.person(snov="valid")
    first = await scene.find(person)
    bill = scene.billed()
    names = {"first_name": person.first_name.upper(), "last_name": person.last_name.lower()}
    again = await scene.find({**names, "domain": f"https://www.{person.company.domain}/"})
    assert again.json()["data"]["email"] == first.json()["data"]["email"]
    assert again.json()["data"]["provenance"]["cached"] is True
    assert [one["cached"] for one in again.json()["meta"]["attempts"]] == [True, True]
    assert (cost(again), scene.billed()) == (NOTHING, bill)
    assert [reply.headers["x-gateway-cache"] for reply in (first, again)] == ["miss", "hit"]


async def test_a_cached_answer_is_judged_by_this_calls_accept(scene: Scene) -> None:
    person = scene.person(hunter="catch_all", snov="valid")
    liberal = {"accept": {"statuses": ["valid", "catch_all"]}}
    assert (await scene.find(person, **liberal)).json()["meta"]["provider"] == "hunter"
    strict = await scene.find(person)
    assert attempts(strict) == [("hunter", "weak", None), ("snov", "accepted", None)]
    assert cost(strict) == scene.billed("snov")
    again = await scene.find(person, **liberal)
    assert attempts(again) == [("hunter", "accepted", None)]
    assert cost(again) == 0


async def test_a_caller_who_allows_one_provider_never_gets_anothers_answer(scene: Scene) -> None:
    person = scene.person(hunter="valid")
    await scene.find(person)
    reply = await scene.find(person, providers=["snov"])
    assert attempts(reply) == [("snov", "empty", None)]


async def test_max_age_zero_bypasses_the_cache(scene: Scene) -> None:
    person = scene.person(hunter="valid")
    replies = [await scene.find(person, max_age=0) for _ in range(2)]
    assert [cost(reply) for reply in replies] == [Decimal("0.049")] * 2
    assert {reply.headers["x-gateway-cache"] for reply in replies} == {"bypass"}
    assert scene.requests(HUNTER_FIND) == 2
    assert cost(await scene.find(person)) == 0


async def test_a_failure_is_asked_again_a_miss_is_not(scene: Scene) -> None:
    person = scene.person()
    scene.fault("hunter", "status", status=503)
    first = await scene.find(person, providers=["hunter", "snov"])
    assert attempts(first) == [("hunter", "failed", "unavailable"), ("snov", "empty", None)]
    assert first.json()["meta"]["complete"] is False
    scene.heal()
    again = await scene.find(person, providers=["hunter", "snov"])
    assert [one["cached"] for one in again.json()["meta"]["attempts"]] == [False, True]
    assert again.json()["meta"]["complete"] is True
    assert scene.requests(SNOV_PUSH) == 1


@pytest.mark.parametrize("order", [["hunter", "snov"], ["snov", "hunter"]])
async def test_a_clean_miss_beside_a_failure_is_incomplete(scene: Scene, order: list[str]) -> None:
    scene.fault("hunter", "status", status=500)
    reply = await scene.find(scene.person(), providers=order)
    assert (reply.status_code, outcome(reply)) == (200, "empty")
    assert reply.json()["meta"]["complete"] is False


async def test_a_count_costs_nothing_even_with_every_budget_used_up(scene: Scene) -> None:
    budget = {"amount": "0", "period": "day"}
    team = await scene.gateway.team(budget=budget)
    client = scene.gateway.caller(await scene.gateway.key(team))
    async with client:
        body = {"domain": scene.person().company.domain}
        counted = await client.post("/v1/emails/count", json=body)
        refused = await client.post("/v1/emails/find", json=body_of(scene.person()))
    assert (counted.status_code, cost(counted)) == (200, NOTHING)
    assert counted.json()["data"]["total"] > 0
    assert (refused.status_code, outcome(refused)) == (402, "budget_exhausted")
    assert scene.billed() == 0


async def test_an_account_in_trouble_leaves_a_lookup_open_each_time(scene: Scene) -> None:
    """The first is refused, the next passes it over: either might have had the answer there."""
    scene.fault("hunter", "out_of_credits")
    told = []
    for _ in range(2):
        reply = await scene.find(scene.person(hunter="valid"), providers=["hunter", "snov"])
        told.append((attempts(reply)[0][1:], reply.json()["meta"]["complete"]))
    assert {one[0] for one in told} == {
        ("failed", "out_of_credits"),
        ("skipped", "out_of_credits"),
    }
    assert [complete for _, complete in told] == [False, False]
