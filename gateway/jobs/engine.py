"""Works on jobs: takes items on loan, keeps them while they run, gives back what it can't end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from gateway.jobs.carrying import Carrier, Conclude, Unanswered
from gateway.jobs.eraser import Eraser
from gateway.jobs.holds import Holds, is_stopped
from gateway.jobs.patience import pause_of
from gateway.jobs.queue import Queue
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.records import Claimed, Job, Request, Result
from gateway.jobs.seats import Seat, Slots
from gateway.jobs.sweeper import Sweeper
from gateway.jobs.waiting import Waiters
from gateway.lookup.desk import Desk
from gateway.lookup.endings import Objected
from gateway.lookup.lookup import Lookup
from gateway.lookup.resting import Parked
from gateway.money.ledger import new_id
from gateway.money.terms import Place
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.telemetry.metrics import change_jobs_running

log = get_logger()

LOOK = 1.0
# Until an item is tried again whose lookup found the store away.
PAUSE = 5.0
# Together with what closes after it, less than the patience of whoever ends this process.
DRAIN = 22.0
# Of callers who wait, in the process's own drain.
GRACE = 10.0
SETTLE = 3.0
# Items of one lane that a process has in memory, most of them waiting for a provider.
MOST_HELD = 512


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
        self.eraser = eraser
        self._bell = asyncio.Event()
        self._slots = Slots(desk.settings.jobs.bulk_concurrency, self._bell.set)
        self._holds = Holds(queue)
        self._claimed: Counter[str] = Counter()
        self._running: set[asyncio.Task[None]] = set()
        self._claims: list[asyncio.Task[None]] = []
        self._loops: list[asyncio.Task[None]] = []
        self._waiters = Waiters()
        self._until: float | None = None

    async def open(self, *, work: bool) -> None:
        """Keep what is held here; and work on what others hand in, unless this only serves."""
        store, root = self.queue.store, self.queue.root
        await store.subscribe(f"{root}cancelled", self._cancelled)
        loops: list[Coroutine[Any, Any, None]] = [self._holds.keep()]
        if work:
            await store.subscribe(f"{root}work", self._called)
            loops += [self._sweeper.run(), self.eraser.run()]
            loops.append(self._reconciler.run(self.desk.settings.reconcile_minutes))
            self._claims = [asyncio.create_task(self._work())]
        self._loops = [*self._claims, *(asyncio.create_task(loop) for loop in loops)]

    @property
    def is_retired(self) -> bool:
        return self._until is not None

    def retire(self) -> None:
        """Begin nothing more; what only waits is laid aside.

        Whoever waits for an answer is given a job if it is not there in a while.
        """
        if self.is_retired:
            return
        loop = asyncio.get_running_loop()
        self._until = loop.time() + DRAIN
        self._bell.set()
        self._holds.wake()
        loop.call_later(GRACE, self._waiters.send_away)

    async def close(self) -> None:
        """Let what is on its way come home for a while; others see the rest through."""
        self.retire()
        assert self._until is not None
        if self._claims:
            # What is being lent to this process is given back like all the rest.
            await asyncio.wait(self._claims, timeout=SETTLE)
        if self._running:
            left = self._until - asyncio.get_running_loop().time()
            await asyncio.wait(self._running, timeout=max(0.0, left))
        tasks, held = [*self._loops, *self._running], self._holds.all()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sweeper.close()
        await self._holds.give_back(held)
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
            lookup.place, lookup.rest = held, Seat(None)
            if self.is_retired:
                lookup.rest.stop()
            self._start(self._see_through(held, lookup, task, request))
        return await self.queue.load(place.job)

    async def attend(self, lookup: Lookup, task: asyncio.Task[None], seconds: float) -> None:
        """Wait for a lookup; one with a job that nobody is told of yet stays this process's."""
        if self._until is not None:
            left = self._until - DRAIN + GRACE - asyncio.get_running_loop().time()
            seconds = min(seconds, max(0.0, left))
        with self._holds.held(lookup.place) if lookup.place else contextlib.nullcontext():
            await self._waiters.wait(task, seconds)

    def _start(self, work: Coroutine[Any, Any, None], lane: str = "") -> None:
        """`lane` is that of an item on loan."""
        task = asyncio.create_task(work)
        self._running.add(task)
        self._claimed[lane] += 1
        change_jobs_running(1)

        def ended(task: asyncio.Task[None]) -> None:
            self._claimed[lane] -= 1
            self._ended(task)

        task.add_done_callback(ended)

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
        self._holds.cancel(name.decode())

    async def _work(self) -> None:
        while not self.is_retired:
            self._bell.clear()
            claimed: list[Claimed] = []
            try:
                claimed = await self.queue.claim(
                    interactive=MOST_HELD - self._claimed["interactive"],
                    bulk=MOST_HELD - self._claimed["bulk"],
                    fresh=self._slots.free,
                    at_work=self._slots.wanted,
                )
            except StoreDown:
                log.debug("claim.postponed")
            except Exception as error:  # noqa: BLE001 - what fails once must not end this for good
                log.error("claim.failed", error=type(error).__name__)
            for item in claimed:
                self._start(self._carry_out(item), item.lane)
            if claimed:
                await asyncio.sleep(0)  # They take their slots.
                continue
            # `wait_for` of Python 3.11 loses a cancellation that comes as the bell rings.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._bell.wait()

    async def _carry_out(self, claimed: Claimed) -> None:
        """Interactive items need no slot: who waits for them must not wait for the others."""
        place = Place(claimed.job, claimed.index, claimed.token)
        seat = Seat(self._slots if claimed.lane == "bulk" else None, claimed.team)
        with self._holds.held(place):
            try:
                async with seat.working():
                    await self._answer(claimed, place, seat)
            except StoreDown:
                await self._give_back(place, PAUSE, b"")

    async def _answer(self, claimed: Claimed, place: Place, seat: Seat) -> None:
        if place not in self._holds:
            return  # It was lost while it waited for its seat.
        try:
            lookup, request = await self._carrier.prepare(claimed, place)
        except Unanswered as end:
            if end.result is not None:
                await self._finish(place, end.result, tells=end.tells, booked=end.booked)
            return
        if self.is_retired:
            await self._give_back(place, 0.0, b"")
            return
        lookup.rest = seat
        task = asyncio.create_task(self.desk.waterfall.run(lookup))
        await self._see_through(place, lookup, task, request)

    async def _see_through(
        self, place: Place, lookup: Lookup, task: asyncio.Task[None], request: Request
    ) -> None:
        """Keep the item while its lookup runs, then write its end, or lay it aside."""
        try:
            with self._holds.held(place, lookup):
                await asyncio.wait({task})
                await self._write_down(place, lookup, task.exception(), request)
        finally:
            if not task.done():
                _ = self.desk.waterfall.go_on(task)

    async def _write_down(
        self, place: Place, lookup: Lookup, error: BaseException | None, request: Request
    ) -> None:
        if isinstance(error, StoreDown | Parked):
            parked = error if isinstance(error, Parked) else Parked(PAUSE)
            await self._lay_aside(place, lookup, parked)
        elif is_stopped(lookup) and not lookup.answer and not isinstance(error, Objected):
            await self._cancel(place, lookup)
        elif error is None and request.is_row and (seconds := pause_of(lookup)) is not None:
            await self._lay_aside(place, lookup, Parked(seconds), in_line=True)
        else:
            result = self._carrier.conclude(lookup, error, request)
            instead = self._carrier.objected(lookup, request)
            await self._finish(place, result, instead=instead, tells=request.events)

    async def _lay_aside(
        self, place: Place, lookup: Lookup, parked: Parked, *, in_line: bool = False
    ) -> None:
        """With `in_line` its team's turn is waited for, too: it has all its work before it."""
        if is_stopped(lookup):
            await self._cancel(place, lookup)
            return
        seconds = 0.0 if self.is_retired else parked.seconds
        progress = lookup.progress(time.time() + seconds if in_line else 0.0)
        await self._write(
            place, lambda: self.queue.park(place, seconds, progress, parked.tasks, in_line=in_line)
        )

    async def _finish(
        self,
        place: Place,
        result: Result,
        *,
        instead: Result | None = None,
        tells: bool = False,
        booked: Sequence[str] | None = None,
    ) -> None:
        """With `tells` whoever asked for it learns of the row's end; `booked` as the queue's."""
        await self._write(
            place,
            lambda: self.queue.finish(place, result, instead=instead, tells=tells, booked=booked),
        )

    async def _cancel(self, place: Place, lookup: Lookup) -> None:
        result, booked = self._carrier.cancelled(lookup), lookup.tally.booked
        await self._finish(place, result, booked=booked)

    async def _give_back(self, place: Place, seconds: float, progress: bytes) -> None:
        await self._write(place, lambda: self.queue.park(place, seconds, progress))

    async def _write(self, place: Place, write: Callable[[], Awaitable[bool]]) -> None:
        """However long the store is away: a second time it is refused, and changes nothing."""
        while True:
            try:
                if not await write():
                    log.warning("item.refused", job=place.job, item=place.item)
                return
            except StoreDown:
                await asyncio.sleep(LOOK)
