"""Rows that nobody could be asked about yet: how long until they are tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from msgspec import UNSET

from gateway.guard.permits import UNTOLD
from gateway.lookup.attempts import Attempt, without_guesses
from gateway.lookup.lookup import Lookup

# What a provider asks patience by, or is given some for: it says nothing of the row.
PASSING = ("rate_limited", "circuit_open")
# Skips that are the same again, however long one waits; another provider is waited for.
LASTING = ("no_credential", "unsupported", "not_worth_it")
LEAST, MOST = 1.0, 300.0
# A row that was held back for long is not looked at so often: of its age, and for each row another
# time, so that not all of a job come back in one instant.
GROWTH, SPREAD = 0.5, 1.5


def pause_of(lookup: Lookup) -> float | None:
    """Seconds until a lookup that was only held back is tried again; None for one that has ended.

    It has ended, too, if nobody may be asked before its deadline.
    """
    asked = without_guesses(lookup.attempts, lookup.operation)
    if lookup.answer or lookup.empties or not is_held_back(asked):
        return None
    told, left = lookup.tally.retry_after or UNTOLD, lookup.seconds_left()
    if told >= left:
        return None
    about = min(MOST, max(LEAST, told, GROWTH * (time.time() - lookup.begun)))
    return min(about * random.uniform(1, SPREAD), (told + left) / 2)


def is_held_back(attempts: Sequence[Attempt]) -> bool:
    """Whether patience is all that is missing: nobody failed, nothing is bought or in doubt."""
    waits = False
    for item in attempts:
        if item.outcome not in ("failed", "skipped") or item.reason is UNSET or item.units:
            return False
        if item.reason in PASSING:
            waits = True
        elif item.outcome == "failed" or item.reason not in LASTING:
            return False
    return waits
