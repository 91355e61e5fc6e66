"""What a provider will do, from what it did: counts that back off to wider ones.

The cell of a lookup is a path, `hand/segment/missed`: what is in hand (`-` nothing, `w` a weak
answer), the segment, and who has missed. Providers are only seen where others missed, and behind
a weak answer (a domain that takes everything) hardly anybody does better: rates that leave that
out make the order they come from come true. Every path counts in its prefixes as well, and each
of them is worth WEIGHT calls to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

from gateway.lookup.planning.terms import Cells, Prior, State

WEIGHT = 12.0
# The draw's spread beside the posterior's: at 1 a lookup in twenty tries out what is worse.
TEMPER = 0.7
ROOT, NOTHING, WEAK = "", "-", "w"
PACE = "@pace"
# How long a provider took to reply, without its task and without waits of our own.
REPLY = "@reply"
# Of replies the newest so many count: who was slow once is not held to be so for long.
NEWEST_REPLIES = 32
# Seconds, before anything is known. Assumed: over a network nobody has searched sooner.
UNLEARNED_REPLY = 0.1
ANSWERS = 1
# Where among a path's levels its segment is.
SEGMENT = 2
PLACES = {"valid": 2, "catch_all": 3, "unknown": 4}
# Where a band of confidence ends and the next begins.
BANDS = (50, 70, 85)
# Less than so much of a count spreads no wider: it would draw anything.
_LEAST = 0.3
_NORMAL = NormalDist()


class Chances(NamedTuple):
    """Of an answer, and that it is accepted."""

    h: float
    q: float


class Posterior(NamedTuple):
    """Pseudo-counts of hits and misses, and among the hits of those wanted and not."""

    hits: float
    misses: float
    wanted: float
    unwanted: float
    calls: int

    def mean(self) -> Chances:
        return Chances(
            self.hits / (self.hits + self.misses), self.wanted / (self.wanted + self.unwanted)
        )


def path_of(segment: str, state: State) -> str:
    """The narrowest cell of what is asked next."""
    hand = WEAK if state.hand else NOTHING
    return f"{hand}/{segment}/{','.join(sorted(state.missed))}"


@lru_cache(maxsize=4096)
def levels_of(path: str) -> tuple[str, ...]:
    """The path's prefixes, widest first."""
    parts = path.split("/")
    return (ROOT, *("/".join(parts[:end]) for end in range(1, len(parts) + 1)))


def posterior(
    cells: Cells, levels: Sequence[str], places: Sequence[int], prior: tuple[float, float]
) -> Posterior:
    """What is known at the last of `levels`; `places` are the counts that are wanted."""
    hit, good = prior
    calls = answers = wanted = 0
    parent = prior
    for level in levels:
        parent = hit, good
        counts = cells.get(level)
        if counts is None:
            calls = answers = wanted = 0
            continue
        calls, answers = counts[0], counts[1]
        wanted = 0
        for place in places:
            wanted += counts[place]
        hit = (answers + WEIGHT * hit) / (calls + WEIGHT)
        good = (wanted + WEIGHT * good) / (answers + WEIGHT)
    hit, good = parent
    return Posterior(
        answers + WEIGHT * hit,
        calls - answers + WEIGHT * (1 - hit),
        wanted + WEIGHT * good,
        answers - wanted + WEIGHT * (1 - good),
        calls,
    )


def prior_of(prior: Prior, statuses: Sequence[str]) -> tuple[float, float]:
    """The chance of an answer, and that it has one of `statuses`."""
    return prior.hit, sum(getattr(prior, name) for name in statuses if name in PLACES)


def places_of(statuses: Sequence[str]) -> tuple[int, ...]:
    return tuple(PLACES[name] for name in statuses if name in PLACES)


def drawn(yes: float, no: float, normal: float) -> float:
    """A chance drawn from `yes` and `no` counts."""
    return moved(yes, no, TEMPER * normal)


def moved(yes: float, no: float, deviations: float) -> float:
    """The chance of so many standard deviations from the mean: the log-odds are all but normal."""
    if yes <= 0:
        return 0.0
    spread = math.sqrt(1 / max(yes, _LEAST) + 1 / max(no, _LEAST))
    return 1 / (1 + no / yes * math.exp(-spread * deviations))


@lru_cache(maxsize=4096)
def normals(seed: str, provider: str) -> tuple[float, float]:
    """Two standard normal numbers that are this lookup's for this provider; 0 without a seed."""
    if not seed:
        return 0.0, 0.0
    digest = blake2b(f"{seed}|{provider}".encode(), digest_size=14).digest()
    return _to_normal(digest[:7]), _to_normal(digest[7:])


def _to_normal(seven: bytes) -> float:
    return _NORMAL.inv_cdf((int.from_bytes(seven, "big") // 16 + 0.5) / 2**52)


def share_of(cells: Cells, levels: Sequence[str], place: int, prior: float) -> float:
    """The share of a segment's answers that are of one status, whoever has missed."""
    counts = cells.get(levels[SEGMENT])
    if counts is None:
        return prior
    return (counts[place] + WEIGHT * prior) / (counts[ANSWERS] + WEIGHT)


def seconds_of(cells: Cells, prior: Prior) -> float:
    """How long an answer takes."""
    calls, millis = cells.get(PACE, (0, 0))[:2]
    return (millis + WEIGHT * prior.millis) / (calls + WEIGHT) / 1000


def reply_seconds_of(cells: Cells) -> float:
    """How long a provider usually takes to reply."""
    calls, millis = cells.get(REPLY, (0, 0))[:2]
    return millis / calls / 1000 if calls else UNLEARNED_REPLY


def rows_of(cells: Cells, expected: int) -> float:
    """How many rows an answer has."""
    _, _, answers, rows = cells.get(PACE, (0, 0, 0, 0))[:4]
    return (rows + WEIGHT * expected) / (answers + WEIGHT)


def cell_of(field: str) -> str:
    """Where it is counted which answers have a field, of those of whom it was wanted."""
    return f"@has:{field}"


def having(cells: Cells, fields: Sequence[str]) -> float:
    """How many of the wanted fields an answer brings: several providers' are put together.

    Assumed until it is seen: all.
    """
    counts = [cells.get(cell_of(name), (0, 0)) for name in fields]
    shares = [(one[1] + WEIGHT) / (one[0] + WEIGHT) for one in counts]
    return sum(shares) / len(shares)


def confident(cells: Cells, status: str, least: int, *, prior: float | None = None) -> float:
    """The share of a status's answers whose confidence is at least `least`; until it is known
    `prior`, None for as if each were as likely.
    """
    total, *bands = cells.get(f"@{status}", (0,) * (len(BANDS) + 2))
    edges = (0, *BANDS, 101)
    above = 0.0
    for count, (low, high) in zip(bands, pairwise(edges), strict=True):
        above += count * min(1.0, max(0.0, (high - least) / (high - low)))
    prior = min(1.0, (101 - least) / 101) if prior is None else prior
    return (above + WEIGHT * prior) / (total + WEIGHT)


def band_of(confidence: int) -> int:
    """Which band a provider's confidence is in; none at all is in no band."""
    return sum(confidence >= edge for edge in BANDS)
