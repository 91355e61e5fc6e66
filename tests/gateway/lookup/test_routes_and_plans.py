"""Who decides a waterfall's order, and which steps it has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.lookup.judge import Accept
from gateway.lookup.planner import Stall, plan
from gateway.lookup.routing import AcceptChoice, Route, Routing, base_route, resolve
from gateway.money.prices import Price, price_of
from gateway.settings import RouteSettings
from gateway.vault.credentials import Credential
from providers.base import Charge, Offer
from providers.model import FindEmail, Query
from providers.registry import ADAPTERS

BASE = base_route(
    RouteSettings(
        providers=("letrics",), order="listed", accept_statuses=("valid",), max_cost=Decimal("0.5")
    )
)
QUERY = FindEmail(full_name="Ada Lovelace", domain="a.example")


@pytest.mark.parametrize(
    "call, team, installation, chosen",
    [
        ({}, {}, {}, {}),
        ({}, {}, {"max_age": 3}, {"max_age": 3}),
        ({}, {"max_age": 2}, {"max_age": 3}, {"max_age": 2}),
        ({"max_age": 1}, {"max_age": 2}, {"max_age": 3}, {"max_age": 1}),
        ({"max_age": 0}, {"max_age": 2}, {}, {"max_age": 0}),
        ({"order": "cheapest"}, {"verify": "uncertain"}, {"timeout": 3.0},
         {"order": "cheapest", "verify": "uncertain", "timeout": 3.0}),
        ({"max_cost": "0.10"}, {"max_cost": "1"}, {}, {"max_cost": 100_000}),
        ({"max_cost": None}, {"max_cost": "1"}, {}, {"max_cost": None}),
        ({"timeout": None}, {"timeout": 2.0}, {}, {}),
        ({}, {"providers": None}, {"providers": ["hunter"]}, {}),
        ({"providers": ["snov"]}, {"providers": None}, {}, {"providers": ("snov",)}),
        ({"providers": ["snov"]}, {"providers": ["hunter"]}, {}, {"providers": ("snov",)}),
        ({"accept": {"min_confidence": 5}}, {"accept": {"statuses": ["catch_all"]}}, {},
         {"accept": Accept(statuses=("catch_all",), min_confidence=5)}),
        ({"accept": {"statuses": ["unknown"]}}, {"accept": {"statuses": ["catch_all"]}}, {},
         {"accept": Accept(statuses=("unknown",))}),
    ],
)  # fmt: skip
def test_the_call_decides_before_the_team_before_the_installation(
    call: dict[str, Any],
    team: dict[str, Any],
    installation: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    said = [msgspec.convert(one, Routing) for one in (call, team, installation)]
    assert resolve([*said, None], BASE) == msgspec.structs.replace(BASE, **chosen)


def test_an_accept_of_one_member_leaves_the_other_to_the_next() -> None:
    routing = Routing(accept=AcceptChoice(min_confidence=7))
    assert resolve([routing], Route()).accept == Accept(statuses=("valid",), min_confidence=7)


def offer(units: int = 1000, *, fits: bool = True, charge: Charge = Charge.PER_CALL) -> Offer:
    return Offer(
        ask="find",
        charge=charge,
        unit="credit",
        units=units,
        price=Decimal("0.03"),
        source="a page",
        read_on="2026-11-21",
        fits=lambda _query: fits,
    )


def stall(name: str, price: int, *, held: bool = True, **of: Any) -> Stall:
    credential = Credential(id=f"c-{name}", provider=name, name=name, base_url="http://x")
    return Stall(name, offer(**of), credential if held else None, Price(price, "test"))


MARKET = [
    stall("hunter", 49_000),
    stall("snov", 30_000),
    stall("sixtyfour", 10_000, units=5000),
    stall("letrics", 0, charge=Charge.FREE),
]


@pytest.mark.parametrize(
    "route, steps",
    [
        (Route(), ["hunter", "snov", "sixtyfour", "letrics"]),
        (Route(order="cheapest"), ["letrics", "snov", "hunter", "sixtyfour"]),
        (Route(providers=("snov", "hunter")), ["snov", "hunter"]),
        (Route(providers=("hunter", "snov"), order="cheapest"), ["snov", "hunter"]),
        (Route(providers=("snov", "hunter", "snov")), ["snov", "hunter"]),
    ],
)
def test_steps_come_in_the_order_of_the_route(route: Route, steps: list[str]) -> None:
    planned = plan(QUERY, route, MARKET)
    assert [step.provider for step in planned.steps] == steps
    assert not planned.left_out


def test_each_step_knows_its_worst_case() -> None:
    worst = {step.provider: (step.units, step.cost) for step in plan(QUERY, Route(), MARKET).steps}
    assert worst["sixtyfour"] == (5000, 50_000)
    assert worst["letrics"] == (0, 0)


def test_who_is_left_out_has_a_reason() -> None:
    market = [
        stall("hunter", 1, fits=False),
        stall("snov", 1, held=False),
        stall("sixtyfour", 1, fits=False, held=False),
        stall("letrics", 1),
    ]
    route = Route(providers=("hunter", "snov", "sixtyfour", "letrics", "nobody"))
    planned = plan(QUERY, route, market)
    assert [step.provider for step in planned.steps] == ["letrics"]
    assert {left.provider: left.reason for left in planned.left_out} == {
        "hunter": "unsupported",
        "snov": "no_credential",
        "sixtyfour": "unsupported",
        "nobody": "unsupported",
    }


@pytest.mark.parametrize(
    "query, provider, fits",
    [
        (QUERY, "hunter", True),
        (FindEmail(full_name="A B", domain="a.example", kind="personal"), "hunter", False),
        (FindEmail(full_name="A B", domain="a.example", kind="personal"), "sixtyfour", True),
        (FindEmail(full_name="A B", company="A"), "snov", False),
        (FindEmail(linkedin_url="https://www.linkedin.com/in/a"), "snov", True),
        (FindEmail(linkedin_url="https://www.linkedin.com/in/a"), "sixtyfour", True),
    ],
)
def test_providers_take_only_what_they_can_answer(query: Query, provider: str, fits: bool) -> None:
    assert ADAPTERS[provider].offers["emails.find"].fits(query) is fits


@pytest.mark.parametrize(
    "overrides, price",
    [
        ((), Price(30_000, "a page")),
        ((("settings", {"emails.find": Decimal("0.01")}),), Price(10_000, "settings")),
        (
            (("credential", {}), ("settings", {"emails.find": Decimal("0.0000005")})),
            Price(1, "settings"),
        ),
        (
            (
                ("credential", {"emails.find": Decimal("0.02")}),
                ("settings", {"emails.find": Decimal("0.01")}),
            ),
            Price(20_000, "credential"),
        ),
    ],
)
def test_the_credentials_price_comes_before_the_installations(
    overrides: Any, price: Price
) -> None:
    assert price_of("emails.find", offer(), *overrides) == price
