"""A decision is made again byte for byte from what is kept of it, and said in words."""

from __future__ import annotations

from random import Random

import pytest

from gateway.lookup.planning import estimation, record, weighing
from gateway.lookup.planning.explanation import explain
from gateway.lookup.planning.planner import after_miss, full_plan, next_step, rate
from gateway.lookup.planning.record import (
    Trace,
    decided,
    decode,
    encode,
    replay,
    replay_plan,
    to_move,
    to_plan_moves,
)
from gateway.lookup.planning.terms import (
    Counts,
    Option,
    Policy,
    Question,
    State,
    priced,
)

OPTIONS = (
    priced("hunter", "per_hit", 49_000, worst=49_000),
    priced("snov", "per_call", 30_000, worst=30_000),
    priced("sixtyfour", "per_hit", 300_000, worst=300_000),
    Option(provider="letrics", barred="no_credential"),
)
CELLS: dict[str, dict[str, Counts]] = {
    "hunter": {
        "": (500, 300, 270, 20, 10),
        "-": (400, 280, 260, 10, 10),
        "@pace": (9, 9, 9, 9, 0),
    },
    "snov": {
        "": (500, 300, 200, 50, 50),
        "-/de..p/": (90, 60, 50, 5, 5),
        "-/fr..p/": (9, 0, 0, 0, 0),
    },
    "sixtyfour": {
        "-/de..p/hunter,snov": (80, 20, 10, 5, 5),
        "@valid": (10, 0, 0, 5, 5),
    },
}


def question(seed: str = "lookup 1", **policy: object) -> Question:
    made = Policy(**policy)  # type: ignore[arg-type]
    return Question(segment="de..p", options=OPTIONS, policy=made, seed=seed)


def traced(asked: Question) -> Trace:
    """A lookup in which everyone misses."""
    moves, state = [], State()
    while step := next_step(asked, CELLS, state):
        moves.append(to_move(asked, CELLS, state))
        state = after_miss(asked, state, step.provider)
    return Trace(asked, (*moves, to_move(asked, CELLS, state)))


def test_a_trace_survives_its_bytes() -> None:
    trace = traced(question(value=200_000, min_confidence=50))
    assert decode(encode(trace)) == trace
    assert encode(decode(encode(trace))) == encode(trace)


def test_only_the_numbers_that_decide_are_kept() -> None:
    move = to_move(question(), CELLS, State(missed=("snov",)))
    assert set(move.numbers) == {"hunter", "sixtyfour", "letrics"}
    assert set(move.numbers["hunter"]) == {"", "-", "@pace"}
    assert set(to_move(question(), CELLS, State()).numbers["snov"]) == {"", "-/de..p/"}


@pytest.mark.parametrize("seed", [str(number) for number in range(20)])
def test_each_decision_is_made_again_from_its_move(seed: str) -> None:
    asked = question(seed, value=250_000)
    trace = traced(asked)
    states = [move.state for move in trace.moves]
    assert replay(decode(encode(trace))) == [decided(asked, CELLS, state) for state in states]


def test_a_quote_is_made_again() -> None:
    asked = question(value=250_000)
    trace = Trace(asked, to_plan_moves(asked, CELLS, State()))
    assert replay_plan(decode(encode(trace))) == full_plan(asked, CELLS)


def test_a_decision_that_was_kept_before_verifications_counted_is_the_same() -> None:
    """Of a version whose ratings had no `check`."""
    kept = bytes.fromhex(
        "9188a870726f7669646572a4736e6f76a5696e646578ce00013880a46d65616ece00013880a4636f7374cd7530"
        "a66368616e6365ce0005b8d8a5776f727374cd7530a47365656e00a6726561736f6ea0"
    )
    asked = Question(segment="", options=(OPTIONS[1],), seed="")
    assert decided(asked, {}, State()) == kept


def decisions(asked: Question, trace: Trace) -> list[bytes]:
    return [decided(asked, CELLS, move.state) for move in trace.moves]


@pytest.mark.parametrize("lost", ["", "-", "-/de..p/hunter,snov", "@valid", "@pace"])
def test_a_record_that_leaves_a_number_out_is_noticed(
    monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    used = record._used
    monkeypatch.setattr(
        record,
        "_used",
        lambda cells, levels: {k: v for k, v in used(cells, levels).items() if k != lost},
    )
    asked = question(min_confidence=80, wait_price=1000)
    trace = traced(asked)
    assert replay(trace) != decisions(asked, trace)


def test_a_draw_that_is_not_the_seeds_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, chance = question(), Random(1)
    monkeypatch.setattr(weighing, "normals", lambda seed, name: (chance.random(), chance.random()))
    trace = traced(asked)
    assert replay(trace) != decisions(asked, trace)


@pytest.fixture
def certain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimation, "TEMPER", 0.0)


@pytest.mark.usefixtures("certain")
def test_every_provider_has_its_sentence() -> None:
    said = explain(traced(question(value=300_000)), "USD")
    assert said == [
        "hunter came first: drawn at 0.05285 USD per accepted answer, the least of all left."
        " A call costs 0.03415 USD on average and brings an accepted answer in 65 %;"
        " no call like it is known.",
        "snov came second: drawn at 0.07493 USD per accepted answer, the least of all left."
        " A call costs 0.03 USD on average and brings an accepted answer in 40 %;"
        " no call like it is known.",
        "letrics was not asked: there is no account for it (no_credential).",
        "sixtyfour was not asked: 0.5053 USD per accepted answer on average,"
        " where one is worth 0.3 USD (not_worth_it).",
    ]


@pytest.mark.usefixtures("certain")
def test_other_orders_are_explained_by_what_they_go_by() -> None:
    listed = explain(traced(question(order="listed", max_cost=100_000)), "EUR")
    assert listed[0].startswith("hunter came first: so it is listed.")
    assert listed[-2] == (
        "sixtyfour was not asked: its call may cost 0.3 EUR,"
        " more than may still be spent (over_budget)."
    )
    cheapest = explain(traced(question(order="cheapest")), "EUR")
    assert cheapest[0].startswith("snov came first: a call costs at most 0.03 EUR")


def test_who_is_tried_out_is_said_to_be() -> None:
    tried = []
    for number in range(200):
        asked = question(f"lookup {number}")
        first, second, *_ = rate(asked, CELLS)
        sentence = explain(traced(asked), "USD")[0]
        assert ("was tried out" in sentence) == (second.mean < first.mean and not second.reason)
        tried.append("was tried out" in sentence)
    assert 0 < sum(tried) < 200


def test_a_lookup_that_ended_early_says_whose_turn_did_not_come() -> None:
    trace = traced(question())
    said = explain(Trace(trace.question, trace.moves[:1]), "USD")
    assert len(said) == len(OPTIONS)
    assert sum("the lookup ended before its turn" in sentence for sentence in said) == 2
