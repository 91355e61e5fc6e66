"""While the store is away nothing is bought; callers hear so at once, and no cent is lost."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.store.condition import CALM
from gateway.store.connection import Store
from providers.simulator.testing import simulator_process
from tests.faults.proxy import FaultProxy, Faults, resp_end
from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, Heard, open_session
from tests.gates.test_gate_older_store import PAID, Place, placed
from tests.gateway.money.books import audit, entries
from tests.gateway.supervisor.processes import (
    ADMIN_KEY,
    external,
    sabotaged,
    serving,
    simulated,
    until,
)

GATEWAYS, PACE = 2, 50
PROVIDERS = ("hunter", "snov")
# From the failure on, in seconds: the last paid request; from the recovery on: the last refusal.
LAST_PAID, RECOVERED = 1.0, 5.0
LONGEST_REPLY = 0.3
SERVED = "request.served"


@dataclass
class Scene:
    made: Fleet
    place: Place
    proxy: FaultProxy
    people: Iterator[Any]
    keys: tuple[str, ...]
    heard: list[Heard] = field(default_factory=list)
    visits: dict[str, Any] = field(default_factory=dict)

    async def note_visits(self) -> None:
        """The simulator keeps the latest alone."""
        seen = await self.made.control.get("/requests")
        self.visits |= {visit["id"]: visit for visit in seen["requests"]}

    async def load(self, over: asyncio.Event) -> None:
        """PACE lookups a second of people nobody asked about, whatever becomes of them."""
        asked: list[asyncio.Task[None]] = []
        began = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0, began + number / PACE - time.monotonic()))
            if over.is_set():
                break
            asked.append(asyncio.create_task(self._ask(number)))
        await asyncio.gather(*asked)

    async def _ask(self, number: int) -> None:
        at, provider = number // 2, PROVIDERS[number % 2]
        key = self.keys[number // 4 % len(self.keys)]
        self.heard.append(await self.made.ask(at, next(self.people), provider=provider, key=key))


@asynccontextmanager
async def scene(folder: Path, code: str = "") -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        place = stack.enter_context(placed(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=12_000))
        times = {"profile": "zero", "call_seconds": 0.05, "task_seconds": 0.3}
        await control.put("/latency", times)
        proxy = await stack.enter_async_context(FaultProxy(place.url, framing=resp_end))
        environ = external(folder / "data", proxy.url, **simulated(endpoints, *PROVIDERS))
        del environ["GATEWAY_STORE_TIMEOUT_MS"]
        environ |= sabotaged(folder / "first", code)
        session = await stack.enter_async_context(open_session())
        store = await Store.connect(place.url, timeout=30)
        stack.push_async_callback(store.close)
        made = Fleet(session, control, store)
        for number in range(GATEWAYS):
            served = serving(folder / str(number), environ=environ)
            made.gateways.append(await stack.enter_async_context(served))
        known, unknown = await made.people()
        _, key = await made.team("callers")
        # The bootstrap key is asked of nobody, the other one of the store.
        yield Scene(made, place, proxy, iter([*known, *unknown]), (ADMIN_KEY, key))


@asynccontextmanager
async def killed(scene: Scene) -> AsyncIterator[None]:
    scene.place.stop()
    yield
    scene.place.start()


@asynccontextmanager
async def frozen(scene: Scene) -> AsyncIterator[None]:
    assert scene.place.server
    os.kill(scene.place.server.pid, signal.SIGSTOP)
    yield
    os.kill(scene.place.server.pid, signal.SIGCONT)


@asynccontextmanager
async def read_only(scene: Scene) -> AsyncIterator[None]:
    """A replica of nobody: its own data can be read, and not be written."""
    await scene.made.store.call("CONFIG", "SET", "replica-serve-stale-data", "yes")
    await scene.made.store.call("REPLICAOF", "127.0.0.1", "1")
    yield
    await scene.made.store.call("REPLICAOF", "NO", "ONE")


@asynccontextmanager
async def full(scene: Scene) -> AsyncIterator[None]:
    await scene.made.store.call("CONFIG", "SET", "maxmemory", "1")
    yield
    await scene.made.store.call("CONFIG", "SET", "maxmemory", "0")


@asynccontextmanager
async def mute(scene: Scene) -> AsyncIterator[None]:
    """It does what it is told, and its replies are lost."""
    scene.proxy.faults = Faults(drop_replies=1, silent=0.5)
    yield
    scene.proxy.faults = Faults()
    scene.proxy.cut()


OUTAGES: dict[str, Callable[[Scene], Any]] = {
    one.__name__: one for one in (killed, frozen, read_only, full, mute)
}


@dataclass(frozen=True)
class Outage:
    """By the monotonic clock, which is the simulator's, too."""

    began: float
    ended: float


async def suffer(site: Scene, name: str, seconds: float, *, recovers: bool = True) -> Outage:
    """The outage under load; then all is left to settle.

    What `recovers` answers after it.
    """
    over = asyncio.Event()
    load = asyncio.create_task(site.load(over))
    await asyncio.sleep(0.5)
    async with OUTAGES[name](site):
        began = time.monotonic()
        await asyncio.sleep(seconds)
        await site.note_visits()
        ended = time.monotonic()
    if recovers:
        await until(lambda: site.heard[-1].status == 200, RECOVERED, "an answer after the outage")
        await asyncio.sleep(1)
    over.set()
    await load
    await site.note_visits()
    return Outage(began, ended)


