"""Waiting for a call that someone else, in any process, has under way."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from gateway.store.connection import Store


class Flights:
    """Wakes waiters when an entry closes; a lost message costs them one look-again."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)

    async def listen(self, store: Store, root: str) -> None:
        await store.subscribe(f"{root}flights", self._landed)

    def _landed(self, rid: bytes) -> None:
        for event in self._waiters.get(rid.decode(), ()):
            event.set()

    async def wait(self, rid: str, seconds: float) -> None:
        """Until the entry `rid` closes, at most `seconds`."""
        event = asyncio.Event()
        self._waiters[rid].add(event)
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._waiters[rid].discard(event)
            if not self._waiters[rid]:
                del self._waiters[rid]
