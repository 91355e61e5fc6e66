"""What the store holds of a person: found key by key, each with what would take it away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from hashlib import sha1
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from gateway.jobs.holdings import OF_ROOT, Place, holding_of
from gateway.lookup.subject import Subject
from gateway.store.connection import Argument, Store
from gateway.store.script import Script

# Bytes that one script looks at; others wait for it meanwhile.
BUDGET = 256 * 1024
PAGE = 200
# What can't be searched without being opened.
SEALED = ("notices:*",)
# Entries of a stream copied at a time.
ROWS = 500
OF_PERSONS = frozenset(one.pattern for one in OF_ROOT if one.place)

_pack = msgspec.msgpack.Encoder().encode


class Change(NamedTuple):
    """What `scrub` does to one value, if it is still what was `seen`."""

    what: Literal["field", "key", "answer", "event", "sum"]
    key: str
    field: str | bytes
    seen: bytes
    fresh: bytes = b""


class Trace(Struct, kw_only=True):
    """One thing that is held; times in ms, None if it is not known.

    `data` is what it says of the person. `links` are what else the person is called in it.
    """

    place: Place
    reference: str
    changes: list[Change]
    provider: str = ""
    operation: str = ""
    team: str = ""
    lookup: str = ""
    obtained: int | None = None
    until: int | None = None
    sources: list[str] = []
    data: Any = None
    links: Subject = msgspec.field(default_factory=Subject)


class Spot(NamedTuple):
    """A value that may name somebody: `field` of a hash, entry of a stream, '' of a text."""

    pattern: str
    key: str
    field: str


class Seeker:
    """Goes through all keys. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root
        self._seek = Script.load("seek")
        self._scrub = Script.load("scrub")
        self._compact = Script.load("compact_stream")

    async def spots(self, subject: Subject) -> AsyncIterator[list[Spot]]:
        """Page by page, so that whoever reads them can do something else between."""
        page: dict[str, str] = {}
        async for key in self._store.scan(f"{self._root}*"):
            name = key.decode()
            holding = holding_of(name, self._root)
            if holding is not None and holding.pattern in SEALED:
                yield await self._all_of(name, holding.pattern)
            elif holding is not None and holding.pattern in OF_PERSONS:
                page[name] = holding.pattern
            if len(page) >= PAGE:
                yield await self._look(page, subject)
                page = {}
        yield await self._look(page, subject)

    async def _all_of(self, key: str, pattern: str) -> list[Spot]:
        rows = await self._store.call("XRANGE", key, "-", "+")
        return [Spot(pattern, key, name.decode()) for name, _ in rows]

    async def _look(self, page: dict[str, str], subject: Subject) -> list[Spot]:
        keys, needles, found = list(page), _pack(subject.needles()), list[Spot]()
        at, cursor = 1, b"0"
        while keys and at:
            keys = keys[at - 1 :]
            operands: list[Argument] = [needles, BUDGET, cursor, *keys]
            at, cursor, *rest = await self._store.run(self._seek, [], operands)
            for key, field in zip(rest[::2], rest[1::2], strict=True):
                name = key.decode()
                found.append(Spot(page[name], name, field.decode()))
        return list(dict.fromkeys(found))

    async def compact(self, stream: str) -> None:
        """Have the stream not hold what was deleted from it; only one at a time may do this."""
        key, after = f"{self._root}{stream}", b""
        while True:
            args = (key, f"{key}:copy", after, ROWS)
            after = await self._store.run(self._compact, [self._root], args)
            if not after:
                return

    async def scrub(self, changes: Sequence[Change]) -> int:
        """How many of the values were taken away; the others have changed since."""
        flat = [
            part
            for change in changes
            for part in (
                *(change.what, change.key, change.field),
                *(sha1(change.seen, usedforsecurity=False).hexdigest(), change.fresh),
            )
        ]
        return int(await self._store.run(self._scrub, [self._root], flat))
