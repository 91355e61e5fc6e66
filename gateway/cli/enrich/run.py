"""The rows on their way: so many at a time, answered in any order, stopped without loss."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.client import Gateway, Reply
from gateway.cli.enrich.gauge import Gauge
from gateway.cli.enrich.operations import Operation, to_cells, to_failed_cells, to_query
from gateway.cli.enrich.output import Output
from gateway.cli.enrich.tally import count_rows
from gateway.cli.failure import Failure, Interrupted

AHEAD = 8
"""Rows that may be answered before the oldest open one, per row in flight."""
HOPELESS_STATUSES = {401, 402, 403, 404, 405}
HOPELESS_CODES = {"no_provider_configured"}
"""What the next row would be told as well."""
NOTE_SECONDS = 3.0
SYNC_SECONDS = 0.2
"""What a kill -9 can lose: the rows answered within this, and those in flight."""


class Stopped(Exception):
    """The run ends before this row is answered; it is asked again on resume."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of every row."""

    operation: Operation
    mapping: Mapping[str, int]
    width: int
    parameters: Mapping[str, Any]
    """Members of the body that are the same for every row."""

    def query(self, cells: Sequence[str]) -> dict[str, Any]:
        """The body for a row, or none if it has nothing to ask with."""
        values = {name: cells[column].strip() for name, column in self.mapping.items()}
        query = to_query(values)
        return {**query, **self.parameters} if query else {}


@dataclass(slots=True)
class Run:
    """Workers that share one row iterator; `end` is why they stopped early."""

    gateway: Gateway
    task: Task
    output: Output
    gauge: Gauge
    rows: Iterator[tuple[int, list[str]]]
    concurrency: int
    end: Failure | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _workers: list[asyncio.Task[None]] = field(default_factory=list)
    _noted: float = float("-inf")
    _in_flight: int = 0

    async def go(self) -> None:
        """Until all rows are answered, or `end` is set; what was answered is then on disk."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        self._workers = [loop.create_task(self._work()) for _ in range(self.concurrency)]
        keeper = loop.create_task(self._keep())
        keeper.add_done_callback(lambda _: self._stop.set())
        ends = await asyncio.gather(*self._workers, return_exceptions=True)
        keeper.cancel()
        self.gauge.update(self.output.progress.tally)
        ends += await asyncio.gather(keeper, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _keep(self) -> None:
        """Saves and shows what was answered, also while nothing is."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            self.output.sync()
            self.gauge.update(self.output.progress.tally)

    def _interrupt(self) -> None:
        if self.end is not None:
            for worker in self._workers:
                worker.cancel()
            return
        self.end = Interrupted("interrupted")
        self.gauge.note(
            f"Stopping: waiting for {count_rows(self._in_flight)} in flight; "
            "Ctrl-C again leaves at once."
        )
        self._stop.set()

    def _halt(self, why: Failure) -> None:
        if self.end is None:
            self.end = why
        self._stop.set()

    async def _work(self) -> None:
        try:
            while not self._stop.is_set() and (row := next(self.rows, None)) is not None:
                index, cells = row
                if not self.output.has(index) and await self._may_start(index):
                    await self._answer(index, cells)
        except BaseException:
            self._stop.set()
            raise

    async def _may_start(self, index: int) -> bool:
        """Waits while too many answers are held up by an older row."""
        progress, room = self.output.progress, AHEAD * self.concurrency

        def ready() -> bool:
            return self._stop.is_set() or index < progress.rows + room

        async with self._moved:
            await self._moved.wait_for(ready)
        return not self._stop.is_set()

    async def _answer(self, index: int, cells: list[str]) -> None:
        self._in_flight += 1
        try:
            reply = await self._ask(cells)
            if is_hopeless(reply):
                self._halt(self.gateway.to_failure(reply))
            else:
                take(self.output, self.task, index, cells, reply)
        except Stopped:
            return
        except Failure as failure:
            self._halt(failure)
        finally:
            self._in_flight -= 1
            async with self._moved:
                self._moved.notify_all()

    async def _ask(self, cells: list[str]) -> Reply:
        if (refusal := refusal_of(self.task, cells)) is not None:
            return refusal
        body = self.task.query(cells)
        return await self.gateway.ask_patiently(
            lambda: self.gateway.look_up(
                self.task.operation.path, body, pause=self._pause, pending=lambda _job: None
            ),
            self._pause,
        )

    async def _pause(self, seconds: float, why: str) -> None:
        """A poll of a bought answer waits on through a stop; waiting to ask anew does not."""
        if not why:
            await asyncio.sleep(seconds)
            return
        now = asyncio.get_running_loop().time()
        if now - self._noted >= NOTE_SECONDS:
            self._noted = now
            self.gauge.note(f"{why}: waiting {seconds:g} s")
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise Stopped


def take(output: Output, task: Task, index: int, cells: list[str], reply: Reply) -> None:
    """A row is answered: counted, and written with its new cells behind its own."""
    columns, body = task.operation.columns, reply.body
    answer = to_cells(columns, body) if reply.ok else to_failed_cells(columns, body)
    outcome = (body.get("meta") or {}).get("outcome", "") if reply.ok else "failed"
    output.progress.tally.add(outcome, body)
    output.put(index, cells[: task.width] + answer + cells[task.width :])


def is_hopeless(reply: Reply) -> bool:
    return reply.status in HOPELESS_STATUSES or reply.body.get("code") in HOPELESS_CODES


def refusal_of(task: Task, cells: Sequence[str]) -> Reply | None:
    """Why a row isn't sent, if it isn't."""
    if len(cells) > task.width:
        return refuse(f"the row has {len(cells)} cells, the heading {task.width}")
    if not task.query(cells):
        return refuse(f"nothing to ask with: {', '.join(task.mapping)} empty")
    return None


def refuse(detail: str) -> Reply:
    """A row that is not sent, as the API would refuse it."""
    return Reply(
        422, {"status": 422, "code": "invalid_query", "title": "Not sent", "detail": detail}
    )
