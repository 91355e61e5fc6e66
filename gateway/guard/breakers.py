"""Accounts that fail at an operation: left alone for a while; seen, and forced by a person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from gateway.store.connection import Script, Store

State = Literal["closed", "open", "half_open"]
Forced = Literal["open", "closed"]
NOW = Script.load("now")
# What is asked natively and no lookup asks: by paths that a table has, and by all others.
NATIVE, UNKNOWN = "native", "native.unknown"
# How long one is open at most, in ms, as the scripts have it.
LONGEST = 60_000


def classes_of(operations: Iterable[str], actions: Iterable[str]) -> list[str]:
    """Everything of an account that has a breaker; `actions` are those with its objects."""
    return [*operations, NATIVE, UNKNOWN, *actions]


class Breaker(Struct, frozen=True):
    """`fails` in a row; open until `until`, ms of the epoch."""

    credential: str
    operation: str
    state: State
    fails: int = 0
    until: int = 0
    forced: bool = False


class Doing(Struct, frozen=True):
    """Clean answers of late, how many of them found something, and how long they took in all."""

    asked: int
    hits: int
    ms: int


class Breakers:
    """How providers do. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root

    async def read(self, credential: str, operations: Sequence[str]) -> list[Breaker]:
        """The breakers of an account, as they are now."""
        now = int(await self._store.run(NOW, [self._root], []))
        return await asyncio.gather(
            *(self._read_one(credential, operation, now) for operation in operations)
        )

    async def _read_one(self, credential: str, operation: str, now: int) -> Breaker:
        key = self._key(credential, operation)
        row = await self._store.call("HMGET", key, "until", "fails", "forced")
        until, fails, forced = int(row[0] or 0), int(row[1] or 0), row[2]
        state = forced.decode() if forced else _state(until, now)
        return Breaker(credential, operation, state, fails, until, bool(forced))

    async def tripped(self) -> list[Breaker]:
        """Those that are not closed by themselves, of all accounts."""
        names = sorted(await self._store.call("SMEMBERS", f"{self._root}breakers"))
        pairs = [name.decode().rpartition(":") for name in names]
        return [
            breaker
            for credential, _, operation in pairs
            for breaker in await self.read(credential, [operation])
        ]

    async def doing(self, provider: str, operation: str) -> Doing | None:
        """None before the first answer."""
        key = f"{self._root}doing:{provider}:{operation}"
        row = await self._store.call("HMGET", key, "asked", "hits", "ms")
        asked, hits, ms = (int(value or 0) for value in row)
        return Doing(asked, hits, ms) if asked else None

    async def force(self, credential: str, operation: str, word: Forced | None) -> None:
        """Hold it open or closed until told otherwise; None leaves it to itself, and closes it."""
        key = self._key(credential, operation)
        if word is None:
            await self.close(credential, [operation])
        else:
            await self._store.call("HSET", key, "forced", word)
            await self._store.call("PERSIST", key)
            await self._store.call("SADD", f"{self._root}breakers", f"{credential}:{operation}")

    async def close(self, credential: str, operations: Sequence[str]) -> None:
        """Forget what went wrong."""
        for operation in operations:
            await self._store.call("DEL", self._key(credential, operation))
            await self._store.call("SREM", f"{self._root}breakers", f"{credential}:{operation}")

    def _key(self, credential: str, operation: str) -> str:
        return f"{self._root}breaker:{credential}:{operation}"


def _state(until: int, now: int) -> State:
    if not until:
        return "closed"
    return "open" if now < until <= now + LONGEST else "half_open"
