"""From a finished call to what is booked, reported and kept of it."""

from __future__ import annotations

import time

from gateway.guard.suppression import is_domain
from gateway.lookup import cache
from gateway.lookup.attempts import AttemptOutcome, Tally
from gateway.lookup.bouncing import name_of, said_in, space_of
from gateway.lookup.called import Called
from gateway.lookup.calls import Call
from gateway.lookup.completion import bin_of
from gateway.lookup.dues import owe
from gateway.lookup.guessing import known_in
from gateway.lookup.judge import Accept, judge, wanting_nothing
from gateway.lookup.judging import judged
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.marking import marks_in, marks_in_raws, marks_of_rows
from gateway.lookup.planning.patterns import votes_of
from gateway.money.terms import NEVER, Given, Health, Keepsake, Settlement, Way
from providers.base import Charge
from providers.errors import MalformedResponse, ProviderError
from providers.model import Answer, DomainEmails, Email, Person


def outcome_of_call(called: Called, candidate: Candidate | None) -> AttemptOutcome:
    """How the attempt is reported; `candidate` is its answer."""
    if candidate is not None:
        return candidate.outcome
    return "in_doubt" if called.state == "in_doubt" else "failed"


def book(tally: Tally, call: Call, called: Called, *, own: bool) -> None:
    """Add a call to its lookup's money; one that another lookup paid for adds nothing."""
    if own and call.rid not in tally.booked:
        tally.booked.append(call.rid)
        tally.posted += called.cost
        if called.state == "in_doubt" and call.step.offer.charge is not Charge.FREE:
            tally.in_doubt += call.step.cost
    error = called.error
    if error is not None and error.retry_after is not None:
        tally.may_ask_in(error.retry_after)


def to_candidate(lookup: Lookup, call: Call, called: Called) -> Candidate | None:
    """The answer of a call as one that may be delivered; None without an answer."""
    if called.answer is None:
        return None
    data = called.answer.data
    return Candidate(
        data=data,
        provider=call.step.provider,
        outcome=judged(lookup, call.step.provider, data),
        cached=False,
        fetched_at=int(time.time() * 1000),
        next=called.answer.next,
        total=called.answer.total,
        credential=call.step.credential.id,
    )


def to_settlement(
    lookup: Lookup,
    call: Call,
    called: Called,
    outcome: AttemptOutcome,
    *,
    hash_key: bytes,
    keeping: cache.Keeping,
) -> Settlement:
    """How the call's entry ends."""
    settlement = Settlement(
        rid=call.rid,
        state=called.state,
        outcome=outcome,
        reason=called.error.reason if called.error else "",
        units=called.units,
        cost=called.cost,
        persons=lookup.asked.persons,
        places=lookup.asked.places,
        kind=lookup.asked.kind,
        objected=called.is_objection,
        ends=outcome == "failed",
        health=health_of(called.error),
        upstream=round(called.upstream * 1000),
        took=bin_of(call.took) if call.took else NEVER,
        place=lookup.head.place,
    )
    owe(settlement, call, called, hash_key)
    if called.answer is not None:
        settlement.cache = to_keepsake(
            call, called.answer, outcome, hash_key=hash_key, keeping=keeping
        )
        team = lookup.caller.team if keeping.by_team else None
        settlement.given = to_given(call, called.answer, team, hash_key, life=keeping.outcomes)
    return settlement


def to_given(
    call: Call, answer: Answer, team: str | None, hash_key: bytes, *, life: int
) -> Given | None:
    """What the answer says of addresses, for what will become of those; None if of none.

    `team` is who alone may know of them.
    """
    space = space_of(call.step.credential, team)
    said = [(name_of(email, space, hash_key), path) for email, path in said_in(answer.data)]
    listed = isinstance(answer.data, DomainEmails)
    given = Given(call.step.provider, life, said, listed=listed)
    for known in known_in(call.query, answer.data):
        domain, votes = known.email.rpartition("@")[2], votes_of(known)
        given.ways.append(
            Way(name_of(domain, space, hash_key), name_of(known.email, space, hash_key), votes)
        )
    if isinstance(answer.data, DomainEmails) and answer.data.domain and answer.data.pattern:
        given.stated.append((name_of(answer.data.domain, space, hash_key), answer.data.pattern))
    return given if said or given.stated else None


# What says that a provider is not well, and not that it was asked for something it has not.
SICK = ("unavailable", "timed_out", "malformed_response")


def health_of(error: ProviderError | None) -> Health:
    """What the end of a call tells of its account."""
    if error is None:
        return "ok"
    return "fail" if error.reason in SICK and not error.local else "neutral"


def health_of_request(error: ProviderError | None) -> Health:
    """The same of a request that its caller made.

    Statuses that no document names are the caller's doing, until the provider calls them its own.
    """
    if isinstance(error, MalformedResponse) and (error.status or 0) >= 300:
        return "neutral"
    return health_of(error)


def to_keepsake(
    call: Call,
    answer: Answer,
    outcome: AttemptOutcome,
    *,
    hash_key: bytes,
    keeping: cache.Keeping,
) -> Keepsake:
    """How the answer is kept, and whose objection would keep it from being so."""
    marks, others = marks_in(answer.data, hash_key), marks_of_rows(answer.data, hash_key)
    if len(answer.raw) <= cache.KEPT_RAW:
        named = marks_in_raws([answer.raw], hash_key)
        others += named
        if isinstance(answer.data, Email | Person):
            # A reply about one person names no other: what else is in it is theirs.
            marks += [mark for mark in named if not is_domain(mark)]
    return Keepsake(
        slot=call.slot,
        life=keeping.accepted if _is_good(call, answer, outcome) else keeping.weak,
        cap=keeping.entries,
        marks=list(dict.fromkeys(marks)),
        others=list(dict.fromkeys(others)),
        credential=call.step.credential.id,
    )


def _is_good(call: Call, answer: Answer, outcome: AttemptOutcome) -> bool:
    """Whether it was accepted, or would have been of whoever wants no fields beyond an answer."""
    if outcome == "accepted" or not getattr(call.query, "want", None):
        return outcome == "accepted"
    return judge(wanting_nothing(call.query), answer.data, Accept()) == "accepted"
