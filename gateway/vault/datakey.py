"""The random key under which persons are hashed; sealed in the store, so rotation keeps it."""

from __future__ import annotations

import os

from gateway.store.connection import Store
from gateway.vault.sealing import Sealer

PLACE = "{pgw}:datakey"


class DataKey:
    """Holds the key once `load` has run."""

    def __init__(self) -> None:
        self.value = b""

    def __repr__(self) -> str:
        return "DataKey(***)"

    async def load(self, store: Store, sealer: Sealer) -> None:
        """Read the key, or make it in a new store. Raises SealBroken, StoreDown."""
        fresh = sealer.seal(os.urandom(32), place=PLACE)
        await store.call("SET", PLACE, fresh, "NX")
        await self.read(store, sealer)

    async def read(self, store: Store, sealer: Sealer) -> None:
        """Read the key if there is one. Raises SealBroken, StoreDown."""
        sealed = await store.call("GET", PLACE)
        if sealed is not None:
            self.value = sealer.open(sealed, place=PLACE)
