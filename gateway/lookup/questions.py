"""A lookup as the planner sees it: who can be asked at what price, and how the caller wants it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway.lookup.bookshelf import Bookshelf
from gateway.lookup.judging import deliverable
from gateway.lookup.planning.confirming import CONFIRMS, chance_of, is_worth
from gateway.lookup.planning.estimation import rows_of
from gateway.lookup.planning.segments import segment_of
from gateway.lookup.planning.terms import (
    MILLION,
    Cells,
    Option,
    Policy,
    Question,
    Statistics,
    priced,
)
from gateway.money.amounts import cost_of
from providers.base import Charge
from providers.model import EMAILS_FIND, Query

if TYPE_CHECKING:
    from gateway.lookup.lookup import Lookup
    from gateway.lookup.planner import Step


def statistics_of(lookup: Lookup, shelf: Bookshelf) -> Statistics:
    """Of those who can be asked."""
    known = shelf.of(lookup.operation)
    names = (step.provider for step in lookup.plan.steps)
    return {name: known[name] for name in names if name in known}


def question_of(lookup: Lookup, shelf: Bookshelf) -> Question:
    """The lookup as the planner sees it."""
    left_out = (
        Option(provider=left.provider, barred=left.reason) for left in lookup.plan.left_out
    )
    return Question(
        segment=segment_of(lookup.query),
        options=(*options_of(lookup, shelf), *left_out),
        policy=policy_of(lookup),
        seed=lookup.id,
    )


def policy_of(lookup: Lookup) -> Policy:
    """Only addresses are accepted by their status; of other answers, those that say anything."""
    route = lookup.route
    by_status = lookup.operation == EMAILS_FIND
    return Policy(
        order=route.order,
        accept=route.accept.statuses if by_status else ("valid",),
        min_confidence=route.accept.min_confidence if by_status else 0,
        value=route.value,
        wait_price=route.wait_price or 0,
        max_cost=route.max_cost,
        want=tuple(dict.fromkeys(getattr(lookup.query, "want", ()))),
    )


def options_of(lookup: Lookup, shelf: Bookshelf) -> list[Option]:
    """Assumed: who has no price set (Letrics has none to be read) is as dear as the dearest."""
    steps = lookup.plan.steps
    dearest = max((step.cost for step in steps), default=0)
    known, query = statistics_of(lookup, shelf), lookup.query
    options = [
        _option(
            step, query, step.cost if step.is_priced else dearest, known.get(step.provider, {})
        )
        for step in steps
    ]
    if lookup.bounces and lookup.operation == EMAILS_FIND:
        options = [
            msgspec.structs.replace(one, accept=deliverable(lookup, one.provider))
            for one in options
        ]
    return with_checks(lookup, shelf, options) if lookup.checks else options


def with_checks(lookup: Lookup, shelf: Bookshelf, options: Sequence[Option]) -> list[Option]:
    """The options with the price of having uncertain answers verified, where that may be done."""
    accept = lookup.route.accept
    if "unknown" in accept.statuses and accept.max_bounce is None:
        return list(options)
    confirms = shelf.of(CONFIRMS)
    return [_checked(one, lookup, confirms.get(one.provider, {})) for one in options]


def _checked(option: Option, lookup: Lookup, confirms: Cells) -> Option:
    price, chance = lookup.checks.get(option.provider), chance_of(confirms)
    if price is None or not is_worth(price, chance, lookup.route.value):
        return option
    return msgspec.structs.replace(option, verify=price, confirms=round(chance * MILLION))


def _option(step: Step, query: Query, cost: int, cells: Cells) -> Option:
    """Assumed: of the rows that may come, half do."""
    charge, name, rows = step.offer.charge, step.provider, getattr(query, "limit", 1)
    expected = max(1, rows // 2)
    if charge is Charge.PER_ROW:
        return priced(name, "per_row", cost // rows, worst=step.cost, rows=expected)
    if step.offer.doubts_free:
        return Option(provider=name, per_verdict=cost, worst=step.cost)
    if charge is Charge.PER_HIT and rows > 1 and step.is_priced:
        cost = _cost_of_rows(step, query, min(rows, math.ceil(rows_of(cells, expected))))
    if charge is Charge.PER_HIT or step.offer.hits_only(query):
        return priced(name, "per_hit", cost, worst=step.cost)
    return priced(name, "per_call", 0 if charge is Charge.FREE else cost, worst=step.cost)


def _cost_of_rows(step: Step, query: Query, rows: int) -> int:
    """What an answer of so many rows costs."""
    units = step.offer.worst_units(msgspec.structs.replace(query, limit=rows))
    return cost_of(units, step.price)
