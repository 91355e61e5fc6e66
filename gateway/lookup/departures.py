"""The last thing before a request's bytes leave: its permit, and the record that it left."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence

from gateway.guard.allowances import buckets_of
from gateway.guard.permits import Allowance, Gone, Passage, Permits, Rank, Refrained, Wait
from gateway.lookup.resting import Parked, Rest
from gateway.store.connection import StoreDown
from providers.base import Leave, Rate
from providers.errors import RateLimited

# What a permit takes into account: a request that leaves later than that is counted anew.
PROMPT = 0.01
# Seconds between two words of a request that is under way; without one it counts for 90. None
# takes twenty minutes: what does is nobody's any more.
BEAT, BEATS = 30.0, 40


class NotSent(StoreDown):
    """The store did not confirm the dispatch, so no byte left."""


def ran_out() -> RateLimited:
    """The reservation is closed: nothing leaves, as if its permit had not come in time."""
    return RateLimited("the reservation ran out before a byte left")


class Departure:
    """Of one call, which may be several requests.

    `rid` is the reservation of a paid one, which lives on while it waits. If it `buys`, its own
    request is what is dispatched, and `dispatched` is told of it. A poll leaves without a permit
    while the store is away: what it asks for is bought. Only so long is waited that the provider
    still has the seconds that it usually takes; `waited` is how long it was.
    """

    def __init__(
        self,
        permits: Permits,
        allowance: Allowance,
        rates: Sequence[Rate],
        *,
        rank: Rank,
        rid: str = "",
        lease: int = 0,
        buys: bool = True,
        poll: bool = False,
        dispatched: Callable[[str, int], None] | None = None,
        rest: Rest | None = None,
        usual: float = 0.0,
    ):
        self._permits = permits
        self._allowance = allowance
        self._rates = rates
        self._rank = rank
        self._rid = rid
        self._lease = lease
        self._buys = buys
        self._poll = poll
        self._dispatched = dispatched
        self._rest = rest
        self._usual = usual
        self.waited = 0.0
        self._passages: list[Passage] = []
        self._let_go = 0.0
        self._staying: asyncio.Task[None] | None = None

    async def __call__(self, path: str, *, own: bool, seconds: float) -> None:
        rid, buys, began = self._rid, own and self._buys, time.monotonic()
        try:
            passage = await self._permits.take(
                self._allowance,
                buckets_of(path, self._rates),
                rank=self._rank,
                seconds=max(0.0, seconds - self._usual),
                rid=rid,
                lease=self._lease,
                buys=buys,
                check=self._check,
            )
        except Wait as wait:
            raise RateLimited("no permit in time", retry_after=wait.seconds) from None
        except Refrained:
            raise NotSent("it was laid aside before a byte left") from None
        except Gone:
            raise ran_out() from None
        except StoreDown as error:
            if self._poll:
                return
            raise NotSent(str(error)) from None
        self._hold(passage)
        self.waited += self._let_go - began
        if rid and buys:
            # Further requests of the same call are part of what was dispatched.
            self._rid = ""
            if self._dispatched is not None and passage.sequence:
                self._dispatched(rid, passage.sequence)

    def _hold(self, passage: Passage) -> None:
        self._passages.append(passage)
        self._let_go = time.monotonic()
        if self._allowance.at_once and self._staying is None:
            self._staying = asyncio.create_task(self._stay())

    def _check(self) -> None:
        """Whoever only waits is laid aside with all others; a poll is on its way."""
        if self._rest is not None and not self._poll:
            try:
                self._rest.check(0.0)
            except Parked:
                raise Refrained from None

    async def left(self) -> None:
        """The latest request's bytes leave; it may have waited for a connection till now."""
        if self._passages and time.monotonic() - self._let_go > PROMPT:
            with contextlib.suppress(StoreDown):
                await self._permits.depart(self._allowance, self._passages[-1])

    async def _stay(self) -> None:
        """Whatever is under way for long counts all the while."""
        for _ in range(BEATS):
            await asyncio.sleep(BEAT)
            with contextlib.suppress(StoreDown):
                await self._permits.stay(self._allowance, self._passages)

    async def arrived(self) -> None:
        """The replies are here, or nobody waits for them any more."""
        if self._staying is not None:
            self._staying.cancel()
            self._staying = None
        for passage in self._passages:
            with contextlib.suppress(StoreDown):
                await self._permits.leave(self._allowance, passage)
        self._passages = []


class Convoy:
    """Of one request for several calls: once it may leave, each is recorded as dispatched."""

    def __init__(self, leave: Leave | None, dispatch: Callable[[], Awaitable[None]]):
        self._leave = leave
        self._dispatch = dispatch
        self._is_recorded = False

    async def __call__(self, path: str, *, own: bool, seconds: float) -> None:
        if self._leave is not None:
            await self._leave(path, own=own, seconds=seconds)
        if own and not self._is_recorded:
            await self._dispatch()
            self._is_recorded = True

    async def left(self) -> None:
        if self._leave is not None:
            await self._leave.left()
