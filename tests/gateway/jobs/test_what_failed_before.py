"""A step that came to nothing is not paid again by a lookup that is run a second time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import NamedTuple

import pytest

from gateway.jobs.records import Job
from gateway.jobs.sweeper import Sweeper
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.jobs.conftest import StartWorker, outlive_leases
from tests.gateway.jobs.rows import asked, stage, submit
from tests.gateway.jobs.test_jobs_of_dead_processes import told
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    SIXTYFOUR_POLL,
    SIXTYFOUR_START,
    Scene,
    until,
)
from tests.gateway.money.books import spent

__all__ = ["stage"]

SIXTYFOUR, HUNTER = Decimal("0.05"), Decimal("0.049")
ROUTE = ["sixtyfour", "hunter"]


class Site(NamedTuple):
    start: StartWorker
    stage: Scene
    store: Store
    patch: pytest.MonkeyPatch


@pytest.fixture
def site(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Site:
    return Site(start_worker, stage, store, monkeypatch)


async def collect(site: Site) -> None:
    """Have a process without work of its own settle the ticket that nobody keeps."""
    sweeper = Sweeper((await site.start()).desk)
    await sweeper.sweep()
    assert len(sweeper._collecting) == 1
    await asyncio.gather(*sweeper._collecting)


async def what_the_sweeper_settled_is_not_asked_again(site: Site) -> None:
    """The task fails, and is charged, while nobody is there for its lookup."""
    site.stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await site.start()
    person = site.stage.person(sixtyfour="valid", hunter="valid")
    name = await worker.begin(person, providers=ROUTE, max_age=0, max_cost="0.14")
    await asked(site.stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    site.stage.heal()
    site.stage.fault("sixtyfour", "task_failed", path="/job-status/*")
    await outlive_leases(site.store)
    await collect(site)
    assert +(await spent(site.store)) == {"posted": 50_000}
    await see_paid_once(await (await site.start(work=True)).ended(name), site)


async def what_failed_before_the_death_is_not_asked_again(site: Site) -> None:
    site.stage.fault("hunter", "status", status=503)
    site.stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await site.start()
    person = site.stage.person(sixtyfour="valid", hunter="valid")
    name = await worker.begin(person, providers=["hunter", "sixtyfour"], max_age=0)
    await asked(site.stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    site.stage.heal()
    await outlive_leases(site.store)
    job = await (await site.start(work=True)).ended(name)
    steps = [("hunter", "failed"), ("sixtyfour", "accepted")]
    assert told(job) == ("accepted", SIXTYFOUR, Decimal(0), steps)
    assert (site.stage.requests(HUNTER_FIND), site.stage.charges()) == (1, 1)


async def see_paid_once(job: Job, site: Site) -> None:
    assert site.stage.requests(SIXTYFOUR_START) == 1
    steps = [("sixtyfour", "failed"), ("hunter", "accepted")]
    assert told(job) == ("accepted", SIXTYFOUR + HUNTER, Decimal(0), steps)
    assert site.stage.billed() == SIXTYFOUR + HUNTER
    assert site.stage.requests(HUNTER_FIND) == 1


async def money_of_the_first_run_counts_for_max_cost(site: Site) -> None:
    site.stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await site.start()
    person = site.stage.person(sixtyfour="valid", hunter="valid")
    name = await worker.begin(person, providers=ROUTE, max_age=0, max_cost="0.09")
    await asked(site.stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    site.stage.heal()
    site.stage.fault("sixtyfour", "task_failed", path="/job-status/*")
    await outlive_leases(site.store)
    await collect(site)
    await (await site.start(work=True)).ended(name)
    assert site.stage.billed() == SIXTYFOUR


async def what_is_laid_aside_is_left_alone(site: Site) -> None:
    """Its ticket is the row's own until long after it is due."""
    site.patch.setattr("gateway.jobs.seats.PARK_AFTER", 0.05)
    site.patch.setattr("gateway.lookup.tickets.CEILING", 0.5)
    site.stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await site.start(work=True)
    name = await submit(worker, [site.stage.person(sixtyfour="valid")], "sixtyfour")
    parked = f"{worker.process.root}job:{name}:parked"

    async def is_laid_aside() -> bool:
        return bool(await site.store.call("SCARD", parked))

    await until(is_laid_aside)
    worker.engine.retire()
    # Longer than a poll's lease.
    await site.store.call("INCRBY", "{pgw}:clock_offset", 45_000)
    sweeper = Sweeper((await site.start()).desk)
    await sweeper.sweep()
    left = len(sweeper._collecting)
    await sweeper.close()
    assert left == 0
    site.stage.heal()
    assert (await (await site.start(work=True)).ended(name)).counts.accepted == 1
    assert site.stage.charges() == 1


async def what_is_kept_of_a_later_step_hides_no_money(site: Site) -> None:
    """Free answers come first, but what the first run paid for is told."""
    drawn = {"sixtyfour": (3.0, 3.0), "hunter": (-3.0, -3.0)}
    site.patch.setattr(
        "gateway.lookup.planning.weighing.normals", lambda _, provider: drawn[provider]
    )
    site.stage.fault("sixtyfour", "never_ready", path="/job-status/*")
    worker = await site.start()
    person = site.stage.person(sixtyfour="valid", hunter="valid")
    name = await worker.begin(person, providers=ROUTE, order="learned")
    await asked(site.stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    site.stage.heal()
    site.stage.fault("sixtyfour", "task_failed", path="/job-status/*")
    await outlive_leases(site.store)
    await collect(site)
    other = await (await site.start()).begin(person, providers=["hunter"])
    again = await site.start(work=True)
    assert told(await again.ended(other))[0] == "accepted"
    job = await again.ended(name)
    assert told(job)[:2] == ("accepted", SIXTYFOUR)


Check = Callable[[Site], Awaitable[None]]
CHECKS: list[Check] = [
    what_the_sweeper_settled_is_not_asked_again,
    what_failed_before_the_death_is_not_asked_again,
    money_of_the_first_run_counts_for_max_cost,
    what_is_laid_aside_is_left_alone,
    what_is_kept_of_a_later_step_hides_no_money,
]
MUTANTS: list[tuple[Check, str, str]] = [
    (CHECKS[0], "changed and a.ends", "false"),
    (CHECKS[1], "failed_before(a, s) or", ""),
    (CHECKS[2], "if not booked then a.spent", "if false then a.spent"),
    (CHECKS[4], "if skip and skip.rid then", "if false then"),
]


@pytest.mark.parametrize("check", CHECKS)
async def test_nothing_is_paid_twice(site: Site, check: Check) -> None:
    await check(site)


@pytest.mark.parametrize("check, old, new", MUTANTS)
async def test_broken_scripts_are_caught(
    site: Site, monkeypatch: pytest.MonkeyPatch, check: Check, old: str, new: str
) -> None:
    load = Script.load

    def broken(name: str) -> Script:
        script = load(name)
        assert script.shifted is not None
        shifted = Script.of(name, script.shifted.source.replace(old, new))
        return Script.of(name, script.source.replace(old, new), shifted=shifted)

    monkeypatch.setattr(Script, "load", broken)
    with pytest.raises(AssertionError):
        await check(site)


async def test_a_short_lease_is_caught(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.lookup.calls.LATENESS", 0.0)
    with pytest.raises(AssertionError):
        await what_is_laid_aside_is_left_alone(site)
