"""What the simulated providers send by themselves: results, to receivers on this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from providers.simulator.tasks import Task, Tasks

KEPT = 500
Headers = Mapping[str, str]
# A delivery's headers depend on which attempt it is.
Sign = Callable[[int], Headers]
Sending = Callable[[], Coroutine[Any, Any, Any]]


class Delivery(msgspec.Struct, kw_only=True):
    """One attempt; `status` is null when no answer came."""

    url: str
    attempt: int
    at: float
    status: int | None = None


class Deliveries:
    """Repeats what was not taken: five attempts in all, known of a third party only.

    A provider would reach any host; a simulator sends to loopback addresses and nowhere else.
    """

    def __init__(self) -> None:
        self.pauses: tuple[float, ...] = (1, 2, 4, 8)
        self.timeout: float = 10
        self.latest: deque[Delivery] = deque(maxlen=KEPT)
        self._running: set[asyncio.Task[None]] = set()

    def follow(self, tasks: Tasks, task: Task, send: Sending) -> None:
        """Finish the task when it is due, although nobody asks, and send then."""
        self.begin(_when_done(tasks, task, send))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        running = asyncio.get_running_loop().create_task(work)
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def send(self, url: str, body: bytes, sign: Sign = lambda _: {}) -> bool:
        """Whether it was taken in the end."""
        target = urlsplit(url)
        for attempt, pause in enumerate((*self.pauses, None), start=1):
            delivery = Delivery(url=url, attempt=attempt, at=time.monotonic())
            self.latest.append(delivery)
            delivery.status = await self._post(target, body, sign(attempt))
            if delivery.status is not None and 200 <= delivery.status < 300:
                return True
            if pause is not None:
                await asyncio.sleep(pause)
        return False

    async def _post(self, target: SplitResult, body: bytes, headers: Headers) -> int | None:
        if not _is_here(target):
            return None
        try:
            async with asyncio.timeout(self.timeout):
                return await _exchange(target, body, headers)
        except (OSError, TimeoutError, IndexError, ValueError):
            return None

    async def idle(self) -> None:
        """Until everything that was started has been sent or given up."""
        while self._running:
            await asyncio.wait(self._running)


async def _when_done(tasks: Tasks, task: Task, send: Sending) -> None:
    while not tasks.complete(task):
        if task.stuck:
            return
        await asyncio.sleep(max(0.02, task.ready_at - time.monotonic()))
    await send()


def _is_here(target: SplitResult) -> bool:
    if target.scheme != "http" or not target.hostname:
        return False
    if target.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(target.hostname).is_loopback
    except ValueError:
        return False


async def _exchange(target: SplitResult, body: bytes, headers: Headers) -> int:
    """One POST on a connection of its own, and the status of the answer."""
    reader, writer = await asyncio.open_connection(target.hostname, target.port or 80)
    path = target.path or "/"
    lines = [
        f"POST {path}{'?' + target.query if target.query else ''} HTTP/1.1",
        f"host: {target.netloc}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()
        status = await reader.readline()
        return int(status.split()[1])
    finally:
        writer.close()
