"""HTTP for the adapters: aiohttp's engine behind httpx's interface, with exact classification.

ConnectError, ConnectTimeout: nothing was sent. ReadTimeout, ReadError, RemoteProtocolError: the
request may have arrived. Requests are sent once, redirects are not followed, nothing is decoded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

PER_HOST = 100
KEEPALIVE = 30.0
# aiohttp's 8 kB would turn a paid reply with a long policy header into an error.
LONGEST_HEADER = 64 * 1024
# aiohttp rounds clocks above this up to whole seconds.
EXACT_UP_TO = 3600.0
HEADERS = {"user-agent": "prospecting-gateway", "accept-encoding": "gzip, deflate"}


class Transport(httpx.AsyncBaseTransport):
    """Connections are pooled per host; `request.extensions["timeout"]` is in seconds.

    With an extension `target`, path and query are sent as these bytes.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        with _Classified():
            response = await self._engine().request(
                request.method,
                URL(_address(request), encoded=True),
                headers=CIMultiDict(request.headers.multi_items()),
                data=body or None,
                allow_redirects=False,
                timeout=_clocks(request.extensions.get("timeout", {})),
            )
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Body(response.content, response)
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _engine(self) -> aiohttp.ClientSession:
        """Made at the first request, as it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    limit_per_host=PER_HOST,
                    keepalive_timeout=KEEPALIVE,
                    ssl=httpx.create_ssl_context(),
                ),
                headers=HEADERS,
                skip_auto_headers=["content-type"],
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
            )
            # aiohttp sends an idempotent request again when a reused connection drops after the
            # request: a paid GET was bought twice that way.
            self._session._retry_connection = False
        return self._session


def _address(request: httpx.Request) -> str:
    target: bytes | None = request.extensions.get("target")
    if target is None:
        return str(request.url)
    origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    return origin + target.decode("ascii")


def _clocks(seconds: Mapping[str, float | None]) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(
        total=None,
        connect=seconds.get("pool"),
        sock_connect=seconds.get("connect"),
        sock_read=seconds.get("read"),
        ceil_threshold=EXACT_UP_TO,
    )


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: aiohttp.StreamReader, response: aiohttp.ClientResponse):
        self._content = content
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _Classified():
            async for chunk in self._content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        """A connection not read to the end is closed, never pooled."""
        self._response.close()


# First match wins: aiohttp's tree overlaps. None of their texts is kept, as they carry URLs.
ERRORS: tuple[tuple[type[BaseException], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.ConnectError),
    (aiohttp.ClientOSError, httpx.ReadError),
    (aiohttp.ClientConnectionResetError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (OSError, httpx.ReadError),
)


class _Classified:
    """aiohttp's failures as httpx's; whatever is not known to precede the request is uncertain."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for theirs, ours in ERRORS:
            if isinstance(error, theirs):
                raise ours(ours.__name__) from None
