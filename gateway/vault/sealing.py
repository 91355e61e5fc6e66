"""Envelope encryption: AES-256-GCM under a master key named in the ciphertext."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class SealBroken(Exception):
    """A ciphertext that none of the master keys opens, or that belongs elsewhere."""


class Sealer:
    """Seals with the newest master key, opens with any; keys are 32 bytes, newest first."""

    def __init__(self, master_keys: Sequence[bytes]):
        self._keys = {key_id(key): AESGCM(key) for key in master_keys}
        self.newest = key_id(master_keys[0])

    def __len__(self) -> int:
        return len(self._keys)

    def is_newest(self, sealed: bytes) -> bool:
        """Whether a ciphertext needs none of the older keys."""
        return sealed.partition(b".")[0] == self.newest.encode()

    def seal(self, secret: bytes, *, place: str) -> bytes:
        """Ciphertext bound to `place`, so that two rows can't be swapped."""
        nonce = os.urandom(NONCE)
        sealed = self._keys[self.newest].encrypt(nonce, secret, place.encode())
        return self.newest.encode() + b"." + nonce + sealed

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """The secret. Raises SealBroken, naming the master key that is missing."""
        name, _, rest = sealed.partition(b".")
        key = self._keys.get(name.decode(errors="replace"))
        if key is None:
            shown = name[:8].decode(errors="replace")
            raise SealBroken(f"master key {shown} is needed for {place} and is not configured")
        try:
            return key.decrypt(rest[:NONCE], rest[NONCE:], place.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"the ciphertext of {place} is damaged or not its own") from None


def key_id(key: bytes) -> str:
    """Eight hex digits that name a master key without telling it."""
    return hashlib.sha256(b"prospecting-gateway master key\0" + key).hexdigest()[:8]
