"""What a lookup tells of each step, and of the money that an earlier run of it left behind."""

from __future__ import annotations

from typing import Any

from gateway.lookup.attempts import AttemptOutcome, attempt
from gateway.lookup.lookup import Lookup
from gateway.money.terms import Admission, Skip
from gateway.telemetry.metrics import count_attempt


def report(lookup: Lookup, provider: str, outcome: AttemptOutcome, **details: Any) -> None:
    """Add an attempt; `details` are those of `attempt`."""
    lookup.attempts.append(attempt(provider, lookup.operation, outcome, **details))
    if outcome in ("failed", "in_doubt"):
        lookup.failures += 1
    count_attempt(provider, lookup.operation, outcome, details.get("elapsed"))


def report_cached(
    lookup: Lookup, provider: str, outcome: AttemptOutcome, found: Admission
) -> None:
    """Add a hit. What this lookup bought when it ran first is its own, and reported once."""
    tally = lookup.tally
    if not found.rid:
        report(lookup, provider, outcome, cached=True)
    elif found.rid not in tally.booked:
        tally.booked.append(found.rid)
        tally.posted += found.cost
        report(lookup, provider, outcome, units=found.units, cost=found.cost)


def report_skipped(lookup: Lookup, found: Admission) -> None:
    """Add the steps that an admission passed over."""
    lookup.since = found.since or lookup.since
    lookup.rate = found.rate or lookup.rate
    lookup.held = found.held or lookup.held
    for skip in found.skipped:
        provider = lookup.plan.steps[skip.index].provider
        if skip.reason == "in_doubt":
            _report_doubt(lookup, provider, skip)
        elif skip.reason == "failed":
            _report_failed(lookup, provider, skip)
        else:
            lookup.tally.obstacle = lookup.tally.obstacle or skip.budget
            if skip.wait:
                lookup.tally.may_ask_in(skip.wait / 1000)
            report(lookup, provider, "skipped", reason=skip.reason)


def _report_doubt(lookup: Lookup, provider: str, skip: Skip) -> None:
    """An old doubt has no reason: it was another lookup's, or this one's when it ran first."""
    tally = lookup.tally
    if not skip.rid:
        report(lookup, provider, "in_doubt")
    elif skip.rid not in tally.booked:
        tally.booked.append(skip.rid)
        tally.in_doubt += skip.cost
        report(lookup, provider, "in_doubt", reason="timed_out")


def _report_failed(lookup: Lookup, provider: str, skip: Skip) -> None:
    """It came to nothing when this lookup ran first, whoever settled it."""
    tally = lookup.tally
    if skip.rid not in tally.booked:
        tally.booked.append(skip.rid)
        tally.posted += skip.cost
        report(
            lookup, provider, "failed", units=skip.units, cost=skip.cost, reason=skip.why or None
        )
