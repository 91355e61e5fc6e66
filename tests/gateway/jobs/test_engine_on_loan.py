"""What a process does with items on loan: keeps them, stops them, gives them back in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from gateway.jobs.queue import NewJob
from gateway.jobs.records import Claimed, Request, Work
from gateway.lookup.lookup import Lookup
from gateway.money.ledger import new_id
from gateway.store.connection import ResponseError, Store
from gateway.vault.credentials import Credential
from providers.model import FindEmail
from tests.gateway.conftest import SECRETS
from tests.gateway.jobs.conftest import CALLER, StartWorker, Worker, outlive_leases
from tests.gateway.jobs.lending import claimed, field, place_of, progress
from tests.gateway.jobs.rows import asked, jobs_of, people, stage, submit
from tests.gateway.jobs.test_queue_scripts import mutate
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    SIXTYFOUR_POLL,
    SIXTYFOUR_START,
    Scene,
    body_of,
    until,
)
from tests.gateway.money.books import open_entries

__all__ = ["stage"]

PATIENT = 600.0


@pytest.fixture
def rely_on_bells(start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks for work again of his own accord."""
    monkeypatch.setattr("gateway.jobs.engine.LOOK", PATIENT)


@asynccontextmanager
async def time_flies(store: Store) -> AsyncIterator[None]:
    """A lease passes many times while the block runs; owners that renew it keep it."""

    async def fly() -> None:
        while True:
            await store.call("INCRBY", "{pgw}:clock_offset", 5_000)
            await asyncio.sleep(0.15)

    flying = asyncio.create_task(fly())
    try:
        yield
    finally:
        flying.cancel()


async def test_no_more_is_claimed_than_there_are_slots(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.slow_down("hunter", call=0.3)
    worker = await start_worker(work=True, jobs=jobs_of(3))
    name = await submit(worker, people(stage, 9, hunter="valid"), "hunter")
    await asked(stage, HUNTER_FIND, 3)
    assert await field(store, name, "next") == 3
    assert (await worker.ended(name)).counts.accepted == 9
    assert stage.simulator.app.traffic.peak == 3


async def test_what_waits_for_a_slot_stays_on_loan(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items that come back crowd before one slot for longer than a lease."""
    monkeypatch.setattr("gateway.jobs.holds.RENEW", 0.02)
    stage.slow_down("hunter", call=0.2)
    clerk = await start_worker()
    name = await submit(clerk, people(stage, 10, hunter="valid"), "hunter")
    for one in await claimed(clerk.process.jobs):
        assert await clerk.process.jobs.park(place_of(one), 0, progress())
    busy = await start_worker(work=True, jobs=jobs_of(1))
    idle = await start_worker()
    async with time_flies(store):
        await asked(stage, HUNTER_FIND, 4)
        assert await claimed(idle.process.jobs, interactive=9, bulk=9) == []
        job = await busy.ended(name)
    assert (job.counts.accepted, stage.charges()) == (10, 10)


@pytest.mark.usefixtures("rely_on_bells")
async def test_a_slot_is_used_while_its_owner_waits_for_a_ticket(
    start_worker: StartWorker, stage: Scene
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker(work=True, jobs=jobs_of(1))
    name = await submit(worker, people(stage, 12, sixtyfour="valid"), "sixtyfour")
    await asked(stage, SIXTYFOUR_START, 12)
    stage.heal()
    assert (await worker.ended(name)).counts.accepted == 12


async def test_rows_that_wait_for_a_slow_provider_leave_places_to_other_teams(
    start_worker: StartWorker, stage: Scene
) -> None:
    stage.slow_down("hunter", call=1.0)
    worker = await start_worker(work=True, jobs=jobs_of(4))
    slow = await submit(worker, people(stage, 40, hunter="valid"), "hunter")
    await asked(stage, HUNTER_FIND, 4)
    quick = await submit(worker, people(stage, 30), "sixtyfour", team="other")
    assert (await worker.ended(quick)).counts.empty == 30
    assert stage.requests(HUNTER_FIND) <= 14
    assert await worker.process.jobs.cancel(slow, "default")
    await worker.ended(slow)


async def test_what_waits_for_a_permit_is_given_back_when_a_process_ends(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    """Nothing left: nothing is in doubt, and nothing stays reserved."""
    stage.slow_down("hunter", call=0.5)
    worker = await start_worker(work=True, only=("snov",))
    account = Credential(
        id="cred_paced",
        provider="hunter",
        name="paced",
        base_url=stage.simulator.endpoints.hunter,
        secret=SECRETS["hunter"],
        limits={"concurrency": 1},
    )
    await worker.process.kept.put(account)
    await worker.desk.market.changed()
    name = await submit(worker, people(stage, 6, hunter="valid"), "hunter")
    await asked(stage, HUNTER_FIND, 1)
    began = time.monotonic()
    await worker.engine.close()
    assert time.monotonic() - began < 5
    assert await open_entries(store) == []
    heir = await start_worker(work=True, only=("snov",))
    assert (await heir.ended(name)).counts.accepted == 6


@pytest.mark.usefixtures("rely_on_bells")
async def test_a_crowd_in_bulk_is_not_in_the_way_of_a_few(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.engine.MOST_HELD", 4)
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker(work=True)
    crowd = await submit(worker, people(stage, 9, sixtyfour="valid"), "sixtyfour")
    await asked(stage, SIXTYFOUR_POLL, 4)
    few = await submit(worker, people(stage, 2, hunter="valid"), "hunter", lane="interactive")
    assert (await worker.ended(few)).counts.accepted == 2
    assert stage.requests(SIXTYFOUR_START) == 4
    stage.heal()
    assert (await worker.ended(crowd)).counts.accepted == 9


async def test_what_was_laid_aside_is_asked_for_when_it_is_due(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the waits are: an item that is due again does not wait once more."""
    monkeypatch.setattr("gateway.jobs.seats.PARK_AFTER", 0.05)
    monkeypatch.setattr("gateway.lookup.tickets.CEILING", 0.2)
    stage.slow_down("sixtyfour", task=0.5)
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, 3, sixtyfour="valid"), "sixtyfour")
    job = await worker.ended(name)
    assert (job.counts.accepted, stage.charges()) == (3, 3)
    assert stage.requests(SIXTYFOUR_POLL) <= 3 * 4


