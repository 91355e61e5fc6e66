"""A store that came back as it was a while ago buys nothing until somebody has accepted it."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.store.server import OPTIONS, ask, find_binary
from providers.simulator.testing import ControlClient, simulator_process
from tests.gates.conftest import Campaign
from tests.gateway.supervisor.processes import (
    Served,
    external,
    sabotaged,
    serving,
    simulated,
    until,
)

# No process remembers how far the ledger was.
FORGETFUL = """
import gateway.money.ledger as l, gateway.process as p
l.Mark.see = lambda self, found: False
from gateway.money.witness import Reach
p.last_seen = lambda folder, **names: Reach()
p.reach_of = None
async def reach_of(store, root): return Reach()
p.reach_of = reach_of
"""
# What the journals know is not put back.
UNWITNESSED = """
import gateway.money.restoration as r
r.forgotten = lambda *names, **more: iter(())
"""
# What is under way is settled by a store that has forgotten others of it; nobody misses those.
HEEDLESS = """
import gateway.store.script as s
read, CHECKS = s._read, ("settle", "hold", "dispatch", "sweep")
def changed(name):
    body = read(name)
    return body.replace("is_outdated(", "not (").replace("is_missed(", "not (") \\
        if name in CHECKS else body
s._read = changed
"""
PAID = ("/email-finder", "/v1/add-names-to-find-emails", "/find-email-async")


@dataclass
class Place:
    """A store's folder, and its server while there is one."""

    folder: Path
    server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'store.sock'}"

    def start(self) -> None:
        address = self.folder / "store.sock"
        command = [str(find_binary()), "--dir", str(self.folder), "--unixsocket", str(address)]
        command += [word for name, value in OPTIONS.items() for word in (f"--{name}", value)]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not ask(address).startswith(b"+PONG"):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()

    def copy_to(self, other: Path) -> None:
        """All that a backup takes: with `appendfsync always` every acknowledged change."""
        shutil.copytree(self.folder, other, ignore=shutil.ignore_patterns("*.sock"))

    def replace_by(self, other: Path) -> None:
        self.stop()
        shutil.rmtree(self.folder)
        shutil.copytree(other, self.folder)
        self.start()


@contextmanager
def placed(folder: Path) -> Iterator[Place]:
    folder.mkdir(parents=True)
    place = Place(folder)
    place.start()
    try:
        yield place
    finally:
        place.stop()


@dataclass
class Site:
    place: Place
    gateways: list[Served]
    control: ControlClient
    people: list[dict[str, str]]
    environ: dict[str, str]
    folder: Path

    async def ask(self, size: int) -> list[httpx.Response]:
        """Lookups of people nobody asked for before, over all gateways."""
        asked, self.people = self.people[:size], self.people[size:]
        assert len(asked) == size
        each = [self.gateways[at % len(self.gateways)].find(one) for at, one in enumerate(asked)]
        return list(await asyncio.gather(*each))

    async def paid_requests(self) -> int:
        seen = (await self.control.get("/requests"))["requests"]
        return sum(visit["path"].endswith(PAID) for visit in seen)

    async def billed(self) -> Decimal:
        rows = [row for name in PROVIDERS for row in (await self.control.bill(name))["rows"]]
        return sum((Decimal(row["cost"]) for row in rows), Decimal(0))

    async def booked(self) -> dict[str, Any]:
        reply = await self.gateways[0].client.get("/v1/admin/ledger/summary")
        row: dict[str, Any] = reply.json()["data"][0]
        return row

    async def is_settled(self) -> bool:
        row = await self.booked()
        return (row["reserved"], row["in_doubt"]) == ("0", "0")


PROVIDERS = ("hunter", "snov", "sixtyfour")


@asynccontextmanager
async def sited(folder: Path, code: str = "") -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        place = stack.enter_context(placed(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=400))
        await control.put("/latency", {"profile": "zero"})
        environ = external(folder / "data", place.url, **simulated(endpoints, *PROVIDERS))
        environ |= sabotaged(folder / "first", code)
        served = [
            await stack.enter_async_context(serving(folder / str(n), environ=environ))
            for n in range(2)
        ]
        people = [
            {"full_name": one["full_name"], "domain": one["company"]["domain"]}
            for one in await control.get("/world/people", limit=400)
            if one["full_name"].isascii() and not one["claimed"]
        ]
        yield Site(place, served, control, people, environ, folder)


