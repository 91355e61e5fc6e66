"""How a caller, a team or an operator wants a waterfall to go."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.lookup.judge import Accept
from gateway.money.amounts import to_micros
from gateway.settings import RouteSettings
from gateway.settings.model import DELIVERABLE
from providers.model import Status

Order = Literal["listed", "cheapest", "learned"]
Verify = Literal["never", "uncertain"]
Money = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$",
        description="money in the installation's currency, such as 0.10",
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Share = Annotated[
    float,
    Meta(gt=0, le=1, description="how often such an address may bounce, such as 0.02"),
]
# No account's: how a domain makes its addresses.
PATTERN = "pattern"
DAY = 24 * 3600
LONGEST = 30 * DAY
# As in the settings. What is kept for a shorter time ends sooner.
MOST_AGE = 10**9


class AcceptChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    statuses: Annotated[list[Status], Meta(min_length=1, max_length=5)] | UnsetType = UNSET
    min_confidence: Annotated[int, Meta(ge=0, le=100)] | UnsetType = UNSET
    max_bounce: Share | UnsetType | None = UNSET


class Routing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out is decided by the team's routing, then the installation's.

    `max_cost` is money, `max_age` seconds (0 bypasses the cache), `timeout` seconds. For
    `providers` and `timeout` null is the installation's default, whatever routes say. With
    `accept.max_bounce` the statuses decide only where they are named beside it. `guess` is whether
    an address may be made as its domain makes them, and be verified. `value` is what an accepted
    answer is worth, null for whatever it costs; `wait_price` what a second until it is there takes
    from that, null for nothing.
    """

    providers: Annotated[list[Name], Meta(min_length=1, max_length=16)] | UnsetType | None = UNSET
    order: Order | UnsetType = UNSET
    accept: AcceptChoice | UnsetType = UNSET
    verify: Verify | UnsetType = UNSET
    max_cost: Money | UnsetType | None = UNSET
    value: Money | UnsetType | None = UNSET
    wait_price: Money | UnsetType | None = UNSET
    max_age: Annotated[int, Meta(ge=0, le=MOST_AGE)] | UnsetType = UNSET
    timeout: Annotated[float, Meta(gt=0, le=DAY)] | UnsetType | None = UNSET
    guess: bool | UnsetType = UNSET


class Route(Struct, frozen=True, kw_only=True):
    """A routing with nothing left open; `max_cost`, `value` in micro-units, None for no bound.

    `wait_price` is micro-units a second, None where nobody minds waiting.
    `timeout` None is the wait of the exchange, then an hour once the lookup is a job.
    """

    providers: tuple[str, ...] | None = None
    order: Order = "learned"
    accept: Accept = Accept()
    verify: Verify = "never"
    max_cost: int | None = None
    value: int | None = None
    wait_price: int | None = None
    max_age: int = LONGEST
    timeout: float | None = None
    guess: bool = True

    @property
    def guesses(self) -> bool:
        """Whether the pattern of a domain may be asked: named, or nobody is."""
        return self.guess and (self.providers is None or PATTERN in self.providers)


def resolve(routings: Iterable[Routing | None], base: Route) -> Route:
    """The first routing that speaks of a member decides it, else `base` does."""
    chosen: dict[str, Any] = {}
    accept: dict[str, Any] = {}
    for routing in routings:
        if routing is None:
            continue
        for name, value in _spoken(routing).items():
            if name == "accept":
                accept = _spoken(value) | accept
            else:
                chosen.setdefault(name, value)
    return _replaced(base, chosen, accept)


def _spoken(choice: Struct) -> dict[str, Any]:
    members = msgspec.structs.asdict(choice)
    return {name: value for name, value in members.items() if value is not UNSET}


def _replaced(base: Route, chosen: dict[str, Any], accept: dict[str, Any]) -> Route:
    if "statuses" in accept:
        accept["statuses"] = tuple(accept["statuses"])
    for name in ("providers", "timeout"):
        if name in chosen and chosen[name] is None:
            del chosen[name]
    if "providers" in chosen:
        chosen["providers"] = tuple(chosen["providers"])
    for name in ("max_cost", "value", "wait_price"):
        if chosen.get(name) is not None:
            chosen[name] = to_micros(Decimal(chosen[name]))
    if accept.get("max_bounce") is not None:
        accept.setdefault("statuses", DELIVERABLE)
    if accept:
        chosen["accept"] = msgspec.structs.replace(base.accept, **accept)
    return msgspec.structs.replace(base, **chosen) if chosen else base


def base_route(configured: RouteSettings) -> Route:
    """The route of an operation that nobody else routed."""
    cap, value, wait_price = configured.max_cost, configured.value, configured.wait_price
    return Route(
        providers=configured.providers,
        order=configured.order,
        accept=Accept(
            statuses=configured.accept_statuses,
            min_confidence=configured.min_confidence,
            max_bounce=configured.max_bounce,
        ),
        verify=configured.verify,
        max_cost=None if cap is None else to_micros(cap),
        value=None if value is None else to_micros(value),
        wait_price=None if wait_price is None else to_micros(wait_price),
        max_age=configured.max_age,
        timeout=configured.timeout,
        guess=configured.guess,
    )
