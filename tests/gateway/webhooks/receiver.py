"""A receiver of webhooks on loopback, and what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from standardwebhooks import Webhook

OK = (200, "")
Answer = tuple[int, str]


@dataclass
class Message:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def verify(self, secret: str) -> None:
        """Raise unless the reference library finds the message signed with this secret."""
        Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """`answer` gives status and further header lines for each message; `seconds` its slowness."""

    host: str = "127.0.0.1"
    port: int = 0
    answer: Callable[[Message], Answer] = lambda _: OK
    seconds: float = 0.0
    messages: list[Message] = field(default_factory=list)
    busy: int = 0
    answered: int = 0
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _come: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    async def wait(self, number: int, seconds: float = 20) -> list[Message]:
        """The messages, once there are so many."""
        async with asyncio.timeout(seconds):
            while len(self.messages) < number:
                self._come.clear()
                await self._come.wait()
        return self.messages

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.busy += 1
        if task := asyncio.current_task():
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        try:
            await self.speak(reader, writer)
        finally:
            self.busy -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            message = await _read(reader)
            status, more = self.answer(message)
            self.messages.append(message)
            self._come.set()
            await asyncio.sleep(self.seconds)
            writer.write(f"HTTP/1.1 {status} X\r\n{more}content-length: 0\r\n\r\n".encode())
            await writer.drain()
            self.answered += 1

    async def end(self) -> None:
        """Whoever still waits for an answer gets none."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Message:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    named = [line.split(": ", 1) for line in head[1:] if line]
    headers = {name.lower(): value for name, value in named}
    body = await reader.readexactly(int(headers["content-length"]))
    return Message(head[0].split()[1], headers, body, asyncio.get_running_loop().time())


@asynccontextmanager
async def receiving(**how: Any) -> AsyncIterator[Receiver]:
    """A receiver on a free port of `host`."""
    receiver = Receiver(**how)
    server = await asyncio.start_server(receiver.serve, receiver.host, receiver.port, backlog=512)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
        await receiver.end()
