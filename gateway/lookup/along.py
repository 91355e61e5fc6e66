"""What is done with a reply while it passes: kept for its price, and secrets covered."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import msgspec

from providers.base import MAX_REPLY_BYTES
from providers.errors import MalformedResponse
from providers.relay import Header

# Shorter texts turn up in any reply by chance, and are no secrets worth the name.
LEAST_SECRET = 8


def header_of(headers: Iterable[Header], name: bytes) -> bytes:
    return next((value for known, value in headers if known == name), b"")


class Copy:
    """At most `most` bytes of a reply, to read once it has passed."""

    def __init__(self, headers: Iterable[Header], most: int):
        self._coding = header_of(headers, b"content-encoding").strip().lower()
        self._most = most
        self._chunks: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size <= self._most:
            self._chunks.append(chunk)

    def glance(self) -> bytes:
        """As much as there is and can be read, to see why a call was refused."""
        try:
            return self._plain()
        except (zlib.error, MalformedResponse):
            return b""

    def decoded(self) -> Any:
        """The reply's JSON. Raises MsgspecError, zlib.error, MalformedResponse."""
        if self._size > self._most:
            raise MalformedResponse("the reply is too large")
        return msgspec.json.decode(self._plain())

    def _plain(self) -> bytes:
        body = b"".join(self._chunks)
        if self._coding in (b"", b"identity"):
            return body
        inflated = zlib.decompressobj(zlib.MAX_WBITS | 32)
        plain = inflated.decompress(body, MAX_REPLY_BYTES)
        if inflated.unconsumed_tail:
            raise MalformedResponse("the reply is too large")
        return plain


class Veil:
    """Covers the secrets in what passes, byte for byte, however they are cut into chunks."""

    def __init__(self, secrets: Iterable[bytes]):
        self._secrets = [secret for secret in secrets if len(secret) >= LEAST_SECRET]
        self._held = b""

    def cover(self, text: bytes) -> bytes:
        for secret in self._secrets:
            text = text.replace(secret, b"*" * len(secret))
        return text

    def feed(self, chunk: bytes) -> bytes:
        """What may be shown by now; what may be the beginning of a secret waits."""
        text = self.cover(self._held + chunk)
        shown = len(text) - max((_begun(text, secret) for secret in self._secrets), default=0)
        self._held = text[shown:]
        return text[:shown]

    def rest(self) -> bytes:
        held, self._held = self._held, b""
        return held


def _begun(text: bytes, secret: bytes) -> int:
    """How much of `secret` the text ends with."""
    longest = min(len(secret) - 1, len(text))
    return next((n for n in range(longest, 0, -1) if text.endswith(secret[:n])), 0)
