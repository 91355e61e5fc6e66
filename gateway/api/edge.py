"""The outermost layer: who calls, how much they may send, and what is recorded of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

from gateway.api.bounds import check_depth, read_body
from gateway.api.problems import MEDIA_TYPE, Problem, of_error, unauthenticated
from gateway.lookup.lookup import Caller
from gateway.money.ledger import next_id
from gateway.settings import EdgeSettings
from gateway.telemetry.log import log_access
from gateway.telemetry.metrics import count_request
from gateway.vault.authentication import Authenticator

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/livez", "/readyz", "/openapi.json", "/docs", "/metrics"})
# Providers have no key; the address that they call is secret.
CALLBACKS = "/hooks/"
OPEN_PREFIXES = ("/docs/", CALLBACKS)
# Where a body may be a whole file, and the forms of it besides JSON.
BATCHES = frozenset({"/v1/jobs"})
TABLE_TYPES = ("text/csv", "application/x-ndjson")
NATIVE = "/native/"
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
CUT_SHORT = (
    "The gateway ended before this was done. What a provider was asked may have been charged."
)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Edge:
    """ASGI around the application; keeps authentication off the framework's slow paths.

    `native` serves the providers' own APIs, and authenticates its callers itself.
    """

    def __init__(
        self, app: App, settings: EdgeSettings, authenticator: Authenticator, native: App
    ):
        self._app = app
        self._settings = settings
        self._authenticator = authenticator
        self._native = native
        self.retire: Callable[[], None] = lambda: None
        """Says that the process is about to end: whoever waits is answered now."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = _request_id(headers)
        scope["request_id"], scope["started"] = request_id, started
        outbound = _Outbound(send, request_id)
        try:
            if scope["path"].startswith(NATIVE):
                await self._native(scope, receive, outbound)
            else:
                await self._admit(scope, headers)
                body = scope["body"] = await self._body(scope, headers, receive)
                await self._dispatch(scope, _replay(body, receive), outbound)
        except Problem as problem:
            await outbound.refuse(problem)
        except Exception as error:  # noqa: BLE001 - the last resort, answered as a problem
            await outbound.refuse(of_error(error, request_id))
        except asyncio.CancelledError:
            # This process has waited for it as long as it could; the task ends here.
            await outbound.refuse(Problem("internal_error", CUT_SHORT))
        _record(scope, outbound.status, time.perf_counter() - started)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        # The server leaves the body out itself, by the scope that it made.
        as_get = {**scope, "method": "GET", "head": True}
        await self._app(as_get, receive, send)
        scope["path_template"] = as_get.get("path_template")

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raise 401 unless the path is open or the key is good."""
        path = scope["path"]
        if path in OPEN or path.startswith(OPEN_PREFIXES):
            return
        key = key_in(headers)
        found = await self._authenticator.identify(key) if key else None
        if found is None:
            raise unauthenticated()
        scope["caller"] = Caller(team=found.team, key=found.key, scopes=found.scopes)

    async def _body(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        if not _has_body(scope["method"], headers):
            return b""
        is_batch = scope["path"].rstrip("/") in BATCHES
        settings = self._settings
        limit = settings.max_job_body_bytes if is_batch else settings.max_body_bytes
        body = await read_body(headers, receive, limit)
        if body:
            # What a provider calls its JSON is not published.
            is_callback = scope["path"].startswith(CALLBACKS)
            tables = TABLE_TYPES if is_batch else ()
            if is_callback or _media_type(headers, tables) not in TABLE_TYPES:
                check_depth(body, settings.max_json_depth)
        return body


class _Outbound:
    """Adds the request id, remembers the status."""

    def __init__(self, send: Send, request_id: str):
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message["headers"])
            # A provider's own stays as it is.
            taken = any(name == b"x-request-id" for name, _ in headers)
            name = b"x-gateway-request-id" if taken else b"x-request-id"
            message["headers"] = [*headers, (name, self._request_id.encode())]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer is on its way already."""
        if self.status:
            return
        body = problem.body(self._request_id)
        headers = [(b"content-type", MEDIA_TYPE.encode())]
        headers += [(b"content-length", str(len(body)).encode())]
        headers += [(name.encode(), value.encode()) for name, value in problem.headers.items()]
        start = {"type": "http.response.start", "status": problem.status, "headers": headers}
        await self(start)
        await self({"type": "http.response.body", "body": body})


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else new_request_id()


def new_request_id() -> str:
    return next_id("req")


def key_in(headers: Mapping[bytes, bytes]) -> str:
    """The key in a request's headers, '' if there is none."""
    scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and bearer.strip():
        return bearer.strip().decode("latin-1")
    return headers.get(b"x-api-key", b"").strip().decode("latin-1")


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _has_body(method: str, headers: dict[bytes, bytes]) -> bool:
    """A DELETE may have one, if it says so; where none belongs it is ignored."""
    return method in WITH_BODY or (method == "DELETE" and _is_json(media_type_of(headers)))


def media_type_of(headers: Mapping[bytes, bytes]) -> str:
    """Without its parameters."""
    found = headers.get(b"content-type", b"").partition(b";")[0]
    return found.strip().lower().decode("latin-1")


def _is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def _media_type(headers: dict[bytes, bytes], more: Collection[str]) -> str:
    media = media_type_of(headers)
    if not _is_json(media) and media not in more:
        allowed = ", ".join(["application/json", *more])
        raise Problem("unsupported_media_type", f"Send the body as {allowed}.")
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise Problem("unsupported_media_type", "Send the body without a content coding.")
    return media


def _record(scope: Scope, status: int, seconds: float) -> None:
    template = scope.get("path_template") or "unmatched"
    count_request(template, status, seconds)
    caller = scope.get("caller")
    team = caller.team if caller else None
    log_access(scope["method"], template, status, seconds * 1000, scope["request_id"], team)
