"""Several verdicts on one address as one: calibrated by outcomes, and less than independent.

A verdict moves the log-odds of a bounce from the base rate as far as its own outcomes say. Two
verifiers that ask the same mail server say much the same: the boldest counts in full and the
others a share, fitted to the outcomes of addresses on which two had spoken
(`verdicts:<one>+<other>`, paths `status+status`). A pair that is often seen speaks for itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gateway.lookup.planning.bounces import Estimate, Estimates, shrunk
from gateway.lookup.planning.lessons import Lesson
from gateway.lookup.planning.outcomes import CAP, UNRATED
from gateway.lookup.planning.terms import Cells
from providers.model import Status

Verdict = tuple[str, Status]
Pairs = Mapping[str, Cells]

# Assumed until pairs are seen, and then worth so many of them.
SHARE, SHARE_WEIGHT = 0.5, 40
_SHARES = tuple(step / 20 for step in range(21))
# What a combined chance of bouncing is called.
SURE, LOST = 0.05, 0.5


def combine(
    verdicts: Sequence[Verdict],
    estimates: Mapping[str, Estimates],
    *,
    base: float,
    pairs: Pairs,
    share: float = SHARE,
) -> Estimate:
    """The chance that an address bounces; `estimates` by provider, `base` of all addresses."""
    known = [estimates[provider][status, UNRATED] for provider, status in verdicts]
    if len(known) == 1:
        return known[0]
    chance = _summed([one.chance for one in known], base, share)
    pair = _pair_of(verdicts)
    if pair is None:
        return Estimate(chance, min(one.weight for one in known))
    book, path = pair
    return shrunk(pairs.get(book, {}), path, chance)


def _summed(chances: Sequence[float], base: float, share: float) -> float:
    start = _logit(base)
    moves = sorted((_logit(chance) - start for chance in chances), key=abs)
    return 1 / (1 + math.exp(-(start + moves[-1] + share * sum(moves[:-1]))))


def fitted_share(pairs: Pairs, estimates: Mapping[str, Estimates], base: float) -> float:
    """The share that makes the outcomes of pairs likeliest."""
    seen = [
        (chances, counts[0], counts[1])
        for book, cells in pairs.items()
        for path, counts in cells.items()
        if (chances := _chances_of(book, path, estimates)) and counts[0]
    ]

    def likelihood(share: float) -> float:
        total = -SHARE_WEIGHT * (share - SHARE) ** 2
        for chances, count, bounced in seen:
            chance = _summed(chances, base, share)
            total += bounced * math.log(chance) + (count - bounced) * math.log(1 - chance)
        return total

    return max(_SHARES, key=likelihood)


def _chances_of(book: str, path: str, estimates: Mapping[str, Estimates]) -> tuple[float, ...]:
    """Empty for the book's root."""
    providers, statuses = book.partition(":")[2].split("+"), path.split("+")
    if len(statuses) != len(providers):
        return ()
    spoken = zip(providers, statuses, strict=True)
    return tuple(estimates[provider][status, UNRATED].chance for provider, status in spoken)


def teach_pair(
    verdicts: Sequence[Verdict], *, bounced: bool, before: bool | None = None
) -> Lesson:
    """The lesson of an address on which two had spoken; `before` is what was said to be taken
    back.
    """
    pair = _pair_of(verdicts)
    assert pair is not None, "two verdicts make a pair"
    new, more = (1, int(bounced)) if before is None else (0, bounced - before)
    return Lesson(book=pair[0], path=pair[1], deltas=(new, more, 0, 0, 0), cap=CAP)


def _pair_of(verdicts: Sequence[Verdict]) -> tuple[str, str] | None:
    if len(verdicts) != 2:
        return None
    (one, first), (other, second) = sorted(verdicts)
    return f"verdicts:{one}+{other}", f"{first}+{second}"


def word_for(chance: float, verdicts: Sequence[Verdict]) -> Status:
    """What an address is called: sure of its mailbox, lost, or the weakest word that was said."""
    if chance <= SURE:
        return "valid"
    if chance >= LOST:
        return "invalid"
    said = {status for _, status in verdicts}
    return "unknown" if "unknown" in said or "catch_all" not in said else "catch_all"


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))
