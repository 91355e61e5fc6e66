"""A reply that is bytes already: two messages, none of the framework's own work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar.response.base import ASGIResponse

JSON = b"application/json"


class Encoded(ASGIResponse):
    """Sends `body` as it is; header names are lower-case."""

    def __init__(
        self,
        body: bytes,
        *,
        status_code: int = 200,
        media_type: bytes = JSON,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.body = body
        self.status_code = status_code
        self.named = tuple(headers)
        self.encoded = [
            (b"content-type", media_type),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode("latin-1")) for name, value in self.named),
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.encoded,
        }
        await send(start)
        await send({"type": "http.response.body", "body": self.body})
