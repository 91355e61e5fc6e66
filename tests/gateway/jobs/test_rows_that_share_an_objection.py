"""A provider that names one of many as an objector: nobody else's person is suppressed for it."""

from __future__ import annotations

import msgspec
import pytest

from gateway.jobs.records import Job
from gateway.store.connection import Store
from tests.gateway.jobs.conftest import StartWorker, Worker
from tests.gateway.jobs.rows import people, stage, submit
from tests.gateway.jobs.test_rows_in_one_request import MANY, ROWS, patience, see_booked_as_billed
from tests.gateway.jobs.test_rows_in_one_request_of_snov import (
    PUSH,
    RESULT,
    START,
    addresses_of,
    verify,
)
from tests.gateway.lookup.scene import HUNTER_FIND, SIXTYFOUR_START, Scene

__all__ = ["patience", "stage"]


async def suppressed(worker: Worker) -> int:
    found: int = await worker.process.store.call("SCARD", f"{worker.process.root}suppressed")
    return found


async def codes(worker: Worker, job: Job) -> set[str]:
    found = await worker.process.jobs.results(job.id, range(job.counts.total))
    return {
        msgspec.json.decode(one.body)["code"] for one in found if one and one.outcome == "failed"
    }


async def test_each_of_them_finds_out_alone_whether_it_is_meant(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "status", status=451, path=MANY)
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    assert (await worker.ended(name)).counts.accepted == ROWS
    assert (stage.requests(MANY), stage.requests(SIXTYFOUR_START)) == (1, ROWS)
    assert await suppressed(worker) == 0
    await see_booked_as_billed(stage, store)


async def test_the_one_who_is_meant_is_remembered(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    for path in (MANY, SIXTYFOUR_START):
        stage.fault("sixtyfour", "status", status=451, path=path, times=1)
    worker = await start_worker(work=True)
    found = people(stage, ROWS, sixtyfour="valid", hunter="valid")
    job = await worker.ended(await submit(worker, found, "sixtyfour", "hunter"))
    assert (job.counts.accepted, job.counts.failed) == (ROWS - 1, 1)
    assert await codes(worker, job) == {"suppressed"}
    assert await suppressed(worker) > 0
    assert stage.requests(HUNTER_FIND) == 0
    await see_booked_as_billed(stage, store)


@pytest.mark.parametrize("path", [PUSH, START])
async def test_addresses_that_were_sent_together_are_innocent(
    start_worker: StartWorker, stage: Scene, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.snov.account.SnovAccount.is_v2", path == START)
    stage.fault("snov", "status", status=451, path=path, times=1)
    worker = await start_worker(work=True)
    job = await verify(worker, addresses_of(stage, 10))
    assert (job.counts.failed, await suppressed(worker)) == (0, 0)


@pytest.mark.parametrize("provider", ["sixtyfour", "snov"])
async def test_a_result_of_many_that_is_withheld_ends_them_and_suppresses_nobody(
    start_worker: StartWorker,
    stage: Scene,
    store: Store,
    provider: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whom it is about is not known: none of them is asked about any further."""
    monkeypatch.setattr("providers.snov.account.SnovAccount.is_v2", True)
    path = RESULT if provider == "snov" else "/job-status/*"
    stage.fault(provider, "status", status=451, path=path)
    worker = await start_worker(work=True)
    if provider == "snov":
        job = await verify(worker, addresses_of(stage, 10))
    else:
        found = people(stage, ROWS, sixtyfour="valid", hunter="valid")
        job = await worker.ended(await submit(worker, found, "sixtyfour", "hunter"))
    assert job.counts.failed == job.counts.total
    assert await codes(worker, job) == {"suppressed"}
    assert stage.requests(HUNTER_FIND) == 0
    assert await suppressed(worker) == 0


async def test_a_result_of_one_that_is_withheld_suppresses_its_person(
    start_worker: StartWorker, stage: Scene
) -> None:
    stage.fault("sixtyfour", "status", status=451, path="/job-status/*")
    worker = await start_worker(work=True)
    found = [stage.person(sixtyfour="valid")]
    job = await worker.ended(await submit(worker, found, "sixtyfour"))
    assert (job.counts.failed, await codes(worker, job)) == (1, {"suppressed"})
    assert await suppressed(worker) > 0
