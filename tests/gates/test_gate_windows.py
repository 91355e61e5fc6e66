"""While days, months and clocks change, each call is in one window of each period and no other."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, Heard, fleet, in_parallel
from tests.gateway.money.books import audit, entries
from tests.gateway.money.conftest import shift

CLIENTS, GATEWAYS = 16, 2
PRICE, PER_DAY = Decimal("0.049"), 25
# Seconds under load before the moment, and after it.
LEAD = 0.5
NAMED = re.compile(r".*:bal:(?P<scope>.+?):(?P<window>d:[\d-]+|m:[\d-]+|t)")


@dataclass(frozen=True)
class Turn:
    """A moment to be crossed, and how many days and months are seen around it."""

    moment: str
    days: int
    months: int

    @property
    def millis(self) -> int:
        return int(datetime.fromisoformat(self.moment).timestamp() * 1000)


# Written down, not computed: these are facts of the calendar and of two countries' laws.
TURNS = {
    "Europe/Berlin": [
        Turn("2024-02-28T23:00:00+00:00", 2, 1),  # a leap day begins
        Turn("2024-02-29T23:00:00+00:00", 2, 2),  # and ends
        Turn("2024-03-31T01:00:00+00:00", 1, 1),  # two o'clock becomes three
        Turn("2024-03-31T22:00:00+00:00", 2, 2),  # that day of 23 hours ends
        Turn("2024-10-27T01:00:00+00:00", 1, 1),  # three o'clock becomes two
        Turn("2024-10-27T23:00:00+00:00", 2, 1),  # that day of 25 hours ends
        Turn("2024-12-31T23:00:00+00:00", 2, 2),  # a year ends
    ],
    "America/Asuncion": [
        Turn("2022-03-27T03:00:00+00:00", 1, 1),  # midnight becomes eleven: it was not midnight
        Turn("2022-03-27T04:00:00+00:00", 2, 1),  # this is
        Turn("2022-10-02T04:00:00+00:00", 2, 1),  # midnight becomes one o'clock
        Turn("2022-10-03T03:00:00+00:00", 2, 1),  # that day of 23 hours ends
    ],
}


@dataclass(frozen=True)
class Callers:
    """Keys of a team without a budget, and of one whose budget a day's calls exceed."""

    free: str
    limited: str
    limited_team: str


async def callers_of(made: Fleet) -> Callers:
    _, free = await made.team("free")
    team, limited = await made.team("limited")
    budget = {"budget": {"amount": str(PRICE * PER_DAY), "period": "day"}}
    reply = await made.gateways[0].client.patch(f"/v1/admin/teams/{team}", json=budget)
    assert reply.status_code == 200, reply.text
    return Callers(free, limited, team)


class Crossing:
    """Asks without a pause while the store's clock passes a moment."""

    def __init__(self, made: Fleet, callers: Callers, people: Iterator[Any]):
        self._made = made
        self._callers = callers
        self._people = people
        self.heard: list[Heard] = []

    async def pass_by(self, turn: Turn) -> None:
        """More than a day's budget is asked for before the moment, and again after it."""
        await self._set_clock(turn.millis - 60_000)
        await self._ask(itertools.repeat(self._callers.limited, PER_DAY + CLIENTS))
        await self._set_clock(turn.millis - round(LEAD * 1000))
        deadline = time.monotonic() + 2 * LEAD
        keys = itertools.cycle((self._callers.free, self._callers.free, self._callers.limited))
        await self._ask(itertools.takewhile(lambda _: time.monotonic() < deadline, keys))
        await self._ask(itertools.repeat(self._callers.limited, PER_DAY + CLIENTS))

    async def _ask(self, keys: Iterable[str]) -> None:
        async def work(number: int, key: str) -> None:
            self.heard.append(await self._made.ask(number, next(self._people), key=key))

        await in_parallel(keys, CLIENTS, work)

    async def _set_clock(self, millis: int) -> None:
        seconds, micros = await self._made.store.call("TIME")
        now = int(seconds) * 1000 + int(micros) // 1000
        await shift(self._made.store, millis - now)


