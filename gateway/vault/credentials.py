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
from gateway.telemetry.log import get_logger, register_secrets
from gateway.vault.sealing import SealBroken, Sealer

log = get_logger()

INDEX = "{pgw}:credentials"
EVER = "{pgw}:ever_held_credential"
VERSION = "{pgw}:version"
# Where stored credentials buy: a sandbox has none but its own.
LIVE = "{pgw}:live:"
# What is public of a credential, and its sealed secret.
Row = tuple[bytes, bytes]
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
        return self.enabled and self.is_for(team)

    def is_for(self, team: str) -> bool:
        """Whether the team may know what it bought, in use or not."""
        return not self.team_ids or team in self.team_ids


def pool(credentials: Iterable[Credential], provider: str, team: str) -> list[Credential]:
    """The credentials of `provider` that `team` may use."""
    return [item for item in credentials if item.provider == provider and item.serves(team)]


def spaces(credentials: Iterable[Credential], team: str) -> list[str]:
    """Of whose answers `team` is served: everybody's, and those of accounts that are for it."""
    return sorted({"", *(item.space for item in credentials if item.is_for(team))})


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
        self._held: dict[str, Credential] = {}

    async def all(self) -> list[Credential]:
        """In the order of their making. One that does not open is as it was last read, or out.

        A process without the newest master key goes on so, while another seals everything anew.
        """
        held = [found for row in await self._rows() if (found := self._opened_or_held(row))]
        self._held = {item.id: item for item in held}
        return sorted(held, key=lambda item: (item.created_at or "", item.id))

    async def check(self) -> None:
        """Raises SealBroken if there is a credential that does not open."""
        for row in await self._rows():
            self._opened(row)

    async def get(self, name: str) -> Credential | None:
        """Raises SealBroken if its master key is not configured."""
        row = await self._row(name)
        return self._opened(row) if row else None

    async def _rows(self) -> list[Row]:
        names = await self._store.call("SMEMBERS", INDEX)
        rows = await asyncio.gather(*(self._row(name.decode()) for name in names))
        return [row for row in rows if row]

    async def _row(self, name: str) -> Row | None:
        public, sealed = await self._store.call("HMGET", key_of(name), "public", "sealed")
        return None if public is None else (public, sealed)

    def _opened_or_held(self, row: Row) -> Credential | None:
        try:
            return self._opened(row)
        except SealBroken:
            public = msgspec.json.decode(row[0], type=Credential)
            log.error("vault.unreadable", credential=public.id)
            held = self._held.get(public.id)
            return held if held and held.version == public.version else None

    def _opened(self, row: Row) -> Credential:
        public = msgspec.json.decode(row[0], type=Credential)
        opened = self._sealer.open(row[1], place=place_of(public))
        secret = msgspec.json.decode(opened, type=dict[str, str])
        if (public.id, public.version) not in self._told:
            self._told.add((public.id, public.version))
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
