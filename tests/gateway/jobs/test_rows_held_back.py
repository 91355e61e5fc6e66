"""Rows that are held back by providers in need of patience wait, and do not fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from gateway.jobs.patience import is_held_back, pause_of
from gateway.jobs.records import Result
from gateway.lookup.attempts import Attempt, Tally, attempt
from gateway.lookup.lookup import JOB_TIMEOUT, Lookup
from gateway.money.terms import Place
from gateway.store.connection import Store
from gateway.store.script import Script
from providers.model import EMAILS_FIND, FindEmail
from providers.simulator.testing import RunningSimulator, running_simulator
from providers.simulator.world import World
from tests.gateway.jobs.conftest import CALLER, StartWorker, Worker
from tests.gateway.jobs.rows import jobs_of, people, stage, submit
from tests.gateway.jobs.test_rows_in_one_request import see_booked_as_billed
from tests.gateway.lookup.scene import HUNTER_FIND, Scene, until

__all__ = ["stage"]

ROWS, SLOTS = 300, 8


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator(World(people=1500)) as running:
        yield running


async def laid_aside(worker: Worker, name: str) -> int:
    found: int = await worker.process.store.call("ZCARD", f"{worker.process.root}job:{name}:again")
    return found


async def until_laid_aside(worker: Worker, name: str, rows: int) -> None:
    async def enough() -> bool:
        return await laid_aside(worker, name) >= rows

    await until(enough)


async def until_nobody_works(worker: Worker) -> None:
    async def nobody() -> bool:
        return not worker.engine._slots.wanted

    await until(nobody)


async def results_of(worker: Worker, name: str) -> list[Result]:
    found = await worker.process.jobs.results(name, range(ROWS))
    return [one for one in found if one is not None]


async def test_rows_wait_while_their_provider_asks_for_patience(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "status", status=429, retry_after=600)
    worker = await start_worker(work=True, jobs=jobs_of(SLOTS))
    name = await submit(worker, people(stage, ROWS, hunter="valid"), "hunter")
    await until_laid_aside(worker, name, ROWS)
    assert stage.requests(HUNTER_FIND) <= SLOTS, "a row that is held back asks nobody"
    await until_nobody_works(worker)
    stage.heal()
    await store.call("INCRBY", "{pgw}:clock_offset", 1_000_000)
    job = await worker.ended(name)
    assert (job.counts.accepted, job.counts.failed) == (ROWS, 0)
    assert stage.charges() == ROWS
    told = [one["reason"] for one in await attempts_of(worker, name) if "reason" in one]
    assert set(told) == {"rate_limited"}, "what was met is told"
    await see_booked_as_billed(stage, store)


async def attempts_of(worker: Worker, name: str) -> list[dict[str, Any]]:
    found = await results_of(worker, name)
    return [one for row in found for one in msgspec.json.decode(row.body)["meta"]["attempts"]]


async def test_rows_wait_while_a_breaker_is_open(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "status", status=500)
    worker = await start_worker(work=True, jobs=jobs_of(SLOTS))
    name = await submit(worker, people(stage, ROWS, hunter="valid"), "hunter")
    await until_laid_aside(worker, name, ROWS // 2)
    stage.heal()
    await store.call("INCRBY", "{pgw}:clock_offset", 60_000)
    job = await worker.ended(name)
    failed = [one for one in await results_of(worker, name) if one.outcome == "failed"]
    assert len(failed) == job.counts.failed < ROWS / 4
    for one in failed:
        reasons = [item["reason"] for item in msgspec.json.decode(one.body)["attempts"]]
        assert "unavailable" in reasons, "it was only held back"
    assert job.counts.accepted == ROWS - len(failed) == stage.charges()
    await see_booked_as_billed(stage, store)


async def test_rows_that_are_held_back_keep_nobody_waiting(
    start_worker: StartWorker, stage: Scene
) -> None:
    stage.fault("hunter", "status", status=429, retry_after=600)
    worker = await start_worker(work=True, jobs=jobs_of(SLOTS))
    name = await submit(worker, people(stage, ROWS, hunter="valid"), "hunter")
    other = await submit(
        worker, people(stage, SLOTS, sixtyfour="valid"), "sixtyfour", team="another"
    )
    assert (await worker.ended(other)).counts.accepted == SLOTS
    await until_laid_aside(worker, name, ROWS)
    assert await worker.process.jobs.cancel(name, "default")
    job = await worker.ended(name)
    assert (job.status, job.counts.cancelled, job.cost) == ("cancelled", ROWS, "0")
    assert await laid_aside(worker, name) == 0


async def test_what_was_held_back_survives_its_process(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "status", status=429, retry_after=1)
    worker = await start_worker(work=True, jobs=jobs_of(SLOTS))
    name = await submit(worker, people(stage, 20, hunter="valid"), "hunter")
    await until_laid_aside(worker, name, 10)
    await worker.die()
    stage.heal()
    await store.call("INCRBY", "{pgw}:clock_offset", 120_000)
    heir = await start_worker(work=True, jobs=jobs_of(SLOTS))
    assert (await heir.ended(name)).counts.accepted == stage.charges() == 20
    await see_booked_as_billed(stage, store)


async def test_a_row_whose_time_is_up_before_anyone_may_be_asked_fails(
    start_worker: StartWorker, stage: Scene
) -> None:
    stage.fault("hunter", "status", status=429, retry_after=600)
    worker = await start_worker(work=True)
    found = people(stage, 20, hunter="valid")
    job = await worker.ended(await submit(worker, found, "hunter", timeout=60.0))
    assert job.counts.failed == 20


async def test_another_provider_is_asked_instead(start_worker: StartWorker, stage: Scene) -> None:
    stage.fault("hunter", "status", status=429, retry_after=600)
    worker = await start_worker(work=True)
    found = people(stage, 20, hunter="valid", sixtyfour="valid")
    job = await worker.ended(await submit(worker, found, "hunter", "sixtyfour"))
    assert (job.counts.accepted, stage.charges("sixtyfour")) == (20, 20)


async def test_a_single_lookup_is_told_when_to_come_back(
    start_worker: StartWorker, stage: Scene
) -> None:
    """Its caller waits for the one answer, and may have other plans."""
    stage.fault("hunter", "status", status=429, retry_after=600)
    worker = await start_worker(work=True)
    name = await worker.begin(stage.person(hunter="valid"), providers=["hunter"])
    assert (await worker.ended(name)).counts.failed == 1


OLD, NEW = "if changed and a.ends and not patience then", "if changed and a.ends then"


@pytest.mark.parametrize("broken", [False, True])
async def test_a_refusal_for_now_is_not_remembered_as_a_failure(
    start_worker: StartWorker, stage: Scene, broken: bool
) -> None:
    """Or its row would never be asked about again, which the mutant shows."""
    stage.fault("hunter", "status", status=429, retry_after=600)
    worker = await start_worker(work=True)
    if broken:
        scripts = worker.desk.ledger._scripts
        scripts["settle"] = mutant_of(scripts["settle"])
    name = await submit(worker, people(stage, 12, hunter="valid"), "hunter")
    await until_laid_aside(worker, name, 12)
    assert stage.requests(HUNTER_FIND) > 0
    store, root = worker.process.store, worker.process.root
    marks = [f"{root}failed:{name}.{at}" for at in range(12)]
    assert bool(await store.call("EXISTS", *marks)) == broken


def mutant_of(script: Script) -> Script:
    assert script.shifted
    assert OLD in script.source
    shifted = Script.of("settle", script.shifted.source.replace(OLD, NEW))
    return Script.of("settle", script.source.replace(OLD, NEW), shifted=shifted)


MET = attempt("hunter", "emails.find", "failed", reason="rate_limited")
SHUT = attempt("snov", "emails.find", "skipped", reason="circuit_open")
ABSENT = attempt("letrics", "emails.find", "skipped", reason="no_credential")
POOR = attempt("letrics", "emails.find", "skipped", reason="over_budget")
ILL = attempt("snov", "emails.find", "failed", reason="unavailable")
PAID = attempt("hunter", "emails.find", "failed", reason="rate_limited", units=1000)
OPEN = attempt("hunter", "emails.find", "in_doubt", reason="timed_out")


@pytest.mark.parametrize(
    "attempts, waits",
    [
        ([MET], True),
        ([SHUT, ABSENT], True),
        ([MET, SHUT], True),
        ([], False),
        ([ABSENT], False),
        ([MET, POOR], False),
        ([MET, ILL], False),
        ([SHUT, PAID], False),
        ([SHUT, OPEN], False),
    ],
)
def test_only_patience_is_waited_for(attempts: list[Attempt], waits: bool) -> None:
    assert is_held_back(attempts) == waits


async def test_who_was_held_back_for_long_is_looked_at_less_often() -> None:
    lookup = lookup_of([MET], age=0.0, left=3600.0)
    assert all(1.0 <= one <= 1.5 for one in pauses(lookup, told=0.1))
    found = pauses(lookup, told=30.0)
    assert all(30.0 <= one <= 45.0 for one in found)
    assert max(found) - min(found) > 5, "all would come back in one instant"
    late = lookup_of([MET], age=3000.0, left=600.0)
    assert all(200.0 < one <= (30 + 600) / 2 for one in pauses(late, told=30.0))
    assert pause_of(lookup_of([MET], age=3590.0, left=10.0, told=30.0)) is None


@pytest.mark.parametrize("due, left", [(100.0, 3500.0), (0.0, -3600.0)])
async def test_the_wait_in_line_takes_none_of_a_rows_time(
    start_worker: StartWorker, due: float, left: float
) -> None:
    """It was first run two hours ago, and held back for the first 100 seconds."""
    desk, began = (await start_worker()).desk, time.time() - 7200.0
    asked = FindEmail(full_name="Ada Lovelace", domain="blue-harbor.example")
    first, again = (
        desk.prepare(EMAILS_FIND, asked, CALLER, routing=None, wait=0.001) for _ in range(2)
    )
    first.begun = began
    again.become_job(Place("job"))
    again.restore(first.progress(began + due if due else 0.0))
    assert again.seconds_left() == pytest.approx(left, abs=5)
    assert again.begun == pytest.approx(time.time() - (JOB_TIMEOUT - left), abs=5)


def pauses(lookup: Lookup, *, told: float) -> list[float]:
    lookup.tally.retry_after = told
    return [found for _ in range(100) if (found := pause_of(lookup))]


def lookup_of(attempts: list[Attempt], *, age: float, left: float, told: float = 1.0) -> Lookup:
    now = asyncio.get_running_loop().time()
    held = SimpleNamespace(
        answer=None,
        operation=EMAILS_FIND,
        empties=0,
        attempts=attempts,
        tally=Tally(retry_after=told),
        begun=time.time() - age,
        seconds_left=lambda: now + left - asyncio.get_running_loop().time(),
    )
    return cast("Lookup", held)
