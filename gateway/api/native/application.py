"""`/native/{provider}/{path}` as an ASGI application of its own: bytes in, bytes out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from gateway.api.bounds import check_depth, read_body
from gateway.api.encoded import JSON
from gateway.api.native import framing
from gateway.api.native.admission import Gatekeeper, check_scope
from gateway.api.native.persons import named_in
from gateway.api.native.readings import check_reading
from gateway.api.native.refusals import problem_of, to_body, to_headers
from gateway.api.native.request import NativeRequest
from gateway.api.problems import Problem, request_id_of, unauthenticated
from gateway.lookup.desk import Desk
from gateway.lookup.lookup import Caller
from gateway.lookup.transit import NativeCall, Transit
from gateway.lookup.transits import Transits
from gateway.settings import EdgeSettings
from gateway.telemetry.log import get_logger
from gateway.vault.authentication import Authenticator
from providers.errors import ProviderError
from providers.native import Asked, Match, NativeApi
from providers.registry import ADAPTERS

log = get_logger()

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ALLOW = ", ".join((*framing.METHODS, "OPTIONS"))
# A caller who does not read for so long is gone.
SEND_IDLE = 60.0
NOBODY = NativeApi()
BODY = {"type": "http.response.body"}


class NativeApplication:
    """Of one process. Every refusal of its own says so in a header."""

    def __init__(self, desk: Desk, authenticator: Authenticator, settings: EdgeSettings):
        self._desk = desk
        self._settings = settings
        self._gatekeeper = Gatekeeper(authenticator, desk.data_key)
        self._transits = Transits(desk)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].split("/")[2]
        api = ADAPTERS[name].native if name in ADAPTERS else NOBODY
        known = name if name in ADAPTERS else "{provider}"
        scope["path_template"] = f"/native/{known}/{{path}}"
        reply = _Reply(send)
        try:
            await self._serve(scope, receive, reply)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told as theirs are
            request_id = request_id_of(scope)
            problem = problem_of(error, request_id)
            if not reply.begun:
                body = to_body(problem, api, request_id)
                await _answer(send, problem.status, to_headers(problem, body), body)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What comes behind the body is no part of the head.
        headers = list(scope["headers"])
        name, path, query = framing.split_target(scope)
        framing.check_framing(scope, headers)
        api = ADAPTERS[name].native if name in ADAPTERS else NOBODY
        request = NativeRequest(scope["method"], name, api, path, query, headers)
        if request.method == "POST" and path.decode() == api.signs_in_at:
            await self._sign_in(await self._with_body(request, receive), send)
            return
        request, caller, key = await self._admitted(request, receive)
        scope["caller"] = caller
        if request.method == "OPTIONS":
            await _answer(send, 204, [(b"allow", ALLOW.encode())], b"")
            return
        call = await self._call(request, key, caller)
        transit = await self._transits.begin(caller, call, request.account)
        await self._pass_back(transit, receive, send)

    async def _sign_in(self, request: NativeRequest, send: Send) -> None:
        token = await self._gatekeeper.sign_in((await request.contents()).likely)
        headers = [(b"content-type", JSON), (b"cache-control", b"no-store")]
        await _answer(send, 200, headers, token)

    async def _admitted(
        self, request: NativeRequest, receive: Receive
    ) -> tuple[NativeRequest, Caller, str]:
        """The request with its body, who sent it, and the key that says so. Raises Problem.

        A body is read before that only for a provider whose clients put their key there.
        """
        caller, key = await self._gatekeeper.caller(request.keys_in_head())
        if caller is None and request.api.body_keys:
            request = await self._with_body(request, receive)
            caller, key = await self._gatekeeper.caller(await request.keys_in_body())
        if caller is None:
            raise unauthenticated()
        if request.provider not in ADAPTERS:
            raise Problem("not_found", "There is no such provider.")
        if request.method not in (*framing.METHODS, "OPTIONS"):
            detail = "This method is not passed on."
            raise Problem("method_not_allowed", detail, headers={"allow": ALLOW})
        return await self._with_body(request, receive), caller, key

    async def _with_body(self, request: NativeRequest, receive: Receive) -> NativeRequest:
        """A body that was read already is kept."""
        if request.body:
            return request
        limit = self._settings.max_native_body_bytes
        body = await read_body(dict(request.headers), receive, limit)
        if body.lstrip()[:1] in (b"{", b"["):
            check_depth(body, self._settings.max_json_depth)
        return replace(request, body=body)

    async def _call(self, request: NativeRequest, key: str, caller: Caller) -> NativeCall:
        """What is asked, by whom it may be asked, and of whom. Raises Problem."""
        framing.check_path(request.path)
        path = request.path.decode()
        match = request.api.match(request.method, path)
        if request.api.is_sign_in(path):
            raise Problem("forbidden", "The gateway signs in with the provider itself.")
        check_scope(caller, match.access)
        _check_method(match)
        bare = request.without_keys()
        contents = await bare.contents()
        bare.check_leak(contents, key)
        check_reading(match.path, contents)
        named = await named_in(contents, self._desk.data_key.value)
        return NativeCall(
            provider=request.provider,
            path=match.path,
            asked=Asked(match.segments, contents.fields),
            outgoing=bare.to_outgoing(),
            persons=named.marks,
            sole=named.persons if named.sole else (),
        )

    async def _pass_back(self, transit: Transit, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_until_gone(receive))
        try:
            headers = framing.to_reply_headers(transit.status, transit.headers)
            start = {"type": "http.response.start", "status": transit.status, "headers": headers}
            await send(start)
            await _stream(transit, _Audience(send, gone))
            await send({**BODY, "body": b""})
        except (ProviderError, TimeoutError) as error:
            # The head is out: that the connection ends before the body does is all one can say.
            log.warning("native.broken_off", error=type(error).__name__)
        finally:
            await transit.aclose()
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone


def _check_method(match: Match) -> None:
    """Raise 405 for a path that the documents know, and not with this method."""
    if match.methods:
        allow = ", ".join(match.methods)
        detail = f"The provider documents this path with {allow}; send it so."
        raise Problem("method_not_allowed", detail, headers={"allow": allow})


class _Reply:
    """Remembers that the head is out: what fails after that only ends the connection."""

    def __init__(self, send: Send):
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        await self._send(message)


class _Audience:
    """The caller, as long as it listens."""

    def __init__(self, send: Send, gone: asyncio.Task[None]):
        self._send = send
        self._gone = gone
        self.stalled: TimeoutError | None = None

    @property
    def listens(self) -> bool:
        return not self._gone.done() and self.stalled is None

    async def tell(self, chunk: bytes) -> None:
        try:
            async with asyncio.timeout(SEND_IDLE):
                await self._send({**BODY, "body": chunk, "more_body": True})
        except TimeoutError as error:
            self.stalled = error


async def _stream(transit: Transit, audience: _Audience) -> None:
    """For a caller who left nobody reads on, unless the cost is still to be learned.

    Raises ProviderError, and TimeoutError for a caller who stays and reads nothing.
    """
    async with contextlib.aclosing(transit.chunks()) as chunks:
        async for chunk in chunks:
            if chunk and audience.listens:
                await audience.tell(chunk)
            if not audience.listens and not transit.must_be_read:
                break
    if audience.stalled:
        raise audience.stalled


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    if not any(name == b"content-length" for name, _ in headers) and status != 204:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({**BODY, "body": body})
