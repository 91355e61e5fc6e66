"""The planner: who is asked, in which order, and why the others are not."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.lookup.planning import estimation, planner
from gateway.lookup.planning.planner import after_miss, full_plan, next_step, rate
from gateway.lookup.planning.terms import (
    MILLION,
    Counts,
    Option,
    Policy,
    Question,
    Rating,
    State,
    Statistics,
    priced,
)

SEGMENT = "com..p"
Rates = tuple[float, float]


@pytest.fixture
def certain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried out: an index is what is known."""
    monkeypatch.setattr(estimation, "TEMPER", 0.0)


def sure(h: float, q: float, *, unknown: float = 0.0) -> dict[str, Counts]:
    """So many calls that the prior does not matter, whoever has missed."""
    count = 10**9
    answers = round(h * count)
    counts = (count, answers, round(answers * q), 0, round(answers * unknown))
    return dict.fromkeys(("", "-", "w", f"-/{SEGMENT}", f"w/{SEGMENT}"), counts)


def asked(*options: Option, seed: str = "s", **policy: Any) -> Question:
    return Question(segment=SEGMENT, options=options, policy=Policy(**policy), seed=seed)


def index_of(option: Option, cells: dict[str, Counts], **policy: Any) -> int:
    return rate(asked(option, **policy), {option.provider: cells})[0].index


@pytest.mark.usefixtures("certain")
@pytest.mark.parametrize(
    "option, h, q, index",
    [
        (priced("p", "per_call", 30_000, worst=30_000), 0.5, 0.8, 75_000),
        (priced("p", "per_call", 30_000, worst=30_000), 0.25, 0.8, 150_000),
        (priced("p", "per_hit", 30_000, worst=30_000), 0.5, 0.8, 37_500),
        (priced("p", "per_hit", 30_000, worst=30_000), 0.01, 0.8, 37_500),
        (priced("p", "free", 0, worst=0), 0.01, 0.1, 0),
        (Option(provider="p", per_call=10_000, per_hit=30_000), 0.5, 0.5, 100_000),
    ],
)
def test_the_index_is_the_cost_of_an_accepted_answer(
    option: Option, h: float, q: float, index: int
) -> None:
    assert index_of(option, sure(h, q)) == pytest.approx(index, rel=1e-6, abs=1)


@pytest.mark.usefixtures("certain")
def test_rows_are_paid_as_many_as_there_use_to_be() -> None:
    option = priced("p", "per_row", 1_000, worst=25_000, rows=25)
    assert index_of(option, sure(0.5, 1.0)) == 25_000
    seen = sure(0.5, 1.0) | {"@pace": (10**6, 0, 10**6, 4 * 10**6, 0)}
    assert index_of(option, seen) == pytest.approx(4_000, rel=1e-3)


@pytest.mark.usefixtures("certain")
def test_waiting_has_its_price() -> None:
    option = priced("p", "per_hit", 30_000, worst=30_000)
    slow = sure(0.5, 1.0) | {"@pace": (10**6, 8_000 * 10**6, 0, 0, 0)}
    assert index_of(option, slow) == 30_000
    assert index_of(option, slow, wait_price=1_000) == pytest.approx(46_000, rel=1e-3)
    assert rate(asked(option, wait_price=1_000), {"p": slow})[0].cost == 15_000


@pytest.mark.usefixtures("certain")
def test_a_verification_costs_and_gains() -> None:
    """Half of the answers are unknown; four in ten of those turn out valid, for 5,000 each."""
    cells = sure(0.5, 0.5, unknown=0.5)
    option = priced("p", "per_hit", 30_000, worst=30_000)
    checked = msgspec.structs.replace(option, verify=5_000, confirms=400_000)
    assert index_of(option, cells) == 60_000
    assert index_of(checked, cells) == pytest.approx(32_500 / 0.7, abs=1)
    assert rate(asked(checked), {"p": cells})[0].cost == pytest.approx(0.5 * 32_500, abs=1)
    good_enough = ("valid", "unknown")
    assert index_of(checked, cells, accept=good_enough) == 30_000


