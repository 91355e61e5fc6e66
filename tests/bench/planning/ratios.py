"""Sums over records and worlds, and what was promised of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.bench.planning.learner import Record
from tests.bench.planning.oracle import Expected


def per_accepted(found: Iterable[Expected]) -> float:
    cost = chance = 0.0
    for one in found:
        cost, chance = cost + one.cost, chance + one.chance
    return cost / chance


def cost_ratio(records: Sequence[Record]) -> float:
    """Cost per accepted answer, over the oracle's."""
    mine = per_accepted(record.policy for record in records)
    return mine / per_accepted(record.oracle for record in records)


def coverage(records: Sequence[Record]) -> float:
    """Accepted answers, over the oracle's."""
    best = sum(record.oracle.chance for record in records)
    return sum(record.policy.chance for record in records) / best


def loss_ratio(value: float) -> Callable[[Sequence[Record]], float]:
    """Cost and forgone value, over the oracle's."""

    def ratio(records: Sequence[Record]) -> float:
        best = sum(record.oracle.loss(value) for record in records)
        return sum(record.policy.loss(value) for record in records) / best

    return ratio


@dataclass(frozen=True)
class Spread:
    """One figure over worlds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    def __str__(self) -> str:
        return f"{self.mean:.4f} ({min(self.values):.3f} to {max(self.values):.3f})"


@dataclass(frozen=True)
class Figure:
    """What was measured, and what was promised: at most `most`, or at least `least`."""

    name: str
    value: float
    most: float = float("inf")
    least: float = float("-inf")
    shown: str = ""

    @property
    def met(self) -> bool:
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        aim = ""
        if self.most != float("inf"):
            aim = f"at most {self.most:g}, {'met' if self.met else 'MISSED'}"
        elif self.least != float("-inf"):
            aim = f"at least {self.least:g}, {'met' if self.met else 'MISSED'}"
        return f"| {self.name} | {self.shown or f'{self.value:.4f}'} | {aim} |"


def spread_figure(
    name: str, spread: Spread, *, most: float = float("inf"), least: float = float("-inf")
) -> Figure:
    """The mean is what is promised."""
    return Figure(name, spread.mean, most=most, least=least, shown=str(spread))


def described(title: str, figures: Sequence[Figure]) -> str:
    """A Markdown table."""
    lines = [f"{title}", "", "| figure | value | target |", "|---|---|---|"]
    return "\n".join([*lines, *map(str, figures), ""])
