"""Stores that are away, and records that can't be read: no row is lost, none is bought twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from gateway.jobs.queue import Queue
from gateway.money.ledger import Ledger, Outdated
from gateway.money.terms import Admission, Claim
from gateway.store.connection import Store, StoreDown
from tests.gateway.jobs.conftest import StartWorker
from tests.gateway.jobs.rows import people, stage, submit
from tests.gateway.lookup.scene import Scene

__all__ = ["stage"]


def failing(times: int, error: Callable[[], StoreDown]) -> Any:
    """An `admit` that so many times finds no store."""
    admit, count = Ledger.admit, itertools.count()

    async def broken(self: Ledger, claim: Claim) -> Admission:
        if next(count) < times:
            raise error()
        return await admit(self, claim)

    return broken


@pytest.mark.parametrize("error", [lambda: StoreDown("away"), Outdated])
async def test_a_store_that_is_away_kills_nobody(
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    error: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often: an item that was given back in order has not killed its worker."""
    monkeypatch.setattr("gateway.jobs.engine.PAUSE", 0.01)
    monkeypatch.setattr(Ledger, "admit", failing(40, error))
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, 3, hunter="valid"), "hunter")
    job = await worker.ended(name)
    assert (job.status, job.counts.accepted, stage.charges()) == ("completed", 3, 3)
    assert await store.call("EXISTS", f"{worker.process.root}job:{name}:deaths") == 0


@pytest.mark.parametrize("method", ["work", "finish", "park", "keep", "claim"])
async def test_a_queue_that_is_away_is_asked_again(
    start_worker: StartWorker, stage: Scene, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.engine.PAUSE", 0.01)
    monkeypatch.setattr("gateway.jobs.holds.RENEW", 0.02)
    monkeypatch.setattr("gateway.jobs.seats.PARK_AFTER", 0.01)
    monkeypatch.setattr("gateway.lookup.tickets.CEILING", 0.05)
    whole, count = getattr(Queue, method), itertools.count()

    async def broken(self: Queue, *args: Any, **more: Any) -> Any:
        if next(count) % 2 == 0:
            raise StoreDown("away")
        return await whole(self, *args, **more)

    monkeypatch.setattr(Queue, method, broken)
    stage.slow_down("sixtyfour", task=0.2)
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, 5, sixtyfour="valid"), "sixtyfour")
    job = await worker.ended(name)
    assert (job.counts.accepted, stage.charges()) == (5, 5)
    assert next(count) > 1


async def test_a_record_that_nobody_can_read_ends_at_last(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others of the version that wrote it may read it: they are left to try."""
    monkeypatch.setattr("gateway.jobs.queue.LEASE", 50)
    monkeypatch.setattr("gateway.jobs.queue.ASIDE", (10, 50))
    clerk = await start_worker()
    broken = await submit(clerk, people(stage, 1), "hunter")
    await store.call("HSET", f"{clerk.process.root}job:{broken}", "request", b"\x81")
    worker = await start_worker(work=True)
    job = await worker.ended(broken)
    assert (job.status, job.counts.failed) == ("failed", 1)


@pytest.mark.parametrize("method", ["settle", "hold", "dispatch", "fate"])
async def test_a_ledger_that_is_away_for_a_while_costs_no_row(
    start_worker: StartWorker, stage: Scene, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second call of it fails, before it is made or after."""
    monkeypatch.setattr("gateway.jobs.engine.PAUSE", 0.05)
    monkeypatch.setattr("gateway.lookup.counter.SETTLE_PATIENCE", 0.01)
    whole, count = getattr(Ledger, method), itertools.count()

    async def broken(self: Ledger, *args: Any, **more: Any) -> Any:
        turn = next(count) % 4
        if turn == 0:
            raise StoreDown("away")
        found = await whole(self, *args, **more)
        if turn == 2:
            raise StoreDown("away")
        return found

    monkeypatch.setattr(Ledger, method, broken)
    stage.slow_down("snov", task=0.1)
    worker = await start_worker(work=True)
    asked_twice = people(stage, 6, snov="valid")
    name = await submit(worker, [*asked_twice, *asked_twice], "snov")
    job = await worker.ended(name)
    assert (job.counts.accepted, stage.charges("snov")) == (12, 6)
    assert job.cost == str(stage.billed())
