"""Runs lookups that outlive their exchange, and takes over those whose process died."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from gateway.jobs.reconciler import Reconciler
from gateway.jobs.records import Counts, Job, JobRecord, JobStore, Request, count
from gateway.jobs.sweeper import Sweeper
from gateway.lookup.desk import Desk, NotConfigured, Unanswerable
from gateway.lookup.identity import QueryError
from gateway.lookup.lookup import Lookup
from gateway.money.amounts import to_money
from gateway.money.ledger import new_id
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.telemetry.metrics import change_jobs_running
from gateway.vault.roster import timestamp
from providers.model import QUERIES

log = get_logger()

RENEW = 5.0
LOOK = 2.0
DRAIN = 10.0
MOST_TAKEOVERS = 5
SETTLE = 5.0
WAIT = 20.0

Conclude = Callable[[Lookup, BaseException | None, Request], tuple[str, bytes]]


class Engine:
    """Jobs of this process. `conclude` makes the outcome and body of a lookup that has ended."""

    def __init__(
        self,
        desk: Desk,
        jobs: JobStore,
        conclude: Conclude,
        *,
        currency: str,
        reconciler: Reconciler,
    ):
        self.desk = desk
        self.jobs = jobs
        self.conclude = conclude
        self.currency = currency
        self._sweeper = Sweeper(desk)
        self._reconciler = reconciler
        self._running: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []

    async def open(self, *, work: bool) -> None:
        """Start taking over what others left behind, unless this process only serves."""
        if work:
            self._loops = [
                asyncio.create_task(self._take_over()),
                asyncio.create_task(self._sweeper.run()),
                asyncio.create_task(
                    self._reconciler.run(self.desk.settings.reconcile_minutes),
                ),
            ]

    async def close(self) -> None:
        """Let jobs finish for a while; the rest is resumed by whoever starts next."""
        for task in self._loops:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._loops, *self._running, return_exceptions=True)
        await self.desk.waterfall.drained(SETTLE)

    async def adopt(self, lookup: Lookup, task: asyncio.Task[None], request: Request) -> Job:
        """Make a job of a lookup under way; returns once the job is stored."""
        job = self.new_job(lookup)
        lookup.become_job(job.id)
        try:
            await self.jobs.save(job, request, lookup.progress())
        except StoreDown:
            _ = self.desk.waterfall.go_on(task)  # What it has bought must still be settled.
            raise
        self._keep(self._see_through(job, lookup, task, request))
        return job

    async def attend(self, lookup: Lookup, task: asyncio.Task[None], seconds: float) -> None:
        """Wait for a lookup; one that has a job nobody is told of yet stays this process's own."""
        if lookup.job is None:
            await asyncio.wait({task}, timeout=seconds)
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not task.done() and (left := until - loop.time()) > 0:
            await asyncio.wait({task}, timeout=min(left, RENEW))
            if not task.done():
                with contextlib.suppress(StoreDown):
                    await self.jobs.renew(lookup.job)

    def new_job(self, lookup: Lookup) -> Job:
        """The job that a lookup under way is, or may become."""
        now = timestamp()
        return Job(
            id=lookup.job or new_id("job"),
            operation=lookup.operation,
            status="running",
            counts=Counts(),
            cost=to_money(lookup.tally.posted),
            currency=self.currency,
            created_at=now,
            started_at=now,
        )

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        change_jobs_running(1)
        task.add_done_callback(self._dropped)

    def _dropped(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        change_jobs_running(-1)
        if not task.cancelled() and task.exception() is not None:
            log.error("job.crashed", error=type(task.exception()).__name__)

    async def _see_through(
        self, job: Job, lookup: Lookup, task: asyncio.Task[None], request: Request
    ) -> None:
        """Renew the job while its lookup runs, then write its end."""
        while not task.done():
            await asyncio.wait({task}, timeout=RENEW)
            if not task.done():
                with contextlib.suppress(StoreDown):
                    await self.jobs.save(job, request)
        if isinstance(task.exception(), StoreDown):
            return  # Its lease runs out, and it is taken over when the store is back.
        outcome, body = self.conclude(lookup, task.exception(), request)
        job.status = "failed" if outcome == "failed" else "completed"
        job.counts = count(outcome)
        job.cost = to_money(lookup.tally.posted)
        job.finished_at = timestamp()
        job.result = msgspec.Raw(body)
        await self._finish(job, request)

    async def _finish(self, job: Job, request: Request) -> None:
        while True:
            try:
                await self.jobs.save(job, request)
                return
            except StoreDown:
                await asyncio.sleep(1.0)

    async def _bury(self, record: JobRecord) -> None:
        """End a job that can't be run."""
        job = record.job
        job.status, job.counts, job.finished_at = "failed", count("failed"), timestamp()
        await self._finish(job, record.request)

    async def _take_over(self) -> None:
        while True:
            try:
                while name := await self.jobs.claim():
                    await self._resume(name)
            except StoreDown:
                log.debug("job.claim_postponed")
            except Exception as error:  # noqa: BLE001 - one broken record must not stop the others
                log.error("job.unreadable", error=type(error).__name__)
            await asyncio.sleep(LOOK)

    async def _resume(self, name: str) -> None:
        record = await self.jobs.load(name)
        if record is not None and record.takeovers > MOST_TAKEOVERS:
            # Whatever kills its workers would kill the next one, too.
            log.error("job.buried", job=record.job.id, takeovers=record.takeovers)
            await self._bury(record)
        elif record is not None:
            log.info("job.taken_over", job=record.job.id)
            self._keep(self._rerun(record))

    async def _rerun(self, record: JobRecord) -> None:
        """What was bought is in the cache, what is under way in its ticket: run it again."""
        request, job = record.request, record.job
        query = msgspec.json.decode(request.query, type=QUERIES[request.operation])
        try:
            lookup = self.desk.prepare(
                request.operation,
                query,
                request.caller,
                routing=request.routing,
                wait=WAIT,
                tag=request.tag,
                after=request.after,
                credential=request.credential,
            )
        except (QueryError, NotConfigured, Unanswerable) as error:
            log.warning("job.unanswerable", job=job.id, error=type(error).__name__)
            await self._bury(record)
            return
        lookup.id, lookup.again = request.lookup, True
        lookup.become_job(job.id)
        if record.progress:
            lookup.restore(record.progress)
        # Bought since the job began is fresh enough, even for a caller who bypasses the cache.
        lookup.since = lookup.since or _millis(job.created_at)
        task = asyncio.create_task(self.desk.waterfall.run(lookup))
        await self._see_through(job, lookup, task, request)


def _millis(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