@pytest.mark.usefixtures("certain")
def test_a_verification_is_reckoned_with_where_there_is_money_for_it() -> None:
    cells = sure(0.5, 0.5, unknown=0.5) | {"@unknown": (10**6, 10**6, 0, 0, 0)}
    option = priced("p", "per_hit", 30_000, worst=30_000)
    checked = msgspec.structs.replace(option, verify=5_000, confirms=400_000)
    assert index_of(checked, cells, max_cost=34_999) == 60_000
    assert index_of(checked, cells, max_cost=35_000) < 50_000
    never_sure = index_of(checked, cells | sure(0.5, 0.5, unknown=0.5), min_confidence=60)
    unchecked = index_of(option, cells, min_confidence=60)
    assert never_sure == pytest.approx(unchecked, rel=1e-3), "who is not sure is not checked"
    plan = full_plan(asked(checked, msgspec.structs.replace(checked, provider="r")), {})
    assert plan.worst == 70_000
    assert [step.check for step in plan.steps] == [5_000, 5_000]


@pytest.mark.usefixtures("certain")
def test_confidence_that_is_seldom_reached_makes_dear() -> None:
    cells = sure(1.0, 1.0) | {"@valid": (10**6, 0, 5 * 10**5, 0, 5 * 10**5)}
    option = priced("p", "per_hit", 30_000, worst=30_000)
    assert index_of(option, cells, min_confidence=85) == pytest.approx(60_000, rel=1e-3)
    assert index_of(option, cells, min_confidence=50) == pytest.approx(30_000, rel=1e-3)


Independent = st.lists(
    st.tuples(
        st.sampled_from(["per_call", "per_hit"]),
        st.integers(1_000, 100_000),
        st.floats(0.05, 0.95),
        st.floats(0.3, 1.0),
    ),
    min_size=2,
    max_size=5,
)


def scene(drawn: list[Any]) -> tuple[Question, Statistics, list[tuple[float, float, float]]]:
    """The question, and of each provider what a call costs, an answer costs, h·q and h."""
    options, cells, facts = [], {}, []
    for number, (charge, price, h, q) in enumerate(drawn):
        options.append(priced(f"p{number}", charge, price, worst=price))
        cells[f"p{number}"] = sure(h, q)
        facts.append((price if charge == "per_call" else h * price, h * q, h))
    return asked(*options), cells, facts


def cost_along(order: tuple[int, ...], facts: list[tuple[float, float, float]]) -> float:
    cost, left = 0.0, 1.0
    for at in order:
        cost += left * facts[at][0]
        left *= 1 - facts[at][1]
    return cost


def assert_no_order_is_cheaper(drawn: list[Any]) -> None:
    question, cells, facts = scene(drawn)
    order = tuple(int(step.provider[1:]) for step in full_plan(question, cells).steps)
    best = min(cost_along(other, facts) for other in permutations(range(len(facts))))
    assert cost_along(order, facts) <= best * (1 + 1e-6) + 1


@pytest.mark.usefixtures("certain")
def test_no_order_of_independent_providers_is_cheaper() -> None:
    @given(Independent)
    @settings(max_examples=150, deadline=None)
    def holds(drawn: list[Any]) -> None:
        assert_no_order_is_cheaper(drawn)

    holds()


Verified = st.lists(
    st.tuples(
        st.integers(1_000, 100_000),
        st.floats(0.05, 0.95),
        st.floats(0.0, 0.5),
        st.floats(0.1, 0.5),
        st.integers(1_000, 50_000),
        st.floats(0.1, 1.0),
    ),
    min_size=2,
    max_size=4,
)


