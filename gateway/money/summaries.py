"""Sums of the ledger by any combination of who, where, what and when."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType

from gateway.money.entries import Books, DaySum, Entry, Filter
from gateway.money.windows import windows_at

Group = Literal["team", "key", "provider", "credential", "operation", "day", "tag"]
GROUPS: tuple[Group, ...] = (
    "team",
    "key",
    "provider",
    "credential",
    "operation",
    "day",
    "tag",
)


class Sum(Struct, kw_only=True):
    """`calls` were sent or are about to be; money in micro-units, units in thousandths.

    Fields that are not grouped by are unset.
    """

    team: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    day: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    calls: int = 0
    units: int = 0
    cost: int = 0
    reserved: int = 0
    in_doubt: int = 0

    def add(self, entry: Entry) -> None:
        self.calls += bool(entry.dispatched_at)
        self.units += entry.units
        self.cost += entry.cost
        self.reserved += entry.reserved
        self.in_doubt += entry.in_doubt

    def add_day(self, day: DaySum) -> None:
        self.calls += day.calls
        self.units += day.units
        self.cost += day.cost


class Calendar:
    """The day of a moment as the budgets have it; neighbours in time are quick."""

    def __init__(self, zone: ZoneInfo):
        self._zone = zone
        self._starts = self._ends = 0
        self._name = ""

    def day(self, millis: int) -> str:
        if not self._starts <= millis < self._ends:
            day = windows_at(millis, self._zone)[0]
            self._starts, self._ends = day.starts, day.ends
            self._name = day.id.removeprefix("d:")
        return self._name


async def summarise(
    books: Books, wanted: Filter, groups: tuple[Group, ...], zone: ZoneInfo
) -> list[Sum]:
    """One row per combination that occurs, in order; the one total if nothing is grouped by.

    Memory grows with the rows, not with the ledger. An entry's day is the one it was reserved
    in, as in the budgets. Raises StoreDown.
    """
    calendar = Calendar(zone)
    rows: dict[tuple[str, ...], Sum] = {} if groups else {(): Sum()}
    async for entry in books.walk(wanted):
        place = tuple(
            calendar.day(entry.at) if name == "day" else getattr(entry, name) for name in groups
        )
        _row(rows, groups, place).add(entry)
    async for day in books.days(wanted, zone):
        _row(rows, groups, tuple(getattr(day, name) for name in groups)).add_day(day)
    return [rows[place] for place in sorted(rows)]


def _row(
    rows: dict[tuple[str, ...], Sum], groups: tuple[Group, ...], place: tuple[str, ...]
) -> Sum:
    row = rows.get(place)
    if row is None:
        members: dict[str, Any] = dict(zip(groups, place, strict=True))
        row = rows[place] = Sum(**members)
    return row
