"""A large file as jobs: handed in at once, their results fetched in order as they come."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from gateway.cli.client import BUSY, FIRST_BACKOFF, Gateway, Reply
from gateway.cli.enrich.batches import Batch, cut
from gateway.cli.enrich.fetching import Answers
from gateway.cli.enrich.gauge import Gauge
from gateway.cli.enrich.output import Handed, Output
from gateway.cli.enrich.run import NOTE_SECONDS, SYNC_SECONDS, Task, refusal_of, take
from gateway.cli.enrich.sheet import Sheet, read_rows
from gateway.cli.failure import FAILED, Failure, Interrupted, dicts
from gateway.cli.following import path_of

GONE = 404
INVALID = 422
UNWELCOME = {403, 404, 405}
"""A key that may not hand in jobs, or a gateway that has none."""
Row = tuple[int, list[str]]


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
    _renewed: bool = False

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
            self._conclude(end)

    def _conclude(self, end: BaseException | None) -> None:
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

    def _rows(self) -> Iterator[Row]:
        return enumerate(read_rows(self.sheet))

    async def _hand_in(self) -> None:
        """What was noted and not handed in comes first; a budget lets one job go at a time."""
        await self._renew()
        rows, first = self._rows(), 0
        for handed in self._jobs:
            noted = list(islice(rows, handed.end - first))
            if handed.id is None:
                [batch] = cut(noted, self.task, most=len(noted), first=first)
                await self._open(batch, handed)
            first = handed.end
        for batch in cut(rows, self.task, most=self.most, first=first):
            handed = Handed(batch.end, await self._allow(batch.first))
            self._jobs.append(handed)
            self.output.note()
            await self._open(batch, handed)

    async def _allow(self, first: int) -> str:
        """What rows from `first` on may cost: what those before have left of the budget."""
        if self.budget is None:
            return ""
        progress = self.output.progress
        await self._until(lambda: progress.rows >= first)
        spent = progress.tally.cost + progress.tally.held + progress.unknown
        return f"{max(Decimal(0), self.budget - spent):f}"

    async def _write_off(self, first: int, end: int) -> None:
        """Nobody knows what a job that is not kept any more has spent on rows that were never
        fetched: all that it may have.
        """
        if self.budget is None:
            return
        lost = Decimal(await self._allow(first))
        of_each = self.task.parameters.get("routing", {}).get("max_cost")
        if of_each is not None:
            lost = min(lost, (end - first) * Decimal(of_each))
        self.output.progress.unknown += lost
        self.gauge.note(f"what it spent is not known: {lost:f} of the budget counts as spent")

    async def _open(self, batch: Batch, handed: Handed) -> None:
        handed.id = await self._post(batch, handed) if batch.items else ""
        self.output.note()
        await self._move()

    async def _post(self, batch: Batch, handed: Handed) -> str:
        """The job of a batch; none if not one of its rows can be asked."""
        reply = await self._offer(batch, handed)
        if is_about_items(reply):
            return ""
        if self.optional and reply.status in UNWELCOME and not any(one.id for one in self._jobs):
            raise Unwelcome
        job = self.gateway.expect(reply).body.get("data") or {}
        if not job.get("id"):
            raise Failure("the gateway took the rows without naming a job", FAILED)
        return str(job["id"])

    async def _offer(self, batch: Batch, handed: Handed) -> Reply:
        """A gateway that is full is offered them again as long as rows before them are open."""
        progress = self.output.progress
        body = batch.body(self.task, progress.options["operation"], handed.max_cost)
        headers = {"Idempotency-Key": batch.key(progress, handed.turn)}

        async def send() -> Reply:
            return await self.gateway.send("POST", "/v1/jobs", body=body, headers=headers)

        while True:
            reply = await self.gateway.ask_patiently(send, self._pause)
            if reply.status not in BUSY or progress.rows >= batch.first:
                return reply
            if reply.retry_after is None:
                # Not a word of when to come again: what stands before the gateway may say so.
                await self._pause(FIRST_BACKOFF, str(reply.body.get("title") or "refused"))

    async def _renew(self) -> None:
        """What is missing of a job that is not kept any more is handed in again, noted first.

        What it had bought, the cache has.
        """
        first, done, jobs = 0, self.output.progress.rows, list[Handed]()
        for handed in self._jobs:
            if handed.id and done < handed.end and await self._is_gone(handed.id):
                self.gauge.note(f"{handed.id} is not kept any more: handing its rows in again")
                begin = max(first, done)
                jobs += [Handed(begin, id=handed.id)] if begin > first else []
                await self._write_off(begin, handed.end)
                allowed = await self._allow(begin)
                jobs.append(Handed(handed.end, allowed, turn=handed.turn + 1))
            else:
                jobs.append(handed)
            first = handed.end
        self._jobs[:], self._renewed = jobs, True
        self.output.note()
        await self._move()

    async def _is_gone(self, job: str) -> bool:
        reply = await self.gateway.ask_patiently(
            lambda: self.gateway.send("GET", path_of(job)), self._pause
        )
        return reply.status == GONE

    async def _fetch(self) -> None:
        """Job after job, row after row."""
        rows, first, number = self._rows(), 0, 0
        while first < self.sheet.rows:
            await self._until(lambda at=number: self._is_handed(at))  # type: ignore[misc]
            handed = self._jobs[number]
            await self._take(handed, list(islice(rows, handed.end - first)))
            first, number = handed.end, number + 1

    def _is_handed(self, number: int) -> bool:
        return self._renewed and number < len(self._jobs) and self._jobs[number].id is not None

    async def _take(self, handed: Handed, rows: list[Row]) -> None:
        """Rows that are not there yet; those that were not sent are told why."""
        if self.output.progress.rows >= handed.end:
            return
        async with aclosing(self._answers(handed, rows)) as answers:
            for index, cells in rows:
                if not self.output.has(index):
                    refusal = refusal_of(self.task, cells)
                    reply = await anext(answers) if refusal is None else refusal
                    take(self.output, self.task, index, cells, reply)
                    await self._move()

    async def _answers(self, handed: Handed, rows: list[Row]) -> AsyncGenerator[Reply, None]:
        """To the rows that were sent and are not there yet."""
        sent = [row for row in rows if refusal_of(self.task, row[1]) is None]
        had = sum(self.output.has(index) for index, _ in sent)
        if handed.id:
            answers = Answers(
                self.gateway, handed.id, self._pause, at=had, ahead=self._note_ahead
            ).read()
        else:
            answers = self._ask_each(sent[had:])
        async with aclosing(answers):
            async for reply in answers:
                yield reply

    async def _ask_each(self, rows: list[Row]) -> AsyncGenerator[Reply, None]:
        """Rows of which the gateway would take none as a job: what is wrong with each."""
        for _, cells in rows:
            yield await self.gateway.ask_patiently(lambda row=cells: self._ask(row), self._pause)  # type: ignore[misc]

    async def _ask(self, cells: list[str]) -> Reply:
        path, body = self.task.operation.path, self.task.query(cells)
        return await self.gateway.look_up(path, body, pause=self._pause, pending=lambda _job: None)

    def _note_ahead(self, rows: int) -> None:
        self._ahead = rows

    async def _until(self, ready: Callable[[], bool]) -> None:
        async with self._moved:
            await self._moved.wait_for(ready)

    async def _move(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def _pause(self, seconds: float, why: str) -> None:
        now = asyncio.get_running_loop().time()
        if why and now - self._noted >= NOTE_SECONDS:
            self._noted = now
            self.gauge.note(f"{why}: waiting {seconds:g} s")
        await asyncio.sleep(seconds)


def is_about_items(reply: Reply) -> bool:
    """Refused for its rows alone, every one of them."""
    errors = dicts(reply.body.get("errors"))
    places = [str(error.get("pointer") or "") for error in errors]
    return (
        reply.status == INVALID
        and bool(places)
        and all(place.startswith("/items/") for place in places)
    )
