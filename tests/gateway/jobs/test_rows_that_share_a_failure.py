"""What goes wrong with a request of many rows costs each row no more than its own would have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.guard.breakers import Breakers
from gateway.lookup.batching import Batches
from gateway.lookup.calls import Call, Dialler
from gateway.store.connection import Store
from tests.gateway.jobs.conftest import StartWorker
from tests.gateway.jobs.rows import jobs_of, people, stage, submit
from tests.gateway.jobs.test_rows_in_one_request import (
    MANY,
    ROWS,
    patience,
    see_booked_as_billed,
)
from tests.gateway.lookup.scene import HUNTER_FIND, SIXTYFOUR_START, Scene, until
from tests.gateway.money.books import entries

__all__ = ["patience", "stage"]

SLOTS = 4


async def test_what_failed_together_goes_on_within_the_slots(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.fault("sixtyfour", "status", status=503, path=MANY)
    stage.slow_down("hunter", call=0.1)
    ask, at_once, most = Dialler._ask, 0, 0

    async def counted(self: Dialler, call: Call) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return await ask(self, call)
        finally:
            at_once -= 1

    monkeypatch.setattr(Dialler, "_ask", counted)
    worker = await start_worker(work=True, jobs=jobs_of(SLOTS))
    found = people(stage, ROWS, hunter="valid", sixtyfour="valid")
    job = await worker.ended(await submit(worker, found, "sixtyfour", "hunter"))
    assert (job.counts.accepted, stage.requests(HUNTER_FIND)) == (ROWS, ROWS)
    assert (stage.requests(MANY), 0 < most <= SLOTS) == (1, True)


@pytest.mark.parametrize("fault", ["request", "task"])
async def test_what_fails_once_is_one_failure_of_its_account(
    start_worker: StartWorker, stage: Scene, store: Store, fault: str
) -> None:
    if fault == "request":
        stage.fault("sixtyfour", "status", status=503, path=MANY)
    else:
        stage.fault("sixtyfour", "task_failed", path="/job-status/*")
    worker = await start_worker(work=True)
    job = await worker.ended(await submit(worker, people(stage, ROWS), "sixtyfour"))
    assert (job.counts.failed, stage.requests(MANY)) == (ROWS, 1)
    [account] = [one for one in worker.desk.market.credentials if one.provider == "sixtyfour"]
    breakers = Breakers(store, worker.desk.root)
    [breaker] = await breakers.read(account.id, ["emails.find"])
    assert (breaker.state, breaker.fails) == ("closed", 1)


async def test_tickets_are_kept_before_their_rows_wait_for_a_seat(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what was bought would be in memory alone for as long as others work."""
    go = Batches._sent
    kept: list[str] = []

    async def sent(self: Batches, calls: Any) -> Any:
        outcomes = await go(self, calls)
        kept.extend(row["ticket"] for row in await entries(store))
        return outcomes

    monkeypatch.setattr(Batches, "_sent", sent)
    worker = await start_worker(work=True)
    found = people(stage, ROWS, sixtyfour="valid")
    await worker.ended(await submit(worker, found, "sixtyfour"))
    assert (len(kept), all(kept)) == (ROWS, True)
    await see_booked_as_billed(stage, store)


async def test_rows_of_a_job_that_is_cancelled_meanwhile_are_not_sent(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No permit is waited for: nothing but the request itself can notice."""
    worker = await start_worker(work=True)
    ready, go = asyncio.Event(), Batches._go

    async def late(self: Batches, name: Any, batch: Any) -> None:
        await batch_of(batch, ROWS)
        await worker.process.jobs.cancel(name[0], "default")
        await stopped(batch)
        ready.set()
        await go(self, name, batch)

    monkeypatch.setattr(Batches, "_go", late)
    name = await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    job = await worker.ended(name)
    await ready.wait()
    assert (job.status, job.cost) == ("cancelled", "0")
    assert (stage.requests(MANY), stage.requests(SIXTYFOUR_START)) == (0, 0)
    await see_booked_as_billed(stage, store)


async def batch_of(batch: Any, size: int) -> None:
    async def enough() -> bool:
        return len(batch.members) >= size

    await until(enough)


async def stopped(batch: Any) -> None:
    async def all_are() -> bool:
        return all(call.rest.is_too_long(0.0) for call, _ in batch.members)

    await until(all_are)


async def test_a_row_in_a_hurry_spoils_no_request_of_others(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_many = Dialler._ask_many
    shortest: list[float] = []

    async def timed(self: Dialler, calls: Any) -> Any:
        shortest.append(min(call.seconds for call in calls))
        return await ask_many(self, calls)

    ask, hurried = Batches.ask, iter(range(1_000_000))

    async def some(self: Batches, call: Call) -> Any:
        if next(hurried) % 4 == 0:
            call.seconds = 2.0
        return await ask(self, call)

    monkeypatch.setattr(Dialler, "_ask_many", timed)
    monkeypatch.setattr(Batches, "ask", some)
    worker = await start_worker(work=True)
    found = people(stage, ROWS, sixtyfour="valid")
    job = await worker.ended(await submit(worker, found, "sixtyfour"))
    assert (job.counts.accepted, stage.requests(SIXTYFOUR_START)) == (ROWS, ROWS / 4)
    assert shortest
    assert min(shortest) > 2.0
