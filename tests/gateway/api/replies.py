"""What every failure must look like, asserted in one place; raw exchanges over a socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec

MEMBERS = {"type", "title", "status", "detail", "code", "request_id", "errors"}
LEAKS = re.compile(r"Traceback|\.py\b|File \"|0x[0-9a-f]{8}")


def problem_of(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in a reply, once it is one in every respect."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    check_problem(body, status, code, reply.headers["x-request-id"])
    return body


def check_problem(body: dict[str, Any], status: int, code: str, request_id: str) -> None:
    assert set(body) >= MEMBERS, body
    assert (body["status"], body["code"]) == (status, code), body
    assert body["request_id"] == request_id
    assert all(
        isinstance(body[name], str) and body[name] for name in MEMBERS - {"status", "errors"}
    )
    assert body["errors"], body
    for fault in body["errors"]:
        assert set(fault) >= {"id", "code", "details"}, fault
        assert fault["code"] == status
    assert not LEAKS.search(str(body)), body


def pointers(reply: httpx.Response) -> list[str]:
    """Where a 422 says it hurts."""
    body = problem_of(reply, 422, reply.json()["code"])
    return [fault["pointer"] for fault in body["errors"] if fault["pointer"] is not None]


async def eventually(probe: Callable[[], Awaitable[bool]]) -> float:
    """Seconds until `probe` holds, 30 at most."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(3000):
        if await probe():
            return loop.time() - began
        assert loop.time() - began < 30
        await asyncio.sleep(0.01)
    raise AssertionError("never")


async def send_bytes(url: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of whatever a server says to these bytes."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(20):
            raw = await reader.read()
    finally:
        writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


def check_raw_problem(answer: tuple[int, dict[str, str], bytes], status: int, code: str) -> None:
    found, headers, body = answer
    assert found == status, body
    assert headers["content-type"] == "application/problem+json"
    check_problem(msgspec.json.decode(body), status, code, headers["x-request-id"])
