"""Many ask the same at once: one pays, all share what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from gateway.lookup.flights import REMEMBERED, Flights
from gateway.store.connection import Store
from providers.simulator.population import Person
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    SIXTYFOUR_START,
    SNOV_PUSH,
    SNOV_READ,
    Scene,
    cost,
    outcome,
    until,
)
from tests.gateway.money.books import ROOT

CROWD = 50


async def crowd(scene: Scene, person: Person, **routing: Any) -> Counter[Any]:
    """What becomes of each of CROWD identical lookups."""
    found = await asyncio.gather(*[scene.find(person, **routing) for _ in range(CROWD)])
    return Counter((outcome(reply), cost(reply)) for reply in found)


async def test_a_crowd_pays_once(scene: Scene) -> None:
    scene.slow_down("hunter", call=0.1)
    person = scene.person(hunter="valid")
    assert await crowd(scene, person) == {
        ("accepted", Decimal("0.049")): 1,
        ("accepted", Decimal(0)): CROWD - 1,
    }
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1


async def test_a_crowd_that_bypasses_the_cache_shares_what_is_bought_meanwhile(
    scene: Scene,
) -> None:
    scene.slow_down("hunter", call=0.2)
    await crowd(scene, scene.person(hunter="valid"), max_age=0)
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1


@pytest.mark.parametrize(
    "provider, kind, options, how, path",
    [
        ("hunter", "status", {"status": 500}, "all_providers_failed", HUNTER_FIND),
        ("hunter", "charge_without_reply", {}, "all_providers_failed", HUNTER_FIND),
        ("snov", "status", {"path": SNOV_READ, "status": 451}, "suppressed", SNOV_READ),
    ],
)
async def test_a_crowd_shares_a_failure(
    scene: Scene, provider: str, kind: str, options: dict[str, Any], how: str, path: str
) -> None:
    scene.slow_down(provider, call=0.1)
    scene.fault(provider, kind, **options)
    assert await crowd(scene, scene.person(), providers=[provider]) == {(how, Decimal(0)): CROWD}
    assert scene.requests(path) == 1


async def test_a_crowd_shares_a_paid_failure(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.tickets.CEILING", 0.2)
    person = scene.person(snov="valid")
    asked = asyncio.create_task(crowd(scene, person, providers=["snov"]))
    await scene.charged()
    scene.fault("snov", "status", path=SNOV_READ, status=400)
    assert await asked == {
        ("all_providers_failed", Decimal("0.03")): 1,
        ("all_providers_failed", Decimal(0)): CROWD - 1,
    }
    assert scene.requests(SNOV_PUSH) == 1


async def test_a_crowd_goes_down_the_waterfall_together(scene: Scene) -> None:
    scene.slow_down("hunter", call=0.1)
    scene.fault("hunter", "status", status=500)
    person = scene.person(sixtyfour="valid")
    found = await crowd(scene, person, providers=["hunter", "snov", "sixtyfour"])
    assert sum(found.values()) == found.total() == CROWD
    assert {how for how, _ in found} == {"accepted"}
    assert [scene.requests(path) for path in (HUNTER_FIND, SNOV_PUSH, SIXTYFOUR_START)] == [1] * 3
    assert sum(paid * times for (_, paid), times in found.items()) == scene.billed()


async def test_a_crowd_over_two_gateways_pays_once(scene: Scene, start_scene: StartScene) -> None:
    other = await start_scene()
    scene.slow_down("hunter", call=0.1)
    person = scene.person(hunter="valid")
    found = await asyncio.gather(crowd(scene, person), crowd(other, person))
    assert sum(found, Counter()).total() == 2 * CROWD
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1


async def test_a_crowd_over_a_small_budget_never_exceeds_it(scene: Scene) -> None:
    team = await scene.gateway.team(budget={"amount": "0.15", "period": "month"})
    scene.slow_down("hunter", call=0.05)
    people = [scene.person(hunter="valid") for _ in range(12)]
    async with scene.gateway.caller(await scene.gateway.key(team)) as client:
        bodies = [
            {"full_name": one.full_name, "domain": one.company.domain,
             "routing": {"providers": ["hunter"]}}
            for one in people
        ]  # fmt: skip
        work = [client.post("/v1/emails/find", json=body) for body in bodies]
        codes = Counter([reply.status_code for reply in await asyncio.gather(*work)])
    assert codes == {200: 3, 402: 9}
    assert scene.billed() == Decimal("0.147")


async def test_a_joiner_takes_over_from_an_owner_who_died(scene: Scene, store: Store) -> None:
    """The owner's process is played by its entry alone."""
    person = scene.person(hunter="valid")
    scene.slow_down("hunter", call=0.3)
    first = asyncio.create_task(scene.find(person, providers=["hunter"]))

    async def under_way() -> list[bytes]:
        return [name async for name in store.scan(f"{ROOT}flight:*")]

    flight = (await until(under_way))[0].decode()
    await first
    await store.call("DEL", f"{ROOT}cache:{flight.rpartition(':')[2]}")
    dead = await abandoned(store, flight, state="reserved")
    reply = await scene.find(person, providers=["hunter"])
    assert (outcome(reply), cost(reply)) == ("accepted", Decimal("0.049"))
    assert await store.call("HGET", dead, "reason") == b"expired"


async def abandoned(store: Store, flight: str, *, state: str) -> str:
    """A reservation whose owner has half a second to live."""
    seconds, micros = await store.call("TIME")
    until = int(seconds) * 1000 + int(micros) // 1000 + 500
    key = f"{ROOT}entry:res_dead"
    fields = ("state", state, "slot", flight.rpartition(":")[2], "until", until, "ticket", "")
    rest = ("worst_cost", 0, "cost", 0, "balances", "", "lookup", "x", "free", 0, "joined", 0)
    await store.call("HSET", key, *fields, *rest)
    await store.call("SET", flight, "res_dead")
    return key


async def test_a_landing_heard_before_the_wait_ends_it_at_once() -> None:
    flights = Flights()
    flights._landed(b"res_a")
    async with asyncio.timeout(1):
        await flights.wait("res_a", 30)
        await flights.wait("res_a", 30)
    for number in range(REMEMBERED):
        flights._landed(f"res_{number}".encode())
    waiting = asyncio.create_task(flights.wait("res_a", 30))
    await asyncio.sleep(0)
    assert not waiting.done()
    flights._landed(b"res_a")
    async with asyncio.timeout(1):
        await waiting
    assert not flights._waiters
