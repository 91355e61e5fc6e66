"""Who a caller is, from the key in the request."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass

from gateway.store.connection import StoreDown
from gateway.vault.keys import SCOPES, digest_of, key_id_of
from gateway.vault.passes import read_pass
from gateway.vault.roster import DEFAULT_TEAM, FOREVER, Key, Roster, live_until

FRESH = 0.5
STALE = 60.0
REMEMBERED = 10_000


@dataclass(frozen=True)
class Identity:
    """`key` is '' for the bootstrap key, which only a restart can change."""

    team: str
    key: str
    scopes: frozenset[str]


class Authenticator:
    """Recognises keys; remembers them for FRESH seconds, STALE while the store is away."""

    def __init__(self, roster: Roster, bootstrap_key: str | None):
        self._roster = roster
        self._bootstrap = digest_of(bootstrap_key) if bootstrap_key else None
        self._known: OrderedDict[str, tuple[float, Key]] = OrderedDict()

    async def identify(self, text: str) -> Identity | None:
        """None for unknown, expired and revoked alike. Raises StoreDown."""
        digest = digest_of(text)
        if self._bootstrap and hmac.compare_digest(digest, self._bootstrap):
            return Identity(DEFAULT_TEAM, "", frozenset(SCOPES))
        name = key_id_of(text)
        if name is None:
            return None
        key = await self._find(name, digest)
        if key is None or _dies_at(key, digest) <= time.time() * 1000:
            return None
        return Identity(key.team_id, key.id, frozenset(key.scopes))

    async def identify_pass(self, text: str, secret: bytes) -> Identity | None:
        """Whose token this is; None too once its key was revoked. Raises StoreDown."""
        found = read_pass(text)
        if found is None:
            return None
        if not found.key:
            held = self._bootstrap
            good = held is not None and found.proves(held, secret)
            return Identity(DEFAULT_TEAM, "", frozenset(SCOPES)) if good else None
        key = await self._roster.key(found.key)
        now = time.time() * 1000
        for digest in (key.digest, *(old.digest for old in key.retired)) if key else ():
            if found.proves(digest, secret) and key and _dies_at(key, digest) > now:
                return Identity(key.team_id, key.id, frozenset(key.scopes))
        return None

    async def _find(self, name: str, digest: str) -> Key | None:
        now = time.monotonic()
        seen = self._known.get(digest)
        if seen and now - seen[0] < FRESH:
            return seen[1]
        try:
            key = await self._roster.key(name)
        except StoreDown:
            if seen and now - seen[0] < STALE:
                return seen[1]
            raise
        self._known.pop(digest, None)
        # What is refused is not remembered: it would be refused sooner than what is unknown.
        if key is not None and _dies_at(key, digest) > time.time() * 1000:
            self._known[digest] = (now, key)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return key


def _dies_at(key: Key, digest: str) -> int:
    """Until when the text of `digest` is `key`, in milliseconds of the epoch; 0: it never was."""
    end = FOREVER if hmac.compare_digest(key.digest, digest) else 0
    for old in key.retired:
        if hmac.compare_digest(old.digest, digest):
            end = old.until
    return min(end, live_until(key))
