"""Gateways and workers on one store before one simulator: started, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from gateway.store.connection import Store
from providers.simulator.testing import ControlClient, simulator_process
from tests.gateway.money.books import ROOT, entry
from tests.gateway.supervisor.processes import (
    ADMIN_KEY,
    Served,
    external,
    running,
    running_store,
    sabotaged,
    serving,
    simulated,
    until,
)

PROVIDERS = ("hunter", "snov", "sixtyfour")
WORKER = "supervisor.worker"
PAGE = 1000
# Every process notes by which name its reservations go.
NAMED = """
import os, pathlib, gateway.money.ledger as named
pathlib.Path({folder!r}, str(os.getpid())).write_text(named.PROCESS)
"""
# Not a mutant: what a dead process left is taken over after seconds, and a dead worker is replaced
# at once however many died before it.
HASTY = """
import gateway.jobs.holds, gateway.jobs.engine, gateway.jobs.sweeper, gateway.lookup.calls
import gateway.supervisor.children as c, gateway.vault.tokens
gateway.jobs.holds.RENEW, gateway.jobs.engine.LOOK, gateway.jobs.sweeper.PERIOD = 0.5, 0.3, 0.5
gateway.jobs.queue.LEASE, gateway.vault.tokens.LEASE = 2000, 1000
gateway.lookup.leases.LEASE_MARGIN = gateway.lookup.calls.POLL_SECONDS = 2.0
gateway.lookup.leases.LONGEST_CALL, gateway.lookup.calls.LONGEST_NAP = 2.0, 1.0
gateway.lookup.calls.LATENESS = 1.0
c.LONGEST_PAUSE = 0.1
"""


@dataclass(frozen=True)
class Death:
    """When a process was killed, by the clock that the simulator goes by, and by the store's."""

    at: float
    wall: float


@dataclass
class Works:
    """`deaths` are by the name that a process has in the ledger."""

    folder: Path
    environ: Mapping[str, str]
    control: ControlClient
    store: Store
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    crews: list[Served] = field(default_factory=list)
    deaths: dict[str, Death] = field(default_factory=dict)
    visits: dict[str, Any] = field(default_factory=dict)

    @property
    def gateways(self) -> list[Served]:
        return [crew for crew in self.crews if crew.url]

    async def start(self, *arguments: str) -> Served:
        """A gateway; or `prospect worker`, if those are the arguments."""
        folder = self.folder / f"process-{time.monotonic_ns()}"
        if arguments == ("worker",):
            made = running(folder, "worker", environ=self.environ, up="Working on jobs")
            crew = await self.stack.enter_async_context(made)
        else:
            served = serving(folder, *arguments, environ=self.environ)
            crew = await self.stack.enter_async_context(served)
        self.crews.append(crew)
        return crew

    def workers_of(self, crew: Served) -> list[int]:
        return crew.children(WORKER)

    def kill(self, crew: Served, *, whole: bool) -> None:
        """Kill -9 of its workers, and of what replaces them if `whole`."""
        pids = self.workers_of(crew)
        for pid in pids:
            named = self.folder / "names" / str(pid)
            if named.exists():
                self.deaths[named.read_text()] = Death(time.monotonic(), time.time())
        if whole:
            self.crews.remove(crew)
            pids.insert(0, crew.process.pid)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """An answer of any gateway that lives, asked until there is one; its JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["authorization"] = f"Bearer {ADMIN_KEY}"
        deadline = time.monotonic() + 60
        while (found := await self._call_once(method, path, body, named)) is None:
            assert time.monotonic() < deadline, "no gateway answers"
            await asyncio.sleep(0.1)
        return found

    async def _call_once(self, method: str, path: str, body: Any, headers: Any) -> Any:
        if not self.gateways:
            return None
        url = self.gateways[time.monotonic_ns() % len(self.gateways)].url + path
        try:
            async with self.session.request(method, url, json=body, headers=headers) as reply:
                found = await reply.read()
        except (aiohttp.ClientError, OSError):
            return None
        if reply.status in (409, 503):
            return None
        assert reply.status < 500 or reply.status == 502, found
        return msgspec.json.decode(found)

    async def submit(self, people: list[Any], *providers: str, **more: Any) -> str:
        """A job's id."""
        body = {
            "operation": "emails.find",
            "items": [body_of(person) for person in people],
            "routing": routing_of(*providers),
            **more,
        }
        reply = await self.call(
            "POST", "/v1/jobs", body, idempotency_key=f"k{time.monotonic_ns()}"
        )
        return str(reply["data"]["id"])

    async def job(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.call("GET", f"/v1/jobs/{name}"))["data"]
        return found

    async def ended(self, name: str, seconds: float = 60) -> dict[str, Any]:
        async def finished() -> Any:
            job = await self.job(name)
            return job["finished_at"] and job

        found: dict[str, Any] = await until(finished, seconds, f"the end of {name}")
        return found

    async def rows_of(self, name: str) -> list[dict[str, Any]]:
        reply = await self.call("GET", f"/v1/jobs/{name}/results?limit=1000")
        rows: list[dict[str, Any]] = reply["data"]
        return rows

    async def note_visits(self) -> None:
        """The simulator keeps the latest alone."""
        seen = (await self.control.get("/requests"))["requests"]
        self.visits |= {visit["id"]: visit for visit in seen}

    async def doubts(self) -> dict[str, dict[str, str]]:
        """Entries in doubt, by their ids."""
        names = [name.decode() for name in await self.store.call("SMEMBERS", f"{ROOT}doubts")]
        return {name: await entry(self.store, name) for name in names}

    async def charges(self) -> list[dict[str, Any]]:
        """All that the providers billed."""
        return [row for name in PROVIDERS for row in (await self.control.bill(name))["rows"]]

    async def people(self, size: int, *known_to: str) -> list[Any]:
        """So many whom each of these providers knows, and has to work on for a while.

        No two of them are alike, and none has objected.
        """
        found: dict[str, Any] = {}
        offset = 0
        while page := await self.control.get("/world/people", limit=PAGE, offset=offset):
            offset += len(page)
            for one in page:
                if not one["claimed"] and all(_has_to_work(name, one) for name in known_to):
                    found[name_on_bill(one)] = one
        assert len(found) >= size, f"only {len(found)} people"
        return list(found.values())[:size]


