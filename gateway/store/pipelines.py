"""All calls of one turn of the event loop, sent to the store together."""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.store.condition import Condition
from gateway.store.link import Call, Link, StoreDown

LONGEST = 512


class Pipelines:
    """A few links, each carrying one pipeline at a time.

    A pipeline runs in a task of its own: a caller that is cancelled abandons its future and
    nothing else, so no reply can reach the wrong caller. What was sent is never sent again.
    """

    def __init__(self, url: str, timeout: float, links: int) -> None:
        self._links = [Link(url, timeout) for _ in range(links)]
        self._idle = list(self._links)
        self._waiting: deque[Call] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._due = False
        self._closed = False
        self._condition = Condition()

    def submit(self, packed: bytes) -> asyncio.Future[object]:
        """A future of the reply; it fails with StoreDown or the store's own error."""
        loop = asyncio.get_running_loop()
        call = Call(packed, loop.create_future())
        if self._closed:
            call.settle(StoreDown("the connection to the store is closed"))
            return call.reply
        self._waiting.append(call)
        if not self._due:
            self._due = True
            loop.call_soon(self._dispatch)
        return call.reply

    async def close(self) -> None:
        """End what runs; every call without a reply fails with StoreDown."""
        self._closed = True
        self._fail(self._waiting, "the connection to the store was closed")
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for link in self._links:
            await link.drop()

    def _dispatch(self) -> None:
        self._due = False
        while self._idle and (calls := self._take()):
            task = asyncio.get_running_loop().create_task(self._carry(self._idle.pop(), calls))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take(self) -> list[Call]:
        """The next calls that somebody still waits for."""
        calls: list[Call] = []
        while self._waiting and len(calls) < LONGEST:
            call = self._waiting.popleft()
            if not call.reply.done():
                calls.append(call)
        return calls

    async def _carry(self, link: Link, calls: list[Call]) -> None:
        failure = "the connection to the store was closed"
        try:
            await link.exchange(calls)
            self._hear(link)
        except StoreDown as down:
            failure = str(down)
            self._condition.failed(failure)
            # These waited because every link was busy: a slow store must not make them wait twice.
            self._fail(self._waiting, failure)
        finally:
            self._fail(calls, failure)
            self._idle.append(link)
            self._dispatch()

    def _hear(self, link: Link) -> None:
        if link.refusal:
            self._condition.failed(link.refusal)
        else:
            self._condition.answered()

    def _fail(self, calls: list[Call] | deque[Call], reason: str) -> None:
        for call in calls:
            call.settle(StoreDown(reason))
