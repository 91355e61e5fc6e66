"""What every adapter declares, and the one way an adapter calls its provider."""

from __future__ import annotations

from collections.abc import AsyncIterable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from providers.batches import is_shared, is_told_by_another
from providers.bodies import MAX_REPLY_BYTES, whole
from providers.bounds import (
    BACKSTOP,
    LONGEST_CALL,
    TRIPS,
    Bounded,
    Leave,
    Span,
    seconds_left,
    span,
)
from providers.errors import MalformedResponse, ProviderError, TimedOut, Unavailable
from providers.inflation import Undecodable, inflated
from providers.model import QUERIES, Answer, Query, Ticket
from providers.native import NativeApi
from providers.offers import Charge, Offer, Rate, Resend, always
from providers.options import Option
from providers.patience import seconds_in
from providers.refusals import STATUS_ERRORS, refused
from providers.values.lesser import read as read_reply

__all__ = [
    "BACKSTOP",
    "LONGEST_CALL",
    "MAX_REPLY_BYTES",
    "STATUS_ERRORS",
    "TRIPS",
    "Account",
    "Adapter",
    "AsyncTransport",
    "Auth",
    "Bounded",
    "Charge",
    "Headers",
    "Leave",
    "Offer",
    "Rate",
    "Reply",
    "Request",
    "Resend",
    "Response",
    "Span",
    "always",
    "decode",
    "glance",
    "refused",
    "seconds_in",
    "seconds_left",
]

Auth = httpx.Auth
Headers = httpx.Headers
Request = httpx.Request
Response = httpx.Response
AsyncTransport = httpx.AsyncBaseTransport
HTTPError = httpx.HTTPError

T = TypeVar("T")
# What can't be compressed grows a little by it.
LARGEST_CODED = MAX_REPLY_BYTES + 64 * 1024
# Nested deeper than anybody reads, it is a RecursionError.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_OPERATION_OF = {query: operation for operation, query in QUERIES.items()}


@dataclass(frozen=True)
class Account:
    """Where and as whom an adapter calls; the secret stays out of the repr."""

    base_url: str
    secret: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply(Generic[T]):
    """A decoded reply beside its bytes."""

    value: T
    body: bytes
    status: int
    headers: httpx.Headers