@pytest.mark.parametrize("known, outcome", [("sixtyfour", "accepted"), ("hunter", "empty")])
async def test_the_time_that_a_row_may_take_goes_on_while_it_is_laid_aside(
    start_worker: StartWorker,
    stage: Scene,
    known: str,
    outcome: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was asked in time is collected; no step starts after it."""
    monkeypatch.setattr("gateway.jobs.seats.PARK_AFTER", 0.05)
    monkeypatch.setattr("gateway.lookup.tickets.CEILING", 0.2)
    stage.slow_down("sixtyfour", task=1.2)
    worker = await start_worker(work=True)
    person = stage.person({known: "valid"})
    name = await submit(worker, [person], "sixtyfour", "hunter", timeout=0.6)
    await worker.ended(name)
    [found] = await worker.process.jobs.results(name, [0])
    assert found is not None
    assert (found.outcome, stage.requests(HUNTER_FIND)) == (outcome, 0)


async def test_a_lookup_whose_item_was_lost_starts_no_further_step(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.holds.RENEW", 0.02)
    stage.slow_down("snov", call=0.4)
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, 1, hunter="valid"), "snov", "hunter")
    await stage.simulator.app.traffic.busy.wait()
    await store.call("HSET", f"{worker.process.root}owners", f"{name} 0", "another")

    async def is_let_go() -> bool:
        return not worker.engine._running

    await until(is_let_go)
    assert stage.requests(HUNTER_FIND) == 0
    assert await worker.process.jobs.results(name, [0]) == [None]


async def test_a_key_that_was_revoked_buys_no_further_row(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    revoked = msgspec.structs.replace(CALLER, key="key_gone")
    request = Request(
        operation="emails.find", caller=revoked, routing=None, request_id="r", currency="USD"
    )
    rows = [msgspec.json.encode(body_of(one)) for one in people(stage, 3, hunter="valid")]
    job = NewJob(id=new_id("job"), request=request, queries=rows, results={})
    name = await worker.process.jobs.open(job)
    other = await start_worker(work=True)
    ended = await other.ended(name)
    assert (ended.status, ended.counts.failed, stage.charges()) == ("failed", 3, 0)
    [found] = await other.process.jobs.results(name, [0])
    assert found is not None
    assert msgspec.json.decode(found.body)["code"] == "unauthenticated"


async def test_what_a_cancelled_row_had_bought_is_in_the_jobs_cost(
    start_worker: StartWorker, stage: Scene
) -> None:
    """It waits for its second step, in memory or laid aside."""
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker(work=True)
    found = people(stage, 4, sixtyfour="valid")
    name = await submit(worker, found, "snov", "sixtyfour")
    await asked(stage, SIXTYFOUR_POLL, 4)
    spent = stage.billed("snov")
    assert spent > 0
    assert await worker.process.jobs.cancel(name, "default")
    job = await worker.ended(name)
    assert (job.status, job.counts.cancelled) == ("cancelled", 4)
    assert job.cost == str(spent)
    stage.heal()


async def test_a_cancellation_that_was_not_heard_of_is_found_out(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages of the store are lost to whoever has just lost it."""
    monkeypatch.setattr("gateway.jobs.holds.RENEW", 0.02)
    stage.slow_down("snov", call=0.4)
    worker = await start_worker(work=True)
    mutate(worker.process.jobs, "redis.call('PUBLISH', root .. 'cancelled', id)", "")
    name = await submit(worker, people(stage, 1, hunter="valid"), "snov", "hunter")
    await stage.simulator.app.traffic.busy.wait()
    assert await worker.process.jobs.cancel(name, "default")
    job = await worker.ended(name)
    assert (job.counts.cancelled, stage.requests(HUNTER_FIND)) == (1, 0)


async def test_what_a_dead_process_had_bought_for_a_cancelled_row_is_in_the_jobs_cost(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    clerk = await start_worker()
    queue = clerk.process.jobs
    name = await submit(clerk, people(stage, 1), "hunter")
    [one] = await claimed(queue)
    assert await queue.park(place_of(one), 0, progress(30_000))
    await outlive_leases(store)
    assert len(await claimed(queue)) == 1
    assert await queue.cancel(name, "default")
    await outlive_leases(store)
    job = await (await start_worker(work=True)).ended(name)
    assert (job.status, job.cost, stage.requests(HUNTER_FIND)) == ("cancelled", "0.03", 0)


async def test_an_end_that_comes_as_the_bell_rings_is_heard(start_worker: StartWorker) -> None:
    """However many turns of the loop lie between the two."""
    engine = (await start_worker()).engine

    async def waits() -> bool:
        return bool(engine._bell._waiters)

    for turns in range(6):
        work = asyncio.create_task(engine._work())
        await until(waits)
        engine._bell.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait([work], timeout=20)
        assert work.cancelled(), turns


@pytest.mark.parametrize("call", ["claim", "keep"])
async def test_an_error_of_the_store_ends_no_work(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Rights that are taken away and given back, or a script that fails, are no reason to stop."""
    monkeypatch.setattr("gateway.jobs.holds.RENEW", 0.02)
    stage.slow_down("hunter", call=0.2)
    worker = await start_worker(work=True)
    queue, whole = worker.process.jobs, getattr(worker.process.jobs, call)
    failed = asyncio.Event()

    async def fail(*_: object, **__: object) -> None:
        failed.set()
        raise ResponseError("NOPERM")

    monkeypatch.setattr(queue, call, fail)
    first = await submit(worker, people(stage, 1, hunter="valid"), "hunter")
    await asyncio.wait_for(failed.wait(), 20)
    monkeypatch.setattr(queue, call, whole)
    assert (await worker.ended(first)).counts.accepted == 1
    assert all(not loop.done() for loop in worker.engine._loops)


async def test_what_is_being_read_when_a_process_ends_is_not_begun(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await start_worker(work=True)
    queue, read = worker.process.jobs, worker.process.jobs.work

    async def late(one: Claimed) -> Work | None:
        found = await read(one)
        worker.engine.retire()
        return found

    monkeypatch.setattr(queue, "work", late)
    name = await submit(worker, people(stage, 1, hunter="valid"), "hunter")
    await until(lambda: queue.store.call("ZCARD", f"{worker.process.root}due:bulk"))
    assert stage.requests(HUNTER_FIND) == 0
    heir = await start_worker(work=True)
    assert (await heir.ended(name)).counts.accepted == 1


async def test_what_is_being_lent_when_a_process_ends_is_given_back(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to wait until its lease runs out, nor takes its holder for dead."""
    worker = await start_worker(work=True)
    queue, lend, lent = worker.process.jobs, worker.process.jobs.claim, asyncio.Event()

    async def lend_slowly(**room: Any) -> list[Claimed]:
        if found := await lend(**room):
            lent.set()
            await asyncio.sleep(0.1)
        return found

    monkeypatch.setattr(queue, "claim", lend_slowly)
    await submit(worker, people(stage, 2, hunter="valid"), "hunter")
    await asyncio.wait_for(lent.wait(), 20)
    await worker.engine.close()
    assert await store.call("ZCARD", f"{worker.process.root}leases:bulk") == 0
    heir = (await start_worker()).process.jobs
    assert [one.deaths for one in await claimed(heir)] == [0, 0]


async def test_who_waits_is_given_a_job_when_a_process_ends(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what only waits is laid aside: the heir goes on with it at once."""
    monkeypatch.setattr("gateway.jobs.engine.GRACE", 0.1)
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker(work=True)
    job = await submit(worker, people(stage, 5, sixtyfour="valid"), "sixtyfour")
    await asked(stage, SIXTYFOUR_START, 5)
    alone = await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])
    await asked(stage, SIXTYFOUR_POLL, 6)
    waiting = asyncio.create_task(asyncio.sleep(PATIENT))
    caller = asyncio.create_task(worker.engine.attend(unasked(worker), waiting, PATIENT))
    began = time.monotonic()
    await worker.engine.close()
    await caller
    assert time.monotonic() - began < 10
    waiting.cancel()
    stage.heal()
    heir = await start_worker(work=True)
    assert (await heir.ended(job)).counts.accepted == 5
    assert (await heir.ended(alone)).counts.accepted == 1
    assert stage.requests(SIXTYFOUR_START) == 6


def unasked(worker: Worker) -> Lookup:
    asked = FindEmail(full_name="Ada Lovelace", domain="blue-harbor.example")
    return worker.desk.prepare("emails.find", asked, CALLER, wait=1)
