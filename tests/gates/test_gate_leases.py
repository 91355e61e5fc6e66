"""What is on loan survives the deaths, the frosts and the orderly ends of those who have it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.test_gate_job_kills import assert_bought_once
from tests.gates.works import HASTY, Works, body_of, rewritten, routing_of, works
from tests.gateway.jobs.test_queue_scripts import OWNS
from tests.gateway.money.books import ROOT, open_entries
from tests.gateway.supervisor.processes import Served, until

LEASE = 2.0
SUBMISSIONS = ("/v1/add-names-to-find-emails", "/find-email-async")
LATE = "written late"


async def take_time(site: Works, *, call: float = 0.0, task: float = 0.0) -> None:
    profile = {"profile": "zero", "call_seconds": call, "task_seconds": task}
    await site.control.put("/latency", profile)


async def counted(site: Works, *paths: str) -> int:
    """How often these were asked, whichever provider's they are."""
    counts = (await site.control.get("/requests", provider="letrics"))["counts"]
    routes = (await site.control.get("/requests"))["counts"] | counts
    return sum(found.get(path, 0) for found in routes.values() for path in paths)


async def at_least(site: Works, times: int, *paths: str, seconds: float = 60) -> None:
    async def enough() -> bool:
        return await counted(site, *paths) >= times

    await until(enough, seconds, f"{times} of {paths}")


async def leases_of_tickets(site: Works) -> dict[bytes, bytes]:
    """Until when each open ticket is in somebody's hands."""
    names = await site.store.call("ZRANGE", f"{ROOT}open", 0, -1)
    keys = [f"{ROOT}entry:{name.decode()}" for name in names]
    rows = await asyncio.gather(*(site.store.call("HMGET", k, "ticket", "until") for k in keys))
    return {name: row[1] for name, row in zip(names, rows, strict=True) if row[0]}


async def open_tickets(site: Works, size: int, *, seconds: float) -> list[str]:
    """Jobs of lookups that two providers work on for so long; returns once each has its ticket."""
    await take_time(site, task=seconds)
    people, half = await site.people(size, "snov", "sixtyfour"), size // 2
    jobs = [
        await site.submit(people[:half], "sixtyfour"),
        await site.submit(people[half:], "snov"),
    ]

    async def are_kept() -> bool:
        return len(await leases_of_tickets(site)) >= size

    await until(are_kept, 90, "tickets")
    return jobs


async def resumed(site: Works, size: int, *, within: float) -> float:
    """Kill everything, start it again: seconds until each ticket is in somebody's hands."""
    crews = [await site.start(), await site.start("worker")]
    await open_tickets(site, size, seconds=600)
    for crew in crews:
        site.kill(crew, whole=True)
    submitted, before = await counted(site, *SUBMISSIONS), await leases_of_tickets(site)
    assert len(before) == size
    await asyncio.gather(site.start(), site.start("worker"))
    began = time.monotonic()

    async def are_resumed() -> bool:
        assert await counted(site, *SUBMISSIONS) == submitted, "submitted again"
        now = await leases_of_tickets(site)
        return all(now.get(name, ends) != ends for name, ends in before.items())

    await until(are_resumed, within, "all tickets")
    return time.monotonic() - began


@pytest.mark.timeout(300)
async def test_open_tickets_are_resumed_and_never_submitted_again(
    tmp_path: Path, campaign: Campaign
) -> None:
    """In its long form with leases as they are."""
    code, lease = campaign.size(short=(HASTY, LEASE), full=("", 15.0))
    async with works(tmp_path, code, people=6000) as site:
        seconds = await resumed(site, 500, within=lease + 5)
        assert not await site.doubts()
        campaign.tell(f"500 tickets: resumed {seconds:.1f} s after a restart, lease {lease:g} s")


# A ticket whose process is gone counts as a call that was never made.
DENYING = rewritten("moves", "if held == 'dispatched' then", "if false then") + rewritten(
    "admission", "local own = a.again", "e[2], e[3] = '0', ''\n  local own = a.again"
)


