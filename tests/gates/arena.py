"""Gateways, a store and a provider in the way of harm, and what must hold when all is quiet."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from gateway.store.connection import Store
from providers.simulator.testing import simulator_process
from tests.faults.proxy import FaultProxy, resp_end
from tests.gates.fleet import Fleet, open_session
from tests.gates.test_gate_older_store import Place, placed
from tests.gateway.money.books import audit, entries
from tests.gateway.supervisor.processes import (
    IMPATIENT,
    Served,
    external,
    sabotaged,
    serving,
    until,
)

CLIENTS, GATEWAYS = 16, 2
LATENCY = {"profile": "zero", "call_seconds": 0.4, "task_seconds": 0.5}
# Between a reply's last byte and its entry, or between an entry and its first byte, in seconds.
SLACK = 0.4
# Longer than a call and the slack, so that what was answered meanwhile is told from what was not.
AWAY = 1.2
# In which a store that answers again is used again.
RECOVERY = 5
MICRO = 10**6
SECRETS = {
    "hunter": {"api_key": "sim-hunter-key"},
    "snov": {"client_id": "sim-snov-client", "client_secret": "sim-snov-secret"},
    "sixtyfour": {"api_key": "sim-sixtyfour-key"},
}


@dataclass(frozen=True)
class Asked:
    """A lookup of somebody nobody else is asked about; `what` is how the bill names it."""

    gateway: Served
    what: str


@dataclass(frozen=True)
class Kill:
    """When it happened at the earliest and at the latest.

    By the clock that the simulator goes by, and by the store's.
    """

    began: float
    ended: float
    lost_at: float
    """From here on the gateway could not take back what it had reserved."""
    ended_at: float


@dataclass
class Arena:
    """Everything that runs; `proxy` is between the gateways and their store."""

    made: Fleet
    place: Place
    proxy: FaultProxy
    folder: Path
    environ: dict[str, str]
    stack: AsyncExitStack
    provider: str
    people: Iterator[Any] = field(default_factory=lambda: iter(()))
    asked: dict[str, Asked] = field(default_factory=dict)
    kills: dict[int, Kill] = field(default_factory=dict)
    """Of gateways, by process id."""
    visits: dict[str, Any] = field(default_factory=dict)

    async def start_gateway(self) -> Served:
        folder = self.folder / f"gateway-{time.monotonic_ns()}"
        return await self.stack.enter_async_context(serving(folder, environ=self.environ))

    async def kill_gateway(self, number: int) -> None:
        """And start another in its place."""
        await self._end_gateway(number)
        self.made.gateways[number] = await self.start_gateway()
        await self.note_visits()

    async def kill_both(self, number: int) -> None:
        """A gateway while its store is away, with answers in hand that it could not settle."""
        lost_at = time.time()
        self.place.stop()
        await asyncio.sleep(AWAY)
        await self._end_gateway(number, lost_at)
        self.place.start()
        self.made.gateways[number] = await self.start_gateway()
        await self.note_visits()

    async def _end_gateway(self, number: int, lost_at: float | None = None) -> None:
        victim = self.made.gateways[number]
        workers = victim.children("supervisor.worker")
        began, lost_at = time.monotonic(), lost_at or time.time()
        for pid in (victim.process.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        self.kills[victim.process.pid] = Kill(began, time.monotonic(), lost_at, time.time())
        await victim.process.wait()

    async def kill_store(self) -> None:
        """It comes back with what it had."""
        self.place.stop()
        await asyncio.sleep(0.1)
        self.place.start()
        await self.note_visits()

    async def note_visits(self) -> None:
        """The simulator keeps the latest alone."""
        seen = await self.made.control.get("/requests", provider=self.provider)
        self.visits |= {visit["id"]: visit for visit in seen["requests"]}

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Clients that ask without a pause, until the block ends; then all is left to settle."""
        over = asyncio.Event()
        clients = [asyncio.create_task(self._client(number, over)) for number in range(CLIENTS)]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*clients)
        await until(self._is_quiet, 30, "the end of every call")
        await self.note_visits()

    async def _client(self, number: int, over: asyncio.Event) -> None:
        pause = random.Random(number)
        while not over.is_set():
            # Or all calls of a fixed length would come and go together.
            await asyncio.sleep(pause.uniform(0, 0.3))
            person, tag = next(self.people), str(len(self.asked))
            at = number % GATEWAYS
            self.asked[tag] = Asked(self.made.gateways[at], name_on_bill(person))
            try:
                heard = await self.made.ask(at, person, provider=self.provider, tag=tag)
            except aiohttp.ClientError:
                heard = None
            if heard is None or heard.status != 200:
                await asyncio.sleep(0.1)

    async def _is_quiet(self) -> bool:
        return all(row["state"] not in ("reserved", "dispatched") for row in await self.rows())

    async def rows(self) -> list[dict[str, str]]:
        return await entries(self.made.store)

    async def entries_in_doubt(self) -> list[dict[str, Any]]:
        """As the API lists them."""
        path = "/v1/admin/ledger?state=in_doubt&limit=100"
        rows: list[dict[str, Any]] = (await self.made.gateways[0].client.get(path)).json()["data"]
        return rows

    async def charges(self) -> dict[str, Any]:
        """The bill, by whom it names."""
        rows = (await self.made.control.bill(self.provider))["rows"]
        found = {row["what"]: row for row in rows}
        assert len(found) == len(rows), "somebody was bought twice"
        return found


