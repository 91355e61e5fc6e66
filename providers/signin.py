"""How credentials travel: always in a header, never in a URL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any, Protocol

from msgspec import Struct

from providers.base import Auth, Request, Response, glance, refused, retry_after
from providers.errors import AuthenticationFailed, ProviderError

EARLY = 60.0
REFUSED_FOR = 1.0


class HeaderKey(Auth):
    def __init__(self, header: str, value: str):
        self._header = header
        self._value = value

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers[self._header] = self._value
        yield request


class Token(Struct, frozen=True):
    """`renew_at` in seconds since 1970, some time before it expires."""

    text: str
    renew_at: float

    def __repr__(self) -> str:
        return "Token(***)"


class TokenHolder(Protocol):
    """Where a token lives; one that processes share makes them sign in once together."""

    def lock(self) -> AbstractAsyncContextManager[Any]: ...

    async def get(self) -> Token | None: ...

    async def put(self, token: Token) -> None: ...


class LocalToken:
    """Holds the token of this process."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    def lock(self) -> AbstractAsyncContextManager[Any]:
        return self._lock

    async def get(self) -> Token | None:
        return self._token

    async def put(self, token: Token) -> None:
        self._token = token


class Granted(Struct):
    """RFC 6749 section 5.1."""

    access_token: str
    expires_in: float

    def __repr__(self) -> str:
        return "Granted(***)"


class ClientCredentials(Auth):
    """RFC 6749 section 4.4: one token for all callers, renewed early and once on a 401.

    A caller that is cancelled while it signs in hands over to the next in line.
    """

    requires_response_body = True

    def __init__(self, url: str, secret: Mapping[str, str], holder: TokenHolder | None = None):
        self.holder: TokenHolder = holder or LocalToken()
        self.now: Callable[[], float] = time.time
        self._url = url
        self._secret = secret
        self._refused: tuple[float, ProviderError] | None = None

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        stale = None
        for _attempt in range(2):
            token = await self._held(stale)
            if token is None:
                async with self.holder.lock():
                    token = await self._held(stale) or self._granted((yield self._question()))
                    await self.holder.put(token)
            request.headers["authorization"] = f"Bearer {token.text}"
            response = yield request
            if response.status_code != 401:
                return
            stale = token.text

    async def _held(self, stale: str | None) -> Token | None:
        """Callers in line behind a refused sign-in share its refusal."""
        if self._refused is not None and self.now() < self._refused[0]:
            raise copy(self._refused[1])
        token = await self.holder.get()
        if token is None or token.text == stale or token.renew_at <= self.now():
            return None
        return token

    def _question(self) -> Request:
        form = {"grant_type": "client_credentials", **self._secret}
        return Request("POST", self._url, data=form)

    def _granted(self, response: Response) -> Token:
        granted = glance(response.content, Granted) if response.status_code == 200 else None
        if granted is not None:
            life = max(granted.expires_in - EARLY, granted.expires_in / 2)
            return Token(granted.access_token, self.now() + life)
        error = _refusal(response)
        self._refused = (self.now() + REFUSED_FOR, error)
        raise error


def _refusal(response: Response) -> ProviderError:
    """A 400 is RFC 6749's invalid_client as often as a 401 is; a 200 was no token."""
    status = response.status_code
    found = AuthenticationFailed if status in (400, 401, 403) else None
    error = refused("the sign-in", status, found, retry_after(response.headers))
    error.uncertain = False
    return error
