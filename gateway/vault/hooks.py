"""Addresses that providers call: an unguessable token for each, and what signs what they send."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gateway.store.connection import Script, Store
from gateway.telemetry.log import register_secrets
from gateway.vault.sealing import Sealer

TOKEN_BYTES = 32
# A provider that rolls its secret signs with both for at most so long; Sixtyfour's is 72 hours.
ROLLING = 72 * 3600 * 1000
TOKEN = "token:"  # noqa: S105 - the name of a field

ISSUE = Script.load("issue_hook")
SIGN = Script.of(
    "sign_hook",
    "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end "
    "if ARGV[1] == '' then redis.call('HDEL', KEYS[1], 'sealed') "
    "else redis.call('HSET', KEYS[1], 'sealed', ARGV[1]) end return 1",
)
DROP = Script.of(
    "drop_hook",
    "local found = redis.call('EXISTS', KEYS[1]) "
    "for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do "
    "if string.sub(name, 1, 6) == 'token:' then "
    "redis.call('DEL', ARGV[2] .. string.sub(name, 7)) end end "
    "redis.call('DEL', KEYS[1]) redis.call('SREM', KEYS[2], ARGV[1]) return found",
)


class Hook(Struct, frozen=True, kw_only=True):
    """An address that was given out for a credential; `signed` if a secret checks what comes."""

    credential: str
    provider: str
    created_at: str
    signed: bool


class SenderSecret(Struct):
    """`until` in milliseconds since the epoch; None for the newest."""

    text: str
    until: int | None = None

    def __repr__(self) -> str:
        return "SenderSecret(***)"


class HookStore:
    """Hooks in the store; tokens are kept as hashes. Every method raises StoreDown."""

    def __init__(self, store: Store, sealer: Sealer, root: str):
        self._store = store
        self._sealer = sealer
        self._root = root

    async def issue(self, credential: str, provider: str, created_at: str, *, grace: int) -> str:
        """A new token; those before it work for at most `grace` seconds more."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        register_secrets([token])
        args = (credential, provider, created_at, _now(), grace * 1000)
        places = (f"{self._root}hook:", digest_of(token))
        await self._store.run(ISSUE, self._keys(credential), (*args, *places))
        return token

    async def get(self, credential: str) -> Hook | None:
        key = hook_key(self._root, credential)
        provider, created, sealed = await self._store.call(
            "HMGET", key, "provider", "created_at", "sealed"
        )
        if provider is None:
            return None
        return Hook(
            credential=credential,
            provider=provider.decode(),
            created_at=created.decode(),
            signed=sealed is not None,
        )

    async def find(self, provider: str, token: str) -> Hook | None:
        """Whose address this is; None for unknown, ended and of another provider alike."""
        digest = digest_of(token)
        credential = await self._store.call("GET", f"{self._root}hook:{digest}")
        if credential is None:
            return None
        name = credential.decode()
        until = await self._store.call("HGET", hook_key(self._root, name), TOKEN + digest)
        if until is None or 0 < int(until) <= _now():
            return None
        hook = await self.get(name)
        return hook if hook is not None and hook.provider == provider else None

    async def set_secret(self, credential: str, text: str | None) -> bool:
        """What the provider signs with from now on, None for nothing; False without a hook.

        What it signed with before is accepted for as long as a roll-over takes.
        """
        sealed = b""
        if text is not None:
            register_secrets([text])
            ends = _now() + ROLLING
            olds = [
                SenderSecret(old.text, min(old.until or ends, ends))
                for old in await self._secrets(credential)
                if old.text != text
            ]
            sealed = self._seal(credential, [SenderSecret(text), *olds])
        key = hook_key(self._root, credential)
        return bool(await self._store.run(SIGN, [key], [sealed]))

    async def secrets(self, credential: str) -> list[str]:
        """What the provider may sign with now. Raises SealBroken."""
        now = _now()
        held = await self._secrets(credential)
        return [one.text for one in held if (one.until or now + 1) > now]

    async def delete(self, credential: str) -> bool:
        """Every address of the credential ends."""
        args = (credential, f"{self._root}hook:")
        return bool(await self._store.run(DROP, self._keys(credential), args))

    async def _secrets(self, credential: str) -> list[SenderSecret]:
        key = hook_key(self._root, credential)
        sealed = await self._store.call("HGET", key, "sealed")
        if sealed is None:
            return []
        opened = self._sealer.open(sealed, place=key)
        return msgspec.json.decode(opened, type=list[SenderSecret])

    def _seal(self, credential: str, held: Sequence[SenderSecret]) -> bytes:
        return self._sealer.seal(msgspec.json.encode(held), place=hook_key(self._root, credential))

    def _keys(self, credential: str) -> list[str]:
        return [hook_key(self._root, credential), f"{self._root}hooks"]


def hook_key(root: str, credential: str) -> str:
    """Where a hook is kept, which its secrets are sealed to."""
    return f"{root}hook_of:{credential}"


def digest_of(token: str) -> str:
    """What is kept of a token: it has too many bits for a slow hash to add anything."""
    return hashlib.sha256(token.encode()).hexdigest()


def _now() -> int:
    return round(time.time() * 1000)
