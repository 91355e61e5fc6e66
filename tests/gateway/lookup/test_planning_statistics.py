"""What is known of providers: counts that back off, forget, and begin anew after a drift."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lookup.planning import estimation
from gateway.lookup.planning.estimation import (
    WEIGHT,
    band_of,
    drawn,
    levels_of,
    normals,
    path_of,
    posterior,
    rows_of,
    seconds_of,
)
from gateway.lookup.planning.lessons import CAP, RECENT, Book, Lesson, to_cells
from gateway.lookup.planning.teaching import DELTAS, Found, teach
from gateway.lookup.planning.terms import Prior, State

PRIOR = Prior()
NOTHING, BEHIND = State(), State(missed=("snov",))
COM, DE = "com.s.p", "de.m.p"


def taught(book: Book, found: Found, state: State = NOTHING, segment: str = COM) -> bool:
    """Learn from one call; whether the provider was found to have drifted."""
    lesson = teach("emails.find:p", segment, state, found, cells=book.cells, prior=PRIOR)
    return book.learn(lesson)


def chance(book: Book, state: State = NOTHING, segment: str = COM) -> float:
    """Of a valid answer."""
    levels = levels_of(path_of(segment, state))
    mean = posterior(book.cells, levels, (2,), (PRIOR.hit, PRIOR.valid)).mean()
    return mean.h * mean.q


def test_a_path_counts_in_its_prefixes() -> None:
    state = State(missed=("snov", "letrics"), hand="unknown")
    path = path_of(COM, state)
    assert path == "w/com.s.p/letrics,snov"
    assert levels_of(path) == ("", "w", "w/com.s.p", path)


def test_nobody_is_known_before_the_first_call() -> None:
    assert chance(Book()) == pytest.approx(0.375)


@pytest.mark.parametrize(
    "place", [{}, {"segment": DE}, {"state": BEHIND}, {"segment": DE, "state": BEHIND}]
)
def test_a_narrow_cell_without_calls_is_as_the_wider_one(place: dict[str, Any]) -> None:
    """Two hundred calls tell what the first call elsewhere will bring."""
    book = Book()
    for number in range(200):
        taught(book, "valid" if number % 2 else "empty")
    assert chance(book, **place) == pytest.approx(0.5, abs=0.03)


def test_a_narrow_cell_with_calls_is_its_own() -> None:
    book = Book()
    for _ in range(300):
        taught(book, "valid")
        taught(book, "empty", state=BEHIND)
        taught(book, "useless", segment=DE)
    assert chance(book) > 0.9
    assert chance(book, state=BEHIND) < 0.1
    assert chance(book, segment=DE) < 0.1


def test_a_weak_answer_in_hand_is_another_world() -> None:
    """Behind a domain that takes everything nobody is valid, whoever has missed."""
    book = Book()
    for _ in range(100):
        taught(book, "valid")
        taught(book, "catch_all", state=State(missed=("snov",), hand="catch_all"))
    assert chance(book, state=State(missed=("letrics",), hand="unknown"), segment=DE) < 0.2
    assert chance(book, segment=DE) > 0.8


@given(st.lists(st.tuples(st.sampled_from(sorted(DELTAS)), st.booleans(), st.booleans())))
def test_counts_are_never_more_than_what_they_are_of(calls: list[Any]) -> None:
    book = Book()
    for found, behind, german in calls:
        taught(book, found, BEHIND if behind else NOTHING, DE if german else COM)
    for cell, (count, answers, *kinds) in book.cells.items():
        if not cell.startswith("@"):
            assert count >= answers >= sum(kinds)


def test_a_cell_is_halved_and_never_grows() -> None:
    book, size = Book(), 0
    for number in range(5 * CAP):
        taught(book, "valid" if number % 2 else "empty")
        size = max(size, len(msgspec.msgpack.encode(book.cells)))
    assert CAP // 2 <= book.cells[""][0] < CAP
    assert len(book.ring) == RECENT
    assert size < 200
    assert chance(book) == pytest.approx(0.5, abs=0.02)


def test_waits_and_rows_are_averages() -> None:
    book = Book()
    for _ in range(1000):
        lesson = teach("b", COM, NOTHING, "valid", cells={}, prior=PRIOR, millis=4000, rows=7)
        book.learn(lesson)
    assert seconds_of(book.cells, PRIOR) == pytest.approx(4, rel=0.02)
    assert rows_of(book.cells, 100) == pytest.approx(8.1, rel=0.02)
    assert seconds_of({}, PRIOR) == 1
    assert rows_of({}, 100) == 100


@pytest.mark.parametrize(
    "confidence, band", [(0, 0), (49, 0), (50, 1), (70, 2), (84, 2), (85, 3), (100, 3)]
)
def test_confidence_falls_in_a_band(confidence: int, band: int) -> None:
    assert band_of(confidence) == band
    lesson = teach("b", COM, NOTHING, "valid", cells={}, prior=PRIOR, confidence=confidence)
    assert dict(lesson.adds)["@valid"] == (1, *(int(at == band) for at in range(4)))


def test_an_address_without_confidence_counts_in_no_band() -> None:
    """What is no address has none to be counted."""
    plain = teach("b", COM, NOTHING, "valid", cells={}, prior=PRIOR)
    assert "@valid" not in dict(plain.adds)
    unrated = teach("b", COM, NOTHING, "valid", cells={}, prior=PRIOR, confidence=None)
    assert dict(unrated.adds)["@valid"] == (1, 0, 0, 0, 0)


def test_a_draw_is_centred_and_narrows_with_what_is_known() -> None:
    for yes, no in ((3.0, 9.0), (300.0, 900.0)):
        draws = sorted(drawn(yes, no, normals(str(seed), "p")[0]) for seed in range(2000))
        assert draws[1000] == pytest.approx(0.25, abs=0.02)
        spread = draws[1680] - draws[320]
        assert spread == pytest.approx(2 * 0.7 * (0.1875 / (yes + no)) ** 0.5, rel=0.12)


def test_draws_are_normal_and_each_lookups_own() -> None:
    numbers = [number for seed in range(5000) for number in normals(f"lookup {seed}", "p")]
    assert sum(numbers) / len(numbers) == pytest.approx(0, abs=0.03)
    assert sum(number**2 for number in numbers) / len(numbers) == pytest.approx(1, abs=0.04)
    assert len(set(numbers)) == len(numbers)
    # Kept traces are replayed for two weeks, by whatever version: these numbers never change.
    assert [round(number, 9) for number in normals("a", "hunter")] == KEPT


KEPT = [-1.195915892, -0.523312679]


def drifted_after(before: float, after: float, seed: int, history: int = 800) -> int | None:
    """How many calls after the change it was noticed; None if it was not within 300."""
    book, random = Book(), Random(seed)
    for _ in range(history):
        taught(book, "valid" if random.random() < before else "empty")
    for number in range(300):
        if taught(book, "valid" if random.random() < after else "empty"):
            return number
    return None


@pytest.mark.parametrize("before, after", [(0.7, 0.175), (0.5, 0.125), (0.2, 0.7)])
def test_a_drift_is_noticed_within_a_ring(before: float, after: float) -> None:
    noticed = [drifted_after(before, after, seed) for seed in range(20)]
    assert all(number is not None and number <= RECENT for number in noticed), noticed


def test_what_stays_the_same_is_not_taken_for_a_drift() -> None:
    """Segments and states that differ are not drift either."""
    drifts = 0
    for seed in range(10):
        book, random = Book(), Random(seed)
        for _ in range(1000):
            state, segment = random.choice([NOTHING, BEHIND]), random.choice([COM, DE])
            true = {COM: 0.8, DE: 0.3}[segment] * (0.4 if state is BEHIND else 1.0)
            drifts += taught(book, "valid" if random.random() < true else "empty", state, segment)
    assert drifts <= 2


def test_a_provider_that_drifted_is_what_it_was_lately() -> None:
    book = Book()
    for number in range(900):
        taught(book, "empty" if number % 5 == 0 else "valid")
    count = 0
    while not taught(book, "empty"):
        count += 1
    assert book.cells["@drift"][0] == 1
    assert chance(book) < 0.3
    assert book.cells[""][0] <= RECENT
    assert count < 30


def test_a_book_is_read_as_the_store_keeps_it() -> None:
    stored = {b"-/com..p/": b"5 4 3 0 1", b"@pace": b"5 100 4 4 0"}
    assert to_cells(stored) == {"-/com..p/": (5, 4, 3, 0, 1), "@pace": (5, 100, 4, 4, 0)}


def test_where_nothing_was_known_nothing_can_have_drifted() -> None:
    """Such as the calls of the first second, before their answers are known everywhere."""
    book = Book()
    lesson = teach("b", COM, NOTHING, "valid", cells={}, prior=PRIOR)
    assert not any(book.learn(lesson) for _ in range(10 * RECENT))
    after = teach("b", COM, NOTHING, "empty", cells=book.cells, prior=PRIOR)
    assert after.residual < -900, "from then on it is watched"
    assert after.variance > 0


def test_nobody_watches_what_has_no_variance() -> None:
    book = Book()
    for _ in range(100):
        assert not book.learn(Lesson(book="b", path="x", deltas=(1, 0, 0, 0, 0), residual=-900))
    assert not book.ring
    assert "@drift" not in book.cells


def test_the_prior_weighs_as_much_as_it_says() -> None:
    found = posterior({"": (12, 12, 12, 0, 0)}, ("",), (2,), (0.5, 0.5))
    assert found.hits + found.misses == 12 + WEIGHT
    assert estimation.WEIGHT == 12
