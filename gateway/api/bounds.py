"""How much a request may weigh and how deep its JSON may go."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from gateway.api.problems import Problem

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
# Possessive, and content with a string that never ends: linear whatever is sent.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The whole body. Raises Problem for one of more than `limit` bytes, said or sent."""
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("malformed_request", "The body never came to its end.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


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
