"""A plan as callers read it: whom to ask, what that is expected to cost, who is left out."""

from __future__ import annotations

from msgspec import Struct

from gateway.lookup.planning.terms import MILLION, Plan, Policy, Rating
from gateway.lookup.planning.weighing import NEVER
from gateway.money.amounts import to_money


class PlannedStep(Struct, kw_only=True):
    """Asking a provider, should all before it have missed.

    `cost_per_accepted` is what the learned order goes by, null if nothing can be expected;
    `seen` is how many calls like it that rests on. Costs are with the verification of its answer,
    where that would be bought.
    """

    provider: str
    operation: str
    expected_cost: str
    worst_cost: str
    expected_chance: float
    cost_per_accepted: str | None
    seen: int


class LeftOutStep(Struct, kw_only=True):
    provider: str
    reason: str


class PlanView(Struct, kw_only=True):
    """`expected_chance` is of an accepted answer, from 0 to 1."""

    order: str
    steps: list[PlannedStep]
    left_out: list[LeftOutStep]
    expected_cost: str
    worst_cost: str
    expected_chance: float
    currency: str


def to_view(plan: Plan, operation: str, policy: Policy, currency: str) -> PlanView:
    return PlanView(
        order=policy.order,
        steps=[to_step_view(step, operation) for step in plan.steps],
        left_out=[LeftOutStep(provider=one.provider, reason=one.reason) for one in plan.left_out],
        expected_cost=to_money(plan.cost),
        worst_cost=to_money(plan.worst),
        expected_chance=to_share(plan.chance),
        currency=currency,
    )


def to_step_view(rating: Rating, operation: str) -> PlannedStep:
    return PlannedStep(
        provider=rating.provider,
        operation=operation,
        expected_cost=to_money(rating.cost),
        worst_cost=to_money(rating.worst + rating.check),
        expected_chance=to_share(rating.chance),
        cost_per_accepted=to_price(rating.mean),
        seen=rating.seen,
    )


def to_price(index: int) -> str | None:
    return None if index >= NEVER else to_money(index)


def to_share(millionths: int) -> float:
    return round(millionths / MILLION, 4)
