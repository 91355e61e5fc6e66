"""Who calls a provider's own API, and whether they may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.api.problems import Problem, unauthenticated
from gateway.lookup.lookup import Caller
from gateway.vault.authentication import Authenticator, Identity
from gateway.vault.keys import digest_of
from gateway.vault.passes import LIFE, make_pass
from providers.native import Access

SCOPE = "native"
SCOPES_OF: dict[Access, str] = {"read": "accounts:read", "write": "accounts:write"}


class Gatekeeper:
    """Of one process; `secret()` is the key that tokens are signed with."""

    def __init__(self, authenticator: Authenticator, data_key: Any):
        self._authenticator = authenticator
        self._data_key = data_key

    async def caller(self, keys: Iterable[str]) -> tuple[Caller | None, str]:
        """The first of `keys` that is one, or stands for one, and whose it is."""
        for text in dict.fromkeys(keys):
            found = await self._authenticator.identify(text)
            found = found or await self._authenticator.identify_pass(text, self._data_key.value)
            if found is not None:
                return _to_caller(found), text
        return None, ""

    async def sign_in(self, fields: dict[str, Any]) -> bytes:
        """What a client gets for its client_secret: a token of the gateway's own."""
        if fields.get("grant_type", "client_credentials") != "client_credentials":
            raise Problem("invalid_query", "grant_type: must be client_credentials")
        secret = str(fields.get("client_secret") or "")
        found = await self._authenticator.identify(secret) if secret else None
        if found is None:
            raise unauthenticated()
        check_scope(_to_caller(found), "")
        token = make_pass(found.key, digest_of(secret), self._data_key.value)
        return msgspec.json.encode(
            {"access_token": token, "token_type": "Bearer", "expires_in": LIFE}
        )


def _to_caller(found: Identity) -> Caller:
    return Caller(team=found.team, key=found.key, scopes=found.scopes)


def check_scope(caller: Caller, access: Access) -> None:
    """Raise 403 unless the key may ask paths of this kind."""
    if access == "secret" and "admin" not in caller.scopes:
        detail = "Keys, secrets and members of the provider's account are for administrators."
        raise Problem("forbidden", detail)
    needed = [SCOPE, *([SCOPES_OF[access]] if access in SCOPES_OF else [])]
    lacking = [scope for scope in needed if scope not in caller.scopes]
    if lacking:
        raise Problem("forbidden", f"This needs a key with the scope {' and '.join(lacking)}.")
