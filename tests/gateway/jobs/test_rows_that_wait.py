"""Rows that wait for others, for a seat and for a permit keep what is reserved for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.guard.breakers import Breakers
from gateway.lookup import calls, departures, leases
from gateway.lookup.batching import Batches
from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from providers.errors import Unavailable
from tests.gateway.jobs.conftest import StartWorker, Worker
from tests.gateway.jobs.rows import people, stage, submit
from tests.gateway.jobs.test_rows_in_one_request import (
    MANY,
    ROWS,
    paced_worker,
    patience,
    see_booked_as_billed,
)
from tests.gateway.lookup.scene import SIXTYFOUR_START, Scene
from tests.gateway.lookup.waits import Event, Waits, waiting
from tests.gateway.money.books import ROOT, ending
from tests.gateway.money.conftest import clocked, ledger

__all__ = ["clocked", "ledger", "patience", "stage"]

# Nearly as long as a reservation lives.
LONG = 70.0


@pytest.fixture
def waits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Waits:
    """No row is taken for one of a dead process meanwhile."""
    monkeypatch.setattr("gateway.jobs.queue.LEASE", 3_600_000)
    return waiting(ledger, monkeypatch)


@pytest.fixture
def met(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What happens once rows have found one another, or one is to go alone; one each time."""
    events: list[Event] = []
    ask, sent = Batches.ask, Batches._sent

    async def asked(self: Batches, call: Any) -> Any:
        end = await ask(self, call)
        if events and end is None:
            await events.pop(0)()
        return end

    async def sending(self: Batches, calls: Any) -> Any:
        if events:
            await events.pop(0)()
        return await sent(self, calls)

    monkeypatch.setattr(Batches, "ask", asked)
    monkeypatch.setattr(Batches, "_sent", sending)
    return events


async def finds(worker: Worker, scene: Scene, size: int) -> None:
    name = await submit(worker, people(scene, size, sixtyfour="valid"), "sixtyfour")
    assert (await worker.ended(name)).counts.accepted == size


async def rows_keep_theirs(
    size: int, path: str, worker: Worker, scene: Scene, waits: Waits, met: list[Event]
) -> None:
    """However long they wait for one another and a seat, and then for a permit."""
    met.append(partial(waits.pass_by, LONG))
    waits.permits = [waits.exchange]
    await finds(worker, scene, size)
    assert (met, waits.permits) == ([], [])
    assert scene.requests(path) == 1
    assert await waits.states("sixtyfour") == ["posted"] * size


SIZES = [(1, SIXTYFOUR_START), (ROWS, MANY)]


@pytest.mark.parametrize("size, path", SIZES)
async def test_rows_that_wait_keep_what_is_reserved(
    waits: Waits,
    met: list[Event],
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    size: int,
    path: str,
) -> None:
    worker = await paced_worker(start_worker, stage)
    await rows_keep_theirs(size, path, worker, stage, waits, met)
    await see_booked_as_billed(stage, store)


async def kept_by_nobody(*_: Any) -> None:
    """Does not renew."""


@pytest.mark.parametrize("size, path", SIZES)
async def test_rows_that_are_not_renewed_are_noticed(
    waits: Waits,
    met: list[Event],
    start_worker: StartWorker,
    stage: Scene,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    path: str,
) -> None:
    monkeypatch.setattr(calls, "renew", kept_by_nobody)
    worker = await paced_worker(start_worker, stage)
    with pytest.raises(AssertionError):
        await rows_keep_theirs(size, path, worker, stage, waits, met)


async def close(waits: Waits, choose: Callable[[list[str]], str]) -> None:
    """One row's reservation is not there any more."""
    place = f"{ROOT}entry:"
    held = [name.decode() async for name in waits.ledger.store.scan(f"{place}*")]
    rid = choose(held).removeprefix(place)
    await waits.ledger.settle(ending(rid, "voided", cost=0))


async def one_that_is_closed_stops_all(worker: Worker, scene: Scene, waits: Waits) -> None:
    """Nothing is sent, it is nobody's fault, and all are tried again."""
    await finds(worker, scene, ROWS)
    assert Counter(await waits.states("sixtyfour")) == {"voided": ROWS, "posted": ROWS}
    [account] = [one for one in worker.desk.market.credentials if one.provider == "sixtyfour"]
    breakers = Breakers(waits.ledger.store, worker.desk.root)
    assert [one.fails for one in await breakers.read(account.id, ["emails.find"])] in ([], [0])


# Before all are renewed; and, while the request waits to leave, that of the first or another.
MOMENTS: dict[str, tuple[bool, Callable[[list[str]], str]]] = {
    "gathering": (False, max),
    "the first": (True, min),
    "another": (True, max),
}


def arrange(waits: Waits, met: list[Event], moment: str) -> None:
    late, choose = MOMENTS[moment]
    (waits.permits if late else met).append(partial(close, waits, choose))


@pytest.mark.parametrize("moment", MOMENTS)
async def test_no_row_is_sent_with_one_that_is_closed(
    waits: Waits,
    met: list[Event],
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    moment: str,
) -> None:
    arrange(waits, met, moment)
    worker = await paced_worker(start_worker, stage)
    await one_that_is_closed_stops_all(worker, stage, waits)
    await see_booked_as_billed(stage, store)


def blamed() -> Unavailable:
    return Unavailable("the reservation is gone")


MUTANTS: list[tuple[str, object, str, Any]] = [
    ("gathering", leases, "ran_out", blamed),
    ("the first", departures, "ran_out", blamed),
    ("another", calls, "dispatch", kept_by_nobody),
]


@pytest.mark.parametrize("moment, place, member, mutant", MUTANTS)
async def test_rows_that_are_sent_or_blamed_are_noticed(
    waits: Waits,
    met: list[Event],
    start_worker: StartWorker,
    stage: Scene,
    monkeypatch: pytest.MonkeyPatch,
    *,
    moment: str,
    place: object,
    member: str,
    mutant: Any,
) -> None:
    monkeypatch.setattr(place, member, mutant)
    arrange(waits, met, moment)
    worker = await paced_worker(start_worker, stage)
    with pytest.raises(AssertionError):
        await one_that_is_closed_stops_all(worker, stage, waits)
