"""Where a team's events are sent, and the secrets that they are signed with."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.store.connection import Script, Store
from gateway.telemetry.log import register_secrets
from gateway.vault.sealing import Sealer

Event = Literal["job.completed", "job.item.completed", "budget.threshold", "campaign.event"]
MOST = 50
SECRET_BYTES = 32
RETIRED_KEPT = 5
INLINE = "inline"
ROOTS = ("{pgw}:live:", "{pgw}:sandbox:")
FIELDS = ("team", "url", "events", "enabled", "reason", "created_at")

ADD = Script.of(
    "add_endpoint",
    "local root = KEYS[1] local of = root .. 'endpoints:of:' .. ARGV[2] "
    "if redis.call('SCARD', of) >= tonumber(ARGV[3]) then return 0 end "
    "redis.call('HSET', root .. 'endpoint:' .. ARGV[1], unpack(ARGV, 4)) "
    "redis.call('SADD', of, ARGV[1]) redis.call('SADD', root .. 'endpoints', ARGV[1]) return 1",
)
# A change does not bring back what was deleted meanwhile.
CHANGE = Script.of(
    "change_endpoint",
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end "
    "if #ARGV > 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end return 1",
)
MAKE_INLINE = Script.of(
    "make_inline_secret",
    "if redis.call('HSETNX', KEYS[1], 'sealed', ARGV[2]) == 1 then "
    "redis.call('HSET', KEYS[1], 'created_at', ARGV[3]) redis.call('SADD', KEYS[2], ARGV[1]) end "
    "return redis.call('HGET', KEYS[1], 'sealed')",
)
# Only if it is still what was opened: of two rotations at once one is made.
SWAP = Script.of(
    "rotate_endpoint",
    "if redis.call('HGET', KEYS[1], 'sealed') ~= ARGV[1] then return 0 end "
    "redis.call('HSET', KEYS[1], 'sealed', ARGV[2], 'shown', 1) return 1",
)
DROP = Script.load("drop_endpoint")
DROPPED = 500


class Endpoint(Struct, frozen=True, kw_only=True):
    """`reason` is why the gateway itself disabled it."""

    id: str
    team: str
    url: str
    events: tuple[str, ...]
    enabled: bool = True
    reason: str = ""
    created_at: str = ""


class SigningSecret(Struct):
    """`until` in milliseconds since the epoch; None for the one in use."""

    text: str
    until: int | None = None

    def __repr__(self) -> str:
        return "SigningSecret(***)"


def _new_secret() -> str:
    """As Standard Webhooks write it."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    register_secrets([secret])
    return secret


def inline_id(team: str) -> str:
    """Whose secret signs what goes to the own addresses of a team's jobs."""
    return f"{INLINE}:{team}"


