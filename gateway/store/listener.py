"""Messages of the store's channels, over one connection that mends itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from gateway.store.link import Link, StoreDown

Deliver = Callable[[bytes], None]

# A peer that vanished without a word is noticed after two of these, in seconds.
SILENCE = 15.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Listener:
    """Calls `deliver` with the payload of each message; what is sent while away is lost."""

    def __init__(self, url: str, timeout: float) -> None:
        self._link = Link(url, timeout)
        self._timeout = timeout
        self._receivers: dict[bytes, list[Deliver]] = {}
        self._confirmed: dict[bytes, asyncio.Event] = {}
        self._task: asyncio.Task[None] | None = None
        self._live = False

    async def subscribe(self, channel: str, deliver: Deliver) -> None:
        """Return once the store confirmed, or after the timeout if it is away."""
        name = channel.encode()
        is_new = name not in self._receivers
        self._receivers.setdefault(name, []).append(deliver)
        confirmed = self._confirmed.setdefault(name, asyncio.Event())
        if self._task is None:
            self._task = asyncio.create_task(self._listen())
        elif is_new and self._live:
            await self._ask(name)
        try:
            async with asyncio.timeout(self._timeout):
                await confirmed.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._link.drop()

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._link.open()
                self._live = True
                await self._ask(*self._receivers)
                await self._receive()
                pause = FIRST_PAUSE
            except StoreDown:
                pause = min(pause * 2, LONGEST_PAUSE)
            self._live = False
            await self._link.drop()
            # Spread out, so that processes do not all come back in the same instant.
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    async def _ask(self, *channels: bytes) -> None:
        try:
            await self._link.send(("SUBSCRIBE", *channels))
        except StoreDown:
            self._live = False  # the reading side finds out too, and asks again for all of them

    async def _receive(self) -> None:
        """Deliver until the connection is lost or stays silent when asked."""
        asked = False
        while True:
            try:
                message = await self._link.receive(SILENCE)
            except StoreDown:
                return
            if message is not None:
                asked = False
                self._accept(message)
            elif asked:
                return
            else:
                asked = True
                await self._link.send(("PING",))

    def _accept(self, message: list[Any]) -> None:
        match message:
            case [b"subscribe", bytes(channel), _]:
                self._confirmed[channel].set()
            case [b"message", bytes(channel), bytes(payload)]:
                for deliver in self._receivers[channel]:
                    _call(deliver, payload)


def _call(deliver: Deliver, payload: bytes) -> None:
    try:
        deliver(payload)
    except Exception as error:  # noqa: BLE001 - one receiver must not silence the others
        context = {"message": "a receiver of store messages failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
