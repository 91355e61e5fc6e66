"""Callers who wait for a lookup: until it is done, their time is up, or nobody may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class Waiters:
    """Of one process."""

    def __init__(self) -> None:
        self._leave: set[Callable[[], None]] = set()

    async def wait(self, task: asyncio.Task[Any], seconds: float) -> None:
        """Until the task is done; what a bare wait does, and can be ended from outside."""
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def leave(_: object = None) -> None:
            if not over.done():
                over.set_result(None)

        task.add_done_callback(leave)
        timer = loop.call_later(seconds, leave)
        self._leave.add(leave)
        try:
            await over
        finally:
            timer.cancel()
            task.remove_done_callback(leave)
            self._leave.discard(leave)

    def send_away(self) -> None:
        for leave in list(self._leave):
            leave()
