"""How often an address that a provider is not sure of is there, and if it pays to verify it."""

from __future__ import annotations

from gateway.lookup.planning.lessons import Lesson
from gateway.lookup.planning.terms import Cells

CONFIRMS = "confirms"
UNCERTAIN = "unknown"
# Assumed until it was seen: every other uncertain address turns out to be there; worth so much.
CONFIRMED, WEIGHT = 0.5, 12.0


def book_of(finder: str) -> str:
    return f"{CONFIRMS}:{finder}"


def chance_of(cells: Cells) -> float:
    """How often an uncertain address of a provider turns out valid, by its book's cells."""
    asked, valid, *_ = cells.get(UNCERTAIN, (0, 0))
    return (valid + WEIGHT * CONFIRMED) / (asked + WEIGHT)


def is_worth(price: int, chance: float, value: int | None) -> bool:
    """Whether an answer by a verification costs no more than it is worth."""
    return value is None or price <= chance * value


def lesson_of(finder: str, *, valid: bool) -> Lesson:
    return Lesson(book=book_of(finder), path=UNCERTAIN, deltas=(1, int(valid), 0, 0, 0))
