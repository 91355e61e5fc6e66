"""A proxy on loopback that breaks what passes between a client and a server, on purpose.

    async with FaultProxy(url, Faults(drop_replies=0.05), seed=7, framing=resp_end) as proxy:
        store = await Store.connect(proxy.url)
        ...
        proxy.faults = Faults()  # from here on all is well
        proxy.freeze()           # nothing moves in either direction until `thaw`
        proxy.cut()              # every connection breaks where it is
        proxy.seen               # how often each fault struck

It stands before a store (`unix://`, `redis://`) or an HTTP server (`http://`); `url` is the same
address with the proxy's place in it. Without `framing` everything that a server sends between
two requests is one reply, which is right for HTTP/1.1; `resp_end` tells a store's replies apart
although they travel together.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from secrets import token_hex
from types import TracebackType
from typing import Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

CHUNK = 65536
LATE_PATIENCE = 1.0
# Where the first reply in the bytes ends; None if it is not whole yet.
Framing = Callable[[bytes], int | None]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong. Shares are of all requests or replies, between 0 and 1; times in seconds.

    A lost request never reaches the server, a late one reaches it `lateness` after the client has
    given up; a dropped reply never reaches the client, a torn one does so by half. After a loss
    the connection is closed, or, in the share `silent` of all cases, stays open and dead. Every
    reply takes `delay` more. A connection that is refused is closed as soon as it is made.
    """

    lose_requests: float = 0
    late_requests: float = 0
    lateness: float = 0.05
    drop_replies: float = 0
    tear_replies: float = 0
    silent: float = 0
    delay: float = 0
    refuse: bool = False


class FaultProxy:
    """Between one server and any number of connections; `faults` may be changed at any time."""

    def __init__(
        self,
        url: str,
        faults: Faults | None = None,
        *,
        seed: int = 7,
        framing: Framing | None = None,
        folder: Path | None = None,
    ) -> None:
        """The socket of a `unix://` proxy is made in `folder`, else beside the server's."""
        self.faults = faults or Faults()
        self.seen: Counter[str] = Counter()
        self.url = ""
        self.framing = framing
        self.moving = asyncio.Event()
        self.moving.set()
        self._upstream = urlsplit(url)
        self._folder = folder
        self._random = Random(seed)
        self._passages: set[Passage] = set()

    async def __aenter__(self) -> Self:
        if self._upstream.scheme == "unix":
            beside = Path(unquote(self._upstream.path))
            place = (self._folder or beside.parent) / f"{token_hex(4)}.sock"
            self._server = await asyncio.start_unix_server(self._accept, place)
            self.url = f"unix://{quote(str(place))}"
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            port = self._server.sockets[0].getsockname()[1]
            self.url = urlunsplit(self._upstream._replace(netloc=f"127.0.0.1:{port}"))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.thaw()
        tasks = [passage.task for passage in self._passages]
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Nothing moves until `thaw`; connections are accepted and stay."""
        self.moving.clear()

    def thaw(self) -> None:
        self.moving.set()

    def cut(self) -> None:
        """Break every connection where it is, in the middle of whatever it carries."""
        for passage in list(self._passages):
            passage.abort()

    def strikes(self, fault: str, share: float) -> bool:
        """Whether the fault happens now; it is counted if so."""
        struck = share > 0 and self._random.random() < share
        self.seen[fault] += struck
        return struck

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen["connections"] += 1
        if self.faults.refuse:
            self.seen["refused"] += 1
            writer.transport.abort()
            return
        try:
            server = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        passage = Passage(self, (reader, writer), server)
        self._passages.add(passage)
        try:
            await passage.carry()
        finally:
            self._passages.discard(passage)

    async def _connect(self) -> Streams:
        if self._upstream.scheme == "unix":
            return await asyncio.open_unix_connection(unquote(self._upstream.path))
        port = self._upstream.port or 80
        return await asyncio.open_connection(self._upstream.hostname, port)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Passage:
    """One connection through the proxy, from its opening to its end."""

    def __init__(self, proxy: FaultProxy, client: Streams, server: Streams) -> None:
        self._proxy = proxy
        self._client_reader, self._client = client
        self._server_reader, self._server = server
        self._asked = self._dead = False
        self._heard = asyncio.Event()
        task = asyncio.current_task()
        assert task is not None
        self.task = task

    async def carry(self) -> None:
        """Until either end hangs up or a fault ends it."""
        ways = [asyncio.create_task(self._ask()), asyncio.create_task(self._answer())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.abort()

    def abort(self) -> None:
        self._client.transport.abort()
        self._server.transport.abort()

    async def _ask(self) -> None:
        while request := await self._read(self._client_reader):
            faults = self._proxy.faults
            if self._dead:
                continue
            if self._proxy.strikes("lost", faults.lose_requests):
                if self._ends(faults):
                    return
            elif self._proxy.strikes("late", faults.late_requests):
                await self._deliver_late(request)
                return
            else:
                self._asked = True
                self._server.write(request)
                await self._server.drain()

    async def _deliver_late(self, request: bytes) -> None:
        """The client gives up and asks again by another way; then the server hears it."""
        self._dead = True
        while await self._read(self._client_reader):
            pass
        await asyncio.sleep(self._proxy.faults.lateness)
        self._server.write(request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LATE_PATIENCE):
                await self._heard.wait()

    async def _answer(self) -> None:
        kept = b""
        while chunk := await self._read(self._server_reader):
            self._heard.set()
            await asyncio.sleep(self._proxy.faults.delay)
            if self._dead:
                continue
            kept += chunk
            while reply := self._first(kept):
                kept = kept[len(reply) :]
                if not await self._pass_on(reply) and not self._dead:
                    return

    def _first(self, kept: bytes) -> bytes:
        if self._proxy.framing is None:
            return kept
        return kept[: self._proxy.framing(kept) or 0]

    async def _pass_on(self, reply: bytes) -> bool:
        """Hand a reply to the client; False if it was not handed over, or not all of it."""
        faults, torn = self._proxy.faults, False
        if self._dead:
            return False
        if self._begins_reply():
            self._proxy.seen["replies"] += 1
            if self._proxy.strikes("dropped", faults.drop_replies):
                self._ends(faults)
                return False
            torn = self._proxy.strikes("torn", faults.tear_replies)
        self._client.write(reply[: len(reply) // 2] if torn else reply)
        await self._client.drain()
        return not torn

    def _begins_reply(self) -> bool:
        """Without framing, only the first bytes after a request do."""
        begins = self._asked or self._proxy.framing is not None
        self._asked = False
        return begins

    def _ends(self, faults: Faults) -> bool:
        """Nothing gets through any more; True if the connection is to be closed for it."""
        self._dead = self._proxy.strikes("silent", faults.silent)
        return not self._dead

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """The next bytes; none once the other end has hung up."""
        try:
            chunk = await reader.read(CHUNK)
        except OSError:
            return b""
        await self._proxy.moving.wait()
        return chunk


def resp_end(data: bytes, at: int = 0) -> int | None:
    """Where the reply of a Redis or Valkey server that begins at `at` ends; RESP 2."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, size, end = data[at : at + 1], data[at + 1 : line], line + 2
    if kind == b"$" and size != b"-1":
        end += int(size) + 2
        return end if end <= len(data) else None
    if kind != b"*":
        return end
    for _ in range(int(size)):
        found = resp_end(data, end)
        if found is None:
            return None
        end = found
    return end
