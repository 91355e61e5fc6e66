"""What was asked natively when the store went away is not lost, whoever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.gates.conftest import Campaign
from tests.gates.test_gate_store_outages import (
    RECOVERED,
    Scene,
    assert_books_are_the_bill,
    scene,
)
from tests.gateway.money.books import entries
from tests.gateway.supervisor.processes import ADMIN_KEY, until

FINDS, PUSHES, SEARCHES = 5, 2, 2
CALL_SECONDS = 0.8
SETTLED = ("posted", "voided")
SEARCH, OLDER = "/snov/v2/domain-search/start", "/snov/v2/domain-emails-with-info"


class Sent(NamedTuple):
    method: str
    path: str
    params: dict[str, str]


class Said(NamedTuple):
    status: int
    body: Any


async def ask(site: Scene, at: int, sent: Sent) -> Said:
    """Natively, of gateway number `at`. Raises aiohttp.ClientError."""
    url = f"{site.made.gateways[at].url}/native{sent.path}"
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    request = site.made.session.request(sent.method, url, params=sent.params, headers=headers)
    async with request as reply:
        return Said(reply.status, await reply.json())


def calls(site: Scene) -> list[Sent]:
    """Charged by their reply, by their task, for a second time, and not at all."""
    people = [next(site.people) for _ in range(FINDS + PUSHES + SEARCHES)]
    names = [{"first_name": one["first_name"], "last_name": one["last_name"]} for one in people]
    domains = [{"domain": one["company"]["domain"]} for one in people]
    pushes = range(FINDS, FINDS + PUSHES)
    return [
        *(Sent("GET", "/hunter/email-finder", names[at] | domains[at]) for at in range(FINDS)),
        *(Sent("POST", "/snov/v1/add-names-to-find-emails", _pushed(people[at])) for at in pushes),
        *(Sent("POST", SEARCH, domains[-1 - at]) for at in range(SEARCHES)),
        Sent("GET", OLDER, older(site)),
        Sent("GET", "/hunter/email-count", domains[0]),
    ]


def _pushed(person: Any) -> dict[str, str]:
    name = {"firstName": person["first_name"], "lastName": person["last_name"]}
    return {**name, "domain": person["company"]["domain"]}


def older(site: Scene) -> dict[str, str]:
    """The same request, which is charged a single time."""
    return {"domain": "blue-harbor.example", "type": "all", "limit": "10", "lastId": "0"}


async def visits(site: Scene) -> int:
    seen = (await site.made.control.get("/requests"))["counts"]
    counts = [(path, n) for paths in seen.values() for path, n in paths.items()]
    return sum(number for path, number in counts if "oauth" not in path)


async def begin(site: Scene) -> list[asyncio.Task[Said]]:
    """All of them are at their providers when the store goes away."""
    await site.made.control.put("/latency", {"profile": "zero", "task_seconds": 0.3})
    assert (await ask(site, 0, Sent("GET", OLDER, older(site)))).status == 200
    await site.made.control.put(
        "/latency", {"profile": "zero", "call_seconds": CALL_SECONDS, "task_seconds": 0.3}
    )
    before, sent = await visits(site), calls(site)
    asked = [asyncio.create_task(ask(site, 0, one)) for one in sent]

    async def are_there() -> bool:
        return await visits(site) == before + len(sent)

    await until(are_there, 10, "every call at its provider")
    site.place.stop()
    return asked


def spooled(folder: Path) -> list[Path]:
    return [*folder.glob("data/spool/live/*.sealed")]


async def assert_settled(site: Scene, folder: Path, back: float) -> float:
    """Seconds from the store's return until all is; a task's start has its ticket by then."""

    async def is_told() -> bool:
        rows = await entries(site.made.store)
        open_rows = [row for row in rows if row["state"] not in SETTLED and not row["ticket"]]
        return not open_rows and not spooled(folder)

    await until(is_told, RECOVERED, "the end of every call that was left open")
    return time.monotonic() - back


async def assert_survives_kill(site: Scene, folder: Path) -> str:
    asked = await begin(site)
    await until(lambda: len(spooled(folder)) == len(asked), 10, "what is on the disk")
    victim = site.made.gateways.pop(0)
    for pid in (*victim.children("supervisor.worker"), victim.process.pid):
        os.kill(pid, signal.SIGKILL)
    await victim.process.wait()
    said = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(one, Said | aiohttp.ClientError) for one in said), said
    site.place.start()
    seconds = await assert_settled(site, folder, time.monotonic())
    return f"{len(asked)} calls, all settled {seconds:.1f} s after the store's return"


async def assert_answers(site: Scene, folder: Path) -> str:
    """Nobody dies: callers have their replies though the store is away, and tasks are theirs."""
    asked = await begin(site)
    said = await asyncio.gather(*asked)
    assert {one.status for one in said} == {200}
    assert len(spooled(folder)) == len(asked)
    site.place.start()
    seconds = await assert_settled(site, folder, time.monotonic())
    for task in task_hashes(said):
        read = Sent("GET", f"/snov/v2/domain-search/result/{task}", {})
        assert (await ask(site, 0, read)).status == 200
    return f"{len(asked)} answered, all settled {seconds:.1f} s after the store's return"


def task_hashes(said: Sequence[Said]) -> list[str]:
    found = [one.body["meta"]["task_hash"] for one in said if "task_hash" in str(one.body)]
    assert len(found) == SEARCHES
    return found


# Not a mutant: a task that nobody reads is read by the gateway after a second.
SOON = """
import gateway.jobs.sweeper as w, gateway.lookup.open_tasks as o, gateway.lookup.transit as t
o.FIRST_LOOK = t.FIRST_LOOK = 2.0
w.PERIOD = 0.2
"""


@pytest.mark.timeout(300)
async def test_native_calls_survive_store_and_gateway(tmp_path: Path, campaign: Campaign) -> None:
    async with scene(tmp_path, SOON) as site:
        answered = await assert_answers(site, tmp_path)
        killed = await assert_survives_kill(site, tmp_path)
        bought = await assert_books_are_the_bill(site)
        campaign.tell(f"native calls, store away: {answered}; killed: {killed}; {bought} bought")


# What the store can't take at once is only in the memory of its process.
UNKEPT = """
import gateway.lookup.spool as s
async def keep(self, kept): pass
s.Spool.keep = keep
"""
# Whatever was charged before is charged again.
FORGETFUL = """
import gateway.money.ledger as l
async def charges(self, rid, mark): return True
l.Ledger.charges = charges
"""


@pytest.mark.timeout(300)
async def test_calls_that_are_only_remembered_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, SOON + UNKEPT) as site:
        with pytest.raises(AssertionError, match="what is on the disk"):
            await assert_survives_kill(site, tmp_path)


@pytest.mark.timeout(300)
async def test_calls_that_are_charged_twice_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, SOON + FORGETFUL) as site:
        await assert_survives_kill(site, tmp_path)
        with pytest.raises(AssertionError, match="billed"):
            await assert_books_are_the_bill(site)
