"""Polls of slow answers beside the best schedule there is for times that are known."""

from __future__ import annotations

import bisect
import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate

from gateway.lookup.completion import DELAY, EDGES, bin_of, next_wait
from providers.simulator.latency import PROFILES
from tests.bench.planning.ratios import Figure

Sampler = Callable[[random.Random], float]
Wait = Callable[[tuple[int, ...], float], float]

# Of the known distribution; and the moments among which the best schedule is looked for.
SAMPLES, MOMENTS = 40_000, 500
# Answers that are learned from before it counts, and after how many the plan is made anew.
LEARNING, RENEWED = 300, 50
PROMPT = 0.25
MOST_POLLS, MOST_DELAY = 1.5, 0.25


def lognormal(median: float, spread: float) -> Sampler:
    return lambda rng: median * math.exp(spread * rng.gauss(0, 1))


def in_two_humps(rng: random.Random) -> float:
    return lognormal(2, 0.2)(rng) if rng.random() < 0.7 else lognormal(60, 0.5)(rng)


WORLDS: Mapping[str, Sampler] = {
    "the simulator's": PROFILES["real"].task.draw,
    "log-normal, wide": lognormal(20, 1.0),
    "Pareto, heavy": lambda rng: 3 * rng.paretovariate(1.5),
    "two humps": in_two_humps,
}


@dataclass
class Schedule:
    """Moments to ask at, ascending; the last one is no earlier than any answer."""

    moments: Sequence[float]

    def ask(self, took: float) -> tuple[int, float]:
        """Polls, and the moment of the one that has the answer."""
        at = bisect.bisect_left(self.moments, took)
        return at + 1, self.moments[at]


@dataclass
class Known:
    """Times of which everything is known, as equally likely ones in ascending order."""

    times: Sequence[float]
    moments: Sequence[float] = field(init=False)
    _upto: Sequence[int] = field(init=False)
    _inverse: Sequence[float] = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.times)
        steps = range(1, MOMENTS + 1)
        self.moments = [self.times[math.ceil(size * step / MOMENTS) - 1] for step in steps]
        self._upto = [bisect.bisect_right(self.times, moment) for moment in self.moments]
        self._inverse = [0.0, *accumulate(1 / took for took in self.times)]

    def delay(self, first: int, last: int) -> float:
        """Relative delays, summed, of what ends after moment `first` and is had at `last`."""
        low, high = self._upto[first] if first >= 0 else 0, self._upto[last]
        inverse = self._inverse[high] - self._inverse[low]
        return self.moments[last] * inverse - (high - low)

    def prompt(self, first: int, last: int) -> int:
        """How many of those have waited for a quarter of their time at most."""
        low = self._upto[first] if first >= 0 else 0
        ripe = bisect.bisect_left(self.times, self.moments[last] / (1 + PROMPT))
        return self._upto[last] - max(low, ripe)

    def left(self, first: int) -> int:
        return len(self.times) - (self._upto[first] if first >= 0 else 0)

    def best(self, loss: Callable[[int, int], float]) -> Schedule:
        """By dynamic programming: a poll costs 1, and `loss` what it finds so late.

        `loss` is of moments, `first` -1 for the beginning.
        """
        least, choice = [0.0] * (MOMENTS + 1), [0] * (MOMENTS + 1)
        for first in range(MOMENTS - 2, -2, -1):
            least[first + 1], choice[first + 1] = min(
                (self.left(first) + loss(first, last) + least[last + 1], last)
                for last in range(first + 1, MOMENTS)
            )
        found, at = [], -1
        while at < MOMENTS - 1:
            at = choice[at + 1]
            found.append(self.moments[at])
        return Schedule(found)

    def cheapest_prompt(self) -> Schedule:
        """The fewest polls with which half of the answers are had promptly."""
        low, high = 0.0, 64.0
        found = self._paying(high)
        for _ in range(10):
            middle = (low + high) / 2
            tried = self._paying(middle)
            if self._share(tried) >= 0.5:
                high, found = middle, tried
            else:
                low = middle
        return found

    def _paying(self, prize: float) -> Schedule:
        return self.best(lambda first, last: -prize * self.prompt(first, last))

    def _share(self, schedule: Schedule) -> float:
        asked = ((took, schedule.ask(took)[1]) for took in self.times)
        return sum(at <= (1 + PROMPT) * took for took, at in asked) / len(self.times)


def known(sampler: Sampler) -> Known:
    return Known(sorted(sampler(random.Random(10_000 + at)) for at in range(SAMPLES)))


@cache
def schedules(sampler: Sampler) -> tuple[float, Schedule, Schedule]:
    """The latest answer, the best schedule, and the one of the fewest polls."""
    truth = known(sampler)
    optimum = truth.best(lambda first, last: DELAY * truth.delay(first, last))
    return truth.times[-1], optimum, truth.cheapest_prompt()


@dataclass
class Outcome:
    """Of one world: polls a task by each, and the median of the delays by share of the time."""

    polls: float
    best: float
    fewest: float
    delay: float
    best_delay: float


def poll(counts: tuple[int, ...], took: float, wait: Wait) -> tuple[int, float, float]:
    """Polls, the moment of the last, and of the one before it."""
    now, before, polls = 0.0, 0.0, 0
    while now < took:
        before, now, polls = now, now + wait(counts, now), polls + 1
    return polls, now, before


def compare(sampler: Sampler, *, size: int, wait: Wait = next_wait, seed: int = 1) -> Outcome:
    """What is learned on the way, as the poller sees it, beside what could be known."""
    rng, (latest, optimum, fewest) = random.Random(seed), schedules(sampler)
    counts, seen = [0] * len(EDGES), (0,) * len(EDGES)
    rows: list[tuple[int, int, int, float, float]] = []
    for at in range(LEARNING + size):
        took = min(sampler(rng), latest)
        seen = tuple(counts) if at % RENEWED == 0 else seen
        polls, last, before = poll(seen, took, wait)
        counts[bin_of((before + last) / 2)] += 1
        best_polls, best_last = optimum.ask(took)
        delays = last / took - 1, best_last / took - 1
        rows.append((polls, best_polls, fewest.ask(took)[0], *delays))
    columns = list(zip(*rows[LEARNING:], strict=True))
    means = [statistics.mean(column) for column in columns[:3]]
    return Outcome(*means, *map(statistics.median, columns[3:]))


def figures(size: int, *, wait: Wait = next_wait) -> list[Figure]:
    found: list[Figure] = []
    for name, sampler in WORLDS.items():
        one = compare(sampler, size=size, wait=wait)
        shown = f"{one.polls / one.best:.2f} ({one.polls:.2f} / {one.best:.2f})"
        found += [
            Figure(f"{name}: polls / best", one.polls / one.best, MOST_POLLS, shown=shown),
            Figure(f"{name}: median delay / time", one.delay, MOST_DELAY),
            Figure(f"{name}: the best one's delay", one.best_delay),
            Figure(f"{name}: fewest polls for a median delay of 25 %", one.fewest),
        ]
    return found
