"""What a provider says oddly, and a caller takes slowly, spoils no reply and no breaker."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from gateway.lookup import transit
from tests.gateway.conftest import ADMIN_KEY
from tests.gateway.native.harness import Native
from tests.gateway.native.upstream import OK, Upstream

ASKED = f"GET /native/hunter/account HTTP/1.1\r\nHost: x\r\nX-API-Key: {ADMIN_KEY}\r\n\r\n"


async def test_a_header_that_nobody_can_send_ends_no_reply(
    raw: Native, upstream: Upstream
) -> None:
    odd = b"X-Odd: a\x01b\r\nX-Del: a\x7f\r\nX-Fine: 1\r\nContent-Type"
    upstream.answer = OK.replace(b"Content-Type", odd)
    reply = await raw.ask("GET", "hunter", "/account")
    assert (reply.status_code, reply.content, reply.headers["x-fine"]) == (200, b"{}", "1")
    assert {"x-odd", "x-del"}.isdisjoint(reply.headers)


async def test_a_slow_caller_is_held_against_no_provider(
    raw: Native, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transit, "LONGEST", 0.2)
    size = 32 * 2**20

    async def tell(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // 65536):
            writer.write(bytes(65536))
            await writer.drain()

    upstream.answer = tell
    loop, (host, port) = asyncio.get_running_loop(), raw.gateway.url[7:].split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        await loop.sock_connect(slow, (host, int(port)))
        await loop.sock_sendall(slow, ASKED.encode())
        await loop.sock_recv(slow, 1)
        await asyncio.sleep(0.5)
        with contextlib.suppress(ConnectionError):
            while await loop.sock_recv(slow, 2**20):
                pass
    await raw.until_settled()
    assert [key async for key in raw.store.scan("{pgw}:live:breaker:*")] == []
