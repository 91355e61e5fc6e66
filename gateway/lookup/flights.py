"""Waiting for a call that someone else, in any process, has under way."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict

from gateway.store.connection import Store

REMEMBERED = 1024


class Flights:
    """Wakes waiters when an entry closes; a lost message costs them one look-again."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        # A landing may be heard of before the reply that says there is a flight to wait for.
        self._landings: OrderedDict[str, None] = OrderedDict()

    async def listen(self, store: Store, root: str) -> None:
        await store.subscribe(f"{root}flights", self._landed)

    def _landed(self, rid: bytes) -> None:
        name = rid.decode()
        self._landings[name] = None
        if len(self._landings) > REMEMBERED:
            self._landings.popitem(last=False)
        for event in self._waiters.get(name, ()):
            event.set()

    async def wait(self, rid: str, seconds: float) -> None:
        """Until the entry `rid` closes, at most `seconds`."""
        if rid in self._landings:
            return
        event = asyncio.Event()
        self._waiters[rid].add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiters[rid].discard(event)
            if not self._waiters[rid]:
                del self._waiters[rid]
