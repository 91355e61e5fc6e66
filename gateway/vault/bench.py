"""Accounts that a provider refused: out of use for a while, the same in every process."""

from __future__ import annotations

import time

from msgspec import Struct

from gateway.store.connection import Script, Store
from gateway.vault.credentials import VERSION

# Milliseconds, for the first time and at most.
WAITS = {
    "authentication_failed": (60_000, 3_600_000),
    "out_of_credits": (300_000, 6 * 3_600_000),
}


class Rest(Struct, frozen=True):
    """Why an account is out of use, and until when by this machine's clock."""

    reason: str
    until: float


class Bench:
    """The accounts out of use as last read; an account whose time is over is tried again."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._key = f"{root}bench"
        self._bench, self._benched = Script.load("bench"), Script.load("benched")
        self._rests: dict[str, Rest] = {}

    async def load(self) -> None:
        now, rows = await self._store.run(self._benched, [self._key], ())
        behind = time.time() - now / 1000
        rests = {}
        for name, row in zip(rows[::2], rows[1::2], strict=True):
            reason, until, _ = row.decode().split()
            rests[name.decode()] = Rest(reason, int(until) / 1000 + behind)
        self._rests = rests

    def __bool__(self) -> bool:
        """Whether any account was refused and has not answered since."""
        return bool(self._rests)

    def __contains__(self, name: str) -> bool:
        return name in self._rests

    def rest(self, name: str) -> Rest | None:
        """None if the account may be used."""
        found = self._rests.get(name)
        return found if found and found.until > time.time() else None

    async def put(self, name: str, reason: str) -> bool:
        """Take it out of use; False if it was."""
        told = (name, reason, *WAITS[reason])
        is_new = await self._store.run(self._bench, (self._key, VERSION), told)
        await self.load()
        return bool(is_new)

    async def clear(self, name: str) -> None:
        if await self._store.call("HDEL", self._key, name):
            await self._store.call("INCR", VERSION)
        self._rests.pop(name, None)
