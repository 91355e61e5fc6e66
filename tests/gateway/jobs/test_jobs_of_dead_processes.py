"""A job whose process died is finished by another, and nothing is bought twice."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from gateway.jobs.records import Job
from gateway.jobs.sweeper import Sweeper
from gateway.lookup.calls import Dialler
from gateway.store.connection import Store
from gateway.vault.credentials import Credential
from providers.simulator.accounts import Account
from providers.simulator.population import Person
from tests.gateway.jobs.conftest import StartWorker, Worker, outlive_leases
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    NOTHING,
    SIXTYFOUR_POLL,
    SIXTYFOUR_START,
    SNOV_PUSH,
    SNOV_READ,
    Scene,
    until,
)
from tests.gateway.money.books import entries, open_entries, spent

HIT = Decimal("0.05")
ACCOUNT = {
    "grant_type": "client_credentials",
    "client_id": "sim-snov-client",
    "client_secret": "sim-snov-secret",
}


@pytest.fixture
def stage(start_scene: Any, store: Store, simulator: Any) -> Scene:
    """The providers' side alone."""
    return Scene(None, simulator, store)  # type: ignore[arg-type]


def told(job: Job) -> tuple[str, Decimal, Decimal, list[tuple[str, str]]]:
    """Outcome, cost, money in doubt and attempts of a finished job."""
    assert isinstance(job.result, msgspec.Raw)
    meta = msgspec.json.decode(job.result)["meta"]
    assert Decimal(job.cost) == Decimal(meta["cost"])
    steps = [(one["provider"], one["outcome"]) for one in meta["attempts"]]
    return meta["outcome"], Decimal(meta["cost"]), Decimal(meta["in_doubt"]), steps


async def asked(stage: Scene, path: str, times: int = 1) -> None:
    async def enough() -> bool:
        return stage.requests(path) >= times

    await until(enough)


async def survive(start_worker: StartWorker, dying: Worker, store: Store, name: str) -> Job:
    """Kill a worker, and have the next one finish its job."""
    await dying.die()
    await outlive_leases(store)
    heir = await start_worker(work=True)
    return await heir.ended(name)


