"""Tokens that stand for a caller's key for an hour: stateless, and dead with their key."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from msgspec import Struct

LIFE = 3600
# The bootstrap key has no id.
NO_ID = "0" * 12
_SHAPE = re.compile(r"pgt_([0-9a-f]{12})_([0-9]{10})_([0-9a-f]{40})")


class Pass(Struct, frozen=True):
    """A token as it claims to be; nothing of it is proven but by `proves`."""

    key: str
    expires: int
    proof: str

    def proves(self, digest: str, secret: bytes) -> bool:
        """Whether it was made for the key text of `digest`."""
        return hmac.compare_digest(self.proof, _proof(self.key, self.expires, digest, secret))


def make_pass(key: str, digest: str, secret: bytes) -> str:
    """A token for the key `key` ('' for the bootstrap key) as long as its text has `digest`."""
    expires = int(time.time()) + LIFE
    return f"pgt_{key or NO_ID}_{expires}_{_proof(key, expires, digest, secret)}"


def read_pass(text: str) -> Pass | None:
    """None for what is no token, or one whose time is over."""
    found = _SHAPE.fullmatch(text)
    if found is None or int(found[2]) <= time.time():
        return None
    return Pass("" if found[1] == NO_ID else found[1], int(found[2]), found[3])


def _proof(key: str, expires: int, digest: str, secret: bytes) -> str:
    told = f"{key}.{expires}.{digest}".encode()
    return hashlib.blake2b(told, digest_size=20, key=secret, person=b"native pass").hexdigest()
