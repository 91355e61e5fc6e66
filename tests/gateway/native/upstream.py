"""A provider made of a raw socket: it keeps the bytes it was sent, and says what it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

Speech = Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Upstream:
    """`heads` and `bodies` of the requests that came; `answer` is said to each of them."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: bytes | Speech = OK
    connections: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def line(self) -> bytes:
        """The latest request line."""
        return self.heads[-1].split(b"\r\n")[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        rows = [row.partition(b": ") for row in self.heads[-1].split(b"\r\n")[1:] if row]
        return [(name.lower(), value) for name, _, value in rows]

    def header(self, name: bytes) -> bytes | None:
        return next((value for known, value in self.headers if known == name), None)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                size = self.header(b"content-length")
                self.bodies.append(await reader.readexactly(int(size or 0)))
                if isinstance(self.answer, bytes):
                    writer.write(self.answer)
                    await writer.drain()
                else:
                    await self.answer(writer)
                    break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def running_upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base/v2"
    try:
        yield upstream
    finally:
        upstream.over.set()
        server.close()
        await server.wait_closed()
