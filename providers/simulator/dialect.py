"""The frame of a simulated provider: routes, credentials, refusals and charges."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from providers.simulator.accounts import Account
from providers.simulator.endpoints import BY_PROVIDER, Endpoint
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
Handlers = Mapping[str, Handler]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    endpoint: Endpoint
    handler: Handler


class Section(ABC):
    """Some of a provider's endpoints, usually a chapter of its documentation."""

    def __init__(self, dialect: Dialect) -> None:
        self.name = dialect.name
        self.stage = dialect.stage
        self.world = dialect.stage.world
        self.tasks = dialect.tasks
        self.charge = dialect.charge

    @abstractmethod
    def handlers(self) -> Handlers:
        """By the names of their endpoints, such as `GET /leads/{id}`."""


class Dialect(ABC):
    """A provider; `handle` answers a request in its shapes, `refuse` in its words.

    `misused` is its status for a known path under another method.
    """

    name: ClassVar[str]
    prefix: ClassVar[str]
    sections: ClassVar[tuple[type[Section], ...]]
    misused: ClassVar[int] = 404

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.tasks = stage.tasks_of(self.name)
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, int], list[tuple[list[str], Route]]] = defaultdict(list)
        self._lost = self._refusing(404)
        self._misused = self._refusing(self.misused)
        handlers: dict[str, Handler] = {}
        for section in self.sections:
            handlers |= section(self).handlers()
        for endpoint in BY_PROVIDER[self.name]:
            handler = handlers[endpoint.alias_of or endpoint.name]
            self._put(Route(endpoint, handler))

    @property
    def world(self) -> World:
        return self.stage.world

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
        route = self._find(request.method, request)
        if route is not None:
            return route
        others = (method for method in METHODS if method != request.method)
        known = any(self._find(method, request) for method in others)
        return self._misused if known else self._lost

    def _find(self, method: str, request: Request) -> Route | None:
        route = self._exact.get((method, request.path))
        if route is not None:
            return route
        parts = request.path.split("/")
        for pattern, route in self._patterns.get((method, len(parts)), ()):
            segments = _match(pattern, parts)
            if segments is not None:
                request.segments.update(segments)
                return route
        return None

    def _put(self, route: Route) -> None:
        method, path = route.endpoint.method, route.endpoint.path
        if "{" in path:
            parts = path.split("/")
            self._patterns[method, len(parts)].append((parts, route))
        else:
            self._exact[method, path] = route

    def _refusing(self, status: int) -> Route:
        nowhere = Endpoint(
            provider=self.name, method="", path="(unknown)", source="nowhere", open=True
        )
        return Route(nowhere, lambda call: self.refuse(status, call.request))

    def identify(self, request: Request) -> tuple[Presented | None, Account | None]:
        presented = self.credential(request)
        return presented, self.account_of(presented.key) if presented is not None else None

    def handle(
        self, route: Route, request: Request, account: Account | None, *, stuck: bool = False
    ) -> Reply:
        """Answer for the identified account, which may be nobody's."""
        endpoint = route.endpoint
        if account is None and not endpoint.open:
            return self.refuse(401, request)
        account = account or Account(provider=self.name, name="anonymous")
        try:
            if endpoint.meter is not None and account.left(self.stage.bill, endpoint.meter) <= 0:
                return self.refuse_credits(account)
            return route.handler(Call(request, account, stuck))
        except Refused as refused:
            return refused.reply
        except UnreadableBodyError:
            return self.refuse_unreadable(request)

    def charge(self, call: Call, operation: str, what: str, *, meter: str, units: int = 1) -> None:
        """Nothing is entered for a charge of nothing; the stage may have other units."""
        units = self.stage.charges.get((self.name, operation), units)
        if units:
            self.stage.bill.charge(
                self.name,
                call.account.name,
                operation,
                what,
                meter=meter,
                units=units,
                request_id=call.request.id,
            )


def _match(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
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
    if value in (None, ""):
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
