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
from gateway.money.ledger import Rate
from gateway.money.standing import Standing

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
    """Lookups of the team in this minute; `resets_in` is seconds."""

    per_minute: int
    remaining: int
    resets_in: int


class MeView(Struct, kw_only=True):
    """No budget is no limit, nor is a null `rate_limit`."""

    team: Named
    key: Named
    scopes: list[str]
    expires_at: str | None
    currency: str
    budgets: list[BudgetStanding]
    rate_limit: RateStanding | None


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


def _rate(rate: Rate | None) -> RateStanding | None:
    if rate is None:
        return None
    return RateStanding(per_minute=rate.limit, remaining=rate.remaining, resets_in=rate.resets)


async def _view(context: Context, caller: Caller) -> MeView:
    team = await context.roster.team(caller.team)
    key = await context.roster.key(caller.key) if caller.key else None
    own = [f"key:{caller.key}"] if caller.key else []
    now = await context.standings.now()
    budgets = await context.standings.budgets([f"team:{caller.team}", *own], now)
    return MeView(
        team=Named(id=caller.team, name=team.name if team else caller.team),
        key=Named(id=caller.key or BOOTSTRAP, name=key.name if key else BOOTSTRAP),
        scopes=sorted(caller.scopes),
        expires_at=key.expires_at if key else None,
        currency=context.settings.currency,
        budgets=[_budget(each) for each in budgets],
        rate_limit=_rate(await context.standings.rate(caller.team, now)),
    )


class Me(Controller):
    """For any key, about itself."""

    tags = ["Usage"]
    opt = {"scope": None}

    @get("/v1/me", responses=responses({}, AUTHENTICATED))
    async def me(self, request: Req) -> MeReply:
        view = await _view(context_of(request), caller_of(request.scope))
        return MeReply(view, meta_of(request))