class EndpointStore:
    """Endpoints in the store; live and sandbox have their own. Every method raises StoreDown."""

    def __init__(self, store: Store, sealer: Sealer, root: str):
        self._store = store
        self._sealer = sealer
        self._root = root

    async def of_team(self, team: str) -> list[Endpoint]:
        """In the order of their making."""
        names = await self._store.call("SMEMBERS", f"{self._root}endpoints:of:{team}")
        found = await asyncio.gather(*(self.get(name.decode()) for name in names))
        return sorted((one for one in found if one), key=lambda one: (one.created_at, one.id))

    async def get(self, name: str) -> Endpoint | None:
        row = await self._store.call("HMGET", self._key(name), *FIELDS)
        if row[0] is None:
            return None
        team, url, events, enabled, reason, created = (part.decode() for part in row)
        return Endpoint(
            id=name,
            team=team,
            url=url,
            events=tuple(events.split()),
            enabled=enabled == "1",
            reason=reason,
            created_at=created,
        )

    async def add(self, endpoint: Endpoint) -> str | None:
        """Its secret; None if the team has MOST already."""
        secret = _new_secret()
        sealed = self._seal(endpoint.id, [SigningSecret(secret)])
        fields = (*_fields(endpoint), "sealed", sealed, "shown", 1)
        args = (endpoint.id, endpoint.team, MOST, *fields)
        return secret if await self._store.run(ADD, [self._root], args) else None

    async def change(self, endpoint: Endpoint, names: Collection[str]) -> bool:
        """Of it only what is named: another change may be on its way. False if it was deleted."""
        told = _fields(endpoint)
        pairs = zip(told[::2], told[1::2], strict=True)
        fields = [part for pair in pairs if pair[0] in names for part in pair]
        return bool(await self._store.run(CHANGE, [self._key(endpoint.id)], fields))

    async def delete(self, endpoint: Endpoint) -> None:
        """With its log, and with what was still to be delivered."""
        args = (endpoint.id, endpoint.team, DROPPED)
        while await self._store.run(DROP, [self._root], args):
            pass

    async def forget(self, team: str) -> None:
        """Delete all that a team has, the secret of its jobs' own addresses too."""
        inline = Endpoint(id=inline_id(team), team=team, url="", events=())
        for endpoint in (*await self.of_team(team), inline):
            await self.delete(endpoint)

    async def rotate(self, name: str, grace: int) -> str | None:
        """A new secret, None if it was deleted or rotated meanwhile.

        What it had before signs beside the new one for at most `grace` seconds more.
        """
        sealed = await self._sealed(name)
        if sealed is None:
            return None
        secret, now = _new_secret(), _now()
        ends = now + grace * 1000
        olds = [
            SigningSecret(old.text, min(old.until or ends, ends))
            for old in self._open(name, sealed)
            if ends > now and (old.until is None or old.until > now)
        ]
        fresh = self._seal(name, [SigningSecret(secret), *olds[:RETIRED_KEPT]])
        swapped = await self._store.run(SWAP, [self._key(name)], (sealed, fresh))
        return secret if swapped else None

    async def show(self, name: str) -> str | None:
        """The secret in use, unless somebody was shown it before."""
        sealed = await self._sealed(name)
        if not await self._store.call("HSETNX", self._key(name), "shown", 1):
            return None
        assert sealed is not None
        return self._open(name, sealed)[0].text

    async def secrets(self, name: str) -> list[str]:
        """Those that sign now, the newest first; none if it is gone. Raises SealBroken."""
        sealed = await self._sealed(name)
        if sealed is None:
            return []
        now = _now()
        return [one.text for one in self._open(name, sealed) if (one.until or now + 1) > now]

    async def _sealed(self, name: str) -> bytes | None:
        found: bytes | None = await self._store.call("HGET", self._key(name), "sealed")
        if found is None and name.startswith(f"{INLINE}:"):
            fresh = self._seal(name, [SigningSecret(_new_secret())])
            keys, args = [self._key(name), f"{self._root}endpoints"], (name, fresh, _now())
            found = await self._store.run(MAKE_INLINE, keys, args)
        return found

    def _seal(self, name: str, held: Sequence[SigningSecret]) -> bytes:
        return self._sealer.seal(msgspec.json.encode(held), place=self._key(name))

    def _open(self, name: str, sealed: bytes) -> list[SigningSecret]:
        opened = self._sealer.open(sealed, place=self._key(name))
        return msgspec.json.decode(opened, type=list[SigningSecret])

    def _key(self, name: str) -> str:
        return endpoint_key(self._root, name)


def endpoint_key(root: str, name: str) -> str:
    """Where an endpoint is kept, which its secrets are sealed to."""
    return f"{root}endpoint:{name}"


def _fields(endpoint: Endpoint) -> tuple[str | int, ...]:
    """As scripts read them, too."""
    return (
        *("team", endpoint.team, "url", endpoint.url, "events", " ".join(endpoint.events)),
        *("enabled", int(endpoint.enabled), "reason", endpoint.reason),
        *("created_at", endpoint.created_at),
    )


def _now() -> int:
    return round(time.time() * 1000)
