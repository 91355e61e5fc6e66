"""How likely addresses bounce, from what became of those that were sent to."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lookup.planning.bounces import (
    DECILES,
    PRIORS,
    WEIGHT,
    Estimate,
    acceptable,
    estimates_of,
    rising,
)
from gateway.lookup.planning.lessons import Book
from gateway.lookup.planning.outcomes import (
    Outcome,
    book_of,
    decile_of,
    teach_outcome,
)
from gateway.lookup.planning.terms import Cells

Books = dict[str, Book]


def learn(
    books: Books,
    provider: str,
    status: str,
    outcome: Outcome,
    *,
    confidence: int | None = None,
    before: Outcome | None = None,
) -> None:
    for lesson in teach_outcome(provider, status, confidence, outcome, before=before):
        books.setdefault(lesson.book, Book()).learn(lesson)


def cells(books: Books, provider: str) -> Cells:
    return books[book_of(provider)].cells if book_of(provider) in books else {}


def estimate(books: Books, provider: str, status: str, decile: str = "-") -> Estimate:
    return estimates_of(cells(books, provider), cells(books, "*"))[status, decile]


@pytest.mark.parametrize("status", PRIORS)
@pytest.mark.parametrize("decile", ["-", "0", "9"])
def test_before_any_outcome_it_is_what_is_commonly_said(status: str, decile: str) -> None:
    assert estimate({}, "p", status, decile).chance == pytest.approx(PRIORS[status])
    assert estimate({}, "p", status, decile).weight == WEIGHT


def test_a_provider_is_judged_by_its_own_outcomes() -> None:
    books: Books = {}
    for number in range(1000):
        learn(books, "bad", "valid", "bounced" if number % 5 == 0 else "delivered")
        learn(books, "good", "valid", "delivered")
    assert estimate(books, "bad", "valid").chance == pytest.approx(0.2, abs=0.02)
    assert estimate(books, "good", "valid").chance < 0.005
    assert estimate(books, "bad", "catch_all").chance == pytest.approx(PRIORS["catch_all"])


def test_a_new_provider_is_taken_for_one_of_them() -> None:
    books: Books = {}
    for number in range(1000):
        learn(books, "known", "unknown", "bounced" if number % 3 == 0 else "delivered")
    assert estimate(books, "new", "unknown").chance == pytest.approx(1 / 3, abs=0.03)


def test_deciles_differ_and_never_fall() -> None:
    books, random = dict[str, Book](), Random(3)
    for _ in range(6000):
        confidence = random.randrange(101)
        bounced = random.random() < 0.3 * (1 - confidence / 101)
        outcome: Outcome = "bounced" if bounced else "delivered"
        learn(books, "p", "valid", outcome, confidence=confidence)
    chances = [estimate(books, "p", "valid", decile).chance for decile in DECILES]
    assert chances == sorted(chances)
    assert chances[0] < 0.05
    assert chances[-1] > 0.2


@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.floats(1, 1000)), min_size=1, max_size=12))
def test_rising_keeps_the_sum_and_what_rises_already(pairs: list[tuple[float, float]]) -> None:
    given_ = [Estimate(*pair) for pair in pairs]
    risen = rising(given_)
    chances = [one.chance for one in risen]
    assert all(a <= b + 1e-12 for a, b in pairwise(chances))
    assert [one.weight for one in risen] == [one.weight for one in given_]
    before = sum(one.chance * one.weight for one in given_)
    assert sum(one.chance * one.weight for one in risen) == pytest.approx(before)
    ordered = sorted(given_)
    assert [one.chance for one in rising(ordered)] == [one.chance for one in ordered]


def test_a_late_bounce_takes_its_delivery_back() -> None:
    late, prompt = dict[str, Book](), dict[str, Book]()
    for number in range(100):
        learn(prompt, "p", "valid", "bounced" if number % 4 == 0 else "delivered", confidence=90)
        learn(late, "p", "valid", "delivered", confidence=90)
    for _ in range(25):
        learn(late, "p", "valid", "bounced", confidence=90, before="delivered")
    assert {name: book.cells for name, book in late.items()} == {
        name: book.cells for name, book in prompt.items()
    }


def test_replies_and_strangers_are_deliveries() -> None:
    books: Books = {}
    for outcome in ("delivered", "replied", "wrong_person", "bounced"):
        learn(books, "p", "valid", outcome)
    assert books[book_of("p")].cells["valid"] == (4, 1, 1, 1, 0)


@pytest.mark.parametrize(
    "confidence, decile", [(None, "-"), (0, "0"), (9, "0"), (10, "1"), (99, "9"), (100, "9")]
)
def test_confidence_falls_in_a_decile(confidence: int | None, decile: str) -> None:
    assert decile_of(confidence) == decile


def share_accepted(chance: float, weight: float, most: float) -> float:
    seeds = map(str, range(1000))
    return sum(acceptable(Estimate(chance, weight), most, seed, "p") for seed in seeds) / 1000


def test_what_is_known_well_is_taken_by_its_chance() -> None:
    assert share_accepted(0.015, 1e6, 0.02) == 1
    assert share_accepted(0.025, 1e6, 0.02) == 0


def test_what_is_hardly_known_has_the_benefit_of_the_doubt() -> None:
    assert share_accepted(0.025, 100, 0.02) == 1
    assert 0 < share_accepted(0.1, WEIGHT, 0.05) < 0.2
    assert share_accepted(0.5, WEIGHT, 0.05) == 0


def test_estimates_are_calibrated() -> None:
    """Of each group of addresses as many bounce as was said."""
    books, random, rows = dict[str, Book](), Random(9), list[tuple[float, bool]]()
    tables = {name: estimates_of({}, {}) for name in "abc"}
    truth = {(name, status): random.uniform(0.005, 0.3) for name in "abc" for status in PRIORS}
    for _ in range(12_000):
        (name, status), chance = random.choice(list(truth.items()))
        bounced = random.random() < chance
        if len(rows) % 100 == 0:
            tables = {name: estimates_of(cells(books, name), cells(books, "*")) for name in "abc"}
        rows.append((tables[name][status, "-"].chance, bounced))
        learn(books, name, status, "bounced" if bounced else "delivered")
    late = sorted(rows[4000:])
    bins = [late[at : at + 800] for at in range(0, 8000, 800)]
    errors = [
        abs(sum(said for said, _ in part) - sum(came for _, came in part)) / len(part)
        for part in bins
    ]
    assert sum(errors) / len(errors) < 0.02
    assert max(errors) < 3 * math.sqrt(0.3 * 0.7 / 800)
