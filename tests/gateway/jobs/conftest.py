"""The scenes of the lookups, and gateways without HTTP that can be made to die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from gateway.api.exchange import Exchange
from gateway.jobs.engine import Engine
from gateway.jobs.records import Job, Request
from gateway.lookup.desk import Desk
from gateway.lookup.lookup import Caller, Lookup
from gateway.lookup.routing import Routing
from gateway.process import Process
from gateway.store.connection import Store
from providers.model import EMAILS_FIND, FindEmail
from providers.simulator.population import Person
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import make_settings
from tests.gateway.lookup.conftest import audited, scene, start_scene
from tests.gateway.lookup.scene import until

__all__ = ["audited", "scene", "start_scene"]

CALLER = Caller(team="default", key="", scopes=frozenset({"lookup"}))


@dataclass
class Worker:
    """A process of the gateway in this one; `die` leaves everything as a kill would."""

    process: Process
    engine: Engine

    @property
    def desk(self) -> Desk:
        return self.process.desk

    async def begin(self, person: Person, **routing: Any) -> str:
        """A job that looks `person` up; its name."""
        asked = FindEmail(full_name=person.full_name, domain=person.company.domain)
        chosen = msgspec.convert(routing, Routing)
        lookup = self.desk.prepare(EMAILS_FIND, asked, CALLER, routing=chosen, wait=0.001)
        task = asyncio.create_task(self.desk.waterfall.run(lookup))
        query = msgspec.json.encode(lookup.query)
        job = await self.engine.adopt(lookup, task, _request(lookup, chosen), query)
        assert job is not None
        return job.id

    async def ended(self, name: str) -> Job:
        """The job once it has finished, whoever finishes it."""

        async def finished() -> Job | None:
            job = await self.process.jobs.load(name)
            return job if job and job.finished_at else None

        job: Job = await until(finished)
        return job

    async def die(self) -> None:
        """Nothing is settled, renewed or released any more."""
        self.process.store._pipelines._closed = True
        tasks = [*self.engine._running, *self.engine._loops]
        work = [one for one in asyncio.all_tasks() if "Waterfall.run" in repr(one.get_coro())]
        for task in (*tasks, *work, *self.desk.waterfall._background):
            task.cancel()
        await asyncio.gather(*tasks, *work, return_exceptions=True)

    async def close(self) -> None:
        await self.engine.close()
        await self.process.close()


def _request(lookup: Lookup, routing: Routing) -> Request:
    return Request(
        operation=lookup.operation,
        caller=lookup.caller,
        routing=routing,
        request_id="req",
        lookup=lookup.id,
        currency="USD",
    )


StartWorker = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def start_worker(
    audited: None,
    store_url: str,
    simulator: RunningSimulator,
    start_scene: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[StartWorker]:
    """Starts workers on one store, whose clock a test may shift."""
    monkeypatch.setattr("gateway.jobs.engine.LOOK", 0.05)
    workers: list[Worker] = []

    async def start(*, work: bool = False, **settings: Any) -> Worker:
        made = make_settings(store_url, simulator, test_clock=True, **settings)
        process = Process(made)
        exchange = Exchange(process.desk, currency="USD", sandbox=False)
        exchange.engine = process.engine(exchange.conclude)
        await process.open()
        await exchange.engine.open(work=work)
        workers.append(Worker(process, exchange.engine))
        return workers[-1]

    yield start
    for worker in workers:
        await worker.close()


async def outlive_leases(store: Store) -> None:
    """Let the store's clock pass every lease that now runs."""
    await store.call("INCRBY", "{pgw}:clock_offset", 120_000)
