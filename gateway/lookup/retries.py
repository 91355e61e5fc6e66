"""How often a process asks a second time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from gateway.lookup.leases import renew
from providers.errors import MalformedResponse, TimedOut, Unavailable

if TYPE_CHECKING:
    from gateway.lookup.calls import Call
    from gateway.money.ledger import Ledger

MOST_SAVED, SHARE = 5.0, 0.1
# Seconds that a call must have, and that it waits at most for its second try.
SHORTEST, LONGEST_PAUSE = 0.05, 0.25

T = TypeVar("T")


class RetryBudget:
    """Second tries of a process: one for every ten first ones, saved up to a few."""

    def __init__(self) -> None:
        self._tries = MOST_SAVED

    def earn(self) -> None:
        self._tries = min(MOST_SAVED, self._tries + SHARE)

    def spend(self) -> bool:
        if self._tries < 1:
            return False
        self._tries -= 1
        return True

    async def again(self, work: Callable[[], Awaitable[T]], call: Call, ledger: Ledger) -> T:
        """What `work` gives, tried once more where that costs nothing, if the budget allows it."""
        until = time.monotonic() + call.seconds
        self.earn()
        try:
            return await work()
        except (Unavailable, TimedOut, MalformedResponse) as error:
            if error.retry_after:
                raise
            pause = random.uniform(0, LONGEST_PAUSE)
            left = until - time.monotonic() - pause
            if left < SHORTEST or not self.spend():
                raise
            await asyncio.sleep(pause)
            call.seconds = left
            await renew(ledger, [call])
            return await work()
