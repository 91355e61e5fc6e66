"""How much a request may weigh, how long it may take and how deep its JSON may go."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from gateway.api.problems import Problem

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
# Possessive, and content with a string that never ends: linear whatever is sent.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
# A body may take so long, and for a long one so much longer as it would at so many bytes a second.
BODY_SECONDS = 30.0
LEAST_RATE = 16 * 1024
HANG_UP = {"connection": "close"}


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Problem for one of more than `limit` bytes, and for a slow one."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks, size, more = [], 0, True
    began = asyncio.get_running_loop().time()
    while more:
        message = await _next(receive, began + BODY_SECONDS + size / LEAST_RATE)
        if message["type"] == "http.disconnect":
            raise Problem("malformed_request", "The body never came to its end.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


async def _next(receive: Receive, deadline: float) -> MutableMapping[str, Any]:
    try:
        async with asyncio.timeout_at(deadline):
            return await receive()
    except TimeoutError:
        detail = f"The body took longer than {BODY_SECONDS:g} s and a second for each"
        detail += f" {LEAST_RATE} bytes of it."
        raise Problem("malformed_request", detail, headers=HANG_UP) from None


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"The body is larger than {limit} bytes.")


def check_depth(body: bytes, limit: int) -> None:
    """Raise Problem for JSON that is nested deeper than `limit`."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > limit:
            raise Problem("malformed_request", f"The JSON is nested deeper than {limit}.")