def name_on_bill(person: Any) -> str:
    return f"{person['full_name'].casefold()}@{person['company']['domain']}"


@asynccontextmanager
async def arena(
    folder: Path, code: str = "", *, people: int, provider: str = "hunter"
) -> AsyncIterator[Arena]:
    """Two gateways with one account; each of their processes runs `code` first."""
    async with AsyncExitStack() as stack:
        place = stack.enter_context(placed(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=people))
        await control.put("/latency", LATENCY)
        proxy = await stack.enter_async_context(FaultProxy(place.url, framing=resp_end))
        base = {f"{provider.upper()}_BASE_URL": getattr(endpoints, provider)}
        environ = external(folder / "data", proxy.url, **base)
        environ["GATEWAY_STORE_TIMEOUT_MS"] = "1000"
        environ |= sabotaged(folder / "first", IMPATIENT + code)
        session = await stack.enter_async_context(open_session())
        store = await Store.connect(place.url, timeout=30)
        stack.push_async_callback(store.close)
        made = Fleet(session, control, store)
        site = Arena(made, place, proxy, folder, environ, stack, provider)
        for _ in range(GATEWAYS):
            made.gateways.append(await site.start_gateway())
        known, _ = await made.people(provider)
        # A name whose order is a matter of script may stand otherwise on the bill.
        plain = [person for person in known if person["full_name"].isascii()]
        site.people = iter({name_on_bill(person): person for person in plain}.values())
        await put_credential(site)
        yield site


async def put_credential(site: Arena) -> None:
    """Of an account that nobody else uses; what it has counted so far is noted."""
    body = {"provider": site.provider, "name": "own", "secret": SECRETS[site.provider]}
    client = site.made.gateways[0].client
    reply = await client.post("/v1/admin/credentials", json={**body, "exclusive": True})
    assert reply.status_code == 201, reply.text
    await reconcile(site)


async def reconcile(site: Arena) -> dict[str, Any]:
    """Again while its gateway, which may just have lost replies of the store, has none."""
    client = site.made.gateways[0].client

    async def told() -> Any:
        reply = await client.post("/v1/admin/reconcile", json={})
        return None if reply.status_code == 503 else reply

    reply = await until(told, RECOVERY, "a store that answers")
    assert reply.status_code == 200, reply.text
    report: dict[str, Any] = reply.json()["data"]
    return report


