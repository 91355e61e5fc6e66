"""Opaque, signed positions in a list."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time

import msgspec
from msgspec import Struct

from gateway.lookup.identity import QueryError
from gateway.vault.datakey import DataKey

LIFE = 24 * 3600
SIGNATURE = 16


class Cursor(Struct, array_like=True):
    """Where a list goes on: for whom, of what, with whom; `expires` in epoch seconds.

    `skip` are the rows of the answer at `after` that were served before.
    """

    team: str
    operation: str
    query: str
    provider: str
    credential: str
    after: str
    expires: int
    skip: int = 0


class Cursors:
    """Makes and reads cursors under one key."""

    def __init__(self, key: DataKey):
        self._key = key

    def make(self, cursor: Cursor) -> str:
        body = msgspec.msgpack.encode(cursor)
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def read(self, text: str, *, team: str, operation: str, query: str) -> Cursor:
        """The cursor, if it is ours, alive and for this question. Raises QueryError."""
        cursor = self._open(text)
        fits = cursor and (cursor.team, cursor.operation, cursor.query) == (team, operation, query)
        if cursor is None or not fits:
            raise QueryError("/cursor", "is not a cursor of this list and query")
        if cursor.expires < time.time():
            raise QueryError("/cursor", "is older than 24 hours; start the list again")
        return cursor

    def _open(self, text: str) -> Cursor | None:
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if not hmac.compare_digest(raw[:SIGNATURE], self._sign(raw[SIGNATURE:])):
                return None
            return msgspec.msgpack.decode(raw[SIGNATURE:], type=Cursor)
        except (ValueError, msgspec.MsgspecError):
            return None

    def _sign(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=SIGNATURE, key=self._key.value).digest()


def fingerprint(canonical: bytes) -> str:
    """A short name of a query for its cursors."""
    return hashlib.blake2b(canonical, digest_size=12).hexdigest()


def expiry() -> int:
    return int(time.time()) + LIFE
