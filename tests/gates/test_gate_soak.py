"""Hours of load with a fault now and then: no memory, no descriptor and no cent goes astray."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, fleet
from tests.gateway.money.books import audit, entries
from tests.gateway.supervisor.processes import processes_of, until

MEBI = 1 << 20
GATEWAYS = 2
PROVIDERS = ("hunter", "snov", "sixtyfour")
MOST_GROWTH, SPARE = 16 * MEBI, 12
SHARE, CAPACITY_SECONDS, SETTLED = 0.6, 3.0, 2.0
# Twice as many callers are tried as long as they get so much more done.
CALLERS, MORE = 16, 1.1
# After hours each look at the ledger takes its time.
QUIET_SECONDS = 900
COMPLAINTS = ("Task was destroyed", "never retrieved", "was never awaited", "Unclosed")
# No doubt of money comes of these, so that the books can be compared to the cent.
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 500}),
    ("status", {"status": 429, "retry_after": 1}),
    ("slow", {"seconds": 0.5}),
    ("drip", {"seconds": 0.002}),
]


class Site:
    def __init__(self, made: Fleet, people: list[Any]):
        self.made = made
        self._people = itertools.cycle(people)
        self.statuses: Counter[int] = Counter()

    async def load(self, pace: float, over: asyncio.Event) -> None:
        """So many lookups a second, some of which a cache serves, some of which are given up."""
        asked: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0, began + number / pace - time.monotonic()))
            if over.is_set():
                break
            task = asyncio.create_task(self._ask(number))
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.gather(*asked)

    async def _ask(self, number: int) -> None:
        person, provider = next(self._people), PROVIDERS[number % 3]
        body = {
            "full_name": person["full_name"],
            "domain": person["company"]["domain"],
            "routing": {"providers": [provider], "max_age": 3600 * (number % 2)},
        }
        seconds = 0.02 if number % 20 == 0 else 60
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                heard = await self.made.post(number, "/v1/emails/find", body)
                self.statuses[heard.status] += 1

    async def faults(self, pause: float) -> None:
        """One after the other, of each provider in turn, each for half of the pause."""
        pairs = [(provider, *fault) for fault in FAULTS for provider in PROVIDERS]
        for provider, kind, options in itertools.cycle(pairs):
            await self.made.control.fault(provider, kind, **options)
            await asyncio.sleep(pause / 2)
            await self.made.control.delete("/faults")
            await asyncio.sleep(pause / 2)

    async def capacity(self) -> float:
        """The most lookups a second of callers who ask without a pause, however many they are."""
        found = [await self.pace_of(CALLERS)]
        while len(found) < 2 or found[-1] > MORE * found[-2]:
            found.append(await self.pace_of(CALLERS << len(found)))
        return max(found)

    async def pace_of(self, callers: int) -> float:
        """Lookups a second of so many callers."""
        before, over = sum(self.statuses.values()), asyncio.Event()
        numbers = itertools.count()

        async def ask_on() -> None:
            while not over.is_set():
                await self._ask(next(numbers))

        clients = [asyncio.create_task(ask_on()) for _ in range(callers)]
        began = time.monotonic()
        await asyncio.sleep(CAPACITY_SECONDS)
        over.set()
        await asyncio.gather(*clients)
        return (sum(self.statuses.values()) - before) / (time.monotonic() - began)

    def memory(self) -> int:
        """Resident, of all processes of the gateways, in bytes."""
        return sum(status_of(pid) for pid in self._pids())

    def descriptors(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self._pids())

    def _pids(self) -> list[int]:
        return [pid for served in self.made.gateways for pid in processes_of(served.folder)]

    async def is_quiet(self) -> bool:
        rows = await entries(self.made.store)
        return all(row["state"] not in ("reserved", "dispatched") for row in rows)


def status_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@asynccontextmanager
async def scene(folder: Path, code: str = "") -> AsyncIterator[Site]:
    async with fleet(folder, size=GATEWAYS, code=code, people=4000, providers=PROVIDERS) as made:
        times = {"profile": "zero", "call_seconds": 0.02, "task_seconds": 0.2}
        await made.control.put("/latency", times)
        known, unknown = await made.people()
        yield Site(made, [one for one in known + unknown if one["full_name"].isascii()])
        await made.kill()


async def soak(site: Site, pace: float, *, warm: float, seconds: float, pause: float) -> str:
    """What grew under so many lookups a second, from the end of the warming up on."""
    over = asyncio.Event()
    load = asyncio.create_task(site.load(pace, over))
    faults = asyncio.create_task(site.faults(pause))
    await asyncio.sleep(warm)
    memory, descriptors = site.memory(), site.descriptors()
    await asyncio.sleep(seconds)
    faults.cancel()
    await asyncio.gather(faults, return_exceptions=True)
    await site.made.control.delete("/faults")
    over.set()
    await load
    await asyncio.sleep(SETTLED)
    growth, more = site.memory() - memory, site.descriptors() - descriptors
    told = f"{pace:.0f} a second for {seconds:g} s: {growth / MEBI:+.1f} MiB, {more:+} descriptors"
    assert growth <= MOST_GROWTH, told
    assert more <= SPARE, told
    return f"{told}, {dict(site.statuses)}"


def assert_no_complaint(site: Site) -> None:
    for served in site.made.gateways:
        found = [
            line for line in served.log.splitlines() if any(map(line.__contains__, COMPLAINTS))
        ]
        assert not found, f"complaint: {found[0]}"


async def assert_books_are_the_bill(site: Site) -> None:
    await until(site.is_quiet, QUIET_SECONDS, "every entry's end")
    await audit(site.made.store)
    rows = await entries(site.made.store)
    for provider in PROVIDERS:
        own = [row for row in rows if row["provider"] == provider]
        doubtful = [row for row in own if row["state"] == "in_doubt"]
        assert not doubtful, f"in doubt: {doubtful[0]}"
        booked = Decimal(sum(int(row["cost"]) for row in own if row["state"] == "posted"))
        billed = (await site.made.control.bill(provider))["totals"][provider]["cost"]
        assert booked / 10**6 == Decimal(billed), f"{provider} billed {billed}"


@pytest.mark.timeout(9000)
async def test_nothing_is_lost_or_gathered_with_time(tmp_path: Path, campaign: Campaign) -> None:
    async with scene(tmp_path) as site:
        told = await soak(
            site,
            SHARE * await site.capacity(),
            # The connections of so many callers are closed by then.
            warm=campaign.size(short=45.0, full=300.0),
            seconds=campaign.size(short=135.0, full=7200.0),
            pause=20.0,
        )
        assert_no_complaint(site)
        await assert_books_are_the_bill(site)
        campaign.tell(f"soak: {told}")


# Something of each request is kept, and one is forgotten half-way.
HOARDING = """
import asyncio, gateway.api.edge as e
serve, kept = e.Edge._serve, []
async def hoarding(self, *arguments):
    if len(kept) < 1000:
        kept.append(bytes(range(256)) * 1500)
    if len(kept) == 5:
        context = {"message": "Task was destroyed but it is pending!"}
        asyncio.get_running_loop().call_exception_handler(context)
    await serve(self, *arguments)
e.Edge._serve = hoarding
"""


async def test_what_is_gathered_with_time_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, HOARDING) as site:
        with pytest.raises(AssertionError, match="MiB"):
            await soak(site, 50, warm=0.5, seconds=4, pause=2)
        with pytest.raises(AssertionError, match="complaint"):
            assert_no_complaint(site)
