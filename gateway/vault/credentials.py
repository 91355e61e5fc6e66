"""Providers' credentials: from the environment, or sealed in the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.settings import ProviderSettings
from gateway.store.connection import Script, Store
from gateway.telemetry.log import register_secrets
from gateway.vault.sealing import Sealer

INDEX = "{pgw}:credentials"
EVER = "{pgw}:ever_held_credential"
VERSION = "{pgw}:version"
# Where stored credentials buy: a sandbox has none but its own.
LIVE = "{pgw}:live:"
DELETE = Script.load("delete_credential")
# A row, its place in the index, and that there ever was one.
PUT = Script.of(
    "put_credential",
    "redis.call('HSET', KEYS[1], unpack(ARGV, 2)) "
    "redis.call('SADD', KEYS[2], ARGV[1]) redis.call('SET', KEYS[3], 1) return 1",
)
# A change of what was read before another change would undo that; of what was deleted, the end.
CHANGE = Script.of(
    "change_credential",
    "local held = redis.call('HGET', KEYS[1], 'public') "
    "if not held or cjson.decode(held).version ~= tonumber(ARGV[1]) then return 0 end "
    "redis.call('HSET', KEYS[1], unpack(ARGV, 2)) return 1",
)


class Credential(Struct, frozen=True, kw_only=True):
    """One account at one provider; `prices` is money per unit by operation.

    `version` counts its changes.
    """

    id: str
    provider: str
    name: str
    base_url: str
    secret: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    team_ids: tuple[str, ...] = ()
    exclusive: bool = False
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    created_at: str | None = None
    version: int = 1

    def __repr__(self) -> str:
        return f"Credential({self.id!r}, {self.provider!r})"

    @property
    def space(self) -> str:
        """Who may read what this credential bought: '' for everyone."""
        return f"credential:{self.id}" if self.team_ids else ""

    def serves(self, team: str) -> bool:
        return self.enabled and (not self.team_ids or team in self.team_ids)


def pool(credentials: Iterable[Credential], provider: str, team: str) -> list[Credential]:
    """The credentials of `provider` that `team` may use."""
    return [item for item in credentials if item.provider == provider and item.serves(team)]


def choose(several: Sequence[Credential]) -> Credential:
    """One of `several` by chance, in proportion to their weights; weight 0 comes last."""
    weights = [item.weight for item in several]
    if len(several) == 1 or not any(weights):
        return several[0]
    return random.choices(several, weights)[0]


class CredentialStore:
    """Sealed credentials in the store; nothing here logs or returns a secret."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        providers: Mapping[str, ProviderSettings] | None = None,
    ):
        self._store = store
        self._sealer = sealer
        self._providers = providers or {}
        self._told: set[tuple[str, int]] = set()

    async def all(self) -> list[Credential]:
        """In the order of their making. Raises SealBroken."""
        names = await self._store.call("SMEMBERS", INDEX)
        found = await asyncio.gather(*(self.get(name.decode()) for name in names))
        return sorted(
            (item for item in found if item), key=lambda item: (item.created_at or "", item.id)
        )

    async def get(self, name: str) -> Credential | None:
        """Raises SealBroken if its master key is not configured."""
        row = await self._store.call("HMGET", key_of(name), "public", "sealed")
        if row[0] is None:
            return None
        public = msgspec.json.decode(row[0], type=Credential)
        opened = self._sealer.open(row[1], place=place_of(public))
        secret = msgspec.json.decode(opened, type=dict[str, str])
        if (name, public.version) not in self._told:
            self._told.add((name, public.version))
            register_secrets(secret.values())
        return self._placed(msgspec.structs.replace(public, secret=secret))

    def _placed(self, credential: Credential) -> Credential:
        """Address and options are the installation's as they are now, not as they once were."""
        place = self._providers.get(credential.provider)
        if place is None:
            return credential
        return msgspec.structs.replace(credential, base_url=place.base_url, options=place.options)

    async def named(self, provider: str, name: str) -> set[str]:
        """Ids of the provider's credentials of that name, readable or not."""
        ids = [item.decode() for item in await self._store.call("SMEMBERS", INDEX)]
        bodies = await asyncio.gather(
            *(self._store.call("HGET", key_of(item), "public") for item in ids)
        )
        held = [msgspec.json.decode(body, type=Credential) for body in bodies if body]
        return {item.id for item in held if (item.provider, item.name) == (provider, name)}

    async def holds(self, name: str) -> bool:
        """Whether there is such a credential, readable or not."""
        return bool(await self._store.call("EXISTS", key_of(name)))

    async def put(self, credential: Credential) -> None:
        """A new credential, or another in its place."""
        keys = (key_of(credential.id), INDEX, EVER)
        await self._store.run(PUT, keys, (credential.id, *self._fields(credential)))

    async def change(self, changed: Credential) -> Credential | None:
        """The credential in its next version; None if it is no longer as `changed` was read."""
        fresh = msgspec.structs.replace(changed, version=changed.version + 1)
        operands = (changed.version, *self._fields(fresh))
        done = await self._store.run(CHANGE, [key_of(changed.id)], operands)
        return fresh if done else None

    def _fields(self, credential: Credential) -> tuple[str | bytes, ...]:
        public: dict[str, Any] = msgspec.to_builtins(credential)
        public["secret"] = {}
        secret = msgspec.json.encode(dict(credential.secret))
        sealed = self._sealer.seal(secret, place=place_of(credential))
        return ("public", msgspec.json.encode(public), "sealed", sealed)

    async def delete(self, name: str) -> int:
        """0 if done, else how many tickets only this account can collect."""
        found: int = await self._store.run(DELETE, (LIVE, key_of(name), INDEX), (name,))
        return found

    async def ever_held(self) -> bool:
        """Whether the store has, or had, a credential."""
        return bool(await self._store.call("EXISTS", EVER))


def key_of(name: str) -> str:
    return f"{{pgw}}:credential:{name}"


def place_of(credential: Credential) -> str:
    return f"credential/{credential.provider}/{credential.id}/{credential.version}"
