"""Requests of an account within its provider's rate limits, counted together by all processes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from enum import IntEnum

from msgspec import Struct

from gateway.store.connection import Script, Store, StoreDown
from providers.errors import ProviderError, RateLimited

LONGEST_NAP = 1.0
# How long a provider is left alone that is asked too often and does not say until when.
UNTOLD = 2.0


class Rank(IntEnum):
    """Who goes first; of equals, who has to be done first.

    A poll is as urgent as a caller: what is bought has to be collected.
    """

    URGENT = 0
    BULK = 1


class Limit(Struct, frozen=True):
    """At most `number` requests of a `bucket` in any `span` of so many seconds."""

    bucket: str
    number: int
    span: float


class Allowance(Struct, frozen=True):
    """The limits of one account; `at_once` requests under way, 0 for any number."""

    account: str
    limits: tuple[Limit, ...] = ()
    at_once: int = 0

    def __bool__(self) -> bool:
        return bool(self.limits or self.at_once)


class Wait(Exception):
    """No place is free in time; the next is in `seconds`."""

    def __init__(self, seconds: float):
        super().__init__("no place is free in time")
        self.seconds = seconds


class Refrained(Exception):
    """Whoever was to send the request does not want to any more."""


class Gone(Exception):
    """The reservation that was to be dispatched is not there any more."""


class Passage(Struct, frozen=True):
    """A request may leave, and counts for `buckets` as of `at`, ms of the epoch.

    `sequence` is the ledger's, 0 for a free one.
    """

    who: str
    sequence: int
    at: int
    buckets: tuple[str, ...]


def _nothing() -> tuple[int, int]:
    return 0, 0


class Permits:
    """Every method raises StoreDown."""

    def __init__(self, store: Store, root: str, seen: Callable[[], tuple[int, int]] = _nothing):
        """`seen` says how far this process has seen the ledger: sequence and era."""
        self._store = store
        self._root = root
        self._seen = seen
        self._script = Script.load("permit")

    async def take(
        self,
        allowance: Allowance,
        buckets: Sequence[str],
        *,
        rank: Rank,
        seconds: float,
        rid: str = "",
        lease: int = 0,
        buys: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> Passage:
        """Wait until a request that counts for `buckets` may leave. Raises Wait, Gone.

        With `rid` the reservation is recorded as dispatched in the same step, if that is what it
        `buys`; until then it is renewed. What `check` raises before a nap ends the wait.
        """
        who, until = secrets.token_hex(8), time.monotonic() + seconds
        limits = [limit for limit in allowance.limits if limit.bucket in buckets]
        told = [part for one in limits for part in (one.bucket, one.number, _millis(one.span))]
        try:
            while True:
                left = max(0, _millis(until - time.monotonic()))
                asked = (who, int(rank), left, rid, lease, allowance.at_once)
                args = (*asked, *self._seen(), int(buys), *told)
                found = await self._store.run(self._script, self._keys(allowance), args)
                word, value = int(found[0]), int(found[1])
                match word:
                    case 1:
                        counted = tuple({limit.bucket for limit in limits})
                        return Passage(who, value, int(found[2]), counted)
                    case -1:
                        raise Wait(value / 1000)
                    case -2:
                        raise Gone
                    case -3:
                        raise StoreDown("the store came back older than its callers")
                check()
                await asyncio.sleep(min(LONGEST_NAP, value / 1000))
        except (asyncio.CancelledError, Refrained):
            with contextlib.suppress(StoreDown):
                await self._forget(allowance, who)
            raise

    async def depart(self, allowance: Allowance, passage: Passage) -> None:
        """It leaves only now, and counts as of now: its provider's windows begin when it comes."""
        if passage.buckets:
            operands: list[int | str] = [passage.at, *passage.buckets]
            await self._store.run(DEPART, self._keys(allowance), operands)

    async def stay(self, allowance: Allowance, passages: Sequence[Passage]) -> None:
        """Their replies are still to come: they are among those under way for another while."""
        if allowance.at_once and passages:
            operands = [passage.who for passage in passages]
            await self._store.run(STAY, self._keys(allowance), operands)

    async def leave(self, allowance: Allowance, passage: Passage) -> None:
        """The request has its reply."""
        if allowance.at_once:
            await self._store.call("ZREM", f"{self._account(allowance)}:flying", passage.who)

    async def pause(self, allowance: Allowance, seconds: float, bucket: str = "") -> None:
        """Nothing leaves before: the provider has said so, or longer, if it had before."""
        await self._store.run(PAUSE, [self._pause(allowance, bucket)], [_millis(seconds)])

    async def heed(self, allowance: Allowance, error: ProviderError) -> None:
        """Pause if that is what the provider asks for; one that is not told of is not missed."""
        seconds = pause_in(error)
        if seconds is not None:
            with contextlib.suppress(StoreDown):
                await self.pause(allowance, seconds)

    async def lift(self, allowance: Allowance) -> None:
        """End its pauses, whatever the provider has said."""
        buckets = {"", *(limit.bucket for limit in allowance.limits)}
        await self._store.call("DEL", *(self._pause(allowance, one) for one in buckets))

    async def _forget(self, allowance: Allowance, who: str) -> None:
        account = self._account(allowance)
        await self._store.call("ZREM", f"{account}:queue", who)
        await self._store.call("ZREM", f"{account}:seen", who)
        if allowance.at_once:
            # It was let go as it gave up.
            await self._store.call("ZREM", f"{account}:flying", who)

    def _pause(self, allowance: Allowance, bucket: str) -> str:
        return f"{self._account(allowance)}:paused{':' + bucket if bucket else ''}"

    def _account(self, allowance: Allowance) -> str:
        return f"{self._root}permits:{allowance.account}"

    def _keys(self, allowance: Allowance) -> tuple[str, str]:
        return self._root, self._account(allowance)


PAUSE = Script.load("pause")
DEPART = Script.load("depart")
STAY = Script.load("stay")


def pause_in(error: ProviderError) -> float | None:
    """Seconds for which its account wants to be left alone; None if it did not say that."""
    if error.status is None or not error.of_account:
        # A permit that is not to be had in time may be one of a few paths alone.
        return None
    untold = UNTOLD if isinstance(error, RateLimited) else None
    return error.retry_after or untold


def _millis(seconds: float) -> int:
    return round(seconds * 1000)
