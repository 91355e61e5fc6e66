"""Jobs are taken in at once, cost little while they wait, and leave room for those who wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.bench.jobs import (
    Speeds,
    fairness,
    first_result,
    growth,
    memory_of_rows,
    percentile,
    speeds,
    taking_in,
)
from tests.gates.conftest import Campaign
from tests.gates.works import Works, rewritten, works

ATTEMPTS = 3
KIB = 1024


async def assert_taken_in(
    site: Works, tell: Callable[[str], None], *, jobs: int = 10, times: int = 3
) -> None:
    await site.start("--no-jobs")
    seconds = await taking_in(site, times)
    assert seconds < 1, f"10,000 rows are taken in within {seconds:.2f} s"
    held = await memory_of_rows(site, jobs)
    assert held <= 2 * KIB, f"a queued row takes {held:.0f} bytes"
    tell(f"10,000 rows taken in within {seconds:.2f} s; {held:.0f} bytes of the store's for each")


async def assert_prompt(site: Works, tell: Callable[[str], None]) -> None:
    await site.start()
    seconds = await first_result(site)
    assert seconds <= 1, f"the first result is seen {seconds:.2f} s after its answer"
    tell(f"the first result was seen {seconds * 1000:.0f} ms after its answer")


async def assert_both_go_on(
    site: Works, tell: Callable[[str], None], *, attempts: int = ATTEMPTS, rounds: int = 3
) -> None:
    """The machine has others to serve: what holds once holds."""
    gateway = await site.start()
    for attempt in range(attempts):
        found = await speeds(site, gateway, rounds=rounds, calls=60)
        if found.callers <= 1.5 and found.rows >= 0.5:
            alone = percentile(found.callers_alone) * 1000
            tell(f"upstream at 100 ms, p95 {alone:.0f} ms without a job: {said(found)}")
            return
        assert attempt + 1 < attempts, said(found)


def said(found: Speeds) -> str:
    return (
        f"beside a job callers wait {found.callers:.2f} times as long, beside callers a job has "
        f"{found.rows:.2f} of its pace"
    )


async def assert_fair(site: Works, tell: Callable[[str], None], *, rows: int = 100) -> None:
    index = await fairness(site, rows)
    assert index >= 0.99, f"fairness of 8 teams is {index:.3f}"
    tell(f"Jain's index of 8 teams is {index:.4f}")


async def assert_bounded(
    site: Works, tell: Callable[[str], None], *, small: int, large: int
) -> None:
    await site.start("--no-jobs")
    worker = await site.start("worker")
    few, many = await growth(site, worker, small, large)
    assert many - few <= 4 * KIB, f"{few} KiB for {small} rows, {many} KiB for {large}"
    tell(f"a worker had {few} KiB at most for {small} rows, {many} KiB for {large}")


Check = Callable[[Works, Callable[[str], None]], Awaitable[None]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("check", [assert_taken_in, assert_prompt, assert_both_go_on, assert_fair])
async def test_jobs_keep_their_pace(tmp_path: Path, campaign: Campaign, check: Check) -> None:
    async with works(tmp_path, "", people=400) as site:
        await check(site, campaign.tell)


@pytest.mark.timeout(900)
async def test_memory_does_not_grow_with_the_rows(tmp_path: Path, campaign: Campaign) -> None:
    small, large = campaign.size(short=(300, 3000), full=(1000, 10_000))
    async with works(tmp_path, "", people=400) as site:
        await assert_bounded(site, campaign.tell, small=small, large=large)


# Every row is pondered.
SLOW = """
import time, gateway.api.batches as b
look = b._problem_of
def ponder(*arguments):
    time.sleep(0.0003)
    return look(*arguments)
b._problem_of = ponder
"""
# Rows are kept in a form that takes more.
LAVISH = """
import gateway.jobs.queue as q
write = q.Queue._write
async def padded(self, key, rows):
    await write(self, key, [(at, row + b" " * 3000) for at, row in rows])
q.Queue._write = padded
"""
# Ends are written a while after they are known.
TARDY = """
import asyncio, gateway.jobs.engine as e
finish = e.Engine._finish
async def late(self, *told, **more):
    await asyncio.sleep(1.5)
    await finish(self, *told, **more)
e.Engine._finish = late
"""
# Many more rows are worked on at once than is allowed.
CROWDED = """
import gateway.jobs.engine as e, gateway.jobs.seats as s
e.Slots = lambda size, freed: s.Slots(200, freed)
"""
# Jobs wait until no caller does.
TIMID = """
import asyncio, gateway.jobs.engine as e
answer = e.Engine._answer
async def hesitant(self, *arguments):
    while self._waiters._leave: await asyncio.sleep(0.05)
    await answer(self, *arguments)
e.Engine._answer = hesitant
"""
# Teams are served one after the other, whatever they have had.
UNFAIR = rewritten(
    "claim_items",
    "local team = next_team(turns, at_work)",
    "local all = redis.call('ZRANGE', turns, 0, -1); table.sort(all); local team = all[1]",
)
# What was looked up stays in memory.
HOARDING = """
import gateway.jobs.carrying as c
prepare, kept = c.Carrier.prepare, []
async def hoard(self, *arguments):
    found = await prepare(self, *arguments)
    kept.append((found, bytes(20_000)))
    return found
c.Carrier.prepare = hoard
"""


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "code, check, match",
    [
        (SLOW, lambda *told: assert_taken_in(*told, times=1), "are taken in within"),
        (LAVISH, lambda *told: assert_taken_in(*told, jobs=1, times=1), "a queued row takes"),
        (TARDY, assert_prompt, "is seen"),
        (CROWDED, lambda *told: assert_both_go_on(*told, attempts=1, rounds=1), "times as long"),
        (TIMID, lambda *told: assert_both_go_on(*told, attempts=1, rounds=1), "of its pace"),
        (UNFAIR, lambda *told: assert_fair(*told, rows=30), "fairness of 8 teams"),
        (HOARDING, lambda *told: assert_bounded(*told, small=20, large=800), "KiB for 20 rows"),
    ],
    ids=["slow", "lavish", "tardy", "crowded", "timid", "unfair", "hoarding"],
)
async def test_jobs_out_of_step_are_noticed(
    tmp_path: Path, campaign: Campaign, code: str, check: Check, match: str
) -> None:
    async with works(tmp_path, code, people=400) as site:
        with pytest.raises(AssertionError, match=match):
            await check(site, lambda _figure: None)
