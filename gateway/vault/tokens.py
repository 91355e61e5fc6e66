"""Sign-ins that processes share: one of them asks for a token, sealed in the store for all."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import msgspec

from gateway.store.connection import Script, Store, StoreDown
from gateway.vault.credentials import Credential
from gateway.vault.sealing import SealBroken, Sealer
from providers.signin import Token

# Longer than a sign-in takes; whoever holds it and dies keeps the others waiting so long.
LEASE = 15_000
LOOK_AGAIN = 0.02

RELEASE = Script.of(
    "release_token",
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1",
)


class TokenShelf:
    """Makes the holders of one process."""

    def __init__(self, store: Store, sealer: Sealer, root: str):
        self.store = store
        self.sealer = sealer
        self.root = root

    def holder(self, credential: Credential, hash_key: bytes) -> SharedToken:
        """The holder of a credential's token; one for another secret or address is another."""
        told = msgspec.json.encode([credential.base_url, sorted(credential.secret.items())])
        mark = hashlib.blake2b(told, digest_size=12, key=hash_key).hexdigest()
        return SharedToken(self, f"{self.root}token:{credential.id}:{mark}")


class SharedToken:
    """A copy of the token in the store; without the store it is this process's own."""

    def __init__(self, shelf: TokenShelf, place: str):
        self._shelf = shelf
        self._place = place
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    def lock(self) -> AbstractAsyncContextManager[None]:
        return self._locked()

    @contextlib.asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Alone among all processes, with the token as the one before left it."""
        owner = secrets.token_hex(8)
        async with self._lock:
            try:
                await self._acquire(owner)
                yield
            finally:
                with contextlib.suppress(StoreDown):
                    await self._shelf.store.run(RELEASE, [f"{self._place}:lock"], [owner])

    async def _acquire(self, owner: str) -> None:
        """Wait for the lease, or until there is a token that another process was given."""
        store, known = self._shelf.store, self._token
        with contextlib.suppress(StoreDown):
            taken = None
            while taken is None:
                taken = await store.call("SET", f"{self._place}:lock", owner, "NX", "PX", LEASE)
                await self._read()
                if self._token is not None and self._token != known:
                    return
                if taken is None:
                    await asyncio.sleep(LOOK_AGAIN)

    async def get(self) -> Token | None:
        if self._token is None:
            with contextlib.suppress(StoreDown):
                await self._read()
        return self._token

    async def _read(self) -> None:
        sealed = await self._shelf.store.call("GET", self._place)
        if sealed is None:
            return
        with contextlib.suppress(SealBroken, msgspec.MsgspecError):
            opened = self._shelf.sealer.open(sealed, place=self._place)
            self._token = msgspec.json.decode(opened, type=Token)

    async def put(self, token: Token) -> None:
        self._token = token
        life = round((token.renew_at - time.time()) * 1000)
        sealed = self._shelf.sealer.seal(msgspec.json.encode(token), place=self._place)
        with contextlib.suppress(StoreDown):
            if life > 0:
                await self._shelf.store.call("SET", self._place, sealed, "PX", life)
