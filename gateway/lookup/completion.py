"""When to ask for an answer again: from how long such answers took before.

Times are counted in bins that grow by a tenth. The plan is the best for what was counted: a poll
costs 1, an answer that lies there as long again as it took costs DELAY.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache

from gateway.store.connection import Store, StoreDown

FIRST, LAST, GROWTH = 0.25, 3600.0, 1.1
DELAY = 14.0
# What is believed before anything was counted: any order of magnitude up to five minutes.
PRIOR, PRIOR_UP_TO = 8.0, 300.0
FRESH = 5.0


def _edges() -> tuple[float, ...]:
    found = [FIRST]
    while found[-1] < LAST:
        found.append(found[-1] * GROWTH)
    return tuple(found)


EDGES = _edges()


def bin_of(seconds: float) -> int:
    """The bin that an answer after so many seconds falls into."""
    return min(len(EDGES) - 1, bisect.bisect_left(EDGES, seconds))


@lru_cache(maxsize=256)
def plan(counts: tuple[int, ...]) -> tuple[int, ...]:
    """For each bin that may hold the answer at the earliest: the bin at whose end to ask."""
    weights = _weights(counts)
    size = len(weights)
    # Sums from a bin on: of the chance, and of the chance by the time that it stands for.
    chance, relative = _tails(weights), _tails([w / _middle(at) for at, w in enumerate(weights)])
    best, choice = [0.0] * (size + 1), [size - 1] * (size + 1)
    for first in range(size - 1, -1, -1):
        best[first], choice[first] = min(
            (
                1.0
                + DELAY
                * (
                    EDGES[until] * (relative[first] - relative[until + 1])
                    - (chance[first] - chance[until + 1])
                )
                / chance[first]
                + chance[until + 1] / chance[first] * best[until + 1],
                until,
            )
            for until in range(first, size)
        )
    return tuple(choice)


def _middle(at: int) -> float:
    return EDGES[0] * 0.75 if at == 0 else (EDGES[at - 1] + EDGES[at]) / 2


def _weights(counts: Sequence[int]) -> list[float]:
    likely = bin_of(PRIOR_UP_TO)
    prior = [PRIOR / likely if at < likely else PRIOR / likely / 100 for at in range(len(EDGES))]
    return [count + belief for count, belief in zip(counts, prior, strict=True)]


def _tails(weights: Sequence[float]) -> list[float]:
    found = [0.0] * (len(weights) + 1)
    for at in range(len(weights) - 1, -1, -1):
        found[at] = found[at + 1] + weights[at]
    return found


def next_wait(counts: tuple[int, ...], elapsed: float) -> float:
    """Seconds until the next poll of an answer that was not there after `elapsed` seconds."""
    last = 0 if elapsed < EDGES[0] else bisect.bisect_right(EDGES, elapsed * 1.001)
    if last >= len(EDGES):
        return elapsed * (GROWTH - 1)
    return max(FIRST / 5, EDGES[plan(counts)[last]] - elapsed)


class Completions:
    """How long answers took, by provider and operation, as all processes have counted it."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root
        self._known: dict[str, tuple[float, tuple[int, ...]]] = {}

    async def wait(self, provider: str, operation: str, elapsed: float) -> float:
        """Seconds until the next poll; a store that is away is not waited for."""
        return next_wait(await self._counts(f"{provider}:{operation}"), elapsed)

    async def _counts(self, name: str) -> tuple[int, ...]:
        known = self._known.get(name)
        if known is not None and time.monotonic() - known[0] < FRESH:
            return known[1]
        try:
            flat = await self._store.call("HGETALL", f"{self._root}times:{name}")
        except StoreDown:
            return known[1] if known else NOTHING
        found = to_counts({int(at): int(n) for at, n in zip(flat[::2], flat[1::2], strict=True)})
        self._known[name] = (time.monotonic(), found)
        return found


def to_counts(found: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(found.get(at, 0) for at in range(len(EDGES)))


NOTHING = (0,) * len(EDGES)