class Adapter:
    """One provider's API for one account; stateless but for its transport and its sign-in.

    `title` is the provider's own spelling of its name. `configured_as` names the members of the
    secret that the configuration calls otherwise, `options` what else an account can be given.
    `rates` are the limits of an account that the provider documents, `plans` those that its
    option `plan` adds, by the plan's name.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    base_url: ClassVar[str]
    secret_fields: ClassVar[tuple[str, ...]]
    configured_as: ClassVar[Mapping[str, str]] = {}
    options: ClassVar[Mapping[str, Option]] = {}
    rates: ClassVar[Sequence[Rate]] = ()
    plans: ClassVar[Mapping[str, Sequence[Rate]]] = {}
    offers: ClassVar[Mapping[str, Offer]]
    native: ClassVar[NativeApi] = NativeApi()

    def __init__(self, account: Account, transport: AsyncTransport):
        self.account = account
        self.transport = transport
        self.auth = self.sign_in(account.secret)

    @classmethod
    def rates_of_plan(cls, options: Mapping[str, str]) -> Sequence[Rate]:
        """Of an account with `options`: only if they name its plan."""
        return cls.plans.get(options.get("plan", ""), ())

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        """How the credential travels: always in a header, never in a URL."""
        raise NotImplementedError

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        """The error this reply means, where it departs from STATUS_ERRORS; None for no.

        Asked about clean replies too: some providers refuse with a 200.
        """
        return None

    def is_of_account(self, headers: httpx.Headers) -> bool:
        """Whether a limit that was reached is the account's, and not of what was asked alone."""
        return True

    def refusal(
        self, found: type[ProviderError] | None, status: int, headers: httpx.Headers
    ) -> ProviderError:
        """What a reply that is no answer means; `found` is what `classify` made of it."""
        error = refused(self.name, status, found, retry_after(headers))
        error.of_account = self.is_of_account(headers)
        return error

    async def ask(
        self,
        query: Query,
        *,
        seconds: float,
        after: str | None = None,
        leave: Leave | None = None,
    ) -> Answer | Ticket:
        """Send `query`; may cost. `after` is `next` of the page before. Raises ProviderError."""
        ask = getattr(self, self.offers[_OPERATION_OF[type(query)]].ask)
        async with Bounded(seconds, leave=leave):
            answer: Answer | Ticket = await (ask(query) if after is None else ask(query, after))
            return answer

    async def peek(
        self, query: Query, *, seconds: float, leave: Leave | None = None
    ) -> Answer | Ticket | None:
        """What the provider has or is already working on, free; None if it must be asked."""
        offer = self.offers[_OPERATION_OF[type(query)]]
        if offer.peek is None:
            return None
        async with Bounded(seconds, leave=leave):
            answer: Answer | Ticket | None = await getattr(self, offer.peek)(query)
            return answer

    def alike(self, query: Query) -> str | None:
        """Queries that are alike in it can share a request; None if it is asked alone."""
        return None

    async def ask_many(
        self, queries: Sequence[Query], *, seconds: float, leave: Leave | None = None
    ) -> list[Ticket | ProviderError]:
        """Send queries that are alike in one request; may cost. In their order; an error is of
        one query alone, and sure. Raises ProviderError for all of them.
        """
        offer = self.offers[_OPERATION_OF[type(queries[0])]]
        async with Bounded(seconds, leave=leave):
            found: list[Ticket | ProviderError] = await getattr(self, str(offer.ask_many))(queries)
            return found

    async def collect(
        self, query: Query, ticket: Ticket, *, seconds: float, leave: Leave | None = None
    ) -> Answer | Ticket:
        """Ask for what `ticket` stands for, within what was agreed to when it was bought.

        Raises ProviderError.
        """
        offer = self.offers[_OPERATION_OF[type(query)]]
        try:
            async with Bounded(seconds, spent=ticket.once, leave=leave):
                answer: Answer | Ticket = await getattr(self, str(offer.collect))(query, ticket)
                return answer
        except ProviderError as error:
            error.local = error.local or is_told_by_another(ticket)
            error.shared = is_shared(ticket)
            raise

    async def balance(self) -> Mapping[str, float] | None:
        """What the account has left, by unit, for free; None if no such call is documented."""
        return None

    async def reading(self) -> Mapping[str, float] | None:
        """What the account was charged so far, by the offers' unit, for free; None if unknown.

        Only the difference of two readings means something. Raises ProviderError.
        """
        return None

    async def call(
        self,
        method: str,
        path: str,
        into: type[T],
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
    ) -> Reply[T]:
        """One exchange, decoded as `into`; None members of `params` and `form` are left out."""
        reply = await self.send(method, path, params=params, json=json, form=form)
        return Reply(decode(reply.body, into), reply.body, reply.status, reply.headers)

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        clean: Collection[int] = (),
    ) -> Reply[bytes]:
        """One exchange, its body as it came; `clean` are statuses that are no failure here."""
        request = httpx.Request(
            method,
            _url(self.account.base_url + path, params),
            data=_present(form) or None,
            content=None if json is None else msgspec.json.encode(json),
            headers={"content-type": "application/json"} if json is not None else None,
        )
        response, body = await self._exchange(request)
        status = response.status_code
        found = self.classify(status, body)
        if status not in clean and (found is not None or not self.is_clean(status)):
            raise self._failure(found, response)
        return Reply(body, body, status, response.headers)

    def is_clean(self, status: int) -> bool:
        return status in (200, 201, 204)

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Drive the sign-in's flow over the transport; it may add requests of its own."""
        flow = self.auth.async_auth_flow(request)
        try:
            step = await anext(flow)
            while True:
                response, body = await self._send(step, paid=step is request)
                try:
                    step = await flow.asend(response)
                except StopAsyncIteration:
                    return response, body
        finally:
            await flow.aclose()

    async def _send(self, request: httpx.Request, paid: bool) -> tuple[httpx.Response, bytes]:
        call = span()
        call.wait()
        if call.leave is not None:
            path = request.url.path.removeprefix(_parsed(self.account.base_url).path)
            await call.leave(path, own=paid, seconds=seconds_left())
        clocks = {"pool": call.left()}
        request.extensions = {"timeout": clocks, "held": partial(_go, call, clocks, paid)}
        if call.leave is not None:
            request.extensions["left"] = call.leave.left
        try:
            response = await self.transport.handle_async_request(request)
            call.sent |= paid
            response.request = request
            return response, await read(response)
        except httpx.HTTPError as error:
            raise call.told(broken(error, paid)) from None

    def _failure(
        self, found: type[ProviderError] | None, response: httpx.Response
    ) -> ProviderError:
        return self.refusal(found, response.status_code, response.headers)