async def freeze_and_thaw(site: Works) -> None:
    """Two leases after a worker froze, another has ended what it had."""
    await take_time(site, call=1.0, task=1.5)
    await site.start("--no-jobs")
    frozen, people = await site.start("worker"), await site.people(12, "hunter", "sixtyfour")
    jobs = [await site.submit(people[:6], "hunter"), await site.submit(people[6:], "sixtyfour")]
    await at_least(site, 12, "/email-finder", "/find-email-async")
    [pid] = site.workers_of(frozen)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    await site.start("worker")
    before = [(await site.ended(job), await site.rows_of(job)) for job in jobs]
    await asyncio.sleep(max(0.0, began + 2 * LEASE - time.monotonic()))
    os.kill(pid, signal.SIGCONT)

    async def is_let_go() -> bool:
        return not await open_entries(site.store)

    await until(is_let_go, 20, "what the frozen one had bought")
    await frozen.end()
    assert [(await site.job(job), await site.rows_of(job)) for job in jobs] == before, LATE
    assert frozen.log.count("item.lost") == 12
    assert not await site.doubts()
    await assert_bought_once(site)


@pytest.mark.timeout(120)
async def test_the_late_writes_of_a_frozen_worker_are_refused(tmp_path: Path) -> None:
    async with works(tmp_path) as site:
        await freeze_and_thaw(site)


# Whoever once held an item may write of it.
UNFENCED = rewritten("queue", OWNS, "return token ~= ''")


async def work_for_five_leases(site: Works) -> None:
    crews = [await site.start(), await site.start("worker")]
    jobs = await open_tickets(site, 4, seconds=5 * LEASE)

    async def are_over() -> bool:
        assert not any("item.taken_over" in crew.log for crew in crews), "run twice"
        return all([(await site.job(job))["counts"]["accepted"] == 2 for job in jobs])

    await until(are_over, 60, "both jobs")
    assert await counted(site, *SUBMISSIONS) == 4
    await assert_bought_once(site)


@pytest.mark.timeout(120)
async def test_a_task_of_five_leases_with_a_live_heartbeat_runs_once(tmp_path: Path) -> None:
    async with works(tmp_path) as site:
        await work_for_five_leases(site)


HEARTLESS = """
import gateway.jobs.holds as h
h.RENEW = 1000.0
"""


async def drain(site: Works) -> float:
    """End a gateway and a worker under load, and see through what they had: seconds they took."""
    crews = [await site.start(), await site.start("worker")]
    jobs = await open_tickets(site, 20, seconds=6)
    await take_time(site, call=1.5)
    people = await site.people(60, "hunter")
    waiting = [asyncio.create_task(ask(site, crews[0], person)) for person in people[40:]]
    await at_least(site, 20, "/email-finder")
    jobs.append(await site.submit(people[:40], "hunter"))
    await at_least(site, 30, "/email-finder")
    began = time.monotonic()
    assert await asyncio.gather(*(crew.end() for crew in crews)) == [0, 0]
    seconds = time.monotonic() - began
    assert not await site.doubts(), "in doubt"
    replies = await asyncio.gather(*waiting)
    assert {status for status, _ in replies} <= {200, 202}
    site.crews.clear()
    await take_time(site)
    await site.start()
    jobs += [body["data"]["id"] for status, body in replies if status == 202]
    ended = [(await site.ended(job))["counts"] for job in jobs]
    assert not await site.doubts(), "in doubt"
    assert all(counts["accepted"] == counts["total"] for counts in ended)
    await assert_bought_once(site)
    return seconds


async def ask(site: Works, gateway: Served, person: Any) -> tuple[int, Any]:
    """A lookup whose caller waits; its status and body."""
    body = {**body_of(person), "routing": routing_of("hunter")}
    reply = await gateway.client.post("/v1/emails/find", json=body, headers={"prefer": "wait=30"})
    return reply.status_code, reply.json()


@pytest.mark.timeout(180)
async def test_sigterm_drains_and_leaves_nothing_in_doubt(
    tmp_path: Path, campaign: Campaign
) -> None:
    async with works(tmp_path) as site:
        seconds = await drain(site)
        assert seconds <= 30
        campaign.tell(f"SIGTERM under load: both processes ended within {seconds:.1f} s")


IMPATIENT = """
import gateway.jobs.engine as e, gateway.process as p
e.DRAIN = e.SETTLE = p.DRAIN = 0.0
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "code, run, match",
    [
        (DENYING, lambda site: resumed(site, 20, within=8), "submitted again"),
        (UNFENCED, freeze_and_thaw, LATE),
        (HEARTLESS, work_for_five_leases, "run twice"),
        (IMPATIENT, drain, "in doubt"),
    ],
    ids=["denying", "unfenced", "heartless", "impatient"],
)
async def test_loans_that_are_not_kept_are_noticed(
    tmp_path: Path, code: str, run: Any, match: str
) -> None:
    async with works(tmp_path, HASTY + code) as site:
        with pytest.raises(AssertionError, match=match):
            await run(site)
