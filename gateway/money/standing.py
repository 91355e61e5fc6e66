"""What is left of a caller's budgets and requests at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from gateway.money.ledger import BASE
from gateway.money.terms import Rate
from gateway.money.windows import Window, windows_at
from gateway.store.connection import Store
from gateway.store.script import Script


class Standing(Struct, frozen=True):
    """One budget; money in micro-units, `resets_at` in ms.

    `posted` and `in_doubt` together are what 402 calls spent.
    """

    scope: str
    period: str
    limit: int
    posted: int
    reserved: int
    in_doubt: int
    resets_at: int


class AtOnce(Struct, frozen=True):
    """Lookups of `scope` under way, and how many may be."""

    scope: str
    limit: int
    running: int


class Standings:
    """Reads budgets against the store's own clock. Every method raises StoreDown."""

    def __init__(self, store: Store, *, root: str, zone: ZoneInfo):
        self._store = store
        self._root = root
        self._zone = zone
        self._now = Script.load("now")

    async def now(self) -> int:
        return int(await self._store.run(self._now, [self._root], []))

    async def budgets(self, scopes: Sequence[str], now: int) -> list[Standing]:
        """Every budget of `scopes` (`team:ID`, `key:ID`), in that order and by period."""
        windows = windows_at(now, self._zone)
        found = await asyncio.gather(
            *(self._budget(scope, window) for scope in scopes for window in windows)
        )
        return [each for each in found if each is not None]

    async def _budget(self, scope: str, window: Window) -> Standing | None:
        limit = await self._store.call("HGET", f"{BASE}budget:{scope}", window.period)
        if limit is None:
            return None
        key = f"{self._root}bal:{scope}:{window.id}"
        balance = await self._store.call("HMGET", key, "posted", "reserved", "in_doubt")
        posted, reserved, in_doubt = (int(amount or 0) for amount in balance)
        return Standing(scope, window.period, int(limit), posted, reserved, in_doubt, window.ends)

    async def rate(self, scope: str, now: int) -> Rate | None:
        """Requests that `scope` (`team:ID`, `key:ID`) has left in this minute, if limited."""
        limit = await self._store.call("HGET", f"{BASE}limits:{scope}", "per_minute")
        if limit is None:
            return None
        minute = now // 60_000
        used = int(await self._store.call("GET", f"{BASE}rate:{scope}:{minute}") or 0)
        resets = -(-((minute + 1) * 60_000 - now) // 1000)
        return Rate(int(limit), max(0, int(limit) - used), resets, scope)

    async def at_once(self, scope: str, now: int) -> AtOnce | None:
        """Lookups of `scope` that run now; None without a limit."""
        limit = await self._store.call("HGET", f"{BASE}limits:{scope}", "at_once")
        if limit is None:
            return None
        running = await self._store.call("ZCOUNT", f"{BASE}busy:{scope}", f"({now}", "+inf")
        return AtOnce(scope, int(limit), int(running))
