"""Sealing anew, while serving, what an older master key sealed."""

from __future__ import annotations

import asyncio

import msgspec

from gateway.store.connection import Script, Store, StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.credentials import INDEX, Credential, key_of, place_of
from gateway.vault.datakey import PLACE
from gateway.vault.endpoints import ROOTS, endpoint_key
from gateway.vault.hooks import hook_key
from gateway.vault.sealing import SealBroken, Sealer

log = get_logger()

# A process that does not have the newest key yet goes on sealing with an older one.
PERIOD = 30.0
TOGETHER = 50

# Only if it is still what was opened: a secret that was changed meanwhile is sealed already.
SWAP_FIELD = Script.of(
    "reseal_credential",
    "if redis.call('HGET', KEYS[1], 'sealed') ~= ARGV[1] then return 0 end "
    "redis.call('HSET', KEYS[1], 'sealed', ARGV[2]) return 1",
)
SWAP = Script.of(
    "reseal",
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
    "redis.call('SET', KEYS[1], ARGV[2]) return 1",
)


# Sets of what has a row of its own, whose secrets are sealed to the key of that row.
SETS = {"endpoints": endpoint_key, "hooks": hook_key}


class Resealer:
    """Moves whatever is sealed to the newest master key, a few rows at a time."""

    def __init__(self, store: Store, sealer: Sealer):
        self._store = store
        self._sealer = sealer

    async def run(self) -> None:
        """Again and again for as long as there are older keys."""
        while len(self._sealer) > 1:
            try:
                moved = await self.reseal()
            except StoreDown:
                moved = 0
            if moved:
                log.info("vault.resealed", rows=moved, master_key=self._sealer.newest)
            await asyncio.sleep(PERIOD)

    async def reseal(self) -> int:
        """How many rows were sealed anew. Raises StoreDown; a row nobody can open stays."""
        moved = await self._data_key()
        names = await self._members(INDEX)
        for at in range(0, len(names), TOGETHER):
            moved += sum(await asyncio.gather(*map(self._row, names[at : at + TOGETHER])))
        for root in ROOTS:
            for index, key_in in SETS.items():
                for name in await self._members(root + index):
                    moved += await self._own_row(key_in(root, name))
        return moved

    async def _members(self, index: str) -> list[str]:
        return [name.decode() for name in await self._store.call("SMEMBERS", index)]

    async def _own_row(self, key: str) -> int:
        sealed = await self._store.call("HGET", key, "sealed")
        if sealed is None or self._sealer.is_newest(sealed):
            return 0
        try:
            fresh = self._sealer.seal(self._sealer.open(sealed, place=key), place=key)
        except SealBroken:
            log.error("vault.unreadable", row=key)
            return 0
        moved: int = await self._store.run(SWAP_FIELD, [key], (sealed, fresh))
        return moved

    async def _row(self, name: str) -> int:
        try:
            return await self._credential(name)
        except SealBroken:
            log.error("vault.unreadable", credential=name)
            return 0

    async def _data_key(self) -> int:
        sealed = await self._store.call("GET", PLACE)
        if sealed is None or self._sealer.is_newest(sealed):
            return 0
        fresh = self._sealer.seal(self._sealer.open(sealed, place=PLACE), place=PLACE)
        moved: int = await self._store.run(SWAP, [PLACE], (sealed, fresh))
        return moved

    async def _credential(self, name: str) -> int:
        public, sealed = await self._store.call("HMGET", key_of(name), "public", "sealed")
        if public is None or self._sealer.is_newest(sealed):
            return 0
        place = place_of(msgspec.json.decode(public, type=Credential))
        fresh = self._sealer.seal(self._sealer.open(sealed, place=place), place=place)
        moved: int = await self._store.run(SWAP_FIELD, [key_of(name)], (sealed, fresh))
        return moved
