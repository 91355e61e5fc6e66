"""A large file as jobs: handed in at once, their results fetched in order as they come."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from gateway.cli.client import Gateway, Reply
from gateway.cli.enrich.batches import Batch, cut, to_body_of_row
from gateway.cli.enrich.gauge import Gauge
from gateway.cli.enrich.output import Handed, Output
from gateway.cli.enrich.run import NOTE_SECONDS, SYNC_SECONDS, Task, refusal_of, take
from gateway.cli.enrich.sheet import Sheet, read_rows
from gateway.cli.failure import FAILED, Failure, Interrupted, dicts
from gateway.cli.following import follow, path_of

PAGE = 500
GONE = 404
UNWELCOME = {403, 404, 405}
"""A key that may not hand in jobs, or a gateway that has none."""


class Unwelcome(Exception):
    """No job can be handed in; the rows can still go one by one."""


@dataclass(slots=True)
class JobRun:
    """One task hands in, one fetches; `end` is why they stopped early.

    `optional` jobs that the gateway refuses make it `unwelcome` instead.
    """

    gateway: Gateway
    task: Task
    output: Output
    gauge: Gauge
    sheet: Sheet
    most: int
    budget: Decimal | None = None
    optional: bool = False
    end: Failure | None = None
    unwelcome: bool = False
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _work: list[asyncio.Task[None]] = field(default_factory=list)
    _noted: float = float("-inf")
    _ahead: int = 0

    async def go(self) -> None:
        """Until all rows are answered, or `end` is set; what was fetched is then on disk."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        fetching, handing = loop.create_task(self._fetch()), loop.create_task(self._hand_in())
        self._work = [fetching, handing, loop.create_task(self._keep())]
        for task in self._work:
            task.add_done_callback(self._ended)
        ends = await asyncio.gather(*self._work, return_exceptions=True)
        self.gauge.update(self.output.progress.tally)
        for end in ends:
            if isinstance(end, Unwelcome):
                self.unwelcome = True
            elif isinstance(end, Failure):
                self.end = self.end or end
            elif isinstance(end, Exception):
                raise end

    def _ended(self, task: asyncio.Task[None]) -> None:
        """All is fetched, or something went wrong: nothing goes on."""
        if task is self._work[0] or task.cancelled() or task.exception() is not None:
            for other in self._work:
                other.cancel()

    def _interrupt(self) -> None:
        self.end = self.end or Interrupted("interrupted")
        for task in self._work:
            task.cancel()

    async def _keep(self) -> None:
        """Saves and shows what has come, also while nothing does."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            self.output.sync()
            self.gauge.update(self.output.progress.tally, self._ahead)

    @property
    def _jobs(self) -> list[Handed]:
        return self.output.progress.jobs

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        return enumerate(read_rows(self.sheet))

    async def _hand_in(self) -> None:
        """What was noted and not handed in comes first; a budget lets one job go at a time."""
        rows, first = self._rows(), 0
        for handed in self._jobs:
            noted = islice(rows, handed.end - first)
            if handed.id is None:
                [batch] = cut(noted, self.task, most=handed.end - first, first=first)
                await self._open(batch, handed)
            else:
                next(islice(noted, handed.end - first - 1, None), None)
            first = handed.end
        for batch in cut(rows, self.task, most=self.most, first=first):
            handed = Handed(batch.end, await self._allow(batch))
            self._jobs.append(handed)
            self.output.note()
            await self._open(batch, handed)

    async def _allow(self, batch: Batch) -> str:
        """What the batch may cost: what the rows before it have left of the budget."""
        if self.budget is None:
            return ""
        progress = self.output.progress
        await self._until(lambda: progress.rows >= batch.first)
        left = max(Decimal(0), self.budget - progress.tally.cost - progress.tally.held)
        return f"{left:f}"

    async def _open(self, batch: Batch, handed: Handed) -> None:
        handed.id = await self._post(batch, handed) if batch.items else ""
        self.output.note()
        await self._move()

    async def _post(self, batch: Batch, handed: Handed) -> str:
        """The job of a batch; none if not one of its rows can be asked."""
        progress = self.output.progress
        body = batch.body(self.task, progress.options["operation"], handed.max_cost)
        headers = {"Idempotency-Key": batch.key(progress)}
        reply = await self.gateway.ask_patiently(
            lambda: self.gateway.send("POST", "/v1/jobs", body=body, headers=headers), self._pause
        )
        if is_about_items(reply):
            return ""
        if self.optional and reply.status in UNWELCOME and not any(one.id for one in self._jobs):
            raise Unwelcome
        job = self.gateway.expect(reply).body.get("data") or {}
        if not job.get("id"):
            raise Failure("the gateway took the rows without naming a job", FAILED)
        return str(job["id"])

    async def _fetch(self) -> None:
        """Job after job, row after row."""
        rows, first, number = self._rows(), 0, 0
        while first < self.sheet.rows:
            await self._until(lambda at=number: self._is_handed(at))  # type: ignore[misc]
            handed = self._jobs[number]
            if self.output.progress.rows < handed.end:
                await self._renew(first, handed)
            await self._take(handed, islice(rows, handed.end - first))
            first, number = handed.end, number + 1

    def _is_handed(self, number: int) -> bool:
        return number < len(self._jobs) and self._jobs[number].id is not None

    async def _renew(self, first: int, handed: Handed) -> None:
        """A job that is no longer kept is handed in again; the cache has what it bought."""
        if not handed.id:
            return
        path = path_of(handed.id)
        reply = await self.gateway.ask_patiently(
            lambda: self.gateway.send("GET", path), self._pause
        )
        if reply.status == GONE:
            self.gauge.note(f"{handed.id} is no longer kept: its rows are handed in again")
            rows = islice(self._rows(), first, handed.end)
            [batch] = cut(rows, self.task, most=handed.end - first, first=first)
            await self._open(batch, handed)

    async def _take(self, handed: Handed, rows: Iterator[tuple[int, list[str]]]) -> None:
        item = 0
        async with aclosing(self._results(handed)) as results:
            for index, cells in rows:
                refusal = refusal_of(self.task, cells)
                if not self.output.has(index):
                    reply = refusal or await self._answer(results, cells, item)
                    take(self.output, self.task, index, cells, reply)
                    await self._move()
                item += refusal is None

    async def _answer(
        self, results: AsyncIterator[Reply], cells: list[str], item: int
    ) -> Reply: ...
