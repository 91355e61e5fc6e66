"""What each provider offers, and at what price."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from msgspec import Struct

from gateway.api.context import Context, context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.guard.breakers import Doing, State, classes_of
from gateway.guard.permits import Limit as Allowed
from gateway.lookup.planner import Stall
from gateway.lookup.planning.bounces import (
    DECILES,
    PRIORS,
    Estimates,
    estimates_of,
    overall_of,
)
from gateway.lookup.planning.outcomes import EVERYBODY, PLACES, UNRATED, book_of
from gateway.lookup.planning.terms import Cells
from gateway.money.amounts import to_money, to_units
from providers.model import OPERATIONS
from providers.registry import ADAPTERS, account_actions

Req = Request[Any, Any, Any]
NOTHING = (0, 0, 0, 0, 0)


class OfferView(Struct, kw_only=True):
    """`units` is what one call costs at worst (per row: of one row), in `unit`.

    `hit_rate` is the share of clean answers that found something, `latency_ms` their mean time;
    null before the first.
    """

    operation: str
    charge: str
    unit: str
    units: float | None
    price: str
    price_source: str
    resend: str
    asynchronous: bool
    breaker: State
    hit_rate: float | None
    latency_ms: int | None


class LimitView(Struct, kw_only=True):
    """At most `number` requests in `seconds`, of `paths`; none of them, of all."""

    number: int
    seconds: float
    paths: list[str]


class DecileView(Struct, kw_only=True):
    """Of addresses with a confidence from `confidence` to nine above; null for those without."""

    confidence: int | None
    estimate: float
    deliveries: int
    bounced: int


class BounceView(Struct, kw_only=True):
    """Of all outcomes told of addresses with a status, and how often the next is expected to
    bounce: few outcomes are taken together with those of all providers, and those with what such
    addresses are commonly said to bounce.
    """

    status: str
    estimate: float
    deliveries: int
    bounced: int
    replied: int
    wrong_person: int
    by_confidence: list[DecileView]


class ProviderView(Struct, kw_only=True):
    """`configured` is whether the caller's team has a credential there.

    `limits` hold for the account that would be used. `breaker` is the worst of its operations
    and of what is asked natively. `account_actions` are what can be done with what an account
    there keeps.
    """

    name: str
    configured: bool
    currency: str
    operations: list[OfferView]
    limits: list[LimitView]
    concurrency: int | None
    breaker: State
    account_actions: list[str]
    bounces: list[BounceView]


class ProviderReply(Struct):
    data: ProviderView
    meta: ReplyMeta


class ProvidersReply(Struct):
    data: list[ProviderView]
    meta: ListMeta


async def _view(context: Context, name: str, team: str) -> ProviderView:
    market = context.market
    found = {
        operation: stall
        for operation in OPERATIONS
        for stall in market.stalls(operation, team)
        if stall.provider == name
    }
    account = next((stall.credential for stall in found.values() if stall.credential), None)
    allowance = market.allowance(account) if account else None
    classes = classes_of(found, account_actions(name))
    breakers = await context.breakers.read(account.id, classes) if account else []
    states = {breaker.operation: breaker.state for breaker in breakers}
    books = (name, EVERYBODY)
    doing = [await context.breakers.doing(name, operation) for operation in found]
    return ProviderView(
        name=name,
        configured=any(stall.credential or stall.benched for stall in found.values()),
        currency=context.settings.currency,
        operations=[
            _offer(operation, stall, states.get(operation, "closed"), how)
            for (operation, stall), how in zip(found.items(), doing, strict=True)
        ],
        limits=[_limit(limit) for limit in allowance.limits] if allowance else [],
        concurrency=(allowance.at_once or None) if allowance else None,
        breaker=max(states.values(), key=WORSE.index, default="closed"),
        account_actions=account_actions(name),
        bounces=_bounces(*[await context.desk.bounces.cells(book_of(one)) for one in books]),
    )


def _bounces(mine: Cells, everybodys: Cells) -> list[BounceView]:
    estimates, overall = estimates_of(mine, everybodys), overall_of(mine, everybodys)
    found = []
    for status in PRIORS:
        count = mine.get(status, NOTHING)
        deciles = [_decile(mine, estimates, status, decile) for decile in (UNRATED, *DECILES)]
        view = BounceView(
            status=status,
            estimate=round(overall[status].chance, 4),
            deliveries=count[0],
            bounced=count[PLACES["bounced"]],
            replied=count[PLACES["replied"]],
            wrong_person=count[PLACES["wrong_person"]],
            by_confidence=deciles,
        )
        found.append(view)
    return found


def _decile(mine: Cells, estimates: Estimates, status: str, decile: str) -> DecileView:
    count = mine.get(f"{status}/{decile}", NOTHING)
    return DecileView(
        confidence=None if decile == UNRATED else int(decile) * 10,
        estimate=round(estimates[status, decile].chance, 4),
        deliveries=count[0],
        bounced=count[PLACES["bounced"]],
    )


WORSE: tuple[State, ...] = ("closed", "half_open", "open")


def _limit(limit: Allowed) -> LimitView:
    return LimitView(number=limit.number, seconds=limit.span, paths=limit.bucket.split())


class Providers(Controller):
    """Readable with any key."""

    tags = ["Providers"]
    opt = {"scope": None}

    @get("/v1/providers", responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_providers(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> ProvidersReply:
        context, caller = context_of(request), caller_of(request.scope)
        page, after = context.pager.cut([*ADAPTERS], caller, "providers", limit, cursor)
        rows = [await _view(context, name, caller.team) for name in page]
        return ProvidersReply(rows, list_meta_of(request, after, len(ADAPTERS)))

    @get(
        "/v1/providers/{name:str}",
        responses=responses({}, (*AUTHENTICATED, *READ)),
    )
    async def show_provider(self, request: Req, name: FromPath[str]) -> ProviderReply:
        if name not in ADAPTERS:
            raise missing("provider")
        team = caller_of(request.scope).team
        return ProviderReply(await _view(context_of(request), name, team), meta_of(request))


def _offer(operation: str, stall: Stall, breaker: State, doing: Doing | None) -> OfferView:
    offer = stall.offer
    units = to_units(offer.units) if isinstance(offer.units, int) else None
    return OfferView(
        operation=operation,
        charge=offer.charge.value,
        unit=offer.unit,
        units=units,
        price=to_money(stall.price.micros),
        price_source=stall.price.source,
        resend=offer.resend.value,
        asynchronous=offer.collect is not None,
        breaker=breaker,
        hit_rate=round(doing.hits / doing.asked, 4) if doing else None,
        latency_ms=round(doing.ms / doing.asked) if doing else None,
    )
