"""A request passed through to a provider as it is, and its reply as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import partial

from providers.base import (
    BACKSTOP,
    Adapter,
    HTTPError,
    Leave,
    Request,
    Response,
    Span,
    broken,
    keep,
    read,
)
from providers.errors import ProviderError, TimedOut

CONNECT_SECONDS = 15.0
# How long a request waits for its account's limits to let it leave.
LEAVE_SECONDS = 20.0
Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Outgoing:
    """`target` is path and query as they follow the base URL; the headers name no credential."""

    method: str
    target: bytes
    headers: Sequence[Header] = ()
    body: bytes = field(default=b"", repr=False)


class Relayed:
    """The head of a reply; what follows is read as it comes, once, and must be closed.

    `secrets` are the texts of the credential that went with the request.
    """

    def __init__(self, response: Response, secrets: frozenset[bytes]):
        self._response = response
        self.status = response.status_code
        self.headers: list[Header] = [
            (name.lower(), value) for name, value in response.headers.raw
        ]
        self.secrets = secrets

    def refusal(self, adapter: Adapter, found: type[ProviderError] | None) -> ProviderError:
        """What it means if it is no answer; `found` is what the adapter makes of its body."""
        return adapter.refusal(found, self.status, self._response.headers)

    async def chunks(self, idle: float) -> AsyncIterator[bytes]:
        """The body's bytes, not decoded, with at most `idle` seconds between them.

        Raises ProviderError.
        """
        stream = aiter(self._response.stream)  # type: ignore[arg-type]
        while True:
            try:
                async with asyncio.timeout(idle):
                    chunk = await anext(stream, None)
            except TimeoutError:
                raise TimedOut("the reply stopped coming", uncertain=True) from None
            except HTTPError as error:
                raise broken(error, paid=True) from None
            if chunk is None:
                return
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


async def relay(
    adapter: Adapter, outgoing: Outgoing, *, seconds: float, leave: Leave | None = None
) -> Relayed:
    """Sign `outgoing` in as the adapter does, send it once, and return when its reply begins.

    A 401 is sent again where the sign-in can be renewed. Every request waits for `leave` first.
    Raises ProviderError.
    """
    call = Span(seconds + (LEAVE_SECONDS if leave else 0.0), leave)
    try:
        async with asyncio.timeout_at(call.deadline + BACKSTOP):
            return await _Exchange(adapter, outgoing, seconds, call).run()
    except TimeoutError:
        raise call.told(TimedOut(uncertain=call.sent)) from None


class _Exchange:
    def __init__(self, adapter: Adapter, outgoing: Outgoing, seconds: float, call: Span):
        self._call = call
        self._adapter = adapter
        self._seconds = seconds
        self._base = adapter.account.base_url
        self._request = Request(
            outgoing.method, self._base, headers=list(outgoing.headers), content=outgoing.body
        )
        self._root = self._request.url.raw_path.rstrip(b"/")
        self._target = self._root + outgoing.target

    async def run(self) -> Relayed:
        async with aclosing(self._adapter.auth.async_auth_flow(self._request)) as flow:
            step: Request | Relayed = await anext(flow)
            while not isinstance(step, Relayed):
                step = await self._following(flow, await self._send(step))
            return step

    async def _following(
        self, flow: AsyncGenerator[Request, Response], response: Response
    ) -> Request | Relayed:
        """What is sent next, or the reply itself; unless it is that, it is closed."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(response.aclose)
            try:
                return await flow.asend(response)
            except StopAsyncIteration:
                relayed = Relayed(response, self._secrets())
                stack.pop_all()
                return relayed

    async def _send(self, step: Request) -> Response:
        paid = step is self._request
        self._call.wait()
        leave = self._call.leave
        if leave is not None:
            target = self._target if paid else step.url.raw_path
            path = target.removeprefix(self._root).partition(b"?")[0].decode("ascii")
            await leave(path, own=paid, seconds=min(self._seconds, LEAVE_SECONDS))
        clocks = self._clocks()
        step.extensions = {"timeout": clocks, "held": partial(self._go, clocks, paid)}
        if leave is not None:
            step.extensions["left"] = leave.left
        if paid:
            step.extensions["target"] = self._target
        try:
            response = await self._adapter.transport.handle_async_request(step)
            response.request = step
            if not paid:
                await read(response)
            elif response.status_code == 401 and self._adapter.auth.requires_response_body:
                # Or those who wait for a new token would hold all connections that it could take.
                await keep(response)
                # It was refused: only what comes of asking again can have cost.
                self._call.sent = False
            return response
        except HTTPError as error:
            raise self._call.told(broken(error, paid)) from None

    def _go(self, clocks: dict[str, float], paid: bool) -> None:
        """They begin when there is a connection."""
        self._call.go(paid)
        clocks.update(self._clocks())

    def _clocks(self) -> dict[str, float]:
        left = min(self._seconds, self._call.left())
        clocks = dict.fromkeys(("read", "write", "pool"), left)
        return {**clocks, "connect": min(CONNECT_SECONDS, left)}

    def _secrets(self) -> frozenset[bytes]:
        """What the reply must not show: the credential, and the token it was turned into."""
        _, _, token = self._request.headers.get("authorization", "").rpartition(" ")
        return frozenset(
            text.encode() for text in (*self._adapter.account.secret.values(), token) if text
        )