def local(row: dict[str, str], zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(int(row["at"]) / 1000, UTC).astimezone(zone)


def assert_in_one_window_each(row: dict[str, str], zone: ZoneInfo) -> None:
    day = local(row, zone)
    expected = sorted((f"d:{day:%Y-%m-%d}", f"m:{day:%Y-%m}", "t"))
    windows: dict[str, list[str]] = {}
    for name in row["balances"].split():
        found = NAMED.fullmatch(name)
        assert found, name
        windows.setdefault(found["scope"], []).append(found["window"])
    assert {"all", f"team:{row['team']}"} <= set(windows), "a scope is missing"
    for scope, names in windows.items():
        assert sorted(names) == expected, f"{scope} at {day} is in the windows {sorted(names)}"


def assert_crossed(turn: Turn, rows: list[dict[str, str]], zone: ZoneInfo) -> int:
    """Both sides were under load; how many calls began on one and ended on the other."""
    near = [row for row in rows if abs(int(row["at"]) - turn.millis) < 10_000]
    before = sum(int(row["at"]) < turn.millis for row in near)
    assert min(before, len(near) - before) >= 10, (turn, before, len(near))
    assert len({local(row, zone).date() for row in near}) == turn.days, turn
    assert len({local(row, zone).month for row in near}) == turn.months, turn
    return sum(int(row["at"]) < turn.millis <= int(row["closed_at"]) for row in near)


async def assert_sums(made: Fleet, rows: list[dict[str, str]], zone: ZoneInfo) -> None:
    """Windows are the sums of their entries, to the ledger's readers and to the bill as well."""
    await audit(made.store)
    days: Counter[str] = Counter()
    for row in rows:
        days[f"{local(row, zone):%Y-%m-%d}"] += int(row["cost"])
    path = "/v1/admin/ledger/summary?group_by=day"
    reply = await made.gateways[0].client.get(path)
    told = {row["day"]: Decimal(row["cost"]) for row in reply.json()["data"]}
    assert told == {day: Decimal(cost) / 10**6 for day, cost in days.items()}
    billed = (await made.control.bill("hunter"))["totals"]["hunter"]["cost"]
    assert Decimal(billed) * 10**6 == sum(days.values())


def assert_limited(rows: list[dict[str, str]], team: str, zone: ZoneInfo) -> None:
    """A day buys what its budget is worth, to the last answer, and so does the next."""
    bought = Counter(
        local(row, zone).date() for row in rows if row["team"] == team and int(row["cost"])
    )
    assert set(bought.values()) == {PER_DAY}, f"per day: {bought}"


async def assert_turns(made: Fleet, name: str, turns: list[Turn]) -> str:
    zone, callers = ZoneInfo(name), await callers_of(made)
    crossing = Crossing(made, callers, itertools.cycle((await made.people())[0]))
    for turn in turns:
        await crossing.pass_by(turn)
    statuses = Counter(reply.status for reply in crossing.heard)
    assert set(statuses) == {200, 402}, statuses
    rows = await entries(made.store)
    assert len(rows) == statuses[200]
    for row in rows:
        assert_in_one_window_each(row, zone)
    astride = sum(assert_crossed(turn, rows, zone) for turn in turns)
    assert_limited(rows, callers.limited_team, zone)
    await assert_sums(made, rows, zone)
    return f"{len(rows)} calls around {len(turns)} moments, {astride} astride them"


def started(folder: Path, zone: str, code: str = "") -> Any:
    """Two gateways in that zone; their clock is put on, never back."""
    return fleet(
        folder,
        size=GATEWAYS,
        code=code,
        people=800,
        offset=TURNS[zone][0].millis - 3600_000 - round(time.time() * 1000),
        GATEWAY_TEST_CLOCK="1",
        GATEWAY_TIMEZONE=zone,
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("zone", TURNS)
async def test_each_call_is_in_exactly_one_window(
    tmp_path: Path, campaign: Campaign, zone: str
) -> None:
    for number in range(campaign.size(short=1, full=10)):
        async with started(tmp_path / str(number), zone) as made:
            await made.control.put("/latency", {"profile": "zero", "call_seconds": 0.02})
            campaign.tell(f"windows of {zone}: {await assert_turns(made, zone, TURNS[zone])}")


# Windows by the clock of the process, which runs a fifth of a second ahead of the store's.
AHEAD = """
import time, gateway.money.ledger as l, gateway.store.script as s
read, seen = s._read, "if now < window.starts or now >= window.ends then"
def read_without(name):
    text = read(name)
    assert name != "admission" or seen in text
    return text.replace(seen, "if false then", 1)
s._read = read_without
admit = l.Ledger.admit
async def by_own_clock(self, claim):
    offset = int(await self.store.call("GET", "{pgw}:clock_offset"))
    self._windows = l.windows_at(int(time.time() * 1000) + offset + 200, self.zone)
    return await admit(self, claim)
l.Ledger.admit = by_own_clock
"""
# Days of another place.
ABROAD = """
import zoneinfo, gateway.money.ledger as l
windows_at = l.windows_at
l.windows_at = lambda now, zone: windows_at(now, zoneinfo.ZoneInfo("UTC"))
"""


@pytest.mark.parametrize("code", [AHEAD, ABROAD], ids=["ahead", "abroad"])
async def test_windows_by_another_clock_are_noticed(tmp_path: Path, code: str) -> None:
    zone = "America/Asuncion"
    async with started(tmp_path, zone, code) as made:
        with pytest.raises(AssertionError, match="is in the windows"):
            await assert_turns(made, zone, TURNS[zone][1:2])
