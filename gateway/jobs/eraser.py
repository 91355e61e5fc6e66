"""Takes persons out of everything that the store holds, pass after pass until nothing is left."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import msgspec

from gateway.jobs.erasures import Charge, Erasures, Lost
from gateway.jobs.items import Items
from gateway.jobs.readers import Readers
from gateway.jobs.traces import Seeker, Trace
from gateway.lookup.desk import Desk
from gateway.store.connection import StoreDown
from gateway.store.rewriting import Rewriting, rewrite
from gateway.telemetry.log import get_logger
from gateway.vault.audit import AuditTrail
from gateway.vault.sealing import SealBroken, Sealer

log = get_logger()

LOOK = 1.0
# What was on its way when the person was suppressed has been written by then.
PAUSE = 0.5
BEAT = 3.0
MOST_PASSES = 8
ACTOR = "gateway"


class Eraser:
    """One per process that works on jobs; each erasure is on loan to one of them."""

    def __init__(
        self, desk: Desk, erasures: Erasures, items: Items, *, sealer: Sealer, audit: AuditTrail
    ):
        self.desk = desk
        self.erasures = erasures
        self.seeker = Seeker(desk.store, desk.root)
        self.readers = Readers(desk, items, sealer)
        self._audit = audit

    async def run(self) -> None:
        while True:
            busy = False
            try:
                busy = await self.step()
            except (StoreDown, Lost):
                log.debug("erasure.postponed")
            except SealBroken:
                log.error("erasure.unreadable")
            except Exception as error:  # noqa: BLE001 - its lease runs out, and it is tried again
                log.error("erasure.failed", error=type(error).__name__)
            if not busy:
                await asyncio.sleep(LOOK)

    async def step(self) -> bool:
        """Carry one erasure out, if there is any. Raises StoreDown, Lost, SealBroken."""
        charge = await self.erasures.claim()
        if charge is None:
            return False
        await Carrying(self, charge).to_its_end()
        await self._audit.append(ACTOR, "erasure.ended", charge.id)
        log.info("erasure.ended", erasure=charge.id)
        return True


class Carrying:
    """One erasure, from its claim to its end."""

    def __init__(self, eraser: Eraser, charge: Charge):
        self._eraser = eraser
        self._charge = charge
        self._counts: Counter[str] = Counter()
        self._beaten = time.monotonic()

    async def to_its_end(self) -> None:
        """Raises StoreDown, Lost."""
        left, passes, news = Counter[str](), 0, True
        while passes < MOST_PASSES and (passes < 2 or left or news):
            if passes:
                await asyncio.sleep(PAUSE)
            left, news = await self._pass()
            passes += 1
            await self._note(passes=passes)
        # Of events that were sent, the bytes are still there.
        await self._eraser.seeker.compact("outbox")
        files = await rewrite(self._eraser.desk.store, self._beat)
        await self._end(left, files)

    async def _pass(self) -> tuple[Counter[str], bool]:
        """What was found and could not be removed yet, and whether there was anything at all."""
        left, news = Counter[str](), False
        async for spots in self._eraser.seeker.spots(self._charge.subject):
            for spot in spots:
                trace = await self._eraser.readers.read(spot, self._charge.subject)
                if trace is not None:
                    news = True
                    left[trace.place] += not await self._remove(trace)
            await self._beat()
        return +left, news

    async def _remove(self, trace: Trace) -> bool:
        """Whether it is gone; what else the person is called is kept first."""
        if self._charge.subject.learn(trace.links):
            key = self._eraser.desk.data_key.value
            await self._eraser.erasures.learn(self._charge, key)
        done = await self._eraser.seeker.scrub(trace.changes)
        self._counts[trace.place] += bool(done)
        return done > 0

    async def _beat(self) -> None:
        if time.monotonic() - self._beaten > BEAT:
            await self._note()

    async def _note(self, **fields: int) -> None:
        counts, self._counts = self._counts, Counter()
        self._beaten = time.monotonic()
        await self._eraser.erasures.note(self._charge, +counts, fields)

    async def _end(self, left: Counter[str], files: Rewriting) -> None:
        fields: dict[str, str | bytes | int] = {
            "status": "failed" if left else "completed",
            "left": msgspec.json.encode(left),
            "files": msgspec.json.encode(files),
        }
        await self._eraser.erasures.note(self._charge, {}, fields, lease=0)
