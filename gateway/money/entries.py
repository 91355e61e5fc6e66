"""The ledger's entries as they are read: filtered, in pages, never all at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from msgspec import Struct

from gateway.store.connection import Store
from gateway.store.script import Script

CHUNK = 500
# The bootstrap key is '' in the store: there is no record of it.
BOOTSTRAP = "bootstrap"
HELD = frozenset({"reserved", "dispatched"})

AnyState = Literal["reserved", "dispatched", "posted", "voided", "in_doubt"]
TEXTS = ("state", "team", "key", "tag", "provider", "operation", "credential", "outcome", "reason")
NUMBERS = ("worst_units", "worst_cost", "price", "units", "cost")
MOMENTS = ("at", "dispatched_at", "closed_at")
FLAGS = ("free", "overrun")
FIELDS = (*TEXTS, *NUMBERS, *MOMENTS, *FLAGS)


class Entry(Struct, kw_only=True):
    """One reservation and what came of it.

    Units in thousandths, money in micro-units, moments in ms by the store's clock and 0 for
    never. `units` and `cost` are what is posted.
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


class Books:
    """Reads the ledger of one root. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root
        self._script = Script.load("entries")

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
        # An entry that is past its retention is left in the index alone.
        entries = [_to_entry(rid, int(seq), row) for seq, rid, row in rows if row[0] is not None]
        return entries, int(rows[-1][0]) if rows else below, len(rows) == CHUNK

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
    members: dict[str, Any] = {name: (raw[name] or b"").decode() for name in TEXTS}
    members |= {name: int(raw[name] or 0) for name in (*NUMBERS, *MOMENTS)}
    members |= {name: raw[name] == b"1" for name in FLAGS}
    members["key"] = members["key"] or BOOTSTRAP
    if members["state"] != "posted":
        members["units"] = members["cost"] = 0
    return Entry(id=rid.decode(), seq=seq, **members)
