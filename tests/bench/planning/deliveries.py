"""Addresses that bounce or do not, sent to if they may be taken to bounce seldom enough."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from gateway.lookup.planning.bounces import Estimate, Estimates, acceptable, estimates_of
from gateway.lookup.planning.lessons import Book
from gateway.lookup.planning.outcomes import Outcome, book_of, decile_of, teach_outcome
from tests.bench.planning.ratios import Figure, Spread, spread_figure

PROVIDERS = ("alder", "birch", "cedar", "dogwood")
STATUSES = ("valid", "catch_all", "unknown")
ASKED = (0.01, 0.02, 0.05)
# How many addresses later the copy that decides has what outcomes have said.
REFRESH = 100
LATE = 0.05

Accept = Callable[[Estimate, float, str, str], bool]


@dataclass(frozen=True)
class Found:
    """An address as a provider gives it; `bounce` is its true chance, which only it knows."""

    provider: str
    status: str
    confidence: int
    bounce: float


class Senders:
    """Providers whose statuses and confidences mean different things."""

    def __init__(self, seed: int):
        random = Random(f"senders {seed}")
        self._shares = {name: random.uniform(0.5, 1.5) for name in PROVIDERS}
        self._mix = {name: [random.uniform(6, 8), 2, 1] for name in PROVIDERS}
        self._base = {
            (name, status): base + random.uniform(-0.9, 0.9)
            for name in PROVIDERS
            for status, base in zip(STATUSES, (-4.2, -2.4, -1.8), strict=True)
        }
        self._slope = {name: random.uniform(1.0, 3.5) for name in PROVIDERS}
        self._best = {name: random.uniform(1.1, 2.5) for name in PROVIDERS}

    def find(self, random: Random) -> Found:
        """Log-odds of bouncing fall in a line with the confidence."""
        provider = random.choices(PROVIDERS, list(self._shares.values()))[0]
        status = random.choices(STATUSES, self._mix[provider])[0]
        sureness = random.random() ** (1 / self._best[provider])
        logit = self._base[provider, status] + self._slope[provider] * (0.6 - sureness)
        bounce = 1 / (1 + math.exp(-logit))
        return Found(provider, status, round(sureness * 100), bounce)


class Sent(NamedTuple):
    estimated: float
    bounced: bool


@dataclass
class Campaign:
    """One asked bounce rate, on its own outcomes."""

    asked: float
    accept: Accept
    books: dict[str, Book] = field(default_factory=dict)
    estimates: dict[str, Estimates] = field(default_factory=dict)
    # Outcomes that come later than most: when, in which order, and what is to be learned.
    late: list[tuple[int, int, Found, Outcome, Outcome | None]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    # Of addresses that may be sent to by what nobody knows: how many there were, how many were.
    due: int = 0
    reached: int = 0

    @property
    def counted(self) -> list[Sent]:
        return self.sent[COUNTED_FROM:]

    def offer(self, found: Found, number: int, random: Random) -> None:
        """Send to an address or not; what comes of it is the same for every campaign."""
        if number % REFRESH == 0:
            self._refresh()
        while self.late and self.late[0][0] <= len(self.sent):
            _, _, address, outcome, before = heapq.heappop(self.late)
            self._learn(address, outcome, before)
        due = len(self.sent) >= COUNTED_FROM and found.bounce <= self.asked
        self.due += due
        place = (found.status, decile_of(found.confidence))
        estimate = self.estimates[found.provider][place]
        if self.accept(estimate, self.asked, str(number), found.provider):
            self.reached += due
            bounced = random.random() < found.bounce
            self.sent.append(Sent(estimate.chance, bounced))
            self._hear(found, "bounced" if bounced else "delivered", number, random)

    def _hear(self, found: Found, outcome: Outcome, number: int, random: Random) -> None:
        """One in twenty outcomes is late, and a late bounce was a delivery until then."""
        if random.random() >= LATE:
            self._learn(found, outcome, None)
            return
        due = len(self.sent) + random.randrange(500, 5000)
        before: Outcome | None = None
        if outcome == "bounced":
            before = "delivered"
            self._learn(found, before, None)
        heapq.heappush(self.late, (due, number, found, outcome, before))

    def _learn(self, found: Found, outcome: Outcome, before: Outcome | None) -> None:
        for lesson in teach_outcome(
            found.provider, found.status, found.confidence, outcome, before=before
        ):
            self.books.setdefault(lesson.book, Book()).learn(lesson)

    def _refresh(self) -> None:
        everybody = self.books.setdefault(book_of("*"), Book()).cells
        for name in PROVIDERS:
            mine = self.books.setdefault(book_of(name), Book()).cells
            self.estimates[name] = estimates_of(mine, everybody)


COUNTED_FROM = 10_000


def campaign(seed: int, asked: float, sends: int, accept: Accept = acceptable) -> Campaign:
    """Addresses until `sends` have been sent to."""
    senders, random = Senders(seed), Random(f"addresses {seed}")
    made = Campaign(asked, accept)
    number = 0
    while len(made.sent) < sends and number < 20 * sends:
        found = senders.find(random)
        made.offer(found, number, Random(f"{seed} {number}"))
        number += 1
    return made


def bounces(seeds: int, sends: int = 20_000, accept: Accept = acceptable) -> list[Figure]:
    """From delivery 10,000 on: realised, covered, calibrated; means over the seeds."""
    found = [
        figure
        for asked in ASKED
        for figure in _asked([campaign(seed, asked, sends, accept) for seed in range(seeds)])
    ]
    return [*found, calibration(seeds, sends)]


def _asked(made: list[Campaign]) -> list[Figure]:
    """Where the clairvoyant would send to nobody there is nothing to cover."""
    asked = made[0].asked
    name = f"max_bounce {asked * 100:g} %"
    realised = [sum(sent.bounced for sent in one.counted) / len(one.counted) for one in made]
    due = [one for one in made if one.due]
    return [
        spread_figure(f"{name}: realised", Spread(tuple(realised)), most=asked + 0.002),
        spread_figure(
            f"{name}: coverage / clairvoyant",
            Spread(tuple(len(one.counted) / one.due for one in due)),
            least=0.9,
        ),
        spread_figure(
            f"{name}: of the clairvoyant's, sent to as well",
            Spread(tuple(one.reached / one.due for one in due)),
        ),
        spread_figure(
            f"{name}: expected calibration error",
            Spread(tuple(calibration_error(one.counted) for one in made)),
            most=0.02,
        ),
    ]


def calibration(seeds: int, sends: int = 20_000) -> Figure:
    """Of all addresses, whatever they may bounce."""
    made = [campaign(seed, 1.0, sends, _anybody) for seed in range(seeds)]
    wrong = Spread(tuple(calibration_error(one.counted) for one in made))
    return spread_figure("sent to anybody: expected calibration error", wrong, most=0.02)


def _anybody(estimate: Estimate, asked: float, seed: str, provider: str) -> bool:
    return True


def calibration_error(rows: list[Sent], bins: int = 10) -> float:
    """Mean distance between what was estimated and what came, over bins of equal size."""
    ordered = sorted(rows)
    size = math.ceil(len(ordered) / bins)
    total = 0.0
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        total += abs(sum(one.estimated for one in part) - sum(one.bounced for one in part))
    return total / len(ordered)
