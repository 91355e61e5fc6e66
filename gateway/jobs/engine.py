"""Works on jobs: takes items on loan, keeps them while they run, gives back what it can't end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gateway.jobs.carrying import Carrier, Conclude, Unanswered
from gateway.jobs.eraser import Eraser
from gateway.jobs.queue import Queue
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.records import Claimed, Job, Request, Result
from gateway.jobs.sweeper import Sweeper
from gateway.lookup.desk import Desk
from gateway.lookup.lookup import Lookup
from gateway.lookup.resting import PARK_AFTER, Parked
from gateway.money.ledger import new_id
from gateway.money.terms import Place
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.telemetry.metrics import change_jobs_running

log = get_logger()

RENEW = 5.0
LOOK = 1.0
DRAIN = 25.0
SETTLE = 5.0
# Items of a process in memory, most of them waiting for a provider.
MOST_HELD = 512


class Seat:
    """How an item waits: another may work in its place, and a long wait is for nobody."""

    def __init__(self, slots: asyncio.Semaphore | None):
        self._slots = slots
        self.stopped = False

    def check(self, seconds: float) -> None:
        if self.stopped or seconds >= PARK_AFTER:
            raise Parked(seconds)

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        if self._slots is None:
            yield
            return
        self._slots.release()
        try:
            yield
        finally:
            await self._slots.acquire()


class Engine:
    """Jobs of this process. `conclude` makes the result of a lookup that has ended."""

    def __init__(
        self,
        desk: Desk,
        queue: Queue,
        conclude: Conclude,
        *,
        reconciler: Reconciler,
        eraser: Eraser,
    ):
        self.desk = desk
        self.queue = queue
        self._carrier = Carrier(desk, queue, conclude)
        self._sweeper = Sweeper(desk)
        self._reconciler = reconciler
        self._eraser = eraser
        self._slots = asyncio.Semaphore(desk.settings.jobs.bulk_concurrency)
        self._held: dict[Place, Lookup | None] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._bell = asyncio.Event()
        self._closing = False

    async def open(self, *, work: bool) -> None:
        """Keep what is held here; and work on what others hand in, unless this only serves."""
        store, root = self.queue.store, self.queue.root
        await store.subscribe(f"{root}cancelled", self._cancelled)
        loops: list[Coroutine[Any, Any, None]] = [self._keep_all()]
        if work:
            await store.subscribe(f"{root}work", self._called)
            loops += [self._work(), self._sweeper.run(), self._eraser.run()]
            loops.append(self._reconciler.run(self.desk.settings.reconcile_minutes))
        self._loops = [asyncio.create_task(loop) for loop in loops]

    async def close(self) -> None:
        """Let what is on its way come home for a while; others go on with the rest."""
        self._closing = True
        for lookup in self._held.values():
            if lookup is not None and isinstance(lookup.rest, Seat):
                # What only waits for a ticket can wait elsewhere.
                lookup.rest.stopped = True
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN)
        left = dict(self._held)
        for task in (*self._loops, *self._running):
            task.cancel()
        await asyncio.gather(*self._loops, *self._running, return_exceptions=True)
        for place, lookup in left.items():
            with contextlib.suppress(StoreDown):
                await self.queue.park(place, 0.0, lookup.progress() if lookup else b"")
        await self.desk.waterfall.drained(SETTLE)

    def place(self, lookup: Lookup) -> Place:
        """Where a lookup under way is, or would be, as a job."""
        return lookup.place or Place(new_id("job"))

    async def adopt(
        self, lookup: Lookup, task: asyncio.Task[None], request: Request, query: bytes
    ) -> Job | None:
        """Make a job of a lookup under way; None if it is in other hands. Raises StoreDown.

        Returns once the job is stored.
        """
        place = self.place(lookup)
        lookup.become_job(place)
        try:
            held = await self.queue.adopt(place, request, query)
        except StoreDown:
            _ = self.desk.waterfall.go_on(task)  # What it has bought must still be settled.
            raise
        if held is not None:
            lookup.place = held
            lookup.rest = Seat(None)
            self._start(self._see_through(held, lookup, task, request))
        return await self.queue.load(place.job)

    async def attend(self, lookup: Lookup, task: asyncio.Task[None], seconds: float) -> None:
        """Wait for a lookup; one with a job that nobody is told of yet stays this process's."""
        if lookup.place is not None:
            self._held[lookup.place] = None
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if lookup.place is not None:
                self._held.pop(lookup.place, None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        change_jobs_running(1)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._bell.set()
        change_jobs_running(-1)
        if not task.cancelled() and task.exception() is not None:
            # Its lease runs out, and somebody else finds it.
            log.error("item.crashed", error=type(task.exception()).__name__)

    def _called(self, _lane: bytes) -> None:
        self._bell.set()

    def _cancelled(self, name: bytes) -> None:
        """No further step of the job's lookups starts, and nothing waits."""
        for place, lookup in self._held.items():
            if place.job == name.decode() and lookup is not None:
                lookup.deadline = 0.0
                if isinstance(lookup.rest, Seat):
                    lookup.rest.stopped = True

    async def _work(self) -> None:
        while not self._closing:
            self._bell.clear()
            claimed: list[Claimed] = []
            try:
                room = MOST_HELD - len(self._running)
                if room > 0:
                    free = max(0, self._slots._value)
                    claimed = await self.queue.claim(most=room, bulk=min(room, free))
            except StoreDown:
                log.debug("claim.postponed")
            for item in claimed:
                self._start(self._carry_out(item))
            if not claimed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._bell.wait(), LOOK)

    async def _keep_all(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            places = list(self._held)
            try:
                lost = await self.queue.keep(places) if places else []
            except StoreDown:
                continue
            for place in lost:
                # What it has bought is settled; of the item, another writes.
                log.warning("item.lost", job=place.job, item=place.item)
                self._held.pop(place, None)

    async def _carry_out(self, claimed: Claimed) -> None:
        """Interactive items need no slot: who waits for them must not wait for the others."""
        slots = self._slots if claimed.lane == "bulk" else None
        async with slots or contextlib.nullcontext():
            place = Place(claimed.job, claimed.index, claimed.token)
            try:
                lookup, request = await self._carrier.prepare(claimed, place)
            except Unanswered as end:
                if end.result is not None:
                    await self._finish(place, end.result)
                return
            lookup.rest = Seat(slots)
            task = asyncio.create_task(self.desk.waterfall.run(lookup))
            await self._see_through(place, lookup, task, request)

    async def _see_through(
        self, place: Place, lookup: Lookup, task: asyncio.Task[None], request: Request
    ) -> None:
        """Keep the item while its lookup runs, then write its end, or lay it aside."""
        self._held[place] = lookup
        try:
            await asyncio.wait({task})
            error = task.exception()
            if isinstance(error, StoreDown):
                return  # Its lease runs out, and it is taken over when the store is back.
            if isinstance(error, Parked):
                await self._lay_aside(place, lookup, error.seconds)
                return
            stopped = lookup.deadline == 0.0 and not lookup.answer
            result = None if stopped else self._carrier.conclude(lookup, error, request)
            instead = self._carrier.objected(lookup, request)
            await self._finish(place, result or self._carrier.cancelled(lookup), instead)
        finally:
            self._held.pop(place, None)
            if not task.done():
                _ = self.desk.waterfall.go_on(task)

    async def _lay_aside(self, place: Place, lookup: Lookup, seconds: float) -> None:
        if lookup.deadline == 0.0:
            await self._finish(place, self._carrier.cancelled(lookup))
            return
        wait = 0.0 if self._closing else seconds
        with contextlib.suppress(StoreDown):
            await self.queue.park(place, wait, lookup.progress())

    async def _finish(self, place: Place, result: Result, instead: Result | None = None) -> None:
        while True:
            try:
                if not await self.queue.finish(place, result, instead=instead):
                    log.warning("item.refused", job=place.job, item=place.item)
                return
            except StoreDown:
                await asyncio.sleep(LOOK)
