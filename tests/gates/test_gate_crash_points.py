"""A worker that dies at a named point leaves a job that another ends; nothing is bought twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from gateway.jobs.queue import NewJob, Queue
from gateway.jobs.records import Job
from gateway.lookup.routing import Routing
from gateway.money.ledger import new_id
from gateway.settings import Settings
from gateway.store.connection import Store
from providers.simulator.latency import Profile, Spread
from providers.simulator.population import Person
from providers.simulator.testing import running_simulator
from providers.simulator.world import World
from tests.gates.conftest import Campaign
from tests.gates.crashing import POINTS
from tests.gates.works import rewritten
from tests.gateway.conftest import make_settings
from tests.gateway.jobs.lending import ROOT, events, queue_of, request_of
from tests.gateway.lookup.scene import Scene, body_of
from tests.gateway.money.books import audit, entries
from tests.gateway.supervisor.processes import running_store, until

CELLS = 3
# Allowed nowhere: it is told of, and nothing leaves.
NOWHERE = "http://10.0.0.1/hook"
CALL_SECONDS = 0.2
PROVIDERS = ("hunter", "snov", "sixtyfour")
# Who comes by these points at all.
ONLY = {
    "dispatch": ("snov",),
    "ticket": ("snov", "sixtyfour"),
    "poll": ("snov", "sixtyfour"),
    "aside": ("snov", "sixtyfour"),
}
# From the record that bytes may leave to that of the ticket, or of the answer.
IN_BETWEEN = ("before_send", "on_the_wire", "after_send")
DOUBTS = {
    "hunter": {"after_reservation", *IN_BETWEEN, "before_settlement"},
    "snov": {"after_dispatch", *IN_BETWEEN, "before_ticket"},
    "sixtyfour": {"after_reservation", *IN_BETWEEN, "before_ticket"},
}


@dataclass(frozen=True)
class Trial:
    point: str
    provider: str

    @property
    def in_doubt(self) -> bool:
        return self.point in DOUBTS[self.provider]


def trials(times: int) -> list[Trial]:
    """Each point so many times, its providers in turn."""
    found = []
    for point in POINTS:
        providers = ONLY.get(point.rpartition("_")[2], PROVIDERS)
        found += [Trial(point, providers[at % len(providers)]) for at in range(times)]
    return found


@dataclass
class Nursery:
    """The process that workers are forked from."""

    process: asyncio.subprocess.Process
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self, settings: Settings, point: str, mutant: str) -> int:
        assert self.process.stdin
        assert self.process.stdout
        async with self.turn:
            line = b64encode(pickle.dumps((settings, point, mutant))) + b"\n"
            self.process.stdin.write(line)
            return int(await self.process.stdout.readline())


@dataclass
class Cell:
    """A store of its own, and workers one after the other."""

    settings: Settings
    store: Store
    queue: Queue
    nursery: Nursery

    async def start(self, point: str, mutant: str) -> int:
        return await self.nursery.start(self.settings, point, mutant)

    async def submit(self, person: Person, provider: str) -> str:
        request = request_of("default")
        request.routing = msgspec.convert({"providers": [provider]}, Routing)
        query = msgspec.json.encode(body_of(person))
        made = NewJob(id=new_id("job"), request=request, queries=[query], results={}, url=NOWHERE)
        return await self.queue.open(made)

    async def told(self, job: str) -> list[str]:
        """Events of a job: deliveries, each of a row of the outbox."""

        async def are_fanned_out() -> bool:
            return not await events(self.store)

        await until(are_fanned_out, 10, "an empty outbox")
        keys = [key async for key in self.store.scan(f"{ROOT}delivery:*")]
        rows = [await self.store.call("HMGET", key, "event", "data") for key in keys]
        return [event.decode() for event, data in rows if job.encode() in data]

    async def ended(self, name: str) -> Job:
        async def finished() -> Job | None:
            job = await self.queue.load(name)
            return job if job and job.finished_at else None

        job: Job = await until(finished, 20, "the job's end")
        return job


@dataclass
class Laboratory:
    stage: Scene
    cells: list[Cell]

    async def run(self, asked: list[Trial], mutant: str = "") -> None:
        """All trials, one at a time in each cell."""
        waiting = iter(asked)

        async def work(cell: Cell) -> None:
            for trial in waiting:
                await self.attempt(cell, trial, mutant)

        await asyncio.gather(*(work(cell) for cell in self.cells))

    async def attempt(self, cell: Cell, trial: Trial, mutant: str) -> None:
        person = self.stage.person(dict.fromkeys(PROVIDERS, "valid"))
        name = await cell.submit(person, trial.provider)
        dying = await cell.start(trial.point, mutant)
        await until(lambda: not is_alive(dying), 20, f"a death {trial.point}")
        heir = await cell.start("", mutant)
        try:
            await self.judge(cell, trial, person, await cell.ended(name))
        finally:
            await end(heir)

    async def judge(self, cell: Cell, trial: Trial, person: Person, job: Job) -> None:
        bill = self.stage.simulator.bill.select(trial.provider)
        what = f"{person.full_name.casefold()}@{person.company.domain}"
        charges = [row.cost for row in bill if row.what == what]
        assert len(charges) <= 1, f"{trial}: bought more than once"
        rows = [row for row in await entries(cell.store) if row["lookup"] == f"{job.id}.0"]
        held = [row for row in rows if row["state"] not in ("posted", "voided")]
        assert [row["state"] for row in held] == ["in_doubt"] * trial.in_doubt, f"{trial}: {rows}"
        if not trial.in_doubt:
            assert (job.counts.accepted, [job.cost]) == (1, charges), f"{trial}: {job}"
        assert await cell.told(job.id) == ["job.completed"], trial
        await audit(cell.store)


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_alive(pid), 10, "the end of a worker")


@asynccontextmanager
async def laboratory(
    folder: Path, *, cells: int = CELLS, people: int = 400
) -> AsyncIterator[Laboratory]:
    """Of `people` about a quarter can be asked about."""
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator(World(people=people)))
        simulator.app.stage.latency.put(Profile(Spread(CALL_SECONDS), Spread(), Spread()))
        nursery = await stack.enter_async_context(started())
        made = []
        for number in range(cells):
            url = stack.enter_context(running_store(folder / f"store-{number}"))
            settings = make_settings(url, simulator, data_dir=folder / f"data-{number}")
            store = await Store.connect(url, timeout=30)
            stack.push_async_callback(store.close)
            made.append(Cell(settings, store, queue_of(store), nursery))
        yield Laboratory(Scene(None, simulator, made[0].store), made)  # type: ignore[arg-type]


@asynccontextmanager
async def started() -> AsyncIterator[Nursery]:
    command = (sys.executable, "-m", "tests.gates.crashing")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield Nursery(process)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.timeout(3600)
async def test_a_worker_may_die_anywhere(tmp_path: Path, campaign: Campaign) -> None:
    asked = trials(campaign.size(short=3, full=20))
    async with laboratory(tmp_path, people=campaign.size(short=400, full=2000)) as bench:
        await bench.run(asked)
    doubts = sum(trial.in_doubt for trial in asked)
    campaign.tell(f"crash points: {len(POINTS)}, {len(asked)} deaths, {doubts} calls in doubt")


# A ticket is in nobody's hands but the process's own.
TICKETLESS = """
import gateway.money.ledger as l
async def hold(self, *arguments, **options): return True
l.Ledger.hold = hold
"""
# A call whose process is gone counts as never made.
DENYING = rewritten("moves", "if held == 'dispatched' then", "if false then")


@pytest.mark.parametrize(
    "trial, code, match",
    [
        (Trial("after_ticket", "snov"), TICKETLESS, "'state': 'in_doubt'"),
        (Trial("after_send", "hunter"), DENYING, "bought more than once"),
    ],
)
async def test_a_worker_that_may_not_die_is_noticed(
    tmp_path: Path, trial: Trial, code: str, match: str
) -> None:
    async with laboratory(tmp_path, cells=1) as bench:
        with pytest.raises(AssertionError, match=match):
            await bench.run([trial], code)