def micros(amount: str) -> int:
    return int(Decimal(amount) * MICRO)


async def assert_bill_is_in_the_ledger(site: Arena) -> None:
    """Each charge is posted or in doubt, once, and nothing else is posted."""
    await audit(site.made.store)
    rows, charges = await site.rows(), await site.charges()
    by_name = {site.asked[row["tag"]].what: row for row in rows}
    assert len(by_name) == len(rows), "two entries of one lookup"
    for name, charge in charges.items():
        row = by_name.get(name, {"state": "missing"})
        held = row.get("cost" if row["state"] == "posted" else "worst_cost", "0")
        assert row["state"] in ("posted", "in_doubt"), f"charged, and {row['state']}: {name}"
        assert int(held) == micros(charge["cost"]), row
    for name, row in by_name.items():
        assert name in charges or row["state"] != "posted" or row["cost"] == "0", "not charged"


@dataclass
class Doubts:
    """Counts of calls of killed gateways."""

    on_the_wire: int = 0
    in_doubt: int = 0
    unseen: int = 0
    """In doubt, and killed before the first byte reached the provider."""


async def assert_doubts_were_on_the_wire(site: Arena) -> Doubts:
    charges = await site.charges()
    found = Doubts()
    for asked in site.asked.values():
        kill = site.kills.get(asked.gateway.process.pid)
        visit = site.visits.get(charges.get(asked.what, {}).get("request_id"))
        found.on_the_wire += bool(kill and visit and was_on_the_wire(visit, kill, 0))
    for row in await site.rows():
        if row["state"] == "in_doubt":
            asked = site.asked[row["tag"]]
            kill = site.kills.get(asked.gateway.process.pid)
            assert kill, f"in doubt, though its gateway lived: {row}"
            found.in_doubt += 1
            if charge := charges.get(asked.what):
                visit = site.visits[charge["request_id"]]
                assert was_on_the_wire(visit, kill, SLACK), f"not on the wire: {visit} {kill}"
            else:
                found.unseen += 1
                sent = int(row["dispatched_at"]) / 1000
                assert kill.lost_at - SLACK <= sent <= kill.ended_at, (row, kill)
    return found


def was_on_the_wire(visit: Any, kill: Kill, slack: float) -> bool:
    gone = visit["departed"] or kill.began
    return bool(visit["arrived"] - slack <= kill.ended and kill.began <= gone + slack)


@dataclass(frozen=True)
class Reconciled:
    """What became of the doubts: by the provider's own word, or by a person with the bill."""

    posted: int
    voided: int
    resolved: int


async def reconciled(site: Arena) -> Reconciled:
    """The provider's word ends doubts, a person ends the rest, and the ledger is the bill."""
    report = await reconcile(site)
    assert (report["outdated"], report["differences"], report["unchecked"]) == (False, [], {})
    left = [row for row in await site.rows() if row["state"] == "in_doubt"]
    assert report["kept"] == len(left)
    await resolve(site, left)
    row = (await site.made.gateways[0].client.get("/v1/admin/ledger/summary")).json()["data"][0]
    total = (await site.made.control.bill(site.provider))["totals"][site.provider]
    assert (row["in_doubt"], row["reserved"]) == ("0", "0"), report
    booked, billed = ((each["cost"], each["units"]) for each in (row, total))
    assert booked == billed, f"the ledger is not the bill: {report}"
    return Reconciled(report["posted"], report["voided"], len(left))


async def resolve(site: Arena, left: list[dict[str, str]]) -> None:
    charges = await site.charges()
    ids = {row["tag"]: row["id"] for row in await site.entries_in_doubt()} if left else {}
    for row in left:
        state = "posted" if site.asked[row["tag"]].what in charges else "voided"
        path = f"/v1/admin/ledger/{ids[row['tag']]}/resolve"
        body = {"state": state, "note": "by the bill"}
        reply = await site.made.gateways[0].client.post(path, json=body)
        assert reply.status_code == 200, reply.text
