"""The store as the rest of the gateway sees it: commands, scripts, channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from gateway.store.link import Argument, StoreDown, StoreRefused, pack
from gateway.store.listener import Deliver, Listener
from gateway.store.pipelines import Pipelines
from gateway.store.script import Script

__all__ = ["Argument", "ResponseError", "Script", "Store", "StoreDown", "StoreRefused"]


class Store:
    """One Redis or Valkey primary, shared by all tasks of an event loop.

    Calls made in the same turn of the loop travel together. Nothing is retried here: StoreDown
    after a call was sent means that it may or may not have happened. An error reply of the store
    is raised to its caller as ResponseError, or as StoreRefused if no write can succeed now.
    Replies are bytes, integers, lists or None.
    """

    def __init__(self, url: str, *, timeout: float, test_clock: bool, pool: int) -> None:
        self._pipelines = Pipelines(url, timeout, pool)
        self._listener = Listener(url, timeout)
        self._test_clock = test_clock

    @classmethod
    async def connect(
        cls, url: str, *, timeout: float = 0.25, test_clock: bool = False, pool: int = 4
    ) -> Store:
        """Open nothing yet; `timeout` seconds bound each pipeline of at most `pool` at a time.

        Raises ValueError for a URL that is not `redis://`, `rediss://` or `unix://`.
        """
        return cls(url, timeout=timeout, test_clock=test_clock, pool=pool)

    async def call(self, *command: Argument) -> Any:
        return await self._pipelines.submit(pack(command))

    async def run(
        self, script: Script, keys: Sequence[str | bytes], args: Sequence[Argument]
    ) -> Any:
        """Run the script by its hash; a store that does not know it yet is sent the source."""
        if self._test_clock and script.shifted:
            script = script.shifted
        operands = (len(keys), *keys, *args)
        try:
            return await self.call("EVALSHA", script.sha, *operands)
        except NoScriptError:
            # Nothing ran, so sending again is safe; EVAL keeps the script in the same step.
            return await self.call("EVAL", script.source, *operands)

    async def subscribe(self, channel: str, deliver: Deliver) -> None:
        """Call `deliver` with each message until `close`; those sent while away are lost.

        Returns once the store confirmed, or after the timeout if it is away.
        """
        await self._listener.subscribe(channel, deliver)

    async def scan(self, pattern: str | bytes) -> AsyncIterator[bytes]:
        """Keys matching the glob; one that moves while it runs may come twice."""
        cursor = b"0"
        while True:
            cursor, keys = await self.call("SCAN", cursor, "MATCH", pattern, "COUNT", 500)
            for key in keys:
                yield key
            if cursor == b"0":
                return

    async def close(self) -> None:
        await self._listener.close()
        await self._pipelines.close()
        await asyncio.sleep(0)  # the sockets close in the next turn of the loop
