"""No lookup costs more than its quote says at worst, whatever comes of its calls."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.lookup.planning import hunches, planner
from gateway.lookup.planning.hunches import Hunch, plan_with, weigh
from gateway.lookup.planning.planner import next_step
from gateway.lookup.planning.terms import MILLION, START, Option, Policy, Question, State, priced

Money = st.integers(0, 100_000)
Charges = st.sampled_from(["per_call", "per_hit", "free"])
Fees = st.none() | Money
Orders = st.sampled_from(["learned", "listed", "cheapest"])
# A charge model, a price, and what having an answer verified costs.
Offers = st.lists(st.tuples(Charges, Money, Fees), min_size=1, max_size=4)
Routings = st.fixed_dictionaries(
    {"order": Orders, "max_cost": st.none() | st.integers(0, 250_000), "value": st.none() | Money}
)


def asked(offers: list[Any], routing: dict[str, Any]) -> Question:
    options = []
    for at, (charge, price, fee) in enumerate(offers):
        option = priced(f"p{at}", charge, price, worst=0 if charge == "free" else price)
        options.append(msgspec.structs.replace(option, verify=fee))
    return Question(segment="com..p", options=tuple(options), policy=Policy(**routing))


def guess_of(question: Question, price: int, first: str) -> Hunch:
    options = {one.provider: one for one in question.options}
    saves = options[first].worst
    return Hunch(verifier="v", price=price, chance=MILLION // 2, seen=0, first=first, saves=saves)


def spent(question: Question, price: int | None, chance: Random) -> int:
    """By a lookup whose calls cost what they may, less, or nothing."""
    question = msgspec.structs.replace(question, seed=str(chance.random()))
    options = {one.provider: one for one in question.options}
    first, state = next_step(question, {}), START
    if price is not None and first is not None:
        hunch = guess_of(question, price, first.provider)
        made = chance.choice([0, price])
        state = State(spent=0 if weigh(hunch, question.policy).reason else made)
    while step := next_step(question, {}, state):
        more = chance.choice([0, step.worst, chance.randint(0, step.worst)])
        more += _checked(options[step.provider], question.policy, state.spent + more, chance)
        state = State(missed=(*state.missed, step.provider), spent=state.spent + more)
    return state.spent


def _checked(option: Option, policy: Policy, so_far: int, chance: Random) -> int:
    fee, cap = option.verify or 0, policy.max_cost
    fits = cap is None or so_far + fee <= cap
    return fee if fits and chance.random() < 0.5 else 0


def assert_none_costs_more(
    offers: list[Any], routing: dict[str, Any], price: int | None, seed: int
) -> None:
    question, chance, hunch = asked(offers, routing), Random(seed), None
    first = next_step(question, {})
    if price is not None and first is not None:
        hunch = guess_of(question, price, first.provider)
    plan, cap = plan_with(question, {}, hunch), question.policy.max_cost
    assert 0 <= plan.cost <= plan.worst
    assert cap is None or plan.worst <= cap
    for _ in range(8):
        assert spent(question, price if hunch else None, chance) <= plan.worst


@given(Offers, Routings, Fees, st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_no_lookup_costs_more(
    offers: list[Any], routing: dict[str, Any], price: int | None, seed: int
) -> None:
    assert_none_costs_more(offers, routing, price, seed)


# Two calls for which there is no money, but one of them may cost nothing; one that is not worth
# its price by what is known, and is by another lookup's draw.
TIGHT: Any = {"order": "listed", "max_cost": 50_000, "value": None}
NARROW: Any = {"order": "learned", "max_cost": None, "value": 55_000}
CASES: list[tuple[list[Any], dict[str, Any]]] = [
    ([("per_call", 30_000, None), ("per_hit", 49_000, None)], TIGHT),
    ([("per_hit", 47_000, None)], NARROW),
]


@pytest.mark.parametrize("offers, routing", CASES)
def test_whoever_is_left_out_may_be_asked(offers: list[Any], routing: dict[str, Any]) -> None:
    assert_none_costs_more(offers, routing, None, 1)


def of_the_steps(question: Question, state: State = START) -> int:
    """What was taken for the worst: that all misses cost what misses cost."""
    worst, options = 0, {one.provider: one for one in question.options}
    while step := next_step(question, {}, state):
        worst += step.worst + (options[step.provider].verify or 0)
        state = planner.after_miss(question, state, step.provider)
    cap = question.policy.max_cost
    return worst if cap is None else min(worst, cap)


@pytest.mark.parametrize("offers, routing", CASES)
def test_the_worst_of_the_steps_alone_is_too_little(
    monkeypatch: pytest.MonkeyPatch, offers: list[Any], routing: dict[str, Any]
) -> None:
    for module in (hunches, planner):
        monkeypatch.setattr(module, "worst_of", of_the_steps)
    with pytest.raises(AssertionError):
        assert_none_costs_more(offers, routing, None, 1)
