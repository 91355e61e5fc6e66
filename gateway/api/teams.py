"""Administration of teams."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.api.names import check_team
from gateway.api.problems import Problem, invalid
from gateway.lookup.market import ROUTES
from gateway.lookup.routing import Money
from gateway.money.budgets import put_limits, put_pace
from gateway.money.ledger import new_id
from gateway.vault.roster import DEFAULT_TEAM, Budget, Name, Team, timestamp
from providers.model import OPERATIONS

Req = Request[Any, Any, Any]
Budgets = Budget | Annotated[list[Budget], Meta(max_length=3)] | None
PerMinute = Annotated[int, Meta(ge=1, le=10_000_000)]
Concurrency = Annotated[int, Meta(ge=1, le=100_000)]


class NewTeam(Struct, kw_only=True, forbid_unknown_fields=True):
    """No budget is no limit; `value` is what an accepted answer is worth, whatever its kind, and
    `wait_price` what a second of waiting for it costs.
    """

    name: Name
    budget: Budgets = None
    rate_limit_per_minute: PerMinute | None = None
    max_concurrency: Concurrency | None = None
    value: Money | None = None
    wait_price: Money | None = None


class TeamChange(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Name | UnsetType = UNSET
    budget: Budgets | UnsetType = UNSET
    rate_limit_per_minute: PerMinute | UnsetType | None = UNSET
    max_concurrency: Concurrency | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET
    wait_price: Money | UnsetType | None = UNSET


class TeamView(Struct, kw_only=True):
    id: str
    name: str
    budget: Budget | list[Budget] | None
    rate_limit_per_minute: int | None
    max_concurrency: int | None
    value: str | None
    wait_price: str | None
    created_at: str


class TeamReply(Struct):
    data: TeamView
    meta: ReplyMeta


class TeamsReply(Struct):
    data: list[TeamView]
    meta: ListMeta


def budgets_of(given: Budgets) -> tuple[Budget, ...]:
    """At most one budget per period."""
    budgets = (given,) if isinstance(given, Budget) else tuple(given or ())
    if len({budget.period for budget in budgets}) < len(budgets):
        raise invalid("/budget", "has two budgets for the same period; allowed is one each")
    return budgets


def show_budgets(budgets: tuple[Budget, ...]) -> Budget | list[Budget] | None:
    """As it was given: one budget, or several, or none."""
    if len(budgets) == 1:
        return budgets[0]
    return list(budgets) or None


def view(team: Team) -> TeamView:
    return TeamView(
        id=team.id,
        name=team.name,
        budget=show_budgets(team.budgets),
        rate_limit_per_minute=team.rate_limit_per_minute,
        max_concurrency=team.max_concurrency,
        value=team.value,
        wait_price=team.wait_price,
        created_at=team.created_at,
    )


def _changed(team: Team, change: TeamChange) -> Team:
    members = msgspec.structs.asdict(change)
    given = {name: value for name, value in members.items() if value is not UNSET}
    if "budget" in given:
        given["budgets"] = budgets_of(given.pop("budget"))
    return msgspec.structs.replace(team, **given)


async def _find(request: Req, name: str) -> Team:
    team = await context_of(request).roster.team(name)
    if team is None:
        raise missing("team")
    return team


class Limited(Protocol):
    """A team or a key."""

    @property
    def budgets(self) -> tuple[Budget, ...]: ...
    @property
    def rate_limit_per_minute(self) -> int | None: ...
    @property
    def max_concurrency(self) -> int | None: ...


async def limit(request: Req, scope: str, holder: Limited) -> None:
    """Hand the budgets and the pace of a team or key to the ledger."""
    store = context_of(request).store
    amounts: dict[str, str] = {budget.period: budget.amount for budget in holder.budgets}
    alerts = [(budget.period, budget.alert_at) for budget in holder.budgets]
    await put_limits(store, scope, amounts, alerts)
    await put_pace(
        store, scope, per_minute=holder.rate_limit_per_minute, at_once=holder.max_concurrency
    )


async def lift(request: Req, scope: str) -> None:
    """No limits hold for what is gone."""
    store = context_of(request).store
    await put_limits(store, scope, {})
    await put_pace(store, scope, per_minute=None, at_once=None)


def _reply(request: Req, team: Team) -> TeamReply:
    return TeamReply(view(team), meta_of(request))


class Teams(Controller):
    """CRUD of teams."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get("/v1/admin/teams", responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_teams(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> TeamsReply:
        teams = [view(team) for team in await context_of(request).roster.teams()]
        caller = caller_of(request.scope)
        page, after = context_of(request).pager.cut(teams, caller, "admin.teams", limit, cursor)
        return TeamsReply(page, list_meta_of(request, after, len(teams)))

    @post(
        "/v1/admin/teams",
        responses=responses({}, (*AUTHENTICATED, *WITH_BODY, "conflict")),
    )
    async def create_team(self, request: Req, data: JSONBody[NewTeam]) -> TeamReply:
        team = Team(
            id=new_id("team"),
            name=data.name,
            budgets=budgets_of(data.budget),
            rate_limit_per_minute=data.rate_limit_per_minute,
            max_concurrency=data.max_concurrency,
            value=data.value,
            wait_price=data.wait_price,
            created_at=timestamp(),
        )
        await check_team(context_of(request), team)
        # The budget first: a team is shown with nothing that does not hold yet.
        await limit(request, f"team:{team.id}", team)
        await context_of(request).roster.put_team(team)
        if team.value is not None or team.wait_price is not None:
            await context_of(request).market.changed()
        await record(request, "team.created", team.id, given_in(data))
        return _reply(request, team)

    @get("/v1/admin/teams/{team_id:str}", responses=responses({}, (*AUTHENTICATED, *READ)))
    async def show_team(self, request: Req, team_id: FromPath[str]) -> TeamReply:
        return _reply(request, await _find(request, team_id))

    @patch(
        "/v1/admin/teams/{team_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "conflict")),
    )
    async def change_team(
        self, request: Req, team_id: FromPath[str], data: JSONBody[TeamChange]
    ) -> TeamReply:
        team = _changed(await _find(request, team_id), data)
        if data.name is not UNSET:
            await check_team(context_of(request), team)
        await limit(request, f"team:{team.id}", team)
        if not await context_of(request).roster.change_team(team):
            raise missing("team")
        if data.value is not UNSET or data.wait_price is not UNSET:
            await context_of(request).market.changed()
        await record(request, "team.changed", team.id, given_in(data))
        return _reply(request, team)

    @delete(
        "/v1/admin/teams/{team_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ, "conflict")),
    )
    async def delete_team(self, request: Req, team_id: FromPath[str]) -> None:
        team = await _find(request, team_id)
        if team.id == DEFAULT_TEAM:
            raise Problem("conflict", "The team `default` holds the bootstrap key and stays.")
        if not await context_of(request).roster.delete_team(team_id):
            raise Problem("conflict", "The team has keys; revoke them first.")
        await lift(request, f"team:{team_id}")
        await context_of(request).webhooks.endpoints.forget(team_id)
        fields = [f"{operation}|{team_id}" for operation in OPERATIONS]
        await context_of(request).store.call("HDEL", ROUTES, *fields)
        await record(request, "team.deleted", team_id)
