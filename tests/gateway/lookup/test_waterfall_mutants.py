"""The properties of whole lookups, with the scripts broken on purpose: each must notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from gateway.store.script import Script
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import HUNTER_FIND, SNOV_PUSH, Scene, body_of, cost
from tests.gateway.lookup.test_waterfall_flights import crowd

Check = Callable[[Scene], Awaitable[None]]


async def a_crowd_pays_once(scene: Scene) -> None:
    scene.slow_down("hunter", call=0.1)
    await crowd(scene, scene.person(hunter="valid"))
    assert scene.requests(HUNTER_FIND) == 1


async def a_budget_holds(scene: Scene) -> None:
    team = await scene.gateway.team(budget={"amount": "0.05", "period": "day"})
    async with scene.gateway.caller(await scene.gateway.key(team)) as client:
        for _ in range(2):
            await client.post("/v1/emails/find", json=body_of(scene.person(hunter="valid")))
    assert scene.billed() == Decimal("0.049")


async def an_objection_is_final(scene: Scene) -> None:
    person = scene.person(hunter="valid", snov="valid")
    scene.fault("hunter", "status", status=451)
    await scene.find(person)
    reply = await scene.find(person, providers=["snov"])
    assert reply.status_code == 451
    assert scene.requests(SNOV_PUSH) == 0


async def an_answer_is_bought_once(scene: Scene) -> None:
    person = scene.person(hunter="valid")
    replies = [await scene.find(person) for _ in range(2)]
    assert sum(map(cost, replies)) == scene.billed() == Decimal("0.049")


MUTANTS: list[tuple[Check, str, str]] = [
    (a_crowd_pays_once, "cached(a, s, now) or flight(a, s, now)", "cached(a, s, now)"),
    (a_budget_holds, "if not budget and not meter then", "if true then"),
    (an_objection_is_final, "if objected(a.root, a.persons)", "if false"),
    (an_answer_is_bought_once, "cached(a, s, now) or flight(a, s, now)", "flight(a, s, now)"),
]


@pytest.mark.parametrize("check", dict.fromkeys(mutant[0] for mutant in MUTANTS))
async def test_a_lookup_on_the_scripts_as_they_are_passes(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check, old, new", MUTANTS)
async def test_a_lookup_on_broken_scripts_is_caught(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch, check: Check, old: str, new: str
) -> None:
    load = Script.load

    def broken(name: str) -> Script:
        return Script.of(name, load(name).source.replace(old, new))

    monkeypatch.setattr(Script, "load", broken)
    scene = await start_scene()
    with pytest.raises(AssertionError):
        await check(scene)