def assert_no_verified_order_is_cheaper(drawn: list[Any], *, told: bool = True) -> None:
    """Each is paid per hit; of `unsure` answers, which are all verified, some are confirmed."""
    options, cells, facts = [], {}, []
    for number, (price, h, q, unsure, fee, confirmed) in enumerate(drawn):
        name, confirms = f"p{number}", round(confirmed * MILLION)
        option = priced(name, "per_hit", price, worst=price)
        checked = msgspec.structs.replace(option, verify=fee, confirms=confirms)
        options.append(checked if told else option)
        cells[name] = sure(h, q, unknown=unsure)
        facts.append((h * (price + unsure * fee), h * (q + unsure * confirmed), h))
    order = tuple(int(one.provider[1:]) for one in full_plan(asked(*options), cells).steps)
    best = min(cost_along(other, facts) for other in permutations(range(len(facts))))
    assert cost_along(order, facts) <= best * (1 + 1e-6) + 1


@pytest.mark.usefixtures("certain")
def test_no_order_with_verifications_is_cheaper() -> None:
    @given(Verified)
    @settings(max_examples=150, deadline=None)
    def holds(drawn: list[Any]) -> None:
        assert_no_verified_order_is_cheaper(drawn)

    holds()


@pytest.mark.usefixtures("certain")
def test_an_order_that_does_not_know_of_verifications_is_noticed() -> None:
    seldom_sure = [(30_000, 0.9, 0.3, 0.5, 5_000, 1.0), (40_000, 0.9, 0.5, 0.1, 5_000, 1.0)]
    assert_no_verified_order_is_cheaper(seldom_sure)
    with pytest.raises(AssertionError):
        assert_no_verified_order_is_cheaper(seldom_sure, told=False)


def by_chance(rating: Rating, policy: Policy, place: int) -> tuple[bool, int, int, int]:
    return bool(rating.reason), -rating.chance, 0, place


@pytest.mark.usefixtures("certain")
def test_an_order_by_hit_rate_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_rank", by_chance)
    dear_but_sure = [("per_call", 90_000, 0.9, 1.0), ("per_call", 10_000, 0.5, 1.0)]
    with pytest.raises(AssertionError):
        assert_no_order_is_cheaper(dear_but_sure)


@pytest.mark.usefixtures("certain")
def test_a_plan_says_what_to_expect() -> None:
    question, cells, _ = scene(
        [("per_call", 20_000, 0.5, 1.0), ("per_hit", 60_000, 0.5, 0.5), ("free", 0, 0.2, 0.5)]
    )
    plan = full_plan(question, cells)
    assert [step.provider for step in plan.steps] == ["p2", "p0", "p1"]
    assert plan.left_out == ()
    # p2 finds one in ten for nothing, p0 half of the others, p1 a quarter of the rest.
    assert plan.cost == pytest.approx(0.9 * 20_000 + 0.45 * 0.5 * 60_000, abs=5)
    assert plan.chance == pytest.approx((1 - 0.9 * 0.5 * 0.75) * MILLION, abs=5)
    assert plan.worst == 80_000
    capped = [priced(name, "per_hit", 30_000, worst=30_000) for name in "abc"]
    assert full_plan(asked(*capped, max_cost=70_000), {}).worst == 70_000


@pytest.mark.parametrize("order", ["listed", "cheapest", "learned"])
def test_the_plan_is_what_next_step_says_after_each_miss(order: Any) -> None:
    options = [
        priced("a", "per_call", 50_000, worst=50_000),
        priced("b", "per_hit", 30_000, worst=30_000),
        priced("c", "per_call", 10_000, worst=10_000),
        Option(provider="d", barred="no_credential"),
    ]
    question, state, steps = asked(*options, order=order), State(), []
    while step := next_step(question, {}, state):
        steps.append(step)
        state = after_miss(question, state, step.provider)
    plan = full_plan(question, {})
    assert plan.steps == tuple(steps)
    assert [one.provider for one in plan.left_out] == ["d"]
    if order != "learned":
        expected = {"listed": ["a", "b", "c"], "cheapest": ["c", "b", "a"]}
        assert [step.provider for step in steps] == expected[order]


