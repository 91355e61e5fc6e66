"""A row that kills whoever carries it out is buried alone; those beside it are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.jobs.carrying import MOST_DEATHS
from gateway.jobs.records import Claimed
from gateway.lookup.lookup import Lookup
from gateway.money.terms import Place
from gateway.store.connection import Store
from tests.gateway.jobs.conftest import StartWorker, Worker
from tests.gateway.jobs.lending import claimed, loaded
from tests.gateway.jobs.rows import jobs_of, people, stage, submit
from tests.gateway.jobs.test_queue_scripts import clock, mutate
from tests.gateway.lookup.scene import Scene, until

__all__ = ["stage"]

ROWS, POISONOUS, SLOTS = 24, 1, 4
# What is due so soon after the first is at work together with it, in ms.
TOGETHER = 1000
Change = Callable[[Worker], None]


@dataclass
class Victim:
    """A process that goes no further once it has come to the row that kills it."""

    worker: Worker
    fatal: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: int = 0

    def __post_init__(self) -> None:
        carrier, waterfall = self.worker.engine._carrier, self.worker.desk.waterfall
        prepare, run = carrier.prepare, waterfall.run

        async def prepare_or_stop(claimed: Claimed, place: Place) -> Any:
            found = await prepare(claimed, place)
            if claimed.index == POISONOUS:
                self.fatal.set()
            if self.fatal.is_set():
                await asyncio.Event().wait()
            return found

        async def run_counted(lookup: Lookup) -> None:
            self.at_work += 1
            try:
                await run(lookup)
            finally:
                self.at_work -= 1

        carrier.prepare = prepare_or_stop  # type: ignore[method-assign]
        waterfall.run = run_counted  # type: ignore[method-assign]

    async def survives(self) -> bool:
        """Take all there is and carry it out; what it had begun when it died was not in doubt."""
        engine = self.worker.engine
        for one in await claimed(self.worker.process.jobs):
            engine._start(engine._carry_out(one), one.lane)

        async def over() -> bool:
            return not engine._running or (self.fatal.is_set() and not self.at_work)

        await until(over)
        if self.fatal.is_set():
            await self.worker.die()
        return not self.fatal.is_set()


async def let_time_pass(store: Store, worker: Worker) -> None:
    """Until something can be lent again, and whatever else can be soon after."""
    queue, whens = worker.process.jobs, []
    for kind in ("due", "leases"):
        name = f"{queue.root}{kind}:bulk"
        whens += (await store.call("ZRANGE", name, 0, 0, "WITHSCORES"))[1::2]
    if whens:
        ahead = min(map(int, whens)) - await clock(queue)
        await store.call("INCRBY", "{pgw}:clock_offset", max(0, ahead) + TOGETHER)


async def outlived(
    start_worker: StartWorker, stage: Scene, store: Store, change: Change = lambda _: None
) -> tuple[list[int], int]:
    """The rows of a job that were buried, and how many processes died; the others are answered."""
    await store.call("SET", "{pgw}:clock_offset", 0)

    async def another() -> Victim:
        worker = await start_worker(jobs=jobs_of(SLOTS))
        change(worker)
        return Victim(worker)

    victim, deaths = await another(), 0
    name = await submit(victim.worker, people(stage, ROWS, hunter="valid"), "hunter")
    while not (await loaded(victim.worker.process.jobs, name)).finished_at:
        if not await victim.survives():
            deaths += 1
            victim = await another()
        await let_time_pass(store, victim.worker)
    results = await victim.worker.process.jobs.results(name, range(ROWS))
    outcomes = [one.outcome if one else None for one in results]
    buried = [at for at, outcome in enumerate(outcomes) if outcome != "accepted"]
    assert {outcomes[at] for at in buried} == {"failed"}
    assert stage.charges() == ROWS - len(buried)
    return buried, deaths


async def test_a_row_that_kills_is_buried_alone(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    buried, deaths = await outlived(start_worker, stage, store)
    assert buried == [POISONOUS]
    assert deaths == MOST_DEATHS + 1


def tried_again_at_once(worker: Worker) -> None:
    mutate(worker.process.jobs, "if deaths < suspected or is_cancelled", "if true")


def tried_again_together(worker: Worker) -> None:
    mutate(worker.process.jobs, "(0.5 + share)", "1")


@pytest.mark.parametrize("change", [tried_again_at_once, tried_again_together])
async def test_suspects_that_are_tried_together_die_together(
    start_worker: StartWorker, stage: Scene, store: Store, change: Change
) -> None:
    buried, _ = await outlived(start_worker, stage, store, change)
    assert len(buried) > ROWS / 2
