"""Jobs of rows for workers without HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.jobs.queue import NewJob
from gateway.jobs.records import Request
from gateway.lookup.routing import Routing
from gateway.money.ledger import new_id
from gateway.settings.model import JobSettings
from gateway.store.connection import Store
from providers.simulator.population import Person
from tests.gateway.jobs.conftest import CALLER, Worker
from tests.gateway.lookup.scene import Scene, body_of, until


@pytest.fixture
def stage(start_scene: Any, store: Store, simulator: Any) -> Scene:
    """The providers' side alone."""
    return Scene(None, simulator, store)  # type: ignore[arg-type]


def jobs_of(slots: int) -> JobSettings:
    return JobSettings(bulk_concurrency=slots)


async def submit(
    worker: Worker,
    people: list[Person],
    *providers: str,
    lane: Any = "bulk",
    timeout: float | None = None,
    team: str = "default",
) -> str:
    request = Request(
        operation="emails.find",
        caller=msgspec.structs.replace(CALLER, team=team),
        routing=Routing(providers=list(providers), timeout=timeout),
        request_id="req",
        currency="USD",
    )
    queries = [msgspec.json.encode(body_of(person)) for person in people]
    job = NewJob(id=new_id("job"), request=request, queries=queries, results={}, lane=lane)
    return await worker.process.jobs.open(job)


def people(stage: Scene, size: int, **claims: Any) -> list[Person]:
    return [stage.person(**claims) for _ in range(size)]


async def asked(stage: Scene, path: str, times: int) -> None:
    async def enough() -> bool:
        return stage.requests(path) >= times

    await until(enough)
