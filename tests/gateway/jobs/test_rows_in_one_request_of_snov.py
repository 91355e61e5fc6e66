"""Snov.io takes ten addresses, or ten names by its version 2, in one request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.jobs.queue import NewJob
from gateway.jobs.records import Job, Request
from gateway.lookup.routing import Routing
from gateway.money.ledger import new_id
from gateway.store.connection import Store
from tests.gateway.jobs.conftest import CALLER, StartWorker, Worker
from tests.gateway.jobs.rows import people, stage, submit
from tests.gateway.jobs.test_rows_in_one_request import (
    entries_of,
    patience,
    see_booked_as_billed,
)
from tests.gateway.lookup.scene import Scene

__all__ = ["patience", "stage"]

ROWS = 20
PUSH, START = "/v1/add-emails-to-verification", "/v2/email-verification/start"
READ, RESULT = "/v1/get-emails-verification-status", "/v2/email-verification/result"
NAMES = "/v2/emails-by-domain-by-name/start"


async def verify(worker: Worker, addresses: list[str]) -> Job:
    request = Request(
        operation="emails.verify",
        caller=CALLER,
        routing=Routing(providers=["snov"]),
        request_id="req",
        currency="USD",
    )
    queries = [msgspec.json.encode({"email": address}) for address in addresses]
    job = NewJob(id=new_id("job"), request=request, queries=queries, results={})
    return await worker.ended(await worker.process.jobs.open(job))


def addresses_of(stage: Scene, size: int) -> list[str]:
    return [one.email for one in people(stage, size, snov="valid", hunter="valid")]


async def answers(worker: Worker, job: Job) -> list[Any]:
    found = await worker.process.jobs.results(job.id, range(job.counts.total))
    return [msgspec.json.decode(one.body)["data"] for one in found if one]


@pytest.mark.parametrize("path", [PUSH, START])
async def test_addresses_are_verified_ten_at_a_time(
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.snov.account.SnovAccount.is_v2", path == START)
    worker = await start_worker(work=True)
    asked = addresses_of(stage, ROWS)
    job = await verify(worker, asked)
    assert job.counts.failed == 0
    assert [one["email"] for one in await answers(worker, job)] == asked
    assert ROWS / 10 <= stage.requests(path) <= ROWS / 4, "a read of its own goes before each"
    assert len(await entries_of(store, "posted")) == ROWS
    assert Decimal(job.cost) == stage.billed()
    await see_booked_as_billed(stage, store)
    if path == START:
        assert stage.requests(RESULT) < ROWS, "results are shared"


async def test_names_are_found_ten_at_a_time(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.snov.account.SnovAccount.is_v2", True)
    worker = await start_worker(work=True)
    found = people(stage, ROWS, snov="valid")
    job = await worker.ended(await submit(worker, found, "snov"))
    assert job.counts.accepted == ROWS
    told = [one["full_name"] for one in await answers(worker, job)]
    assert told == [person.full_name for person in found]
    assert stage.requests(NAMES) == ROWS / 10
    await see_booked_as_billed(stage, store)


async def test_names_of_version_1_are_asked_for_one_by_one(
    start_worker: StartWorker, stage: Scene
) -> None:
    worker = await start_worker(work=True)
    job = await worker.ended(await submit(worker, people(stage, ROWS, snov="valid"), "snov"))
    assert (job.counts.accepted, stage.requests(NAMES)) == (ROWS, 0)


async def test_a_task_that_failed_costs_each_row_its_call(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.snov.account.SnovAccount.is_v2", True)
    stage.fault("snov", "task_failed", path=RESULT)
    worker = await start_worker(work=True)
    job = await verify(worker, addresses_of(stage, 10))
    assert (job.counts.failed, stage.requests(START)) == (10, 1)
    assert Decimal(job.cost) == stage.billed() > 0
    await see_booked_as_billed(stage, store)