async def assert_refused_until_reconciled(site: Site, *, size: int) -> None:
    await site.ask(size)
    site.place.copy_to(site.folder / "backup")
    await site.ask(size)
    site.place.replace_by(site.folder / "backup")
    before = await site.paid_requests()
    replies = await site.ask(size)
    assert await site.paid_requests() == before, "paid calls were made"
    assert {reply.json().get("code") for reply in replies} == {"ledger_unavailable"}
    async with serving(site.folder / "late", environ=site.environ) as late:
        # A process that starts now has only the journals to tell it.
        assert (await late.find(site.people[-1])).status_code == 503
        ready = await late.client.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"][-1]["name"]) == (503, "outdated")
        assert await site.paid_requests() == before
    await assert_reconciled(site, size=size)


async def assert_reconciled(site: Site, *, size: int) -> None:
    client = site.gateways[0].client
    seen = (await client.post("/v1/admin/reconcile", json={})).json()["data"]
    assert seen["outdated"]
    report = (await client.post("/v1/admin/reconcile", json={"accept": True})).json()["data"]
    assert not report["outdated"]
    assert report["restored"] > 0, "nothing was put back"
    replies = await site.ask(size)
    assert {reply.status_code for reply in replies} == {200}
    await until(site.is_settled, 20, "calls under way are settled")
    assert Decimal((await site.booked())["cost"]) == await site.billed(), "not the bill"


async def test_a_store_of_a_minute_ago_is_refused_until_reconciled(
    tmp_path: Path, campaign: Campaign
) -> None:
    async with sited(tmp_path) as site:
        await assert_refused_until_reconciled(site, size=campaign.size(short=20, full=60))


async def test_a_process_without_a_mark_is_noticed(tmp_path: Path) -> None:
    async with sited(tmp_path, FORGETFUL) as site:
        with pytest.raises(AssertionError, match="paid calls were made"):
            await assert_refused_until_reconciled(site, size=5)


async def test_journals_that_are_not_read_are_noticed(tmp_path: Path) -> None:
    async with sited(tmp_path, UNWITNESSED) as site:
        with pytest.raises(AssertionError, match="nothing was put back"):
            await assert_refused_until_reconciled(site, size=5)


async def assert_refused_with_calls_under_way(site: Site, *, size: int) -> None:
    """Those that the store knows would bring it past those that it has forgotten."""
    await site.ask(2 * size)
    await site.control.put("/latency", {"profile": "zero", "call_seconds": 4})
    known = await begun(site, size)
    site.place.copy_to(site.folder / "backup")
    lost = await begun(site, 2)
    site.place.replace_by(site.folder / "backup")
    before = await site.paid_requests()
    replies = await asyncio.gather(*known, *lost)
    assert await site.paid_requests() == before, "paid calls were made"
    assert {reply.status_code for reply in replies} == {503}, "a loss was not noticed"
    await site.control.put("/latency", {"profile": "zero"})
    await assert_reconciled(site, size=size)


async def begun(site: Site, size: int) -> list[asyncio.Task[httpx.Response]]:
    """Lookups whose provider has their question and takes its time."""
    before = await site.paid_requests()
    asked, site.people = site.people[:size], site.people[size:]
    gateways = itertools.cycle(site.gateways)
    tasks = [asyncio.create_task(next(gateways).find(one)) for one in asked]

    async def are_sent() -> bool:
        return await site.paid_requests() == before + size

    await until(are_sent, 20, "the questions are sent")
    return tasks


async def test_calls_under_way_do_not_hide_what_is_lost(tmp_path: Path) -> None:
    async with sited(tmp_path) as site:
        await assert_refused_with_calls_under_way(site, size=10)


async def test_scripts_that_hide_what_is_lost_are_noticed(tmp_path: Path) -> None:
    async with sited(tmp_path, HEEDLESS) as site:
        with pytest.raises(AssertionError, match="a loss was not noticed"):
            await assert_refused_with_calls_under_way(site, size=10)