def _has_to_work(provider: str, person: Any) -> bool:
    """Whether the provider finds the person, and not at once and for nothing."""
    if not person["full_name"].isascii():
        return False  # The last word need not be the family name.
    known = person["known"].get(provider)
    return known is not None and not (provider == "snov" and known["prompt"])


def rewritten(script: str, old: str, new: str) -> str:
    """Code that makes a mutant of a script of the store's."""
    return f"""
import gateway.store.script as s
read_{script} = s._read
def read_mutant_{script}(name):
    text = read_{script}(name)
    assert name != {script!r} or {old!r} in text
    return text.replace({old!r}, {new!r}) if name == {script!r} else text
s._read = read_mutant_{script}
"""


def name_on_bill(person: Any) -> str:
    return f"{person['full_name'].casefold()}@{person['company']['domain']}"


def body_of(person: Any) -> dict[str, str]:
    return {"full_name": person["full_name"], "domain": person["company"]["domain"]}


# Whatever a provider says of somebody whom it knows is good enough.
ANYTHING = {"statuses": ["valid", "catch_all", "unknown"]}


def routing_of(*providers: str) -> dict[str, Any]:
    return {"providers": list(providers), "order": "listed", "accept": ANYTHING}


@asynccontextmanager
async def works(
    folder: Path, code: str = HASTY, *, people: int = 2000, **environment: str
) -> AsyncIterator[Works]:
    """Nothing runs yet but the store and the simulator; each process runs `code` first."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_store(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=people))
        names = folder / "names"
        names.mkdir()
        environ = external(folder / "data", url, **simulated(endpoints, *PROVIDERS), **environment)
        environ |= sabotaged(folder / "first", NAMED.format(folder=str(names)) + code)
        timeout = aiohttp.ClientTimeout(total=70)
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        await stack.enter_async_context(session)
        store = await Store.connect(url, timeout=30)
        stack.push_async_callback(store.close)
        yield Works(folder, environ, control, store, session, stack)


def in_turn(people: list[Any]) -> Callable[[int], list[Any]]:
    """The next so many of them."""
    left: Iterator[Any] = iter(people)
    return lambda size: [next(left) for _ in range(size)]
