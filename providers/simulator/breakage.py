"""Answers that break on their way: written past the server, straight to the connection."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from providers.simulator.asgi import Receive, Send, send_reply
from providers.simulator.faults import Fault
from providers.simulator.wire import JSON_HEADER, Reply

HTML = Reply(
    200,
    b"<!doctype html><html><body><h1>We will be right back</h1></body></html>",
    ((b"content-type", b"text/html; charset=utf-8"),),
)
GARBAGE = Reply(200, bytes(range(128, 256)) + b"}{][" * 8)
DEEP = Reply(200, b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", (JSON_HEADER,))
EMPTY = Reply(200)
BOMB_BYTES = 256 * 1024 * 1024


def replacement(fault: Fault, refusal: Reply) -> Reply:
    """The reply sent instead of an answer."""
    match fault.kind:
        case "html":
            return HTML
        case "garbage":
            return GARBAGE
        case "deep":
            return DEEP
        case "empty_body":
            return EMPTY
        case _:
            return Reply(refusal.status, refusal.body, refusal.headers + _retry_after(fault))


def _retry_after(fault: Fault) -> tuple[tuple[bytes, bytes], ...]:
    value = fault.retry_after
    if value is None:
        return ()
    if fault.as_date and not isinstance(value, str):
        value = format_datetime(datetime.now(UTC) + timedelta(seconds=value), usegmt=True)
    return (
        (
            b"retry-after",
            f"{value:g}".encode() if isinstance(value, float) else str(value).encode(),
        ),
    )


async def deliver(fault: Fault, reply: Reply, receive: Receive, send: Send) -> None:
    """Send the reply the way the fault wants it."""
    match fault.kind:
        case "hang":
            await _hang(fault, receive, send)
        case "close" | "charge_without_reply":
            await _cut(send, receive)
        case "reset":
            await _write(send, _head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
            await _cut(send, receive, reset=True)
        case "wrong_length":
            await _write(send, _head(reply, max(0, len(reply.body) + fault.bytes)) + reply.body)
            await _cut(send, receive)
        case "truncated":
            half = reply.body[: max(1, len(reply.body) // 2)]
            await send_reply(send, Reply(reply.status, half, reply.headers))
        case "slow":
            await asyncio.sleep(1.0 if fault.seconds is None else fault.seconds)
            await send_reply(send, reply)
        case "drip":
            await _drip(fault, reply, receive, send)
        case "bomb":
            await send_reply(send, _bomb())
        case "endless":
            await _endless(reply, send)
        case _:
            await send_reply(send, reply)


def _head(reply: Reply, length: int) -> bytes:
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {reply.status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in reply.headers]
    return b"\r\n".join([*lines, b"content-length: %d" % length, b"", b""])


def _transport(send: Send) -> asyncio.Transport:
    """The server hands over a bound method of the object that owns the connection."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport


async def _write(send: Send, data: bytes) -> None:
    _transport(send).write(data)
    # One turn of the loop, so that the bytes are on their way before what comes next.
    await asyncio.sleep(0.005)


async def _cut(send: Send, receive: Receive, *, reset: bool = False) -> None:
    """Close the connection, or reset it, and wait until the server has noticed."""
    transport = _transport(send)
    if reset:
        connection: Any = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang(fault: Fault, receive: Receive, send: Send) -> None:
    """Until the caller gives up, or the time set is over and the connection is closed."""
    try:
        async with asyncio.timeout(fault.seconds):
            await _until_gone(receive)
    except TimeoutError:
        await _cut(send, receive)


async def _drip(fault: Fault, reply: Reply, receive: Receive, send: Send) -> None:
    pause = 0.05 if fault.seconds is None else fault.seconds
    headers = [*reply.headers, (b"content-length", str(len(reply.body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for index in range(len(reply.body)):
        more = index + 1 < len(reply.body)
        byte = reply.body[index : index + 1]
        await send({"type": "http.response.body", "body": byte, "more_body": more})
        await asyncio.sleep(pause if more else 0)


@lru_cache(maxsize=1)
def _bomb() -> Reply:
    """A quarter of a gigabyte in a quarter of a megabyte."""
    packer, block = zlib.compressobj(9, wbits=31), b" " * (1 << 20)
    parts = [packer.compress(b'{"data": "')]
    parts += [packer.compress(block) for _ in range(BOMB_BYTES >> 20)]
    parts += [packer.compress(b'"}'), packer.flush()]
    return Reply(200, b"".join(parts), (JSON_HEADER, (b"content-encoding", b"gzip")))


async def _endless(reply: Reply, send: Send) -> None:
    """Until the caller closes; the server drops what is sent after that."""
    await send({"type": "http.response.start", "status": 200, "headers": list(reply.headers)})
    transport, block = _transport(send), b" " * 65536
    while not transport.is_closing():
        await send({"type": "http.response.body", "body": block, "more_body": True})
        await asyncio.sleep(0)
