"""What providers tell of their tasks, heard by whoever waits for one: it asks sooner, no more."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.store.connection import Store

REMEMBERED = 1024
# Seconds in which a task is told of once, however often somebody says so.
GAP = 5.0


class Hints:
    """Of one process; a message that is lost costs nothing but time."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        # Told of before anybody waited: a task can be done before its ticket is read.
        self._unheard: OrderedDict[str, float] = OrderedDict()
        self._told: OrderedDict[str, float] = OrderedDict()

    async def listen(self, store: Store, root: str) -> None:
        await store.subscribe(f"{root}hints", self.tell)

    def tell(self, task: bytes) -> None:
        name, now = task.decode(errors="replace"), time.monotonic()
        if now - self._told.get(name, -GAP) < GAP:
            return
        _put(self._told, name, now)
        waiters = self._waiters.get(name)
        if not waiters:
            _put(self._unheard, name, now)
            return
        for event in waiters:
            event.set()

    @contextmanager
    def heard(self, tasks: tuple[str, ...]) -> Iterator[asyncio.Event]:
        """Set as soon as one of the tasks is told of, or was without anybody hearing it."""
        event = asyncio.Event()
        for name in tasks:
            self._waiters[name].add(event)
            if name in self._unheard:
                del self._unheard[name]
                event.set()
        try:
            yield event
        finally:
            for name in tasks:
                self._waiters[name].discard(event)
                if not self._waiters[name]:
                    del self._waiters[name]


def _put(kept: OrderedDict[str, float], name: str, value: float) -> None:
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)
