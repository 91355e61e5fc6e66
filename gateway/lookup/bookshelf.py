"""What all processes have learned of the providers: a copy, about a second old, read aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence

from gateway.lookup.planning.confirming import CONFIRMS
from gateway.lookup.planning.estimation import reply_seconds_of
from gateway.lookup.planning.lessons import to_counts
from gateway.lookup.planning.teaching import book_of
from gateway.lookup.planning.terms import Counts, Statistics
from gateway.store.connection import Store, StoreDown
from gateway.telemetry.log import get_logger
from providers.model import EMAILS_FIND, OPERATIONS
from providers.registry import ADAPTERS

log = get_logger()

FRESH = 1.0
# How often what a finder is not sure of turns out to be there is in books like those of a finder.
FINDING = {CONFIRMS: EMAILS_FIND}


class Leaves(Mapping[str, Counts]):
    """A book's cells; each is read when it is first asked for, as hardly any ever is."""

    def __init__(self, flat: Sequence[bytes]):
        self._raw = dict(zip(flat[::2], flat[1::2], strict=True))
        self._read: dict[str, Counts | None] = {}

    def __getitem__(self, cell: str) -> Counts:
        found = self._look(cell)
        if found is None:
            raise KeyError(cell)
        return found

    def get(self, cell: str, default: Counts | None = None) -> Counts | None:  # type: ignore[override]
        found = self._look(cell)
        return default if found is None else found

    def __contains__(self, cell: object) -> bool:
        return isinstance(cell, str) and self._look(cell) is not None

    def __iter__(self) -> Iterator[str]:
        return (cell.decode() for cell in self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def _look(self, cell: str) -> Counts | None:
        try:
            return self._read[cell]
        except KeyError:
            raw = self._raw.get(cell.encode())
            found = self._read[cell] = None if raw is None else to_counts(raw)
            return found


class Bookshelf:
    """The books of every operation. No lookup waits for them."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root
        self._known: dict[str, Statistics] = {}
        self._due: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Read them all at once; a store that is away is read later."""
        await asyncio.gather(*(self._read(operation) for operation in (*OPERATIONS, CONFIRMS)))

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def of(self, operation: str) -> Statistics:
        """What is known just now; what is older than FRESH is read anew for whoever comes next."""
        now = time.monotonic()
        if now >= self._due.get(operation, 0.0):
            self._due[operation] = now + FRESH
            task = asyncio.create_task(self._read(operation))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._known.get(operation, {})

    def reply_seconds(self, operation: str, provider: str) -> float:
        """How long a provider usually takes to reply."""
        return reply_seconds_of(self.of(operation).get(provider, {}))

    async def _read(self, operation: str) -> None:
        offered = FINDING.get(operation, operation)
        names = [name for name, adapter in ADAPTERS.items() if offered in adapter.offers]
        keys = [f"{self._root}learn:{book_of(operation, name)}" for name in names]
        try:
            rows = await asyncio.gather(*(self._store.call("HGETALL", key) for key in keys))
        except StoreDown:
            log.debug("books.stale", operation=operation)
            return
        pages = [row if isinstance(row, list) else _flat(row) for row in rows]
        self._known[operation] = dict(zip(names, map(Leaves, pages), strict=True))


def _flat(row: Mapping[bytes, bytes]) -> list[bytes]:
    return [part for pair in row.items() for part in pair]
