"""What each provider offers, and at what price."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from msgspec import Struct

from gateway.api.context import context_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, responses
from gateway.api.lists import ReplyMeta, caller_of, missing
from gateway.lookup.desk import Desk
from gateway.lookup.planner import Stall
from gateway.money.amounts import to_money, to_units
from providers.model import OPERATIONS
from providers.registry import ADAPTERS

Req = Request[Any, Any, Any]


class OfferView(Struct, kw_only=True):
    """`units` is what one call costs at worst (per row: of one row), in `unit`."""

    operation: str
    charge: str
    unit: str
    units: float | None
    price: str
    price_source: str
    resend: str
    asynchronous: bool


class ProviderView(Struct, kw_only=True):
    """`configured` is whether the caller's team has a credential there."""

    name: str
    configured: bool
    currency: str
    operations: list[OfferView]


class ProviderReply(Struct):
    data: ProviderView
    meta: ReplyMeta


class ProvidersReply(Struct):
    data: list[ProviderView]
    meta: ReplyMeta


def _view(desk: Desk, name: str, team: str) -> ProviderView:
    found = {}
    for operation in OPERATIONS:
        for stall in desk.market.stalls(operation, team):
            if stall.provider == name:
                found[operation] = stall
    return ProviderView(
        name=name,
        configured=any(stall.credential or stall.benched for stall in found.values()),
        currency=desk.settings.currency,
        operations=[_offer(operation, stall) for operation, stall in found.items()],
    )


class Providers(Controller):
    """Readable with any key."""

    tags = ["Providers"]
    opt = {"scope": None}

    @get("/v1/providers", responses=responses({}, AUTHENTICATED))
    async def list_providers(self, request: Req) -> ProvidersReply:
        team = caller_of(request.scope).team
        rows = [_view(context_of(request).desk, name, team) for name in ADAPTERS]
        return ProvidersReply(rows, meta_of(request))

    @get(
        "/v1/providers/{name:str}",
        responses=responses({}, (*AUTHENTICATED, *READ)),
    )
    async def show_provider(self, request: Req, name: FromPath[str]) -> ProviderReply:
        if name not in ADAPTERS:
            raise missing("provider")
        team = caller_of(request.scope).team
        return ProviderReply(_view(context_of(request).desk, name, team), meta_of(request))


def _offer(operation: str, stall: Stall) -> OfferView:
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
    )
