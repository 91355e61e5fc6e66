"""HTTP for the adapters: aiohttp's engine behind httpx's interface, with exact classification.

PoolTimeout, ConnectError, ConnectTimeout: nothing was sent; the first says nothing of the host.
ReadTimeout, ReadError, RemoteProtocolError: the request may have arrived. Requests are sent once,
redirects are not followed, nothing is decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace, TracebackType

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

    With an extension `target`, path and query are sent as these bytes. An extension `held` is
    called once there is a connection to be had, and may set the clocks anew; `left` is awaited
    when the request's first bytes have left.
    """

    def __init__(self, per_host: int = PER_HOST) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._per_host = per_host
        self._pools: dict[bytes, asyncio.Semaphore] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Waits here while all connections to the host are in use: aiohttp calls that a host that
        does not connect.
        """
        netloc = request.url.netloc
        pool = self._pools.setdefault(netloc, asyncio.Semaphore(self._per_host))
        await _enter(pool, request.extensions.get("timeout", {}).get("pool"))
        try:
            if "held" in request.extensions:
                request.extensions["held"]()
            return await self._exchange(request, pool.release)
        except BaseException:
            pool.release()
            raise

    async def _exchange(self, request: httpx.Request, left: Callable[[], None]) -> httpx.Response:
        body = await request.aread()
        with _Classified():
            response = await self._engine().request(
                request.method,
                URL(_address(request), encoded=True),
                headers=CIMultiDict(request.headers.multi_items()),
                data=body or None,
                allow_redirects=False,
                timeout=_clocks(request.extensions.get("timeout", {})),
                trace_request_ctx=request.extensions.get("left"),
            )
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(response.content, response, left),
        )

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            self._pools = {}

    def _engine(self) -> aiohttp.ClientSession:
        """Made at the first request, as it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0,
                    limit_per_host=0,
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
                trace_configs=[_traced()],
            )
            # aiohttp sends an idempotent request again when a reused connection drops after the
            # request: a paid GET was bought twice that way.
            self._session._retry_connection = False
        return self._session


async def _enter(pool: asyncio.Semaphore, seconds: float | None) -> None:
    if not pool.locked():
        await pool.acquire()
        return
    try:
        async with asyncio.timeout(seconds):
            await pool.acquire()
    except TimeoutError:
        raise httpx.PoolTimeout("all connections are in use") from None


def _traced() -> aiohttp.TraceConfig:
    """Says when a request leaves, to whoever asked for it with the request."""

    async def tell(_: object, context: SimpleNamespace, __: object) -> None:
        if context.trace_request_ctx is not None:
            await context.trace_request_ctx()

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(tell)
    return config


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
    def __init__(
        self,
        content: aiohttp.StreamReader,
        response: aiohttp.ClientResponse,
        left: Callable[[], None],
    ):
        self._content = content
        self._response = response
        self._left: Callable[[], None] | None = left

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _Classified():
            async for chunk in self._content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        """A connection not read to the end is closed, never pooled."""
        self._response.close()
        if self._left is not None:
            self._left()
            self._left = None


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
