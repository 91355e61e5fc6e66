"""A request whose process died goes on as a job, which is what a repeat of it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from gateway.jobs.marks import Found, Mark, MarkStore, Reply
from gateway.jobs.records import Request, Result
from gateway.lookup.lookup import Lookup
from gateway.lookup.routing import Routing
from gateway.money.ledger import new_id
from gateway.store.connection import Store, StoreDown
from providers.model import EMAILS_FIND, FindEmail
from providers.simulator.population import Person
from tests.gateway.jobs.conftest import CALLER, StartWorker, Worker, outlive_leases
from tests.gateway.lookup.scene import SIXTYFOUR_POLL, SIXTYFOUR_START, Scene, until

MARK = Mark("m", "f")
ROUTING = msgspec.convert({"providers": ["sixtyfour"], "max_age": 0}, Routing)


@pytest.fixture
def stage(start_scene: Any, store: Store, simulator: Any) -> Scene:
    """The providers' side alone."""
    return Scene(None, simulator, store)  # type: ignore[arg-type]


def marks_of(worker: Worker) -> MarkStore:
    return MarkStore(worker.desk.store, worker.desk.root, keep_hours=24)


def asked_of(worker: Worker, person: Person) -> tuple[Lookup, Request]:
    query = FindEmail(full_name=person.full_name, domain=person.company.domain)
    lookup = worker.desk.prepare(EMAILS_FIND, query, CALLER, routing=ROUTING, wait=20)
    work = Request(
        operation=EMAILS_FIND,
        caller=CALLER,
        routing=ROUTING,
        request_id="req",
        lookup=lookup.id,
        currency="USD",
    )
    return lookup, work


async def claim(worker: Worker, lookup: Lookup, work: Request) -> Found:
    query = msgspec.json.encode(lookup.query)
    found = await marks_of(worker).begin(MARK, new_id("job"), work, query)
    lookup.place = found.place
    return found


def job_of(lookup: Lookup) -> str:
    assert lookup.place
    return lookup.place.job


@asynccontextmanager
async def half_way(worker: Worker, stage: Scene) -> AsyncIterator[Lookup]:
    """A claimed lookup whose ticket is open."""
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    lookup, work = asked_of(worker, stage.person(sixtyfour="valid"))
    assert (await claim(worker, lookup, work)).kind == "claimed"
    task = asyncio.create_task(worker.desk.waterfall.run(lookup))

    async def polled() -> bool:
        return stage.requests(SIXTYFOUR_POLL) > 0

    await until(polled)
    yield lookup
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def look(worker: Worker) -> Found:
    return await marks_of(worker).look(MARK)


async def test_the_heir_finishes_it_and_the_repeat_gets_the_job(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    async with half_way(worker, stage) as lookup:
        other = await start_worker()
        assert (await look(other)).kind == "running"
        await worker.die()
    stage.heal()
    await outlive_leases(store)
    await other.engine.open(work=True)
    job = await other.ended(job_of(lookup))
    assert (job.status, job.cost) == ("completed", "0.05")
    found = await look(other)
    assert (found.kind, found.job) == ("job", job.id)
    assert [
        one.id for one in (await other.process.jobs.list("default", offset=0, limit=5))[0]
    ] == [job.id]
    assert stage.requests(SIXTYFOUR_START) == stage.charges() == 1


async def test_the_repeat_gets_the_job_before_anybody_has_taken_it_over(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    lookup, work = asked_of(worker, stage.person())
    await claim(worker, lookup, work)
    await outlive_leases(store)
    found = await claim(worker, *asked_of(worker, stage.person()))
    assert found.kind == "job"
    assert found.job == job_of(lookup)
    job = await worker.process.jobs.load(found.job)
    assert job
    assert job.status == "running"
    listed, _ = await worker.process.jobs.list("default", offset=0, limit=5)
    assert listed == [job]


async def test_an_owner_that_was_only_slow_ends_the_job_that_others_know_of(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    lookup, work = asked_of(worker, stage.person())
    await claim(worker, lookup, work)
    await outlive_leases(store)
    assert (await look(worker)).kind == "job"
    marks, reply = marks_of(worker), Reply(status=200, headers={}, body=b"{}")
    assert not await marks.end(MARK, job_of(lookup), reply)
    assert not await marks.end(MARK, job_of(lookup), None)
    assert (await look(worker)).kind == "job"


async def test_an_owner_at_work_keeps_its_lease(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.jobs.holds.RENEW", 0.02)
    worker, other = await start_worker(), await start_worker()
    lookup, work = asked_of(worker, stage.person())
    await claim(worker, lookup, work)
    busy = asyncio.create_task(asyncio.sleep(60))
    waiting = asyncio.create_task(worker.engine.attend(lookup, busy, 60))
    for _ in range(20):
        await store.call("INCRBY", "{pgw}:clock_offset", 5_000)
        await asyncio.sleep(0.1)
        assert await other.process.jobs.claim(interactive=9, bulk=9, fresh=9) == []
        assert (await look(other)).kind == "running"
    busy.cancel()
    waiting.cancel()
    await asyncio.gather(busy, waiting, return_exceptions=True)


async def test_ending_twice_changes_nothing(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    marks, reply = marks_of(worker), Reply(status=200, headers={"a": "b"}, body=b"{}")
    lookup, work = asked_of(worker, stage.person())
    await claim(worker, lookup, work)
    for _ in range(2):
        assert await marks.end(MARK, job_of(lookup), reply)
        kept = (await look(worker)).reply
        assert kept
        assert (kept.status, kept.headers, kept.body) == (200, {"a": "b"}, b"{}")
    assert await marks.end(MARK, job_of(lookup), None)
    assert (await look(worker)).kind == "stored"


async def test_freeing_twice_leaves_the_next_claim_alone(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    first, work = asked_of(worker, stage.person())
    await claim(worker, first, work)
    assert await marks_of(worker).end(MARK, job_of(first), None)
    second, again = asked_of(worker, stage.person())
    assert (await claim(worker, second, again)).kind == "claimed"
    assert await marks_of(worker).end(MARK, job_of(first), None)
    assert (await look(worker)).kind == "running"


async def test_a_claim_that_was_given_up_comes_too_late(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    _lookup, work = asked_of(worker, stage.person())
    job = new_id("job")
    assert await marks_of(worker).end(MARK, job, None)
    with pytest.raises(StoreDown):
        await marks_of(worker).begin(MARK, job, work, b"{}")
    assert (await look(worker)).kind == "free"
    assert await worker.process.jobs.load(job) is None


async def test_a_job_lives_as_long_as_the_key_that_answers_with_it(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    marks = MarkStore(worker.desk.store, worker.desk.root, keep_hours=24 * 30)
    lookup, work = asked_of(worker, stage.person())
    place = (await marks.begin(MARK, new_id("job"), work, msgspec.json.encode(lookup.query))).place
    assert place
    assert await worker.process.jobs.adopt(place, work, b"{}") == place
    end = Result(outcome="failed", cost=0, body=b"{}")
    assert await worker.process.jobs.finish(place, end)
    left = await store.call("PTTL", f"{worker.desk.root}job:{place.job}")
    assert left > 24 * 29 * 3600 * 1000
