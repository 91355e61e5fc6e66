"""The ledger's entries as they are read: filtered, in pages, never all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from gateway.store.connection import Store
from gateway.store.script import Script

CHUNK = 500
# The bootstrap key is '' in the store: there is no record of it.
BOOTSTRAP = "bootstrap"
HELD = frozenset({"reserved", "dispatched"})

AnyState = Literal["reserved", "dispatched", "posted", "voided", "in_doubt"]
TEXTS = ("state", "team", "key", "tag", "provider", "operation", "credential", "outcome", "reason")
NOTES = ("note", "resolved_by", "unit")
NUMBERS = ("worst_units", "worst_cost", "price", "units", "cost")
KINDS = ("team", "key", "provider", "credential", "operation", "tag")
MOMENTS = ("at", "dispatched_at", "closed_at")
FLAGS = ("free", "overrun", "unpriced", "restored")
FIELDS = (*TEXTS, *NUMBERS, *MOMENTS, *FLAGS, *NOTES)


class Entry(Struct, kw_only=True):
    """One reservation and what came of it.

    Units in thousandths, money in micro-units, moments in ms by the store's clock and 0 for
    never. `units` and `cost` are what is posted. `restored` was put back from a journal; `note`
    and `resolved_by` are of whoever ended a doubt.
    """

    id: str
    seq: int
    state: AnyState
    team: str
    key: str
    tag: str
    provider: str
    operation: str
    credential: str
    outcome: str
    reason: str
    worst_units: int
    worst_cost: int
    price: int
    units: int
    cost: int
    at: int
    dispatched_at: int
    closed_at: int
    free: bool
    overrun: bool
    unpriced: bool
    restored: bool
    note: str
    resolved_by: str
    unit: str

    @property
    def is_live(self) -> bool:
        return self.state in HELD

    @property
    def reserved(self) -> int:
        return self.worst_cost if self.state in HELD else 0

    @property
    def in_doubt(self) -> int:
        return self.worst_cost if self.state == "in_doubt" else 0


class Filter(Struct, frozen=True, kw_only=True):
    """Which entries; None is any. `since` counts, `until` does not; both in ms."""

    team: str | None = None
    key: str | None = None
    provider: str | None = None
    credential: str | None = None
    operation: str | None = None
    state: AnyState | None = None
    tag: str | None = None
    since: int | None = None
    until: int | None = None

    def takes(self, entry: Entry) -> bool:
        if self.since is not None and entry.at < self.since:
            return False
        if self.until is not None and entry.at >= self.until:
            return False
        return all(
            wanted is None or wanted == getattr(entry, name) for name, wanted in self._named
        )

    def takes_day(self, found: DaySum, zone: ZoneInfo) -> bool:
        """By its noon in `zone`, that of the budgets, whose midnights bound it."""
        moment = datetime.fromisoformat(f"{found.day}T12:00:00").replace(tzinfo=zone)
        noon = int(moment.timestamp() * 1000)
        if self.since is not None and noon < self.since:
            return False
        if self.until is not None and noon >= self.until:
            return False
        named = ((name, value) for name, value in self._named if name != "state")
        return all(value is None or value == getattr(found, name) for name, value in named)

    @property
    def _named(self) -> tuple[tuple[str, str | None], ...]:
        return (
            ("team", self.team),
            ("key", self.key),
            ("provider", self.provider),
            ("credential", self.credential),
            ("operation", self.operation),
            ("state", self.state),
            ("tag", self.tag),
        )


EVERYTHING = Filter()


class DaySum(Struct, kw_only=True):
    """Retired entries of one day and one kind; units in thousandths, money in micro-units."""

    day: str
    team: str
    key: str
    provider: str
    credential: str
    operation: str
    tag: str
    calls: int = 0
    units: int = 0
    cost: int = 0


class Books:
    """Reads the ledger of one root. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root
        self._script = Script.load("entries")
        self._retire = Script.load("retire")

    async def walk(
        self, wanted: Filter = EVERYTHING, below: int | None = None
    ) -> AsyncIterator[Entry]:
        """Newest first, from under the sequence number `below`.

        Each entry is read once, as it is at that moment; what is reserved meanwhile is left out.
        """
        more = True
        while more:
            entries, below, more = await self._chunk(below)
            for entry in entries:
                if wanted.takes(entry):
                    yield entry

    async def _chunk(self, below: int | None) -> tuple[list[Entry], int | None, bool]:
        """The next entries, where the ones after them begin, and whether there may be any."""
        args = ("" if below is None else below, CHUNK, *FIELDS)
        found = await self._store.run(self._script, [self._root], args)
        rows = list(zip(found[::3], found[1::3], found[2::3], strict=True))
        entries = [_to_entry(rid, int(seq), row) for seq, rid, row in rows if row[0] is not None]
        return entries, int(rows[-1][0]) if rows else below, len(rows) == CHUNK

    async def named(self, names: Sequence[str]) -> list[Entry]:
        """The entries of these ids that there are, in their order."""
        keys = [f"{self._root}entry:{name}" for name in names]
        calls = [self._store.call("HMGET", key, "seq", *FIELDS) for key in keys]
        rows = zip(names, await asyncio.gather(*calls), strict=True)
        return [_to_entry(name.encode(), int(row[0]), row[1:]) for name, row in rows if row[0]]

    async def retire(self, keep: int) -> int:
        """Turn entries that ended `keep` ms ago into sums of their day; how many."""
        done: int = await self._store.run(self._retire, [self._root], (keep, CHUNK))
        return done

    async def days(self, wanted: Filter, zone: ZoneInfo) -> AsyncIterator[DaySum]:
        """What is left of retired entries; days that a filter's span cuts count as a whole.

        `zone` is the one that their days are of.
        """
        if wanted.state not in (None, "posted"):
            return
        for day in await self._store.call("ZRANGE", f"{self._root}days", 0, -1):
            flat = await self._store.call("HGETALL", f"{self._root}sums:{day.decode()}")
            for found in _to_day_sums(day.decode(), flat):
                if wanted.takes_day(found, zone):
                    yield found

    async def page(
        self, wanted: Filter, below: int | None, limit: int
    ) -> tuple[list[Entry], int | None]:
        """At most `limit` entries, and the sequence number under which the next page begins."""
        page: list[Entry] = []
        async for entry in self.walk(wanted, below):
            if len(page) == limit:
                return page, page[-1].seq
            page.append(entry)
        return page, None


