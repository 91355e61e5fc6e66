"""A plan as callers read it: whom to ask, what that is expected to cost, who is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

from gateway.lookup.planning.explanation import why_guessed, why_not_guessed
from gateway.lookup.planning.hunches import Hunch, weigh
from gateway.lookup.planning.terms import MILLION, Policy, Rating
from gateway.lookup.planning.weighing import NEVER
from gateway.money.amounts import to_money

if TYPE_CHECKING:
    from gateway.lookup.course import Course


class PlannedStep(Struct, kw_only=True):
    """Asking a provider, should all before it have missed.

    `cost_per_accepted` is what the learned order goes by, null if nothing can be expected;
    `seen` is how many calls like it that rests on. Costs are with the verification of its answer,
    where that would be bought. `pattern` is the guess by the domain's pattern: `verified_by` is
    who checks it, and `why` says why it comes first.
    """

    provider: str
    operation: str
    expected_cost: str
    worst_cost: str
    expected_chance: float
    cost_per_accepted: str | None
    seen: int
    verified_by: str | UnsetType = UNSET
    why: str | UnsetType = UNSET


class LeftOutStep(Struct, kw_only=True):
    """`why` is the reason in words, of the guess alone."""

    provider: str
    reason: str
    why: str | UnsetType = UNSET


class PlanView(Struct, kw_only=True):
    """`expected_chance` is of an accepted answer, from 0 to 1."""

    order: str
    steps: list[PlannedStep]
    left_out: list[LeftOutStep]
    expected_cost: str
    worst_cost: str
    expected_chance: float
    currency: str


def to_view(course: Course, currency: str) -> PlanView:
    """What was planned before anybody was asked."""
    plan, operation = course.plan(), course.operation
    view = PlanView(
        order=course.question.policy.order,
        steps=[to_step_view(step, operation) for step in plan.steps],
        left_out=[LeftOutStep(provider=one.provider, reason=one.reason) for one in plan.left_out],
        expected_cost=to_money(plan.cost),
        worst_cost=to_money(plan.worst),
        expected_chance=to_share(plan.chance),
        currency=currency,
    )
    if course.hunch is not None:
        _tell_of(course.hunch, course.question.policy, view)
    return view


def _tell_of(hunch: Hunch, policy: Policy, view: PlanView) -> None:
    """The guess comes first, wherever it is."""
    rating = weigh(hunch, policy)
    if rating.reason:
        view.left_out[0].why = why_not_guessed(hunch, rating, policy, view.currency)
    else:
        view.steps[0].verified_by = hunch.verifier
        view.steps[0].why = why_guessed(hunch, rating, view.currency)


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
