"""Who takes for ever to send is not waited for, and no number of callers is too many."""

from __future__ import annotations

import asyncio
import math
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from gateway.api import bounds, protocol
from gateway.api.bounds import read_body
from gateway.api.problems import Problem
from gateway.api.room import SHARE, Room
from gateway.store.connection import Store
from tests.gateway.api.raw_server import raw_server
from tests.gateway.api.replies import check_raw_problem, eventually, send_bytes
from tests.gateway.conftest import ADMIN_KEY

SHORT, FOREVER = 0.2, 3600.0
SIGNED = f"Authorization: Bearer {ADMIN_KEY}\r\nHost: x\r\n".encode()
JSON = b"Content-Type: application/json\r\nContent-Length: 60\r\n\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
FIND = b"POST /v1/emails/find HTTP/1.1\r\n" + SIGNED + JSON


@pytest.fixture
async def url(store: Store, store_url: str) -> AsyncIterator[str]:
    async with raw_server(store_url) as url:
        yield url


@asynccontextmanager
async def caller(url: str, said: bytes = b"") -> AsyncIterator[Any]:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(said)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.transport.abort()


async def reply(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(size)


async def test_a_head_has_its_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SHORT)
    answer = await send_bytes(url, b"GET /livez HTTP/1.1\r\nHost:")
    check_raw_problem(answer, 400, "malformed_request")
    assert b"longer than 0.2 s" in answer[2]
    for silent in (b"", b"\r\n"):
        async with caller(url, silent) as (reader, _):
            assert await reader.read() == b""


async def test_a_head_on_a_connection_in_use_has_its_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with caller(url, LIVEZ) as (reader, writer):
        assert b" 200 " in await reply(reader)
        monkeypatch.setattr(protocol, "HEAD_SECONDS", SHORT)
        writer.write(LIVEZ[:9])
        assert b"longer than 0.2 s" in await reader.read()


async def test_a_body_that_was_answered_already_has_its_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SHORT)
    async with caller(url, b"POST /v1/emails/find HTTP/1.1\r\nHost: x\r\n" + JSON) as (
        reader,
        writer,
    ):
        assert b" 401 " in await reply(reader)
        writer.write(b"{")
        assert await reader.read() == b""


async def test_a_request_outlives_the_time_of_its_head(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SHORT)
    async with caller(url, FIND) as (reader, writer):
        await asyncio.sleep(2 * SHORT)
        writer.write(b" " * 58 + b"{}")
        assert b" 422 " in await reply(reader)


@pytest.mark.parametrize(
    "head",
    [
        FIND,
        b"POST /hooks/snov/token HTTP/1.1\r\nHost: x\r\n" + JSON,
        b"POST /native/snov/v1/oauth/access_token HTTP/1.1\r\nHost: x\r\n" + JSON,
    ],
    ids=["lookup", "hook", "native"],
)
async def test_a_body_has_its_time(url: str, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(bounds, "BODY_SECONDS", SHORT)
    answer = await send_bytes(url, head + b"{")
    check_raw_problem(answer, 400, "malformed_request")
    assert answer[1]["connection"] == "close"
    assert b"longer than 0.2 s" in answer[2]


async def test_a_long_body_has_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "BODY_SECONDS", SHORT)
    monkeypatch.setattr(bounds, "LEAST_RATE", 1)
    came = iter([(0.0, 60), (2 * SHORT, 0), (FOREVER, 0)])

    async def receive() -> dict[str, Any]:
        seconds, size = next(came)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": b"x" * size, "more_body": size > 0}

    assert await read_body({}, receive, 100) == b"x" * 60
    with pytest.raises(Problem, match="malformed_request"):
        await read_body({}, receive, 100)


async def test_who_was_idle_the_longest_makes_way(store: Store, store_url: str) -> None:
    async with raw_server(store_url, Room(2)) as url, AsyncExitStack() as stack:
        first, _ = await stack.enter_async_context(caller(url, LIVEZ))
        assert b" 200 " in await reply(first)
        second, writer = await stack.enter_async_context(caller(url, LIVEZ))
        assert b" 200 " in await reply(second)
        third, _ = await stack.enter_async_context(caller(url, LIVEZ))
        assert b" 200 " in await reply(third)
        assert await first.read() == b""
        writer.write(LIVEZ)
        assert b" 200 " in await reply(second)


async def test_who_is_served_does_not_make_way(store: Store, store_url: str) -> None:
    async with raw_server(store_url, Room(2)) as url, AsyncExitStack() as stack:
        head = FIND.replace(b"Host", b"Expect: 100-continue\r\nHost")
        busy = [await stack.enter_async_context(caller(url, head)) for _ in range(2)]
        for reader, _ in busy:
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
        refused = await send_bytes(url, b"")
        check_raw_problem(refused, 429, "rate_limited")
        assert refused[1]["retry-after"] == "1"
        for reader, writer in busy:
            writer.write(b" " * 58 + b"{}")
            assert b" 422 " in await reply(reader)
        async with caller(url, LIVEZ) as (reader, _):
            assert b" 200 " in await reply(reader)


@pytest.mark.parametrize("soft, hard", [(256, 1024), (256, 256)])
def test_the_room_is_what_the_system_allows(soft: int, hard: int) -> None:
    code = f"""if True:
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
        from gateway.api.room import make_room
        print(make_room()._size, *resource.getrlimit(resource.RLIMIT_NOFILE))
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert list(map(int, ended.stdout.split())) == [math.floor(hard * SHARE), hard, hard]


async def test_who_reads_nothing_makes_way(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies that nobody takes, to requests sent at once and without a key."""
    monkeypatch.setattr(protocol, "READ_SECONDS", SHORT)
    loop = asyncio.get_running_loop()
    async with raw_server(store_url, Room(1)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await loop.sock_connect(deaf, (host, int(port)))
            await loop.sock_sendall(deaf, LIVEZ.replace(b"livez", b"openapi.json") * 100)
            await loop.sock_recv(deaf, 1)

            async def is_free() -> bool:
                return (await send_bytes(url, LIVEZ.replace(b"x", b"x\r\nConnection: close")))[
                    0
                ] == 200

            await eventually(is_free)
