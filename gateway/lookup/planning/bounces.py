"""How likely an address bounces, by who gave it with which status and confidence.

Counts back off as those of hits do: from all providers' status to its decile, and to the provider;
the two meet as odds. More confidence never makes a worse address: where the counts say so it is
taken for chance, and neighbouring deciles are pooled until they agree (isotonic regression).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.lookup.planning.estimation import moved, normals
from gateway.lookup.planning.outcomes import UNRATED
from gateway.lookup.planning.terms import Cells

# How many deliveries a wider count is worth to a narrower one.
WEIGHT = 40.0
# Assumed, until there are outcomes: what such addresses are commonly said to bounce.
PRIORS = {"valid": 0.02, "catch_all": 0.1, "unknown": 0.15, "disposable": 0.5, "invalid": 0.8}
DOUBT = 1.0
DECILES = tuple("9876543210")


class Estimate(NamedTuple):
    """A chance, and how many deliveries it is worth."""

    chance: float
    weight: float


Estimates = Mapping[tuple[str, str], Estimate]


def estimates_of(mine: Cells, everybodys: Cells) -> Estimates:
    """Of one provider, by status and decile."""
    return {
        (status, decile): estimate
        for status, prior in PRIORS.items()
        for decile, estimate in _of_status(mine, everybodys, status, prior)
    }


def overall_of(mine: Cells, everybodys: Cells) -> Mapping[str, Estimate]:
    """Of one provider, by status alone."""
    return {
        status: shrunk(mine, status, shrunk(everybodys, status, prior).chance)
        for status, prior in PRIORS.items()
    }


def _of_status(
    mine: Cells, everybodys: Cells, status: str, prior: float
) -> Iterable[tuple[str, Estimate]]:
    common = shrunk(everybodys, status, prior)
    own = shrunk(mine, status, common.chance)
    ratio = _odds(own.chance) / _odds(common.chance)

    def estimate(decile: str) -> Estimate:
        narrow = shrunk(everybodys, f"{status}/{decile}", common.chance)
        return shrunk(mine, f"{status}/{decile}", _chance(_odds(narrow.chance) * ratio))

    yield UNRATED, estimate(UNRATED)
    yield from zip(DECILES, rising([estimate(decile) for decile in DECILES]), strict=True)


def shrunk(cells: Cells, cell: str, parent: float) -> Estimate:
    """A cell's bounces with those of `WEIGHT` deliveries at `parent`."""
    deliveries, bounced = cells.get(cell, (0, 0))[:2]
    weight = deliveries + WEIGHT
    return Estimate((bounced + WEIGHT * parent) / weight, weight)


def rising(given: Sequence[Estimate]) -> list[Estimate]:
    """The nearest chances that never fall: those that do are pooled."""
    pools: list[tuple[Estimate, int]] = []
    for one in given:
        pool, size = one, 1
        while pools and pools[-1][0].chance > pool.chance:
            earlier, count = pools.pop()
            pool, size = _pooled(earlier, pool), size + count
        pools.append((pool, size))
    level = [pool.chance for pool, size in pools for _ in range(size)]
    # What each is worth stays its own: a pool is no surer of one of its deciles.
    return [Estimate(chance, one.weight) for chance, one in zip(level, given, strict=True)]


def _pooled(one: Estimate, other: Estimate) -> Estimate:
    weight = one.weight + other.weight
    return Estimate((one.chance * one.weight + other.chance * other.weight) / weight, weight)


def acceptable(estimate: Estimate, max_bounce: float, seed: str, provider: str) -> bool:
    """Whether an address may be taken as bouncing at most so often.

    Only who is sent to is heard of: an address has the benefit of the doubt, at least DOUBT
    standard deviations, and of the lookup's own draw if that is kinder; there is none without a
    seed.
    """
    chance, weight = estimate
    normal = min(-DOUBT, normals(seed and f"{seed}|bounce", provider)[0])
    return moved(chance * weight, (1 - chance) * weight, normal) <= max_bounce


def _odds(chance: float) -> float:
    return chance / (1 - chance)


def _chance(odds: float) -> float:
    return odds / (1 + odds)
