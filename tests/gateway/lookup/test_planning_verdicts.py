"""Several verdicts on one address, weighed by what became of such addresses."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from gateway.lookup.planning.bounces import Estimate, Estimates
from gateway.lookup.planning.lessons import Book
from gateway.lookup.planning.verdicts import (
    SHARE,
    Verdict,
    combine,
    fitted_share,
    teach_pair,
    word_for,
)
from providers.model import Status

BASE = 0.1
STATUSES: tuple[Status, ...] = ("valid", "catch_all", "unknown", "invalid")
SAID = dict(zip(STATUSES, (0.02, 0.1, 0.2, 0.7), strict=True))


def table(scale: float = 1.0) -> Estimates:
    return {(status, "-"): Estimate(SAID[status] * scale, 500.0) for status in STATUSES}


TABLES = {"a": table(), "b": table(), "c": table()}


def chance(*verdicts: Verdict, share: float = SHARE) -> float:
    return combine(verdicts, TABLES, base=BASE, pairs={}, share=share).chance


def test_one_verdict_is_its_own_estimate() -> None:
    for status in STATUSES:
        assert chance(("a", status)) == SAID[status]


def test_verdicts_that_agree_are_surer_than_one() -> None:
    assert chance(("a", "valid"), ("b", "valid")) < SAID["valid"]
    assert chance(("a", "invalid"), ("b", "invalid")) > SAID["invalid"]
    assert chance(("a", "valid"), ("b", "valid"), ("c", "valid")) < chance(
        ("a", "valid"), ("b", "valid")
    )


def test_verdicts_that_contradict_meet_between() -> None:
    assert SAID["valid"] < chance(("a", "valid"), ("b", "invalid")) < SAID["invalid"]


def test_a_verdict_that_says_nothing_new_changes_nothing() -> None:
    assert chance(("a", "valid"), ("b", "catch_all")) == pytest.approx(SAID["valid"])


def test_the_order_of_verdicts_does_not_matter() -> None:
    for first, second in product(STATUSES, STATUSES):
        assert chance(("a", first), ("b", second)) == pytest.approx(
            chance(("b", second), ("a", first))
        )


class Verifiers:
    """Two that ask the same server: with chance `same` the second says what the first said."""

    def __init__(self, seed: int, same: float):
        self._random = Random(seed)
        self._same = same

    def ask(self) -> tuple[list[Verdict], bool]:
        random = self._random
        bounced = random.random() < BASE
        odds = [SAID[s] if bounced else 1 - SAID[s] for s in STATUSES]
        weights = [odd * share for odd, share in zip(odds, (70, 10, 10, 6), strict=True)]
        first = random.choices(STATUSES, weights)[0]
        copied = random.random() < self._same
        second = first if copied else random.choices(STATUSES, weights)[0]
        return [("a", first), ("b", second)], bounced


def single_estimates(seed: int) -> dict[str, Estimates]:
    """What each says alone, from many outcomes."""
    verifiers, counts = Verifiers(seed, 0.0), {status: [0, 0] for status in STATUSES}
    for _ in range(20_000):
        verdicts, bounced = verifiers.ask()
        counts[verdicts[0][1]][0] += 1
        counts[verdicts[0][1]][1] += bounced
    found: Estimates = {
        (status, "-"): Estimate((bad + 1) / (count + 2), count)
        for status, (count, bad) in counts.items()
    }
    return {"a": found, "b": found}


@pytest.mark.parametrize("same, low, high", [(0.0, 0.8, 1.0), (1.0, 0.0, 0.2)])
def test_the_share_is_fitted_to_how_much_they_repeat_each_other(
    same: float, low: float, high: float
) -> None:
    verifiers, book, tables = Verifiers(5, same), Book(), single_estimates(5)
    for _ in range(4000):
        verdicts, bounced = verifiers.ask()
        book.learn(teach_pair(verdicts, bounced=bounced))
    assert fitted_share({}, tables, BASE) == SHARE
    assert low <= fitted_share({"verdicts:a+b": book.cells}, tables, BASE) <= high


def calibration_error(*, share: float | None, same: float = 0.6) -> float:
    """Of pairs, by what was said; with the fitted share if none is given, and without pairs."""
    verifiers, tables, book = Verifiers(6, same), single_estimates(6), Book()
    for _ in range(4000):
        verdicts, bounced = verifiers.ask()
        book.learn(teach_pair(verdicts, bounced=bounced))
    if share is None:
        share = fitted_share({"verdicts:a+b": book.cells}, tables, BASE)
    groups: dict[tuple[Verdict, ...], list[int]] = {}
    for _ in range(20_000):
        verdicts, bounced = verifiers.ask()
        group = groups.setdefault(tuple(verdicts), [0, 0])
        group[0] += 1
        group[1] += bounced
    error = 0.0
    for said, (count, bad) in groups.items():
        told = combine(said, tables, base=BASE, pairs={}, share=share)
        error += abs(told.chance * count - bad)
    return error / 20_000


def test_combined_verdicts_are_calibrated_and_naive_ones_are_not() -> None:
    assert calibration_error(share=None) < 0.02
    assert calibration_error(share=1.0) > 1.2 * calibration_error(share=None)


def test_a_pair_that_is_often_seen_speaks_for_itself() -> None:
    book, verdicts = Book(), [("b", "valid"), ("a", "valid")]
    for number in range(2000):
        book.learn(teach_pair(verdicts, bounced=number % 4 == 0))  # type: ignore[arg-type]
    pairs = {"verdicts:a+b": book.cells}
    found = combine(verdicts, TABLES, base=BASE, pairs=pairs)  # type: ignore[arg-type]
    assert found.chance == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    "bounce, said, word",
    [
        (0.01, ["unknown", "valid"], "valid"),
        (0.7, ["valid", "invalid"], "invalid"),
        (0.2, ["catch_all", "valid"], "catch_all"),
        (0.2, ["catch_all", "unknown"], "unknown"),
        (0.2, ["valid", "invalid"], "unknown"),
    ],
)
def test_a_combined_chance_has_its_word(bounce: float, said: list[Status], word: str) -> None:
    assert word_for(bounce, [("p", status) for status in said]) == word
