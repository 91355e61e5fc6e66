"""Teams and the keys of their callers, as the store holds them."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from gateway.store.connection import Script, Store
from gateway.vault.keys import NewKey, make_key

Scope = Literal["lookup", "jobs", "accounts:read", "accounts:write", "native", "usage", "admin"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
Share = Annotated[float, Meta(gt=0, le=1)]
DEFAULT_TEAM = "default"
FOREVER = 2**52
RETIRED_KEPT = 10


def usual_alerts() -> list[float]:
    return [0.8, 0.95]


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`amount` is money; the calendar is the installation's. `alert_at` are shares of it."""

    amount: Amount
    period: Literal["day", "month", "total"]
    alert_at: Annotated[list[Share], Meta(max_length=10)] = field(default_factory=usual_alerts)


class Team(Struct, frozen=True, kw_only=True):
    """`value` is what an accepted answer is worth to it, `wait_price` a second of waiting."""

    id: str
    name: str
    budgets: tuple[Budget, ...] = ()
    rate_limit_per_minute: int | None = None
    max_concurrency: int | None = None
    value: Amount | None = None
    wait_price: Amount | None = None
    created_at: str = ""


class Retired(Struct, frozen=True):
    """A text that was replaced; `until` in milliseconds since the epoch."""

    digest: str
    until: int


class Key(Struct, frozen=True, kw_only=True):
    """What is known of a key but the key itself; `retired` texts work on for their grace."""

    id: str
    team_id: str
    name: str
    scopes: tuple[Scope, ...]
    expires_at: str | None = None
    budgets: tuple[Budget, ...] = ()
    rate_limit_per_minute: int | None = None
    max_concurrency: int | None = None
    created_at: str = ""
    digest: str = ""
    retired: tuple[Retired, ...] = ()


_team = msgspec.json.Decoder(Team)
_key = msgspec.json.Decoder(Key)

# A key that outlived its team would have no budget.
DELETE_TEAM = Script.of(
    "delete_team",
    "if redis.call('SCARD', KEYS[2]) > 0 then return 0 end redis.call('DEL', KEYS[1]) return 1",
)
ISSUE_KEY = Script.of(
    "issue_key",
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end "
    "redis.call('HSET', KEYS[4], unpack(ARGV, 2)) "
    "redis.call('SADD', KEYS[2], ARGV[1]) redis.call('SADD', KEYS[3], ARGV[1]) return 1",
)
# A change of a record read before the key was rotated would bring the old text back.
CHANGE_KEY = Script.of(
    "change_key",
    "local record = redis.call('HGET', KEYS[1], 'record') "
    "if not record or cjson.decode(record).digest ~= ARGV[1] then return 0 end "
    "redis.call('HSET', KEYS[1], unpack(ARGV, 2)) return 1",
)


class Roster:
    """Reads and writes teams and keys; a write is visible to every process at once."""

    def __init__(self, store: Store):
        self._store = store

    async def teams(self) -> list[Team]:
        names = await self._store.call("SMEMBERS", "{pgw}:teams")
        found = await asyncio.gather(*(self.team(name.decode()) for name in names))
        return sorted(
            (team for team in found if team), key=lambda team: (team.created_at, team.id)
        )

    async def team(self, name: str) -> Team | None:
        body = await self._store.call("GET", _team_key(name))
        return None if body is None else _team.decode(body)

    async def put_team(self, team: Team) -> None:
        await self._store.call("SADD", "{pgw}:teams", team.id)
        await self._store.call("SET", _team_key(team.id), msgspec.json.encode(team))

    async def change_team(self, team: Team) -> bool:
        """False if it was deleted meanwhile; a change does not bring it back."""
        body = msgspec.json.encode(team)
        return bool(await self._store.call("SET", _team_key(team.id), body, "XX"))

    async def delete_team(self, name: str) -> bool:
        """False, and nothing done, if the team has keys."""
        keys = (_team_key(name), _keys_of(name))
        if not await self._store.run(DELETE_TEAM, keys, ()):
            return False
        await self._store.call("SREM", "{pgw}:teams", name)
        return True

    async def keys(self) -> list[Key]:
        names = await self._store.call("SMEMBERS", "{pgw}:keys")
        found = await asyncio.gather(*(self.key(name.decode()) for name in names))
        return sorted((key for key in found if key), key=lambda key: (key.created_at, key.id))

    async def key(self, name: str) -> Key | None:
        """The key if it is neither revoked nor unknown; it may have expired."""
        body = await self._store.call("HGET", _key_key(name), "record")
        return None if body is None else _key.decode(body)

    async def change_key(self, key: Key) -> bool:
        """False if it was revoked or rotated meanwhile; a change does not bring either back."""
        return await self._replace(key, key.digest)

    async def rotate_key(self, key: Key, grace: int) -> tuple[Key, NewKey] | None:
        """The key with a new text, None if it was revoked or rotated meanwhile.

        The text it had, and those it had before, work for at most `grace` seconds more.
        """
        fresh, now = make_key(key.id), round(time.time() * 1000)
        ends = now + grace * 1000
        olds = [Retired(old.digest, min(old.until, ends)) for old in key.retired]
        olds = [old for old in (*olds, Retired(key.digest, ends)) if old.until > now]
        rotated = msgspec.structs.replace(
            key, digest=fresh.digest, retired=tuple(olds[-RETIRED_KEPT:])
        )
        return (rotated, fresh) if await self._replace(rotated, key.digest) else None

    async def _replace(self, key: Key, held: str) -> bool:
        operands = (held, *_fields(key))
        return bool(await self._store.run(CHANGE_KEY, [_key_key(key.id)], operands))

    async def issue_key(self, key: Key) -> tuple[Key, NewKey] | None:
        """A key with `key`'s properties, None if there is no such team.

        Its text exists only in what is returned.
        """
        fresh = make_key()
        key = msgspec.structs.replace(key, id=fresh.id, digest=fresh.digest)
        keys = (_team_key(key.team_id), _keys_of(key.team_id), "{pgw}:keys", _key_key(key.id))
        if not await self._store.run(ISSUE_KEY, keys, (key.id, *_fields(key))):
            return None
        return key, fresh

    async def revoke_key(self, key: Key) -> None:
        await self._store.call("DEL", _key_key(key.id))
        await self._store.call("SREM", "{pgw}:keys", key.id)
        await self._store.call("SREM", _keys_of(key.team_id), key.id)

    async def has_admin(self) -> bool:
        return any("admin" in key.scopes for key in await self.keys())


def _team_key(name: str) -> str:
    return f"{{pgw}}:team:{name}"


def _keys_of(team: str) -> str:
    return f"{{pgw}}:keys_of:{team}"


def _key_key(name: str) -> str:
    return f"{{pgw}}:key:{name}"


def _fields(key: Key) -> tuple[str | bytes | int, ...]:
    """`live_until` is for the admission script, which reads no JSON."""
    return ("record", msgspec.json.encode(key), "live_until", live_until(key))


def live_until(key: Key) -> int:
    """Milliseconds since the epoch after which the key is dead."""
    return FOREVER if key.expires_at is None else _millis_of(key.expires_at)


@lru_cache(maxsize=10_000)
def _millis_of(moment: str) -> int:
    # Remembered, or an expired key would be refused some microseconds later than an unknown one.
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def timestamp(later: timedelta = timedelta()) -> str:
    """Now, or so much later; ISO 8601 UTC with Z."""
    return to_timestamp(datetime.now(UTC) + later)


def to_timestamp(moment: datetime) -> str:
    """A moment in UTC as the API writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
