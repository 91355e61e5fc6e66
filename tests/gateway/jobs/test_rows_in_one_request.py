"""Rows of a job that share a provider's request: each has its own entry, answer and cost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.lookup import tickets
from gateway.lookup.batching import Batches, Outcome
from gateway.lookup.calls import Call
from gateway.store.connection import Store
from gateway.vault.credentials import Credential
from providers.model import EMAILS_FIND, Ticket
from providers.sixtyfour import Sixtyfour
from tests.gateway.conftest import SECRETS
from tests.gateway.jobs.conftest import StartWorker, Worker, outlive_leases
from tests.gateway.jobs.rows import asked, jobs_of, people, stage, submit
from tests.gateway.lookup.scene import SIXTYFOUR_POLL, SIXTYFOUR_START, Scene
from tests.gateway.money.books import audit, entries

__all__ = ["stage"]

MANY = "/find-email-bulk-async"
ROWS = 40


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly rows come here, they find one another."""
    monkeypatch.setattr("gateway.lookup.batching.LINGER", 0.5)


async def entries_of(store: Store, state: str) -> list[dict[str, str]]:
    return [row for row in await entries(store) if row["state"] == state]


async def see_booked_as_billed(stage: Scene, store: Store) -> None:
    booked = sum(int(row["cost"]) for row in await entries_of(store, "posted"))
    assert Decimal(booked) / 10**6 == stage.billed()
    await audit(store)


async def paced_worker(start_worker: StartWorker, stage: Scene) -> Worker:
    """Its account has a rate, so that a request and its entries leave in one step."""
    worker = await start_worker(work=True, only=("hunter",))
    account = Credential(
        id="cred_paced",
        provider="sixtyfour",
        name="paced",
        base_url=stage.simulator.endpoints.sixtyfour,
        secret=SECRETS["sixtyfour"],
        limits={"per_minute": 6000},
    )
    await worker.process.kept.put(account)
    await worker.desk.market.changed()
    return worker


@pytest.mark.parametrize("paced", [False, True])
async def test_many_rows_are_one_request_and_as_many_entries(
    start_worker: StartWorker, stage: Scene, store: Store, paced: bool
) -> None:
    worker = await (paced_worker(start_worker, stage) if paced else start_worker(work=True))
    found = people(stage, ROWS - 10, sixtyfour="valid") + people(stage, 10)
    name = await submit(worker, found, "sixtyfour")
    job = await worker.ended(name)
    assert (job.counts.accepted, job.counts.empty) == (ROWS - 10, 10)
    assert (stage.requests(MANY), stage.requests(SIXTYFOUR_START)) == (1, 0)
    assert stage.requests(SIXTYFOUR_POLL) < ROWS, "polls are shared"
    assert Decimal(job.cost) == stage.billed() == (ROWS - 10) * Decimal("0.05")
    assert len(await entries_of(store, "posted")) == ROWS
    await see_booked_as_billed(stage, store)


async def test_each_row_has_its_own_answer(start_worker: StartWorker, stage: Scene) -> None:
    worker = await start_worker(work=True)
    found = people(stage, ROWS, sixtyfour="valid")
    name = await submit(worker, found, "sixtyfour")
    await worker.ended(name)
    results = await worker.process.jobs.results(name, range(ROWS))
    told = [msgspec.json.decode(one.body)["data"]["full_name"] for one in results if one]
    assert told == [person.full_name for person in found]


async def test_a_few_rows_are_sooner_done_alone(start_worker: StartWorker, stage: Scene) -> None:
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, 16, sixtyfour="valid"), "sixtyfour")
    assert (await worker.ended(name)).counts.accepted == 16
    assert (stage.requests(MANY), stage.requests(SIXTYFOUR_START)) == (0, 16)


