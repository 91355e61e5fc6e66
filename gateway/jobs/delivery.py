"""One attempt at a receiver: to the address that was checked, and to no other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any, NoReturn

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from msgspec import Struct
from yarl import URL

from gateway.guard.addresses import Address
from gateway.guard.receivers import Receiver, Receivers, parse
from providers.base import seconds_in

# Of a name's addresses so many are tried.
TRIED = 3
CONNECT = 5.0
AGENT = "prospecting-gateway"


class Reply(Struct):
    """`retry_after` in seconds, from either form of the header."""

    status: int
    retry_after: float | None = None


class NotDelivered(Exception):
    """No reply; `reason` is a stable word."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class _NoNames(AbstractResolver):
    """Addresses are known before anyone connects; whoever asks for a name would ask again."""

    async def resolve(self, *_: Any) -> NoReturn:
        raise OSError("names are resolved once, and not here")

    async def close(self) -> None:
        return None


class Sender:
    """Posts messages; `timeout` in seconds spans name, connection, TLS, request and reply.

    Redirects are not followed, proxies of the environment not used, bodies of replies not read.
    """

    def __init__(self, receivers: Receivers, *, timeout: float):
        self._receivers = receivers
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises NotDelivered, ReceiverRefused."""
        receiver = parse(url)
        try:
            async with asyncio.timeout(self._timeout):
                addresses = await self._receivers.locate(receiver)
                return await self._try(receiver, addresses[:TRIED], headers, body)
        except TimeoutError:
            raise NotDelivered("timed_out") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _try(
        self,
        receiver: Receiver,
        addresses: list[Address],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Reply:
        for address in addresses[:-1]:
            try:
                return await self._send(receiver, address, headers, body)
            except NotDelivered as failure:
                if failure.reason != "unreachable":
                    raise
        return await self._send(receiver, addresses[-1], headers, body)

    async def _send(
        self, receiver: Receiver, address: Address, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        host = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
        url = URL(f"{receiver.scheme}://{host}:{receiver.port}{receiver.tail}", encoded=True)
        named = None if receiver.literal else receiver.host
        try:
            async with self._engine().post(
                url,
                data=body,
                headers={**headers, "host": receiver.authority},
                server_hostname=named if receiver.scheme == "https" else None,
                allow_redirects=False,
            ) as response:
                return Reply(response.status, seconds_in(response.headers.get("retry-after", "")))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(_reason(error)) from None

    def _engine(self) -> aiohttp.ClientSession:
        """Made at the first message, as it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    # A kept connection would lead where its name led when it was opened.
                    force_close=True,
                    ssl=httpx.create_ssl_context(),
                    resolver=_NoNames(),
                ),
                headers={"user-agent": AGENT, "content-type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "certificate_refused"
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return "unreachable"
        case aiohttp.ServerTimeoutError():
            return "timed_out"
    return "broken_reply"
