"""What is kept of lookups' decisions, so that each can be made again and explained."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gateway.lookup.planning.record import Trace, encode_ratings, replay
from gateway.lookup.planning.terms import Rating
from gateway.money.terms import Memo
from gateway.store.connection import Store


class End(Struct, frozen=True, array_like=True):
    """What came of a provider's turn."""

    provider: str
    outcome: str
    reason: str
    cached: bool


class Chronicle(Struct, frozen=True, array_like=True):
    """One lookup; `digests` are of its decisions when they were made, `at` in ms."""

    operation: str
    at: int
    trace: Trace
    digests: tuple[bytes, ...]
    ends: tuple[End, ...]

    def is_replayed(self) -> bool:
        """Whether each decision, made again from what is kept, is what it was, byte for byte."""
        return self.digests == tuple(map(_digest, replay(self.trace)))


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decoder = msgspec.msgpack.Decoder(Chronicle)


def encode(chronicle: Chronicle) -> bytes:
    return _encode(chronicle)


def digest(ratings: Sequence[Rating]) -> bytes:
    """By which a decision that is made again is known to be the same."""
    return _digest(encode_ratings(ratings))


def _digest(decision: bytes) -> bytes:
    return hashlib.blake2b(decision, digest_size=8).digest()


def name_of(team: str, request_id: str) -> str:
    return f"{team}:{request_id}"


class Chronicles:
    """As the store keeps them. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root

    async def load(self, team: str, request_id: str) -> Chronicle | None:
        """None if there is none, or none any more."""
        body = await self._store.call("GET", f"{self._root}trace:{name_of(team, request_id)}")
        return None if body is None else _decoder.decode(body)

    async def keep(self, memo: Memo, body: bytes, at: int) -> None:
        """For a lookup that settled nothing; the next that does keeps their number."""
        await self._store.call("SET", f"{self._root}trace:{memo.name}", body, "PX", memo.life)
        await self._store.call("ZADD", f"{self._root}traced", at, memo.name)
