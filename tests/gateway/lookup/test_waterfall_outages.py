"""The store goes away in the middle: nothing is bought twice, nothing stays reserved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from gateway.money.ledger import Ledger
from gateway.money.terms import Admission
from gateway.store.connection import Store, StoreDown
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import make_settings, running_gateway
from tests.gateway.lookup.scene import HUNTER_FIND, NOTHING, Scene, attempts, cost, outcome, until
from tests.gateway.money.books import audit, entries, open_entries, spent
from tests.gateway.store.conftest import Serve, Served, serve

__all__ = ["serve"]


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()


@pytest.fixture
async def scene_on(served: Served, simulator: RunningSimulator) -> AsyncIterator[Scene]:
    """A scene on a store of its own that can be frozen."""
    store = await Store.connect(served.url, timeout=5)
    settings = make_settings(served.url, simulator, store_timeout_ms=150)
    async with running_gateway(settings, simulator) as gateway:
        yield Scene(gateway, simulator, store)
    await audit(store)
    await store.close()


async def test_an_answer_that_could_not_be_settled_costs_nothing_when_asked_again(
    scene_on: Scene, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.counter.SETTLE_PATIENCE", 0.3)
    scene, person = scene_on, scene_on.person(hunter="valid")

    async def freeze(_self: Any, settlement: Any, **_: Any) -> Admission:
        monkeypatch.undo()
        served.freeze()
        return await settle(_self, settlement, **_)

    settle = Ledger.settle
    monkeypatch.setattr(Ledger, "settle", freeze)
    monkeypatch.setattr("gateway.lookup.counter.SETTLE_PATIENCE", 0.3)
    reply = await scene.find(person)
    assert (reply.status_code, outcome(reply)) == (503, "ledger_unavailable")
    assert int(reply.headers["retry-after"]) >= 1
    served.thaw()

    async def posted() -> bool:
        return bool((await spent(scene.store))["posted"])

    await until(posted)
    again = await scene.find(person)
    assert (again.status_code, cost(again), outcome(again)) == (200, NOTHING, "accepted")
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1


async def test_a_store_that_is_slow_to_reserve_leaves_no_reservation(
    scene_on: Scene, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim waits in its socket: it may be run before or after the void that withdraws it."""
    monkeypatch.setattr("gateway.store.condition.LULL", 0)
    for _ in range(3):
        served.freeze()
        person = scene_on.person(hunter="valid")
        reply = await scene_on.find(person, providers=["hunter"])
        assert (reply.status_code, outcome(reply)) == (503, "ledger_unavailable")
        served.thaw()
        again = await scene_on.find(person, providers=["hunter"])
        assert (again.status_code, cost(again)) == (200, Decimal("0.049"))

    async def quiet() -> bool:
        return await open_entries(scene_on.store) == []

    await until(quiet)
    assert +(await spent(scene_on.store)) == {"posted": 147_000}
    assert scene_on.charges() == 3


def lose_replies(monkeypatch: pytest.MonkeyPatch, script: str, times: int = 1) -> list[str]:
    """The script runs, its reply is lost. Returns those that were."""
    run, lost = Ledger._run, list[str]()

    async def lossy(self: Ledger, name: str, *args: bytes) -> Admission:
        found = await run(self, name, *args)
        if name == script and len(lost) < times:
            lost.append(name)
            raise StoreDown("the reply was lost")
        return found

    monkeypatch.setattr(Ledger, "_run", lossy)
    return lost


async def test_a_lost_settlement_is_told_again_and_the_next_step_runs_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = lose_replies(monkeypatch, "settle", times=2)
    person = scene.person(sixtyfour="valid")
    reply = await scene.find(person)
    assert len(lost) == 2
    assert [how for _, how, _ in attempts(reply)] == ["empty", "empty", "accepted"]
    assert cost(reply) == scene.billed() == Decimal("0.08")
    assert await open_entries(scene.store) == []


async def test_a_step_reserved_by_a_settlement_given_up_is_withdrawn(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.counter.SETTLE_PATIENCE", 0.1)
    lose_replies(monkeypatch, "settle", times=3)
    person = scene.person(snov="valid")
    reply = await scene.find(person, providers=["sixtyfour", "hunter", "snov"])
    assert (reply.status_code, outcome(reply)) == (503, "ledger_unavailable")

    async def withdrawn() -> bool:
        states = sorted(row["state"] for row in await entries(scene.store))
        return states == ["posted", "voided"]

    await until(withdrawn)
    assert scene.requests(HUNTER_FIND) == 0
    again = await scene.find(person, providers=["sixtyfour", "hunter", "snov"])
    assert cost(again) == scene.billed() == Decimal("0.03")


async def test_a_reservation_whose_reply_was_lost_is_withdrawn(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_replies(monkeypatch, "admit")
    person = scene.person(hunter="valid")
    reply = await scene.find(person)
    assert (reply.status_code, outcome(reply)) == (503, "ledger_unavailable")
    again = await scene.find(person)
    assert (outcome(again), cost(again)) == ("accepted", Decimal("0.049"))
    assert scene.requests(HUNTER_FIND) == 1
    assert await open_entries(scene.store) == []


async def test_a_store_lost_after_a_purchase_does_not_hide_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise StoreDown("away")

    person = scene.person(hunter="valid")
    with monkeypatch.context() as patch:
        patch.setattr("gateway.lookup.descent.withhold", away)
        reply, free = await scene.find(person), await scene.find(person)
    for refused in (reply, free):
        assert (refused.status_code, outcome(refused)) == (503, "ledger_unavailable")
    assert "nothing is bought" not in reply.json()["detail"]
    assert "What was bought is kept" in reply.json()["detail"]
    assert cost(reply) == Decimal("0.049")
    assert (cost(free), "nothing is bought" in free.json()["detail"]) == (NOTHING, True)
    again = await scene.find(person)
    assert (cost(again), outcome(again)) == (NOTHING, "accepted")