@pytest.mark.usefixtures("certain")
@pytest.mark.parametrize(
    "option, policy, state, reason",
    [
        (Option(provider="p", barred="unsupported"), {}, State(), "unsupported"),
        (Option(provider="p", barred="no_credential"), {"value": 1}, State(), "no_credential"),
        (priced("p", "per_hit", 30_000, worst=30_000), {"max_cost": 29_999}, State(),
         "over_budget"),
        (priced("p", "per_hit", 30_000, worst=30_000), {"max_cost": 30_000}, State(), ""),
        (priced("p", "per_hit", 30_000, worst=30_000), {"max_cost": 40_000},
         State(spent=10_001), "over_budget"),
        (priced("p", "per_hit", 30_000, worst=30_000), {"value": 37_400}, State(),
         "not_worth_it"),
        (priced("p", "per_hit", 30_000, worst=30_000), {"value": 37_600}, State(), ""),
        (priced("p", "per_hit", 30_000, worst=30_000), {"value": 1, "order": "listed"},
         State(), ""),
        (priced("p", "per_hit", 30_000, worst=30_000),
         {"value": 70_000, "worth": (500_000, 0)}, State(hand="catch_all"), "not_worth_it"),
        (priced("p", "per_hit", 30_000, worst=30_000),
         {"value": 80_000, "worth": (500_000, 0)}, State(hand="catch_all"), ""),
        (priced("p", "per_hit", 30_000, worst=30_000),
         {"value": 70_000, "worth": (500_000, 0)}, State(hand="unknown"), ""),
    ],
)  # fmt: skip
def test_who_is_left_out_has_a_reason(
    option: Option, policy: dict[str, Any], state: State, reason: str
) -> None:
    """A hit of the provider's costs 30,000, an accepted answer 37,500."""
    question, cells = asked(option, **policy), {"p": sure(0.5, 0.8)}
    assert rate(question, cells, state)[0].reason == reason
    assert (next_step(question, cells, state) is None) == bool(reason)


@pytest.mark.usefixtures("certain")
def test_weak_answers_are_worth_something_too() -> None:
    """One call in four brings something that is worth half."""
    cells = {"p": sure(0.5, 0.5, unknown=0.5)}
    option = priced("p", "per_call", 10_000, worst=10_000)
    assert rate(asked(option, value=39_000), cells)[0].reason == "not_worth_it"
    assert rate(asked(option, value=39_000, worth=(0, 500_000)), cells)[0].reason == ""
    in_hand = State(hand="unknown")
    assert rate(asked(option, value=39_000, worth=(0, 500_000)), cells, in_hand)[0].reason


def test_the_same_lookup_always_draws_the_same() -> None:
    options = [priced(name, "per_call", 50_000, worst=50_000) for name in "abcdef"]
    orders = {
        seed: [one.provider for one in rate(asked(*options, seed=seed), {})]
        for seed in map(str, range(50))
    }
    again = [one.provider for one in rate(asked(*options, seed="7"), {})]
    assert orders["7"] == again
    assert len(set(map(tuple, orders.values()))) > 20
    without = rate(asked(*options[1:], seed="7"), {})
    assert [one.provider for one in without] == [name for name in again if name != "a"]


def test_what_is_known_well_is_hardly_tried_out() -> None:
    options = [
        priced("good", "per_call", 50_000, worst=50_000),
        priced("bad", "per_call", 60_000, worst=60_000),
    ]

    def tries(cells: Statistics) -> int:
        seeds = map(str, range(400))
        firsts = [next_step(asked(*options, seed=seed), cells) for seed in seeds]
        return sum(first is not None and first.provider == "bad" for first in firsts)

    few, many = (8, 4, 4, 0, 0), (800, 400, 400, 0, 0)
    path = f"-/{SEGMENT}/"
    assert 60 < tries({"good": {path: few}, "bad": {path: few}}) < 190
    assert tries({"good": {path: many}, "bad": {path: many}}) < 20
