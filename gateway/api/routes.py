"""Administration of default routing, for the installation and per team."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.audit import given_in, record
from gateway.api.bodies import check_routing
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.api.problems import Problem, invalid
from gateway.lookup.judge import Accept
from gateway.lookup.market import ROUTES
from gateway.lookup.routing import Name, Route, Routing
from gateway.money.amounts import to_money
from providers.model import OPERATIONS
from providers.registry import ADAPTERS

Req = Request[Any, Any, Any]
TeamId = Annotated[str | None, QueryParameter(max_length=64, required=False)]


class AcceptView(Struct, kw_only=True):
    statuses: list[str]
    min_confidence: int
    max_bounce: float | UnsetType = UNSET


class RouteView(Struct, kw_only=True):
    """What applies to calls that say nothing themselves; `timeout` null is the wait.

    `guess` is there only if it is false.
    """

    operation: str
    team_id: str | None
    providers: list[str]
    order: str
    accept: AcceptView
    verify: str
    max_cost: str | None
    value: str | None
    wait_price: str | None
    max_age: int
    timeout: float | None
    guess: bool | UnsetType = UNSET


class NewRoute(Routing, frozen=True, kw_only=True):
    """A routing; what GET shows may be sent back, with the names of its place."""

    operation: Name | UnsetType = UNSET
    team_id: Name | UnsetType | None = UNSET
    providers: Annotated[list[Name], Meta(max_length=16)] | UnsetType | None = UNSET


class RouteReply(Struct):
    data: RouteView
    meta: ReplyMeta


class RoutesReply(Struct):
    data: list[RouteView]
    meta: ListMeta


def _offering(operation: str) -> list[str]:
    return [name for name, adapter in ADAPTERS.items() if operation in adapter.offers]


def _view(operation: str, team: str | None, route: Route) -> RouteView:
    return RouteView(
        operation=operation,
        team_id=team,
        providers=list(route.providers or _offering(operation)),
        order=route.order,
        accept=_view_accept(route.accept),
        verify=route.verify,
        max_cost=None if route.max_cost is None else to_money(route.max_cost),
        value=None if route.value is None else to_money(route.value),
        wait_price=None if route.wait_price is None else to_money(route.wait_price),
        max_age=route.max_age,
        timeout=route.timeout,
        guess=UNSET if route.guess else False,
    )


def _view_accept(accept: Accept) -> AcceptView:
    return AcceptView(
        statuses=list(accept.statuses),
        min_confidence=accept.min_confidence,
        max_bounce=UNSET if accept.max_bounce is None else accept.max_bounce,
    )


async def _check(request: Req, operation: str, team: str | None) -> None:
    if operation not in OPERATIONS:
        raise Problem("not_found", f"An operation is one of {', '.join(OPERATIONS)}.")
    if team is not None and await context_of(request).roster.team(team) is None:
        raise missing("team")


def _routing(data: NewRoute, operation: str, team: str | None) -> Routing:
    """The routing alone. Raises Problem (422) if it was read at another place."""
    if data.operation not in (UNSET, operation):
        raise invalid("/operation", f"is not {operation}, which the path names")
    if data.team_id not in (UNSET, team):
        raise invalid("/team_id", "is not the team that the query names")
    members = {name: getattr(data, name) for name in Routing.__struct_fields__}
    if data.providers == []:
        if _offering(operation):
            raise invalid("/providers", "is empty; leave it out or name a provider")
        members["providers"] = None
    routing = Routing(**members)
    check_routing(routing)
    return routing


def _show(request: Req, operation: str, team: str | None) -> RouteView:
    route = context_of(request).desk.route(operation, team or "", None)
    return _view(operation, team, route)


class Routes(Controller):
    """GET and PUT of default routing."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get("/v1/admin/routes", responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_routes(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> RoutesReply:
        pager, caller = context_of(request).pager, caller_of(request.scope)
        page, after = pager.cut(OPERATIONS, caller, "admin.routes", limit, cursor)
        rows = [_show(request, operation, None) for operation in page]
        return RoutesReply(rows, list_meta_of(request, after, len(OPERATIONS)))

    @get(
        "/v1/admin/routes/{operation:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, "invalid_query")),
    )
    async def show_route(
        self, request: Req, operation: FromPath[str], team_id: TeamId = None
    ) -> RouteReply:
        await _check(request, operation, team_id)
        return RouteReply(_show(request, operation, team_id), meta_of(request))

    @put(
        "/v1/admin/routes/{operation:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "unsupported")),
    )
    async def set_route(
        self,
        request: Req,
        operation: FromPath[str],
        data: JSONBody[NewRoute],
        team_id: TeamId = None,
    ) -> RouteReply:
        await _check(request, operation, team_id)
        routing = _routing(data, operation, team_id)
        field = f"{operation}|{team_id}" if team_id else operation
        members = msgspec.structs.asdict(routing).values()
        if all(value is UNSET for value in members):
            await context_of(request).store.call("HDEL", ROUTES, field)
        else:
            await context_of(request).store.call(
                "HSET", ROUTES, field, msgspec.json.encode(routing)
            )
        await context_of(request).desk.market.changed()
        await record(request, "route.set", field, given_in(data))
        return RouteReply(_show(request, operation, team_id), meta_of(request))
