"""Callers' keys: `pgw_<id>_<secret><checksum>`, kept as hashes."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

from msgspec import Struct

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
SECRET_LENGTH = 32
SCOPES = ("lookup", "jobs", "accounts:read", "accounts:write", "native", "usage", "admin")
_SHAPE = re.compile(r"pgw_([0-9a-f]{12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})")


class NewKey(Struct, frozen=True):
    id: str
    text: str
    digest: str

    def __repr__(self) -> str:
        return f"NewKey({self.id})"


def make_key(name: str | None = None) -> NewKey:
    """A key of some 184 random bits, or a new text for the key `name`.

    The text is shown once and never kept.
    """
    name = name or secrets.token_hex(6)
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    text = f"pgw_{name}_{secret}{_checksum(name + secret)}"
    return NewKey(name, text, digest_of(text))


def key_id_of(text: str) -> str | None:
    """The id in a well-formed key, None for anything else; costs no store call."""
    found = _SHAPE.fullmatch(text)
    if found is None or _checksum(found[1] + found[2]) != found[3]:
        return None
    return found[1]


def digest_of(text: str) -> str:
    """What is kept of a key: its secret has too many bits for a slow hash to add anything."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, len(ALPHABET))
        digits += ALPHABET[rest]
    return digits
