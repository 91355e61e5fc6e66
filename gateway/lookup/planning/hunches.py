"""The guess by a domain's pattern as the planner sees it: before all others, if it saves money."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from gateway.lookup.planning.planner import full_plan, worst_of
from gateway.lookup.planning.terms import (
    MILLION,
    START,
    Plan,
    Policy,
    Question,
    Rating,
    State,
    Statistics,
)
from gateway.lookup.planning.weighing import NEVER
from gateway.lookup.routing import PATTERN


class Hunch(Struct, frozen=True, kw_only=True, array_like=True):
    """A guess that `verifier` checks for `price`; `chance` is that it is there, and surely enough
    to be accepted, in millionths.

    Of so many guesses of the domain that were verified it is known. Without it `first` would be
    asked, for `saves` at most.
    """

    verifier: str
    price: int
    chance: int
    seen: int
    first: str
    saves: int


def weigh(hunch: Hunch, policy: Policy) -> Rating:
    """What verifying the guess comes to; pure, as all that is decided on."""
    price, chance = hunch.price, hunch.chance
    index = min(NEVER, (price * MILLION + chance // 2) // chance) if chance else NEVER
    return Rating(
        provider=PATTERN,
        index=index,
        mean=index,
        cost=price,
        chance=chance,
        worst=price,
        seen=hunch.seen,
        reason=_reason(hunch, policy),
    )


def _reason(hunch: Hunch, policy: Policy) -> str:
    if not saves_money(hunch, policy):
        return "not_worth_it"
    cap = policy.max_cost
    return "over_budget" if cap is not None and hunch.price > cap else ""


def saves_money(hunch: Hunch, policy: Policy) -> bool:
    """Whether it saves more than it costs, and an answer by it is worth its price."""
    price = hunch.price * MILLION
    if policy.value is not None and price > hunch.chance * policy.value:
        return False
    return price < hunch.chance * hunch.saves


def plan_with(
    question: Question, statistics: Statistics, hunch: Hunch | None, state: State = START
) -> Plan:
    """The full plan, with the guess before it or among those that are left out."""
    if hunch is None:
        return full_plan(question, statistics, state)
    first, worst = weigh(hunch, question.policy), _worst_of(question, hunch, state)
    if first.reason:
        plan = full_plan(question, statistics, state)
        return msgspec.structs.replace(plan, left_out=(first, *plan.left_out), worst=worst)
    spent = msgspec.structs.replace(state, spent=state.spent + first.cost)
    rest = full_plan(question, statistics, spent)
    open_ = 1 - first.chance / MILLION
    return Plan(
        steps=(first, *rest.steps),
        left_out=rest.left_out,
        cost=min(int(first.cost + open_ * rest.cost + 0.5), worst),
        worst=worst,
        chance=int((1 - open_ * (1 - rest.chance / MILLION)) * MILLION + 0.5),
    )


def _worst_of(question: Question, hunch: Hunch, state: State) -> int:
    """With the guess, if it may be made: each lookup draws for itself whom it would ask first."""
    policy, worst = question.policy, worst_of(question, state)
    if policy.order == "learned":
        dearest = max((one.worst for one in question.options if not one.barred), default=0)
        hunch = msgspec.structs.replace(hunch, saves=max(hunch.saves, dearest))
    if _reason(hunch, policy):
        return worst
    cap = NEVER if policy.max_cost is None else policy.max_cost
    return min(worst + hunch.price, cap)
