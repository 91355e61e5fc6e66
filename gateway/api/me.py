"""Who a caller is, and what is left of its budgets."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, get
from msgspec import Struct

from gateway.api.context import Context, context_of, meta_of
from gateway.api.documents import AUTHENTICATED, responses
from gateway.api.lists import ReplyMeta, caller_of
from gateway.api.problems import moment
from gateway.lookup.lookup import Caller
from gateway.money.amounts import to_money
from gateway.money.entries import BOOTSTRAP
from gateway.money.standing import AtOnce, Standing
from gateway.money.terms import Rate

Req = Request[Any, Any, Any]


class Named(Struct, kw_only=True):
    id: str
    name: str


class BudgetStanding(Struct, kw_only=True):
    """`spent` is posted; `remaining` is what the limit leaves beside all three.

    `resets_at` is null for a budget in total.
    """

    scope: str
    period: str
    limit: str
    spent: str
    reserved: str
    in_doubt: str
    remaining: str
    resets_at: str | None


class RateStanding(Struct, kw_only=True):
    """Lookups in this minute, of the team or of the key alone; `resets_in` is seconds."""

    scope: str
    per_minute: int
    remaining: int
    resets_in: int


class ConcurrencyStanding(Struct, kw_only=True):
    """Lookups under way, of the team or of the key alone."""

    scope: str
    limit: int
    running: int


class MeView(Struct, kw_only=True):
    """No budget is no limit, nor is a null `rate_limit`; it is the tighter of team's and key's."""

    team: Named
    key: Named
    scopes: list[str]
    expires_at: str | None
    currency: str
    budgets: list[BudgetStanding]
    rate_limit: RateStanding | None
    concurrency: list[ConcurrencyStanding]


class MeReply(Struct):
    data: MeView
    meta: ReplyMeta


def _budget(standing: Standing) -> BudgetStanding:
    held = standing.posted + standing.reserved + standing.in_doubt
    return BudgetStanding(
        scope=standing.scope.partition(":")[0],
        period=standing.period,
        limit=to_money(standing.limit),
        spent=to_money(standing.posted),
        reserved=to_money(standing.reserved),
        in_doubt=to_money(standing.in_doubt),
        remaining=to_money(max(0, standing.limit - held)),
        resets_at=moment(standing.resets_at),
    )


def _tightest(rates: list[Rate]) -> RateStanding | None:
    if not rates:
        return None
    rate = min(rates, key=lambda each: each.remaining)
    scope = rate.scope.partition(":")[0]
    return RateStanding(
        scope=scope, per_minute=rate.limit, remaining=rate.remaining, resets_in=rate.resets
    )


def _concurrency(found: AtOnce) -> ConcurrencyStanding:
    scope = found.scope.partition(":")[0]
    return ConcurrencyStanding(scope=scope, limit=found.limit, running=found.running)


async def _view(context: Context, caller: Caller) -> MeView:
    team = await context.roster.team(caller.team)
    key = await context.roster.key(caller.key) if caller.key else None
    scopes = [scope for scope in caller.budget_scopes() if scope != "all"]
    now = await context.standings.now()
    budgets = await context.standings.budgets(scopes, now)
    rates = [await context.standings.rate(scope, now) for scope in scopes]
    running = [await context.standings.at_once(scope, now) for scope in scopes]
    return MeView(
        team=Named(id=caller.team, name=team.name if team else caller.team),
        key=Named(id=caller.key or BOOTSTRAP, name=key.name if key else BOOTSTRAP),
        scopes=sorted(caller.scopes),
        expires_at=key.expires_at if key else None,
        currency=context.settings.currency,
        budgets=[_budget(each) for each in budgets],
        rate_limit=_tightest([each for each in rates if each]),
        concurrency=[_concurrency(each) for each in running if each],
    )


class Me(Controller):
    """For any key, about itself."""

    tags = ["Usage"]
    opt = {"scope": None}

    @get("/v1/me", responses=responses({}, AUTHENTICATED))
    async def me(self, request: Req) -> MeReply:
        view = await _view(context_of(request), caller_of(request.scope))
        return MeReply(view, meta_of(request))
