"""Who a caller is, from the key in the request."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.store.connection import StoreDown
from gateway.vault.keys import SCOPES, digest_of, key_id_of
from gateway.vault.passes import Pass, read_pass
from gateway.vault.roster import DEFAULT_TEAM, FOREVER, Key, Roster, live_until

FRESH = 0.5
STALE = 60.0
REMEMBERED = 10_000

# Until when a text stands for a key, in milliseconds of the epoch; 0: it does not.
Dies = Callable[[Key], int]


@dataclass(frozen=True)
class Identity:
    """`key` is '' for the bootstrap key, which only a restart can change."""

    team: str
    key: str
    scopes: frozenset[str]


class Authenticator:
    """Remembers keys for FRESH seconds; them and passes for STALE while the store is away."""

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
        return await self._find(name, digest, lambda key: _dies_at(key, digest))

    async def identify_pass(self, text: str, secret: bytes) -> Identity | None:
        """Whose token this is; None too once its key was revoked. Raises StoreDown."""
        found = read_pass(text)
        if found is None:
            return None
        if not found.key:
            held = self._bootstrap
            good = held is not None and found.proves(held, secret)
            return Identity(DEFAULT_TEAM, "", frozenset(SCOPES)) if good else None

        def dies(key: Key) -> int:
            return _dies_with(key, found, secret)

        return await self._find(found.key, digest_of(text), dies, fresh=False)

    async def _find(
        self, name: str, digest: str, dies: Dies, *, fresh: bool = True
    ) -> Identity | None:
        """Who sent the text of `digest`, which `dies` says how long is good for a key.

        What is remembered is taken while it is fresh, or else only without the store.
        """
        key = await self._key(name, digest, dies, fresh=fresh)
        if key is None or dies(key) <= time.time() * 1000:
            return None
        return Identity(key.team_id, key.id, frozenset(key.scopes))

    async def _key(self, name: str, digest: str, dies: Dies, *, fresh: bool) -> Key | None:
        now = time.monotonic()
        seen = self._known.get(digest)
        if fresh and seen and now - seen[0] < FRESH:
            return seen[1]
        try:
            key = await self._roster.key(name)
        except StoreDown:
            if seen and now - seen[0] < STALE:
                return seen[1]
            raise
        self._known.pop(digest, None)
        # What is refused is not remembered: it would be refused sooner than what is unknown.
        if key is not None and dies(key) > time.time() * 1000:
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


def _dies_with(key: Key, found: Pass, secret: bytes) -> int:
    """Until when the pass stands for `key`; 0 if it was made for none of its texts."""
    digests = (key.digest, *(old.digest for old in key.retired))
    return max(_dies_at(key, digest) if found.proves(digest, secret) else 0 for digest in digests)
