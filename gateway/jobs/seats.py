"""Who works and who only waits: a bounded number of slots, and items that lend theirs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.lookup.resting import PARK_AFTER, Parked


class Slots:
    """So many items work at once; `freed` hears of every slot that is given back."""

    def __init__(self, size: int, freed: Callable[[], None]):
        self._slots = asyncio.Semaphore(size)
        self._size = size
        self._freed = freed
        self.wanted: Counter[str] = Counter()
        """What each team has, or waits for."""

    @property
    def free(self) -> int:
        """Slots that nobody has or waits for."""
        return max(0, self._size - self.wanted.total())

    async def take(self, team: str) -> None:
        self.wanted[team] += 1
        try:
            await self._slots.acquire()
        except asyncio.CancelledError:
            self._forget(team)
            raise

    def give(self, team: str) -> None:
        self._forget(team)
        self._slots.release()
        self._freed()

    def _forget(self, team: str) -> None:
        self.wanted[team] -= 1
        if not self.wanted[team]:
            del self.wanted[team]


class Seat:
    """How an item waits: another may work in its place, and a long wait is for nobody."""

    def __init__(self, slots: Slots | None, team: str = ""):
        self._slots = slots
        self._team = team
        self._seated = False
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """What waits here, now or later, is laid aside."""
        self._stopped.set()

    def is_too_long(self, seconds: float) -> bool:
        return self._stopped.is_set() or seconds >= PARK_AFTER

    def check(self, seconds: float) -> None:
        if self.is_too_long(seconds):
            raise Parked(seconds)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        await self._sit_down()
        try:
            yield
        finally:
            self._stand_up()

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """Whoever is laid aside in it leaves for good."""
        self._stand_up()
        yield
        await self._sit_down()

    async def sleep(self, seconds: float, bell: asyncio.Event) -> None:
        async with self.resting():
            waits = [asyncio.create_task(event.wait()) for event in (self._stopped, bell)]
            try:
                await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if self._stopped.is_set():
                raise Parked(0.0)

    async def _sit_down(self) -> None:
        if self._slots is not None:
            await self._slots.take(self._team)
            self._seated = True

    def _stand_up(self) -> None:
        if self._seated and self._slots is not None:
            self._seated = False
            self._slots.give(self._team)