def _to_entry(rid: bytes, seq: int, values: list[bytes | None]) -> Entry:
    raw = dict(zip(FIELDS, values, strict=True))
    members: dict[str, Any] = {name: (raw[name] or b"").decode() for name in (*TEXTS, *NOTES)}
    members |= {name: int(raw[name] or 0) for name in (*NUMBERS, *MOMENTS)}
    members |= {name: raw[name] == b"1" for name in FLAGS}
    members["key"] = members["key"] or BOOTSTRAP
    if members["state"] != "posted":
        members["units"] = members["cost"] = 0
    return Entry(id=rid.decode(), seq=seq, **members)


def _to_day_sums(day: str, flat: Sequence[bytes]) -> list[DaySum]:
    """From fields such as `cost["team", "key", ...]`."""
    found: dict[str, DaySum] = {}
    for field, amount in zip(flat[::2], flat[1::2], strict=True):
        meter, _, rest = field.decode().partition("[")
        name = f"[{rest}"
        if name not in found:
            who = msgspec.json.decode(name, type=list[str])
            members: dict[str, Any] = dict(zip(KINDS, who, strict=True))
            members["key"] = members["key"] or BOOTSTRAP
            found[name] = DaySum(day=day, **members)
        setattr(found[name], meter, int(amount))
    return list(found.values())
