"""The frame of a simulated provider: routes, credentials, refusals and charges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from providers.simulator.accounts import Account
from providers.simulator.stage import Stage
from providers.simulator.wire import Reply, Request, UnreadableBodyError
from providers.simulator.world import World


class Presented(NamedTuple):
    """A credential and the place it was found in, such as `header:x-api-key`."""

    key: str
    placement: str


class Refused(Exception):
    """Ends a request with the reply it carries."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(slots=True, frozen=True)
class Call:
    """One authenticated request; `stuck` work that it starts or asks for never finishes."""

    request: Request
    account: Account
    stuck: bool = False


Handler = Callable[[Call], Reply]


@dataclass(slots=True, frozen=True, kw_only=True)
class Route:
    """`decisive` names the field that decides hit or miss, `word` the one that holds a status.

    `meter` is what the call may use up, `delayed` says that it starts or asks for later work,
    `open` that it needs no credential.
    """

    method: str
    path: str
    handler: Handler
    decisive: str | None = None
    word: str | None = None
    meter: str | None = None
    delayed: bool = False
    open: bool = False


class Dialect(ABC):
    """A provider; `handle` answers a request in its shapes, `refuse` in its words."""

    name: ClassVar[str]
    prefix: ClassVar[str]

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.tasks = stage.tasks_of(self.name)
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: list[tuple[str, list[str], Route]] = []
        self._lost = Route(method="", path="(unknown)", handler=self._miss, open=True)
        for route in self.routes():
            if "{" in route.path:
                self._patterns.append((route.method, route.path.split("/"), route))
            else:
                self._exact[route.method, route.path] = route

    @property
    def world(self) -> World:
        return self.stage.world

    @abstractmethod
    def routes(self) -> list[Route]: ...

    @abstractmethod
    def credential(self, request: Request) -> Presented | None: ...

    @abstractmethod
    def refuse(self, status: int, request: Request) -> Reply:
        """The provider's own body for a status that has nothing to do with the query."""

    @abstractmethod
    def refuse_credits(self, account: Account) -> Reply: ...

    @abstractmethod
    def refuse_unreadable(self, request: Request) -> Reply: ...

    def account_of(self, key: str) -> Account | None:
        return self.stage.accounts.get(self.name, key)

    def route(self, request: Request) -> Route:
        route = self._exact.get((request.method, request.path))
        if route is not None:
            return route
        parts = request.path.split("/")
        for method, pattern, route in self._patterns:
            segments = _match(pattern, parts)
            if method == request.method and segments is not None:
                request.segments.update(segments)
                return route
        return self._lost

    def identify(self, request: Request) -> tuple[Presented | None, Account | None]:
        presented = self.credential(request)
        return presented, self.account_of(presented.key) if presented is not None else None

    def handle(
        self, route: Route, request: Request, account: Account | None, *, stuck: bool = False
    ) -> Reply:
        """Answer for the identified account, which may be nobody's."""
        if account is None and not route.open:
            return self.refuse(401, request)
        account = account or Account(provider=self.name, name="anonymous")
        try:
            if route.meter is not None and account.left(self.stage.bill, route.meter) <= 0:
                return self.refuse_credits(account)
            return route.handler(Call(request, account, stuck))
        except Refused as refused:
            return refused.reply
        except UnreadableBodyError:
            return self.refuse_unreadable(request)

    def charge(self, call: Call, operation: str, what: str, *, meter: str, units: int = 1) -> None:
        self.stage.bill.charge(
            self.name,
            call.account.name,
            operation,
            what,
            meter=meter,
            units=units,
            request_id=call.request.id,
        )

    def _miss(self, call: Call) -> Reply:
        return self.refuse(404, call.request)


def _match(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    segments: dict[str, str] = {}
    for want, have in zip(pattern, parts, strict=True):
        if want.startswith("{"):
            segments[want[1:-1]] = have
        elif want != have:
            return None
    return segments


def bearer(header: str) -> str:
    """The token of an Authorization header, whether or not it has the word Bearer."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else header.strip()


def as_number(value: Any, default: int) -> int | None:
    """The whole number in a query field; `default` when empty, None when it is not one."""
    if value in {None, ""}:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
