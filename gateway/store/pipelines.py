"""All calls of one turn of the event loop, sent to the store together."""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.store.condition import Condition
from gateway.store.link import Call, Link, StoreDown, StoreSilent

LONGEST = 512


class Pipelines:
    """A few links, each carrying one pipeline at a time.

    A pipeline runs in a task of its own: a caller that is cancelled abandons its future and
    nothing else, so no reply can reach the wrong caller. What was sent is never sent again.
    """

    def __init__(self, url: str, timeout: float, links: int) -> None:
        self._timeout = timeout
        self._links = [Link(url, timeout) for _ in range(links)]
        self._idle = list(self._links)
        self._waiting: deque[Call] = deque()
        self._running: set[asyncio.Task[None]] = set()
        # Links that still open when the callers they opened for have been told.
        self._late = 0
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
        if self._condition.is_silent:
            call.settle(StoreSilent("the store did not answer a moment ago"))
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
        if self._late == len(self._links):
            self._fail(self._waiting, "every connection to the store is still being opened")

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
            await self._exchange(link, calls)
        except StoreDown as down:
            failure = str(down)
            self._give_up(calls, down)
        finally:
            self._fail(calls, failure)
            self._idle.append(link)
            self._dispatch()

    async def _exchange(self, link: Link, calls: list[Call]) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        if not self._condition.seen:
            await link.open()
            deadline = loop.time() + self._timeout
        elif not await link.is_clean() and not await self._reopen(link, calls):
            return
        await link.exchange(calls, deadline)
        self._hear(link)

    async def _reopen(self, link: Link, calls: list[Call]) -> bool:
        """Open the link, which may take longer than a reply; its callers don't wait for that.

        False if they were told that the store is away: what they asked is not sent any more.
        """
        opening = asyncio.create_task(link.open())
        try:
            if (await asyncio.wait([opening], timeout=self._timeout))[0]:
                await opening
                return True
            self._give_up(calls, link.silence())
            self._late += 1
            try:
                self._dispatch()
                await opening
            finally:
                self._late -= 1
            return False
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)

    def _give_up(self, calls: list[Call], down: StoreDown) -> None:
        if isinstance(down, StoreSilent):
            self._condition.fell_silent()
        self._condition.failed(str(down))
        self._fail(calls, str(down))
        # These waited because every link was busy: a slow store must not make them wait twice.
        self._fail(self._waiting, str(down))

    def _hear(self, link: Link) -> None:
        if link.refusal:
            self._condition.failed(link.refusal)
        else:
            self._condition.answered()

    def _fail(self, calls: list[Call] | deque[Call], reason: str) -> None:
        for call in calls:
            call.settle(StoreDown(reason))