@pytest.mark.parametrize("max_age", [0, 3600])
async def test_an_open_ticket_is_collected_by_the_heir(
    start_worker: StartWorker, stage: Scene, store: Store, max_age: int
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker()
    person = stage.person(sixtyfour="valid")
    name = await worker.begin(person, providers=["sixtyfour"], max_age=max_age)
    await asked(stage, SIXTYFOUR_POLL)
    stage.heal()
    job = await survive(start_worker, worker, store, name)
    assert told(job) == ("accepted", HIT, NOTHING, [("sixtyfour", "accepted")])
    assert stage.requests(SIXTYFOUR_START) == stage.charges() == 1
    assert await open_entries(store) == []


async def push(stage: Scene, person: Person) -> None:
    """What somebody else who uses the account does."""
    base = stage.simulator.endpoints.snov
    first, _, last = person.full_name.partition(" ")
    names = {"firstName": first, "lastName": last, "domain": person.company.domain}
    async with httpx.AsyncClient(base_url=base) as client:
        found = await client.post("/v1/oauth/access_token", json=ACCOUNT)
        headers = {"authorization": f"Bearer {found.json()['access_token']}"}
        await client.post(SNOV_PUSH, json=names, headers=headers)


async def test_what_somebody_else_has_paid_for_costs_nothing_if_its_reader_dies(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.fault("snov", "never_ready", path=SNOV_READ)
    person, reading = stage.person(snov="valid"), asyncio.Event()
    await push(stage, person)
    bill = stage.billed()

    async def linger(*_: Any) -> Any:
        reading.set()
        await asyncio.Event().wait()

    worker = await start_worker()
    with monkeypatch.context() as patched:
        patched.setattr(Dialler, "_collect", linger)
        name = await worker.begin(person, providers=["snov"])
        await reading.wait()
        await worker.die()
    stage.heal()
    await outlive_leases(store)
    job = await (await start_worker(work=True)).ended(name)
    assert told(job) == ("accepted", NOTHING, NOTHING, [("snov", "accepted")])
    assert (stage.requests(SNOV_PUSH), stage.billed()) == (1, bill)
    assert +(await spent(store)) == {}


async def test_a_ticket_that_the_sweeper_collected_is_the_jobs_own_cost(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker()
    person = stage.person(sixtyfour="valid")
    name = await worker.begin(person, providers=["sixtyfour"], max_age=0)
    await asked(stage, SIXTYFOUR_POLL)
    await worker.die()
    stage.heal()
    await outlive_leases(store)
    other = await start_worker()
    sweeper = Sweeper(other.desk)
    await sweeper.sweep()
    await asyncio.gather(*sweeper._collecting)
    assert +(await spent(store)) == {"posted": 50_000}
    await other.engine.open(work=True)
    assert told(await other.ended(name)) == ("accepted", HIT, NOTHING, [("sixtyfour", "accepted")])
    assert stage.charges() == 1


async def test_what_was_paid_and_what_is_in_doubt_is_not_asked_again(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "hang", path=HUNTER_FIND)
    worker = await start_worker()
    person = stage.person(sixtyfour="valid", hunter="valid")
    route = ["snov", "hunter", "sixtyfour"]
    name = await worker.begin(person, providers=route, max_cost="0.129")
    await asked(stage, HUNTER_FIND)
    stage.heal()
    job = await survive(start_worker, worker, store, name)
    steps = [("snov", "empty"), ("hunter", "in_doubt"), ("sixtyfour", "accepted")]
    assert told(job) == ("accepted", Decimal("0.08"), Decimal("0.049"), steps)
    assert (stage.requests(SNOV_PUSH), stage.requests(HUNTER_FIND)) == (1, 1)
    assert +(await spent(store)) == {"posted": 80_000, "in_doubt": 49_000}


async def test_the_money_of_a_dead_process_counts_for_max_cost(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "hang", path=HUNTER_FIND)
    worker = await start_worker()
    name = await worker.begin(
        stage.person(), providers=["snov", "hunter", "sixtyfour"], max_cost="0.128"
    )
    await asked(stage, HUNTER_FIND)
    job = await survive(start_worker, worker, store, name)
    steps = [("snov", "empty"), ("hunter", "in_doubt"), ("sixtyfour", "skipped")]
    assert told(job) == ("empty", Decimal("0.03"), Decimal("0.049"), steps)


async def test_a_reservation_that_was_never_used_is_void(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("snov", "hang", path=SNOV_READ)
    worker = await start_worker()
    name = await worker.begin(stage.person(snov="valid"), providers=["snov"])
    await asked(stage, SNOV_READ)
    stage.heal()
    job = await survive(start_worker, worker, store, name)
    assert told(job) == ("accepted", Decimal("0.03"), NOTHING, [("snov", "accepted")])
    states = sorted(row["state"] for row in await entries(store))
    assert states == ["posted", "voided"]


async def test_an_heir_that_dies_too_is_inherited(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "hang", path=HUNTER_FIND)
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker()
    person = stage.person(sixtyfour="valid")
    name = await worker.begin(person, providers=["snov", "hunter", "sixtyfour"])
    await asked(stage, HUNTER_FIND)
    await worker.die()
    await outlive_leases(store)
    heir = await start_worker(work=True)
    await asked(stage, SIXTYFOUR_POLL)
    stage.heal()
    job = await survive(start_worker, heir, store, name)
    steps = [("snov", "empty"), ("hunter", "in_doubt"), ("sixtyfour", "accepted")]
    assert told(job) == ("accepted", Decimal("0.08"), Decimal("0.049"), steps)
    assert stage.charges() == 2


async def test_a_live_job_is_not_taken_over(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.slow_down("sixtyfour", task=0.5)
    worker, other = await start_worker(), await start_worker(work=True)
    name = await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])
    assert await other.process.jobs.claim(interactive=9, bulk=9, fresh=9) == []
    await other.ended(name)
    assert await store.call("EXISTS", f"{other.process.root}job:{name}:deaths") == 0


async def test_one_broken_record_does_not_stop_the_others(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    worker = await start_worker()
    root = worker.process.root
    await store.call("HSET", f"{root}job:job_broken", "request", "x", "created", 1, "team", "t")
    await store.call("HSET", f"{root}job:job_broken:in", 0, "{")
    await store.call("ZADD", f"{root}leases:bulk", 1, "job_broken 0", 1, "job_gone 0")
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    name = await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])
    await asked(stage, SIXTYFOUR_POLL)
    stage.heal()
    job = await survive(start_worker, worker, store, name)
    assert job.status == "completed"
    assert await store.call("ZSCORE", f"{root}leases:bulk", "job_gone 0") is None


async def test_the_sweeper_closes_what_nobody_comes_back_for(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("hunter", "hang", path=HUNTER_FIND)
    stage.fault("snov", "hang", path=SNOV_READ)
    worker = await start_worker()
    await worker.begin(stage.person(), providers=["hunter"])
    await worker.begin(stage.person(), providers=["snov"])
    await asked(stage, HUNTER_FIND)
    await asked(stage, SNOV_READ)
    await worker.die()
    await outlive_leases(store)
    other = await start_worker()
    await Sweeper(other.desk).sweep()
    assert sorted(row["state"] for row in await entries(store)) == ["in_doubt", "voided"]


async def test_a_ticket_is_collected_with_its_own_account_though_another_is_preferred_now(
    start_worker: StartWorker, stage: Scene, store: Store
) -> None:
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker()
    name = await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])
    await asked(stage, SIXTYFOUR_POLL)
    await worker.die()
    stage.heal()
    await outlive_leases(store)
    heir = await start_worker()
    account = Account(provider="sixtyfour", name="second")
    stage.simulator.app.stage.accounts.put("second-key", account)
    await heir.process.kept.put(
        Credential(
            id="cred_second",
            provider="sixtyfour",
            name="second",
            base_url=stage.simulator.endpoints.sixtyfour,
            secret={"api_key": "second-key"},
            weight=10,
        )
    )
    await heir.desk.market.changed()
    await heir.engine.open(work=True)
    assert told(await heir.ended(name)) == ("accepted", HIT, NOTHING, [("sixtyfour", "accepted")])
    assert [row.account for row in stage.simulator.bill.rows] == ["default"]


async def test_a_ticket_is_stranded_without_the_account_that_bought_it(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential that is gone strands its ticket until its life is over: then it is in doubt."""
    stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await start_worker()
    await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])
    await asked(stage, SIXTYFOUR_POLL)
    await worker.die()
    await outlive_leases(store)
    other = await start_worker(only=("hunter",))
    sweeper = Sweeper(other.desk)
    await sweeper.sweep()
    await asyncio.gather(*sweeper._collecting)
    assert await open_entries(store) == ["dispatched"]
    await outlive_leases(store)
    monkeypatch.setattr("gateway.lookup.tickets.LIFE", 0)
    await sweeper.sweep()
    await asyncio.gather(*sweeper._collecting)
    assert +(await spent(store)) == {"in_doubt": 50_000}