def assert_refused_at_once(heard: list[Heard], outage: Outage) -> float:
    """Who asks during it; the longest that somebody waited."""
    asked = [one for one in heard if outage.began < one.began < outage.ended - LONGEST_REPLY]
    assert len(asked) > 20
    longest = max(one.seconds for one in asked)
    assert longest <= LONGEST_REPLY, f"somebody waited {longest:.3f} s for a refusal"
    assert {one.status for one in asked if one.began > outage.began + 0.05} == {503}
    codes = {one.body["code"] for one in asked if one.status == 503}
    assert codes == {"ledger_unavailable"}, codes
    return longest


def assert_recovered(heard: list[Heard], outage: Outage) -> float:
    """How long after its end somebody was refused for the last time."""
    refused = [one.ended for one in heard if one.status != 200 and one.began > outage.ended]
    late = max(refused, default=outage.ended) - outage.ended
    assert late <= RECOVERED, f"refused {late:.1f} s after the end"
    return late


def assert_nothing_bought(site: Scene, outage: Outage) -> None:
    sent = [
        visit["arrived"] - outage.began
        for visit in site.visits.values()
        if visit["path"].endswith(PAID)
        and outage.began + LAST_PAID < visit["arrived"] < outage.ended
    ]
    assert not sent, f"paid requests during the outage, at {sent[:5]} s"


async def assert_books_are_the_bill(site: Scene) -> int:
    """Once all is settled; how many were bought."""
    store = site.made.store

    async def is_quiet() -> bool:
        rows = await entries(store)
        return all(row["state"] not in ("reserved", "dispatched") for row in rows)

    await until(is_quiet, 40, "every entry's end")
    await audit(store)
    rows = await entries(store)
    for provider in PROVIDERS:
        own = [row for row in rows if row["provider"] == provider]
        states = Counter(row["state"] for row in own)
        assert not states["in_doubt"], f"in doubt: {states}"
        billed = (await site.made.control.bill(provider))["totals"][provider]["cost"]
        booked = Decimal(sum(int(row["cost"]) for row in own if row["state"] == "posted"))
        assert booked / 10**6 == Decimal(billed), f"{provider} billed {billed}"
    bought = [row for row in rows if row["state"] == "posted"]
    uncollected = [row for row in bought if row["outcome"] not in ("accepted", "weak", "empty")]
    assert not uncollected, f"bought and not collected: {uncollected[0]}"
    return len(bought)


def assert_few_words(made: Fleet, changes: int) -> None:
    """Of each process, apart from what is said of each request, ticket and answer."""
    for served in made.gateways:
        said = Counter(
            line["event"]
            for line in map(json.loads, filter(None, served.log.splitlines()))
            if line["event"] != SERVED and "rid" not in line
        )
        assert said["store.lost"], said
        assert max(said.values()) <= changes, f"said too often: {said}"


async def assert_survives(site: Scene, name: str, seconds: float) -> str:
    """What it looked like."""
    site.heard.clear()
    outage = await suffer(site, name, seconds)
    assert_nothing_bought(site, outage)
    longest = assert_refused_at_once(site.heard, outage)
    late = assert_recovered(site.heard, outage)
    bought = await assert_books_are_the_bill(site)
    statuses = dict(Counter(one.status for one in site.heard))
    return (
        f"{statuses}, {bought} bought so far, longest refusal {longest * 1000:.0f} ms, "
        f"the last one {late * 1000:.0f} ms after the end"
    )


@pytest.mark.timeout(600)
async def test_a_store_that_is_away_costs_nobody_money_or_patience(
    tmp_path: Path, campaign: Campaign
) -> None:
    async with scene(tmp_path) as site:
        for number, name in enumerate(OUTAGES, 1):
            told = await assert_survives(site, name, campaign.size(short=10.0, full=30.0))
            campaign.tell(f"store {name}: {told}")
            assert_few_words(site.made, number)
        for served in site.made.gateways:
            await until(lambda: "store.found" in served.log, 2 * CALM, "a word of its return")  # noqa: B023


# Buys without having reserved anything when the store does not answer.
TRUSTING = """
import gateway.money.ledger as l
admit = l.Ledger.admit
async def trustingly(self, claim):
    try:
        return await admit(self, claim)
    except l.StoreDown:
        return l.Admission("reserved", index=0, rid=claim.steps[0].rid, dispatched=True)
l.Ledger.admit = trustingly
"""


async def test_a_purchase_without_a_reservation_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, TRUSTING) as site:
        # Purchases that no store has heard of are taken for lost ones, and everything is refused.
        outage = await suffer(site, "killed", 1.5, recovers=False)
        with pytest.raises(AssertionError, match="paid requests during the outage"):
            assert_nothing_bought(site, outage)


# Waits for the store much longer than it was told to, and complains of every call that fails.
TIRESOME = """
import gateway.store.pipelines as p, gateway.store.condition as c
pipelines, failed = p.Pipelines.__init__, c.Condition.failed
p.Pipelines.__init__ = lambda self, url, timeout, links: pipelines(self, url, 4 * timeout, links)
def complaining(self, reason):
    self._failed_at = None
    failed(self, reason)
c.Condition.failed = complaining
"""


async def test_long_waits_and_many_words_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, TIRESOME) as site:
        outage = await suffer(site, "frozen", 1.5)
        with pytest.raises(AssertionError, match="somebody waited"):
            assert_refused_at_once(site.heard, outage)
        with pytest.raises(AssertionError, match="said too often"):
            assert_few_words(site.made, 1)


# Once for the caller's key, and once more for the money.
PATIENT = """
import gateway.store.condition as c
c.LULL = 0.0
"""


async def test_waiting_for_the_store_twice_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, PATIENT) as site:
        outage = await suffer(site, "frozen", 2.0)
        with pytest.raises(AssertionError, match="somebody waited"):
            assert_refused_at_once(site.heard, outage)
