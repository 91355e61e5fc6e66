"""A request for a provider's own API: as it was sent, and as it goes on without any key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus

from gateway.api.native import framing, keys
from gateway.api.native.contents import Contents, read
from gateway.api.native.persons import AT_ONCE
from gateway.api.problems import Problem
from providers.native import NativeApi
from providers.relay import Header, Outgoing


@dataclass(frozen=True)
class NativeRequest:
    """`path` follows the provider's base URL; it and the query are still encoded."""

    method: str
    provider: str
    api: NativeApi
    path: bytes
    query: bytes = field(repr=False)
    headers: list[Header] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def media(self) -> str:
        found = (value for name, value in self.headers if name == b"content-type")
        return next(found, b"").decode("latin-1").strip()

    @property
    def account(self) -> str | None:
        """Which of the provider's accounts is asked for."""
        header = (value for name, value in self.headers if name == keys.ACCOUNT_HEADER)
        asked = [v.decode() for v in header] + keys.fields_in(self.query, (keys.ACCOUNT_FIELD,))
        return asked[0] if asked else None

    def keys_in_head(self) -> list[str]:
        return keys.keys_in_head(self.api, self.headers, self.query)

    async def keys_in_body(self) -> list[str]:
        if not self.api.body_keys or not self.body:
            return []
        found = (await self.contents()).likely
        return [str(found[name]) for name in self.api.body_keys if name in found]

    def without_keys(self) -> NativeRequest:
        names = (*self.api.query_keys, keys.ACCOUNT_FIELD)
        return replace(
            self,
            headers=framing.to_request_headers(self.headers),
            query=keys.cut_query(self.query, names),
            body=keys.cut_body(self.body, self.media, self.api.body_keys),
        )

    async def contents(self) -> Contents:
        """In a thread if there is much to read."""
        parts = (self.method, self.path, self.query, self.body, self.media)
        if len(self.query) + len(self.body) <= AT_ONCE:
            return read(*parts)
        return await asyncio.to_thread(read, *parts)

    def to_outgoing(self) -> Outgoing:
        target = self.path + (b"?" + self.query if self.query else b"")
        return Outgoing(self.method, target, self.headers, self.body)

    def check_leak(self, contents: Contents, key: str) -> None:
        """Raise Problem if a key of the gateway stands where no client of the provider puts it."""
        values = (value.decode() for _, value in self.headers)
        told = "\n".join((*contents.texts, *values, *map(unquote_plus, contents.texts)))
        if keys.KEY_LIKE.search(told) or (key and key in told):
            raise Problem(
                "malformed_request",
                "A key of the gateway stands where this provider's clients put none; it would"
                " have reached the provider.",
            )