def _go(call: Span, clocks: dict[str, float], paid: bool) -> None:
    """A request's clocks begin when it has a connection."""
    call.go(paid)
    clocks.update(dict.fromkeys(("connect", "read", "write", "pool"), call.left()))


async def read(response: httpx.Response) -> bytes:
    try:
        body = await whole(_decoded(response))
    except Undecodable as error:
        raise httpx.DecodingError(str(error)) from None
    finally:
        await response.aclose()
    response._content = body
    return body


async def keep(response: httpx.Response) -> None:
    """Its body as it comes, taken before anybody reads it; its connection is free then."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    try:
        body = await whole(response.stream)
    finally:
        await response.aclose()
    response.stream = httpx.ByteStream(body)


def _decoded(response: httpx.Response) -> AsyncIterable[bytes]:
    """Past httpx's decoder, which inflates whatever comes to whatever it becomes, at once."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    coding = response.headers.get("content-encoding", "identity")
    if coding.strip().lower() in ("", "identity"):
        return response.stream
    return inflated(aiter(response.stream), coding, most=LARGEST_CODED)


def decode(body: bytes | msgspec.Raw, into: type[T]) -> T:
    """`body` as `into`, but for what is odd in its lesser fields. Raises MalformedResponse."""
    try:
        return read_reply(body, into)
    except UNREADABLE:
        raise MalformedResponse("the reply is not what is documented", uncertain=True) from None


def glance(body: bytes | msgspec.Raw, into: type[T]) -> T | None:
    """`body` as `into`, None if it is something else: for replies that already failed."""
    try:
        return msgspec.json.decode(body, type=into, strict=False)
    except UNREADABLE:
        return None


# Nothing left the machine with these; every other break may have come after the request.
_BEFORE_BYTES = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def broken(error: httpx.HTTPError, paid: bool) -> ProviderError:
    """What a broken exchange means; one that only signs in leaves no doubt about a charge."""
    uncertain = paid and not isinstance(error, _BEFORE_BYTES)
    if isinstance(error, httpx.TimeoutException):
        found = TimedOut(uncertain=uncertain)
        found.local = isinstance(error, httpx.PoolTimeout)
        return found
    if isinstance(error, httpx.DecodingError):
        return MalformedResponse("the reply can't be decompressed", uncertain=paid)
    return Unavailable(
        "the connection broke" if uncertain else "no connection", uncertain=uncertain
    )


def retry_after(headers: httpx.Headers) -> float | None:
    """As `seconds_in` reads it."""
    return seconds_in(headers.get("retry-after", ""))


def _url(address: str, params: Mapping[str, Any] | None) -> httpx.URL:
    """The address with its query.

    httpx parses a URL anew for each query, at a third of the whole call's cost: the parsed address
    is kept, and the query, quoted already, is put into a copy.
    """
    url = _parsed(address)
    if present := _present(params):
        copy = httpx.URL(url)
        several = any(isinstance(value, list) for value in present.values())
        query = urlencode(present, doseq=several)
        copy._uri_reference = url._uri_reference._replace(query=query)
        return copy
    return url


@lru_cache(maxsize=256)
def _parsed(address: str) -> httpx.URL:
    return httpx.URL(address)


def _present(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}
