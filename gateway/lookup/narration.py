"""A lookup that is over, told provider by provider: when each came, why, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gateway.lookup.chronicles import Chronicle, End
from gateway.lookup.planning.explanation import (
    REASONS,
    why_asked,
    why_guessed,
    why_not,
    why_not_guessed,
)
from gateway.lookup.planning.record import Trace, guessed_in, ratings_of
from gateway.lookup.planning.terms import Policy, Rating
from gateway.lookup.routing import PATTERN

ENDS = {
    "accepted": "It had the answer.",
    "weak": "Its answer was weak, so the lookup went on.",
    "empty": "It had nothing.",
    "in_doubt": "What became of its call is in doubt, so it is not asked again.",
}
GUESSES = {
    "accepted": "It is there.",
    "weak": "It is there, but that is not what is accepted, so the lookup went on.",
    "empty": "It is not there, or nobody can tell.",
}
FREE = "{} had been asked before: what was kept of it costs nothing, and so it came {}."


def narrate(chronicle: Chronicle, currency: str) -> list[str]:
    """A sentence or two for each provider, in the order of their turns."""
    trace = chronicle.trace
    ratings = ratings_of(trace)
    said = list(_turns(trace, ratings, chronicle.ends, currency))
    told = {end.provider for end in chronicle.ends}
    if PATTERN not in told:
        said = [_not_guessed(trace, one, currency) for one in guessed_in(trace)] + said
    rest = [one for one in ratings[-1] if one.provider not in told] if ratings else []
    return said + [why_not(one, trace.question.policy, currency, "") for one in rest]


def _turns(
    trace: Trace, ratings: Sequence[Sequence[Rating]], ends: Sequence[End], currency: str
) -> Iterator[str]:
    policy, missed, place = trace.question.policy, list[str](), 0
    for end in ends:
        if end.provider == PATTERN:
            yield _guessed(trace, end, currency)
            place += end.outcome != "skipped"
            continue
        found = _in_force(trace, ratings, missed, end.provider)
        mine = next((one for one in found if one.provider == end.provider), None)
        if end.outcome == "skipped":
            yield _passed_over(end, mine, policy, currency)
            continue
        yield _asked(end, mine, found, place, policy, currency)
        place += 1
        if end.outcome in ("weak", "empty"):
            missed.append(end.provider)


def _guessed(trace: Trace, end: End, currency: str) -> str:
    """The guess; of one that was kept of an earlier lookup it does not matter what it costs."""
    rating = next(iter(guessed_in(trace)), None)
    if end.outcome == "skipped":
        if rating is not None and rating.reason == end.reason:
            return _not_guessed(trace, rating, currency)
        return f"{PATTERN} came to nothing: nobody verified the guess ({end.reason})."
    why = f"{PATTERN} came first: the guess had been verified before, which costs nothing."
    if trace.hunch is not None and rating is not None and not end.cached:
        why = why_guessed(trace.hunch, rating, currency)
    return f"{why} {GUESSES[end.outcome]}"


def _not_guessed(trace: Trace, rating: Rating, currency: str) -> str:
    assert trace.hunch is not None
    if not rating.reason:
        return f"{PATTERN} was not asked: the lookup ended before its turn."
    return why_not_guessed(trace.hunch, rating, trace.question.policy, currency)


def _in_force(
    trace: Trace, ratings: Sequence[Sequence[Rating]], missed: Sequence[str], name: str
) -> Sequence[Rating]:
    """The latest decision on the provider before which just these had missed."""
    for move, found in zip(reversed(trace.moves), reversed(ratings), strict=True):
        state = move.state
        if set(state.missed) == set(missed) and name not in state.failed:
            return found
    return ()


def _passed_over(end: End, mine: Rating | None, policy: Policy, currency: str) -> str:
    if mine is None:
        why = REASONS.get(end.reason, end.reason.replace("_", " "))
        return f"{end.provider} was not asked: {why} ({end.reason})."
    return why_not(msgspec.structs.replace(mine, reason=end.reason), policy, currency, "")


def _asked(
    end: End,
    mine: Rating | None,
    found: Sequence[Rating],
    place: int,
    policy: Policy,
    currency: str,
) -> str:
    came_of = ENDS.get(end.outcome, f"Its call failed ({end.reason}).")
    if end.cached:
        return f"{FREE.format(end.provider, 'before any that has its price')} {came_of}"
    if mine is None:
        return f"{end.provider} was asked. {came_of}"
    others = [one for one in found if one.provider != end.provider]
    return f"{why_asked(mine, others, place, policy, currency)} {came_of}"
