"""What rows had bought, or had under way, when they were given up is in their job's cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from gateway.jobs.queue import Queue
from gateway.lookup.attempts import Tally
from gateway.lookup.lookup import Progress
from gateway.money.ledger import Ledger
from gateway.store.connection import Script, Store
from providers.simulator.population import Person
from tests.gateway.jobs.conftest import StartWorker, Worker, outlive_leases
from tests.gateway.jobs.lending import (
    ROOT,
    claimed,
    loaded,
    opened,
    place_of,
    progress,
    queue_of,
    result,
)
from tests.gateway.jobs.rows import asked, people, stage, submit
from tests.gateway.lookup.scene import SIXTYFOUR_POLL, Scene, until
from tests.gateway.money.books import bid, claim, ending
from tests.gateway.money.conftest import clocked, ledger

__all__ = ["clocked", "ledger", "stage"]

Begin = Callable[[Worker, list[Person]], Awaitable[str]]
Leave = Callable[[Worker, Queue, str], Awaitable[None]]


async def as_rows(worker: Worker, found: list[Person]) -> str:
    return await submit(worker, found, "sixtyfour")


async def as_a_lookup(worker: Worker, found: list[Person]) -> str:
    return await worker.begin(found[0], providers=["sixtyfour"])


async def at_work(worker: Worker, queue: Queue, name: str) -> None:
    """Until its worker has let go of it, and of the ticket."""
    assert await queue.cancel(name, "default")
    await worker.ended(name)
    await worker.process.desk.waterfall.drained(10)


async def laid_aside(worker: Worker, queue: Queue, name: str) -> None:
    worker.engine.retire()

    async def parked() -> bool:
        return bool(await queue.store.call("SCARD", f"{ROOT}job:{name}:parked"))

    await until(parked)
    assert await queue.cancel(name, "default")


async def with_a_dead_owner(worker: Worker, queue: Queue, name: str) -> None:
    await worker.die()
    assert await queue.cancel(name, "default")


@pytest.mark.parametrize("leave", [at_work, laid_aside, with_a_dead_owner])
@pytest.mark.parametrize("begin", [as_rows, as_a_lookup])
async def test_what_an_open_ticket_of_a_cancelled_job_costs_is_its_own(
    start_worker: StartWorker, stage: Scene, store: Store, begin: Begin, leave: Leave
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker(work=True)
    name = await begin(worker, people(stage, 1, sixtyfour="valid"))
    await asked(stage, SIXTYFOUR_POLL, 1)
    clerk = await start_worker()
    await leave(worker, clerk.process.jobs, name)
    stage.heal()
    await outlive_leases(store)
    other = await start_worker(work=True)
    job = await other.ended(name)
    assert job.status == "cancelled"

    async def settled() -> bool:
        return stage.billed("sixtyfour") > 0 and not await store.call("ZCARD", f"{ROOT}open")

    await until(settled)
    job = await loaded(clerk.process.jobs, name)
    assert (job.cost, job.counts.cancelled) == (str(stage.billed("sixtyfour")), 1)


async def test_what_a_row_had_bought_that_cannot_go_on_is_in_the_jobs_cost(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    """Whom it asks about was erased meanwhile."""
    clerk = await start_worker()
    queue = clerk.process.jobs
    name = await submit(clerk, people(stage, 1), "hunter")
    [one] = await claimed(queue)
    assert await queue.park(place_of(one), 0, progress(30_000))
    await store.call("HDEL", f"{ROOT}job:{name}:in", 0)
    job = await (await start_worker(work=True)).ended(name)
    assert (job.status, job.cost) == ("failed", "0.03")


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("parked", [True, False])
async def test_a_settlement_that_comes_late_is_counted_once(
    ledger: Ledger, *, parked: bool, counted: bool
) -> None:
    """The store was away as the answer came; what gave the row up may know of it, or not."""
    queue = queue_of(ledger.store)
    name = await opened(queue)
    [one] = await claimed(queue)
    place = place_of(one)
    found = await ledger.admit(claim(bid(cost=49_000, direct=True), lookup=f"{name}.0"))
    cost, booked = (49_000, [found.rid]) if counted else (0, [])
    if parked:
        kept = Progress([], Tally(posted=cost, booked=booked))
        assert await queue.park(place, 60, msgspec.msgpack.encode(kept))
    assert await queue.cancel(name, "t")
    if not parked:
        assert await queue.finish(place, result("cancelled", cost), booked=booked)
    late = ending(found.rid, cost=49_000, place=place)
    for _ in range(2):
        await ledger.settle(late)
    assert (await loaded(queue, name)).cost == "0.049"


@pytest.mark.parametrize("owner", [True, False])
async def test_what_the_holder_of_a_cancelled_row_settles_it_counts_itself(
    ledger: Ledger, owner: bool
) -> None:
    """Of a row that another asked for it is the row's job that pays."""
    queue = queue_of(ledger.store)
    names = [await opened(queue) for _ in range(2)]
    lent = {one.job: place_of(one) for one in await claimed(queue)}
    found = await ledger.admit(claim(bid(cost=49_000, direct=True), lookup=f"{names[0]}.0"))
    assert await queue.cancel(names[0], "t")
    await ledger.settle(ending(found.rid, cost=49_000, place=lent[names[0 if owner else 1]]))
    costs = [(await loaded(queue, name)).cost for name in names]
    assert costs == (["0", "0"] if owner else ["0.049", "0"])


LATE, HELD = "late", "held"


@pytest.mark.parametrize(
    "old, new, case",
    [
        ("if e[2] or not status", "if not status", (LATE, True)),
        ("status == 'cancelled'", "false", (LATE, False)),
        ("if own and owns(", "if false and owns(", (HELD, True)),
        ("local own = p and (", "local own = p and (true or ", (HELD, False)),
    ],
)
async def test_a_script_that_counts_otherwise_is_noticed(
    ledger: Ledger, old: str, new: str, case: tuple[str, bool]
) -> None:
    script = ledger._scripts["settle"]
    assert script.shifted is not None
    assert script.shifted.source.count(old) == 1
    shifted = Script.of("settle", script.shifted.source.replace(old, new))
    broken = Script.of("settle", script.source.replace(old, new), shifted=shifted)
    ledger._scripts["settle"] = broken
    kind, said = case
    with pytest.raises(AssertionError):
        if kind == LATE:
            await test_a_settlement_that_comes_late_is_counted_once(
                ledger, parked=True, counted=said
            )
        else:
            await test_what_the_holder_of_a_cancelled_row_settles_it_counts_itself(ledger, said)
