"""In which order providers are asked: a pure function of the query, the route and the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gateway.lookup.routing import PATTERN, Route
from gateway.money.amounts import cost_of
from gateway.money.prices import Price
from gateway.vault.credentials import Credential
from providers.base import Offer
from providers.model import Query


class Step(Struct, frozen=True):
    """One provider, with the credential that will pay; `units`, `cost` are the worst case.

    `limits` are the credential's, by name; `spare` says that the provider has another one. A
    `paced` one needs a permit for every request. `is_priced` if it has a price, were it 0.
    """

    provider: str
    credential: Credential
    offer: Offer
    price: int
    units: int
    cost: int
    limits: Mapping[str, int] = {}
    spare: bool = False
    paced: bool = False
    is_priced: bool = True


class LeftOut(Struct, frozen=True):
    """`until` is when it may be asked again, in seconds since the epoch, 0 for who knows when."""

    provider: str
    reason: str
    until: float = 0.0


class Plan(Struct, frozen=True):
    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...] = ()


class Stall(Struct, frozen=True):
    """A provider's offer for one operation, and the credential a team would use there.

    `benched` says why there is none, if those there are are out of use for a while: `until`, in
    seconds since the epoch.
    """

    provider: str
    offer: Offer
    credential: Credential | None
    price: Price
    benched: str = ""
    until: float = 0.0
    limits: Mapping[str, int] = {}
    spare: bool = False
    paced: bool = False


def plan(query: Query, route: Route, market: Sequence[Stall]) -> Plan:
    """Steps in the route's order; every provider left out has its reason."""
    stalls = _allowed(route, {stall.provider: stall for stall in market})
    steps, left_out = [], []
    for provider, stall in stalls:
        reason = _unfit(query, stall)
        if stall is None or reason is not None:
            until = stall.until if stall is not None and reason == stall.benched else 0.0
            left_out.append(LeftOut(provider, reason or "unsupported", until))
        else:
            steps.append(to_step(query, stall))
    if route.order == "cheapest":
        steps.sort(key=lambda step: step.cost)
    return Plan(tuple(steps), tuple(left_out))


def _allowed(route: Route, market: Mapping[str, Stall]) -> list[tuple[str, Stall | None]]:
    names = market if route.providers is None else dict.fromkeys(route.providers)
    return [(name, market.get(name)) for name in names if name != PATTERN]


def _unfit(query: Query, stall: Stall | None) -> str | None:
    if stall is None or not stall.offer.fits(query):
        return "unsupported"
    return None if stall.credential else stall.benched or "no_credential"


def to_step(query: Query, stall: Stall) -> Step:
    """The step of a stall with a credential."""
    assert stall.credential is not None
    units = stall.offer.worst_units(query)
    cost = cost_of(units, stall.price.micros)
    return Step(
        provider=stall.provider,
        credential=stall.credential,
        offer=stall.offer,
        price=stall.price.micros,
        units=units,
        cost=cost,
        limits=stall.limits,
        spare=stall.spare,
        paced=stall.paced,
        is_priced=stall.price.is_set,
    )
