"""Whom to ask next and why not the others: pure, replayable, recomputed after each miss."""

from __future__ import annotations

from operator import itemgetter

from gateway.lookup.planning.estimation import levels_of, path_of
from gateway.lookup.planning.terms import (
    MILLION,
    START,
    Cells,
    Plan,
    Policy,
    Question,
    Rating,
    State,
    Statistics,
)
from gateway.lookup.planning.weighing import NEVER, Scale

Rank = tuple[bool, int, int, int]
_NOTHING: Cells = {}
_by_rank = itemgetter(0)


def next_step(question: Question, statistics: Statistics, state: State = START) -> Rating | None:
    """The provider to ask now; None to stop."""
    first = next(iter(rate(question, statistics, state)), None)
    return None if first is None or first.reason else first


def full_plan(question: Question, statistics: Statistics, state: State = START) -> Plan:
    """The steps if each of them misses and nothing weak turns up, and what to expect of them."""
    steps: list[Rating] = []
    cost, open_, worst = 0.0, 1.0, worst_of(question, state)
    while (ratings := rate(question, statistics, state)) and not ratings[0].reason:
        step = ratings[0]
        steps.append(step)
        cost += open_ * step.cost
        open_ *= 1 - step.chance / MILLION
        state = after_miss(question, state, step.provider)
    return Plan(
        steps=tuple(steps),
        left_out=tuple(ratings),
        cost=min(int(cost + 0.5), worst),
        worst=worst,
        chance=int((1 - open_) * MILLION + 0.5),
    )


def worst_of(question: Question, state: State = START) -> int:
    """What the lookup may cost at most, whatever comes.

    Who is left out for want of money, or by averages, may be asked all the same: calls may cost
    less than was reckoned with, and each lookup draws for itself.
    """
    policy, gone = question.policy, (*state.missed, *state.failed)
    left = NEVER if policy.max_cost is None else max(0, policy.max_cost - state.spent)
    chosen = policy.order == "learned" and policy.value is not None
    value = (policy.value or 0) if chosen else NEVER
    worst = sum(
        one.worst + (one.verify or 0)
        for one in question.options
        if one.worst <= left and one.per_call + one.per_hit <= value and not one.barred
        if one.provider not in gone
    )
    return min(worst, left)


def after_miss(question: Question, state: State, provider: str) -> State:
    """The state after `provider` had nothing: what it charges per call is spent all the same."""
    option = next(one for one in question.options if one.provider == provider)
    return State(
        missed=(*state.missed, provider),
        hand=state.hand,
        spent=state.spent + option.per_call,
        failed=state.failed,
        told=state.told,
    )


def rate(question: Question, statistics: Statistics, state: State = START) -> list[Rating]:
    """Everyone who is left: those to ask in their order, then the others, with reasons."""
    policy = question.policy
    levels = levels_of(path_of(question.segment, state))
    scale = Scale(policy, state, levels, question.seed)
    found = []
    for place, option in enumerate(question.options):
        if option.provider not in state.missed and option.provider not in state.failed:
            rating = scale.weigh(option, statistics.get(option.provider, _NOTHING))
            found.append((_rank(rating, policy, place), rating))
    found.sort(key=_by_rank)
    return [rating for _, rating in found]


def _rank(rating: Rating, policy: Policy, place: int) -> Rank:
    """Equal indexes, such as of what is free, go by the chance, then by the listed order."""
    if policy.order == "learned":
        return bool(rating.reason), rating.index, -rating.chance, place
    return bool(rating.reason), rating.worst if policy.order == "cheapest" else 0, 0, place
