"""Teams and the keys of their callers, as the store holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from gateway.store.connection import Store
from gateway.vault.keys import NewKey, make_key

Scope = Literal["lookup", "jobs", "accounts:read", "accounts:write", "native", "usage", "admin"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
Share = Annotated[float, Meta(gt=0, le=1)]
DEFAULT_TEAM = "default"
FOREVER = 2**52


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`amount` is money; the calendar is the installation's."""

    amount: Amount
    period: Literal["day", "month", "total"]
    alert_at: Annotated[list[Share], Meta(max_length=10)] = []


class Team(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    budgets: tuple[Budget, ...] = ()
    rate_limit_per_minute: int | None = None
    max_concurrency: int | None = None
    created_at: str = ""


class Key(Struct, frozen=True, kw_only=True):
    """What is known of a key but the key itself."""

    id: str
    team_id: str
    name: str
    scopes: tuple[Scope, ...]
    expires_at: str | None = None
    budgets: tuple[Budget, ...] = ()
    created_at: str = ""
    digest: str = ""


_team = msgspec.json.Decoder(Team)
_key = msgspec.json.Decoder(Key)


class Roster:
    """Reads and writes teams and keys; a write is visible to every process at once."""

    def __init__(self, store: Store):
        self._store = store

    async def teams(self) -> list[Team]:
        names = await self._store.call("SMEMBERS", "{pgw}:teams")
        found = [await self.team(name.decode()) for name in names]
        return sorted(
            (team for team in found if team), key=lambda team: (team.created_at, team.id)
        )

    async def team(self, name: str) -> Team | None:
        body = await self._store.call("GET", f"{{pgw}}:team:{name}")
        return None if body is None else _team.decode(body)

    async def put_team(self, team: Team) -> None:
        await self._store.call("SET", f"{{pgw}}:team:{team.id}", msgspec.json.encode(team))
        await self._store.call("SADD", "{pgw}:teams", team.id)
        limits = f"{{pgw}}:limits:team:{team.id}"
        if team.rate_limit_per_minute is None:
            await self._store.call("DEL", limits)
        else:
            await self._store.call("HSET", limits, "per_minute", team.rate_limit_per_minute)

    async def delete_team(self, name: str) -> None:
        await self._store.call("SREM", "{pgw}:teams", name)
        await self._store.call("DEL", f"{{pgw}}:team:{name}")

    async def keys(self) -> list[Key]:
        names = await self._store.call("SMEMBERS", "{pgw}:keys")
        found = [await self.key(name.decode()) for name in names]
        return sorted((key for key in found if key), key=lambda key: (key.created_at, key.id))

    async def key(self, name: str) -> Key | None:
        """The key if it is neither revoked nor unknown; it may have expired."""
        body = await self._store.call("HGET", f"{{pgw}}:key:{name}", "record")
        return None if body is None else _key.decode(body)

    async def put_key(self, key: Key) -> None:
        fields = ("record", msgspec.json.encode(key), "live_until", live_until(key))
        await self._store.call("HSET", f"{{pgw}}:key:{key.id}", *fields)
        await self._store.call("SADD", "{pgw}:keys", key.id)

    async def issue_key(self, key: Key) -> tuple[Key, NewKey]:
        """A key with `key`'s properties; its text exists only in what is returned."""
        fresh = make_key()
        key = msgspec.structs.replace(key, id=fresh.id, digest=fresh.digest)
        await self.put_key(key)
        return key, fresh

    async def revoke_key(self, name: str) -> None:
        await self._store.call("SREM", "{pgw}:keys", name)
        await self._store.call("DEL", f"{{pgw}}:key:{name}")

    async def has_admin(self) -> bool:
        return any("admin" in key.scopes for key in await self.keys())


def live_until(key: Key) -> int:
    """Milliseconds since the epoch after which the key is dead."""
    if key.expires_at is None:
        return FOREVER
    return int(datetime.fromisoformat(key.expires_at).timestamp() * 1000)


def timestamp() -> str:
    """Now, ISO 8601 UTC with Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
