"""What happened with one provider, as the caller is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from gateway.lookup.routing import PATTERN
from gateway.money.amounts import to_money, to_units
from gateway.money.terms import Obstacle

# Seconds. A doubt is not resolved at once: asking again would only be refused again.
SOON, DOUBTFUL = 2.0, 300.0
Reason = Literal[
    "rate_limited",
    "out_of_credits",
    "authentication_failed",
    "unavailable",
    "timed_out",
    "malformed_response",
    "invalid_query",
    "unsupported",
    "circuit_open",
    "over_budget",
    "not_worth_it",
    "suppressed",
    "no_credential",
]
AttemptOutcome = Literal["accepted", "weak", "empty", "failed", "skipped", "in_doubt"]


class Attempt(Struct, kw_only=True, omit_defaults=True):
    """One step of a waterfall; `units` are the provider's own."""

    provider: str
    operation: str
    outcome: AttemptOutcome
    cached: bool
    units: int | float
    cost: str
    elapsed_ms: int
    reason: Reason | UnsetType = UNSET

    @property
    def was_made(self) -> bool:
        """Whether the provider was asked, for this lookup and not for an earlier one."""
        if self.outcome == "in_doubt":
            return self.reason is not UNSET
        return self.outcome != "skipped" and not self.cached


def attempt(
    provider: str,
    operation: str,
    outcome: AttemptOutcome,
    *,
    cached: bool = False,
    units: int = 0,
    cost: int = 0,
    elapsed: float = 0.0,
    reason: str | None = None,
) -> Attempt:
    """`units` in thousandths, `cost` in micro-units, `elapsed` in seconds."""
    return Attempt(
        provider=provider,
        operation=operation,
        outcome=outcome,
        cached=cached,
        units=to_units(units),
        cost=to_money(cost),
        elapsed_ms=round(elapsed * 1000),
        reason=reason or UNSET,  # type: ignore[arg-type]
    )


def without_guesses(attempts: Sequence[Attempt], operation: str) -> list[Attempt]:
    """Those of the steps: a guess, or a verification, says nothing of who was asked besides."""
    return [one for one in attempts if one.provider != PATTERN and one.operation == operation]


class Tally(Struct):
    """Money of one lookup, in micro-units, and the budget that stopped a step.

    `booked` are the entries counted, so that a lookup run a second time counts none twice.
    """

    posted: int = 0
    in_doubt: int = 0
    booked: list[str] = []
    obstacle: Obstacle | None = None
    retry_after: float | None = None

    def may_ask_in(self, seconds: float) -> None:
        """Somebody may be asked then; the earliest counts."""
        self.retry_after = min(seconds, self.retry_after or seconds)


def seconds_until_asked(attempts: Sequence[Attempt], tally: Tally) -> float:
    """When anybody may be asked at the earliest, where nobody was."""
    waits = [tally.retry_after] if tally.retry_after else []
    if any(item.reason == "timed_out" for item in attempts):
        # With more time it may be asked at once.
        waits.append(SOON)
    if any(item.outcome == "in_doubt" for item in attempts):
        waits.append(DOUBTFUL)
    return min(waits, default=SOON)
