"""How a lookup ends without an answer, whoever was asked."""

from __future__ import annotations

from gateway.money.ledger import Outdated
from gateway.money.terms import Admission, Obstacle, Rate
from gateway.store.connection import StoreDown


class Unsettled(StoreDown):
    """Something is bought and kept; asked again, it costs nothing."""


class Objected(Exception):
    """The person objected: nothing is delivered, by anyone."""


class TooFast(Exception):
    """The requests of this minute, or those at once, of `scope` are used up.

    `seconds` until the next may come.
    """

    def __init__(self, seconds: int, *, scope: str = "team", at_once: bool = False):
        super().__init__("too many requests")
        self.seconds = seconds
        self.scope = scope.partition(":")[0]
        self.at_once = at_once


class OverBudget(Exception):
    """A single call does not fit `budget`; None if another of the same is in doubt."""

    def __init__(self, budget: Obstacle | None):
        super().__init__("over a budget")
        self.budget = budget


class HeldBack(Exception):
    """A single call may not be made now: its account's provider asked for patience, or fails.

    `seconds` until it may.
    """

    def __init__(self, reason: str, seconds: float):
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class KeyRevoked(Exception):
    """The caller's key died while the lookup ran."""


def check(found: Admission) -> None:
    """Raise what ends the lookup here and now."""
    match found.kind:
        case "suppressed":
            raise Objected
        case "revoked":
            raise KeyRevoked
        case "outdated":
            raise Outdated
        case "limited" | "busy":
            rate = found.rate or Rate(0, 0, 1)
            raise TooFast(rate.resets, scope=rate.scope, at_once=found.kind == "busy")
        case "gone":
            raise StoreDown("the reservation was given up")
