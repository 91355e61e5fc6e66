"""The pattern of a domain asked before all providers, if the price of verifying a guess is right.

A guess is an answer only if a verifier calls it valid. The verification is a call of the
verifier's like any other: cached, joined while it is under way, an entry of its account's.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET

from gateway.lookup.attempts import AttemptOutcome
from gateway.lookup.bids import Bids
from gateway.lookup.flags import fill_flags
from gateway.lookup.guessing import Guess
from gateway.lookup.judging import deliverable, judged
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.marking import asked_of
from gateway.lookup.planning.estimation import confident
from gateway.lookup.planning.hunches import Hunch, saves_money
from gateway.lookup.planning.terms import MILLION
from gateway.lookup.questions import policy_of
from gateway.lookup.reporting import report
from gateway.lookup.routing import PATTERN
from gateway.store.connection import StoreDown
from providers.model import EMAILS_VERIFY, Email, FindEmail, Verification

if TYPE_CHECKING:
    from gateway.lookup.waterfall import Waterfall


class Trial(NamedTuple):
    """A guess, the lookup that verifies it, and what is decided by whether it will be."""

    guess: Guess
    child: Lookup
    hunch: Hunch


async def seek(waterfall: Waterfall, lookup: Lookup, bids: Bids) -> Trial | None:
    """None where an address can't be made, or not be verified, or not without the caller's leave.

    The steps are in the order in which they would be asked. Raises StoreDown.
    """
    if not lookup.route.guesses or not len(bids):
        return None
    guess = await waterfall.guesses.of(lookup, bids)
    child = waterfall.verification_of(lookup, guess.email, PATTERN) if guess else None
    if guess is None or child is None:
        return None
    verifier, first = child.plan.steps[0], lookup.plan.steps[0]
    hunch = Hunch(
        verifier=verifier.provider,
        price=verifier.cost,
        chance=round(guess.chance * _accepted(waterfall, lookup, verifier.provider) * MILLION),
        seen=guess.tried,
        first=first.provider,
        saves=first.cost,
    )
    if not saves_money(hunch, policy_of(lookup)) and await waterfall.is_kept(child):
        hunch = msgspec.structs.replace(hunch, price=0)
    return Trial(guess, child, hunch)


def _accepted(waterfall: Waterfall, lookup: Lookup, verifier: str) -> float:
    """How often what is there will be accepted. Assumed until it is seen: verifiers are sure."""
    least = lookup.route.accept.min_confidence
    if "valid" not in deliverable(lookup, verifier):
        return 0.0
    if not least:
        return 1.0
    cells = waterfall.shelf.of(EMAILS_VERIFY).get(verifier, {})
    return confident(cells, "valid", least, prior=1.0)


async def try_pattern(waterfall: Waterfall, lookup: Lookup, trial: Trial) -> Candidate | None:
    """The guess as an answer if it is verified; None if it is not."""
    guess, child, _ = trial
    # If it is somebody else's, what is said of it is not said of whom the lookup asks for.
    child.asked = asked_of(child.query, waterfall.data_key.value)
    try:
        await waterfall.run(child)
    finally:
        _take_over(lookup, child)
    verdict = child.answer
    if verdict is None or not isinstance(verdict.data, Verification):
        _report_unverified(lookup, child)
        return None
    held = is_held(verdict.data)
    if not verdict.cached:
        with contextlib.suppress(StoreDown):
            await waterfall.guesses.tried(guess, held=held)
    candidate = to_candidate(lookup, verdict) if held else None
    outcome: AttemptOutcome = candidate.outcome if candidate else "empty"
    report(lookup, PATTERN, outcome, cached=verdict.cached)
    return candidate


def _take_over(lookup: Lookup, child: Lookup) -> None:
    """It was let in for the lookup, which counts once among its caller's."""
    lookup.since = lookup.since or child.since
    lookup.rate, lookup.held = child.rate or lookup.rate, child.held or lookup.held
    # What an earlier run of the lookup told of the pattern is told again.
    lookup.attempts = [item for item in lookup.attempts if item.provider != PATTERN]
    lookup.attempts += child.attempts
    lookup.failures += child.failures
    lookup.upstream += child.upstream
    lookup.raws = child.raws | lookup.raws


def is_held(verification: Verification) -> bool:
    """Whether the mailbox is there; of a domain that takes everything that is not known."""
    return verification.status == "valid"


def _report_unverified(lookup: Lookup, child: Lookup) -> None:
    reasons = [item.reason for item in child.attempts if item.reason is not UNSET]
    report(lookup, PATTERN, "skipped", reason=reasons[-1] if reasons else "unavailable")


def to_candidate(lookup: Lookup, verdict: Candidate) -> Candidate:
    """The address that was verified, with what was asked."""
    query, verified = lookup.query, verdict.data
    assert isinstance(query, FindEmail)
    assert isinstance(verified, Verification)
    data = Email(
        email=verified.email,
        status=verified.status,
        confidence=verified.confidence,
        kind="professional",
        first_name=query.first_name,
        last_name=query.last_name,
        full_name=query.full_name,
        domain=query.domain,
        sources=verified.sources,
    )
    fill_flags(data)
    return Candidate(
        data=data,
        provider=PATTERN,
        outcome=judged(lookup, verdict.provider, data),
        cached=verdict.cached,
        fetched_at=verdict.fetched_at,
        verified_by=verdict.provider,
    )
