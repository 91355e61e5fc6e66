"""Where a lookup settles: whoever hangs up, and however long the store is away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import msgspec

from gateway.lookup import cache
from gateway.lookup.bids import Bids
from gateway.lookup.endings import Unsettled
from gateway.lookup.lookup import Lookup
from gateway.lookup.spool import Kept
from gateway.money.ledger import DAY
from gateway.money.terms import Admission, Memo, Settlement
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.telemetry.metrics import count_drift
from providers.model import Answer

if TYPE_CHECKING:
    from gateway.lookup.called import Called
    from gateway.lookup.course import Course
    from gateway.lookup.waterfall import Waterfall

log = get_logger()

SETTLE_PATIENCE = 5.0
REGRET_PATIENCE = 600.0
NOTHING = cache.Bodies(b"", b"")


class Counter:
    """Of one lookup; what it begins goes on after the lookup has ended."""

    def __init__(self, waterfall: Waterfall, lookup: Lookup, bids: Bids):
        self._waterfall = waterfall
        self._ledger = waterfall.ledger
        self._lookup = lookup
        self._bids = bids
        self._spool = waterfall.spool

    async def settle(
        self, settlement: Settlement, answer: Answer | None, following: int, trace: bytes = b""
    ) -> Admission:
        """Settle even if the caller hangs up; a store that is away is waited for a while."""
        bodies = cache.to_bodies(answer)
        with contextlib.suppress(StoreDown):
            return await self._settle(settlement, bodies, self._progress(), trace)
        # What was decided is not worth the disk.
        settlement.memo = None
        whole, bare = bodies
        kept = Kept(rid=settlement.rid, settlement=_alone(settlement), answer=whole, bare=bare)
        await self._spool.keep(kept)
        task = self._waterfall.go_on(self._insist(settlement, REGRET_PATIENCE, bodies))
        done, _ = await asyncio.wait({task}, timeout=SETTLE_PATIENCE)
        if not done:
            # Whatever was reserved for the next step, nobody will use.
            settlement.next = None
            task.add_done_callback(lambda _: self.regret(following))
            raise Unsettled("the answer is bought and will be settled when the store is back")
        found: Admission = task.result()
        return found

    async def conclude(
        self, settlement: Settlement, called: Called, following: int, course: Course
    ) -> Admission:
        """Settle a call, with what was decided so far."""
        settlement.memo = self._memo(course)
        trace = course.chronicle() if settlement.memo else b""
        found = await self.settle(settlement, called.answer, following, trace)
        if settlement.cache is not None:
            self._waterfall.lately.note(settlement.cache.slot)
        if found.drifted:
            at = self._bids[following - 1]
            log.warning("provider.drifted", provider=at.provider, operation=at.operation)
            count_drift(at.provider, at.operation)
        return found

    async def remember(self, course: Course) -> None:
        """Keep what was decided though nothing was settled."""
        if memo := self._memo(course):
            with contextlib.suppress(StoreDown):
                await self._waterfall.chronicles.keep(
                    memo, course.chronicle(), round(time.time() * 1000)
                )

    def _memo(self, course: Course) -> Memo | None:
        kept = self._waterfall.retention
        return course.memo(kept.traces_days * DAY, kept.traces_entries)

    def regret(self, index: int) -> None:
        """A reply was lost: void what may be reserved from `index` on, as nothing was sent."""
        _ = self._waterfall.go_on(self._regret(index))

    async def _regret(self, index: int) -> None:
        for at in range(index, len(self._bids)):
            rid = self._bids[at].rid
            # Whoever was to find out about a breaker did not.
            settlement = Settlement(rid=rid, state="voided", outcome="failed", health="neutral")
            await self._insist(settlement, REGRET_PATIENCE)

    async def _insist(
        self, settlement: Settlement, patience: float, bodies: cache.Bodies = NOTHING
    ) -> Admission:
        """Settle until the store has answered: repeating it changes nothing."""
        until, wait, progress = time.monotonic() + patience, 0.05, self._progress()
        while True:
            try:
                found = await self._settle(settlement, bodies, progress)
                await self._spool.drop(settlement.rid)
                return found
            except StoreDown:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(wait)
                wait = min(2.0, wait * 2)

    async def _settle(
        self,
        settlement: Settlement,
        bodies: cache.Bodies,
        progress: bytes,
        trace: bytes = b"",
    ) -> Admission:
        whole, bare = bodies
        return await self._ledger.settle(
            settlement, answer=whole, bare=bare, progress=progress, trace=trace
        )

    def _progress(self) -> bytes:
        return self._lookup.progress() if self._lookup.head.place else b""


def _alone(settlement: Settlement) -> Settlement:
    """The end of an entry, without the step that was to follow."""
    return msgspec.structs.replace(settlement, next=None)
