"""The three callables of ASGI, and how a reply is sent through them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from providers.simulator.wire import Reply, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def send_reply(send: Send, reply: Reply) -> None:
    headers = list(reply.headers)
    if reply.status != 204:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def read_request(scope: Scope, receive: Receive, prefix: str, id_: str) -> Request:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    host = headers.get(b"host", b"localhost").decode("latin-1")
    body = b""
    if b"content-length" in headers or b"transfer-encoding" in headers:
        body = await _read_body(receive)
    return Request(
        method=scope["method"],
        path=scope["path"][len(prefix) :].rstrip("/") or "/",
        base=f"http://{host}{prefix}",
        query_string=scope["query_string"],
        headers=headers,
        body=body,
        id=id_,
    )


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