async def test_no_request_is_larger_than_the_provider_takes(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller = replace(Sixtyfour.offers[EMAILS_FIND], most=20)
    monkeypatch.setitem(Sixtyfour.offers, EMAILS_FIND, smaller)
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    assert (await worker.ended(name)).counts.accepted == ROWS
    assert stage.requests(MANY) == ROWS / 20
    await see_booked_as_billed(stage, store)


async def test_a_refusal_that_one_row_may_be_to_blame_for_is_found_out_row_by_row(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "status", status=422, path=MANY)
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    assert (await worker.ended(name)).counts.accepted == ROWS
    assert stage.requests(SIXTYFOUR_START) == ROWS
    await see_booked_as_billed(stage, store)


async def test_a_task_that_failed_and_was_charged_costs_each_its_part(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "task_failed", path="/job-status/*")
    worker = await start_worker(work=True)
    found = people(stage, 17, sixtyfour="valid") + people(stage, 13)
    job = await worker.ended(await submit(worker, found, "sixtyfour"))
    assert job.counts.failed == 30
    assert Decimal(job.cost) == stage.billed() == 17 * Decimal("0.05")
    await see_booked_as_billed(stage, store)


async def test_a_request_without_a_reply_leaves_every_row_in_doubt(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "charge_without_reply", path=MANY)
    worker = await start_worker(work=True)
    await worker.ended(await submit(worker, people(stage, ROWS), "sixtyfour"))
    assert stage.requests(MANY) == 1
    assert stage.requests(SIXTYFOUR_START) == 0, "nothing is sent a second time"
    assert len(await entries_of(store, "in_doubt")) == ROWS


async def test_out_of_credits_costs_nothing(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "out_of_credits", path=MANY)
    worker = await start_worker(work=True)
    job = await worker.ended(await submit(worker, people(stage, ROWS), "sixtyfour"))
    assert (job.counts.failed, job.cost) == (ROWS, "0")
    assert len(await entries_of(store, "voided")) == len(await entries(store))


async def test_whoever_fails_together_goes_on_within_the_slots(
    start_worker: StartWorker, stage: Scene
) -> None:
    stage.fault("sixtyfour", "out_of_credits", path=MANY)
    stage.slow_down("hunter", call=0.02)
    worker = await start_worker(work=True, jobs=jobs_of(3))
    found = people(stage, ROWS, hunter="valid")
    job = await worker.ended(await submit(worker, found, "sixtyfour", "hunter"))
    assert job.counts.accepted == ROWS
    assert stage.simulator.app.traffic.peak <= 3


async def test_the_heir_collects_what_was_begun(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker(work=True)
    name = await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    await asked(stage, SIXTYFOUR_POLL, 2)
    await worker.die()
    stage.heal()
    await outlive_leases(store)
    job = await (await start_worker(work=True)).ended(name)
    assert (job.counts.accepted, stage.requests(MANY)) == (ROWS, 1)
    assert Decimal(job.cost) == stage.billed()


async def test_cancelled_before_it_left_it_costs_nothing(
    start_worker: StartWorker, stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request waits for its permit."""
    ready, go = asyncio.Event(), Batches._sent

    async def sent(self: Batches, calls: Any) -> Any:
        await pause(worker)
        ready.set()
        return await go(self, calls)

    monkeypatch.setattr(Batches, "_sent", sent)
    worker = await paced_worker(start_worker, stage)
    name = await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    await ready.wait()
    assert await worker.process.jobs.cancel(name, "default")
    job = await worker.ended(name)
    assert (job.status, job.cost, stage.requests(MANY)) == ("cancelled", "0", 0)


async def pause(worker: Worker) -> None:
    """The provider has asked for patience."""
    market = worker.desk.market
    [account] = [one for one in market.credentials if one.provider == "sixtyfour"]
    allowance = market.allowance(account)
    await worker.desk.waterfall.dialler._permits.pause(allowance, 5.0)


async def test_a_provider_that_mixes_rows_up_is_noticed(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one row is answered must not be another's: nobody gets anything."""
    find_many = Sixtyfour.find_many

    async def mixed(self: Sixtyfour, queries: Any) -> list[Ticket]:
        return (await find_many(self, queries))[::-1]

    monkeypatch.setattr(Sixtyfour, "find_many", mixed)
    monkeypatch.setattr(tickets, "LIFE", 0)
    worker = await start_worker(work=True)
    job = await worker.ended(
        await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")
    )
    assert job.counts.accepted == 0


async def test_a_crowd_that_does_not_count_its_calls_is_caught(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: one ticket for all, charged to each in full."""

    async def whole(self: Batches, calls: list[Call]) -> list[Outcome]:
        found = await calls[0].adapter.ask_many([one.query for one in calls], seconds=20)
        return [Ticket(state={**one.state, "at": "0"}) for one in found if isinstance(one, Ticket)]

    monkeypatch.setattr(Batches, "_sent", whole)
    monkeypatch.setattr(tickets, "LIFE", 0)
    worker = await start_worker(work=True)
    await worker.ended(await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour"))
    with pytest.raises(AssertionError):
        await see_booked_as_billed(stage, store)
