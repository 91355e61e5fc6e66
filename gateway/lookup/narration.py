"""A lookup that is over, told provider by provider: when each came, why, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gateway.lookup.chronicles import Chronicle, End
from gateway.lookup.planning.explanation import REASONS, why_asked, why_not
from gateway.lookup.planning.record import Trace, ratings_of
from gateway.lookup.planning.terms import Policy, Rating

ENDS = {
    "accepted": "It had the answer.",
    "weak": "Its answer was weak, so the lookup went on.",
    "empty": "It had nothing.",
    "in_doubt": "What became of its call is in doubt, so it is not asked again.",
}
FREE = "{} had been asked before: what was kept of it costs nothing, and so it came {}."


def narrate(chronicle: Chronicle, currency: str) -> list[str]:
    """A sentence or two for each provider, in the order of their turns."""
    trace = chronicle.trace
    ratings = ratings_of(trace)
    said = list(_turns(trace, ratings, chronicle.ends, currency))
    told = {end.provider for end in chronicle.ends}
    rest = [one for one in ratings[-1] if one.provider not in told] if ratings else []
    return said + [why_not(one, trace.question.policy, currency, "") for one in rest]


def _turns(
    trace: Trace, ratings: Sequence[Sequence[Rating]], ends: Sequence[End], currency: str
) -> Iterator[str]:
    policy, missed, place = trace.question.policy, list[str](), 0
    for end in ends:
        found = _in_force(trace, ratings, missed)
        mine = next((one for one in found if one.provider == end.provider), None)
        if end.outcome == "skipped":
            yield _passed_over(end, mine, policy, currency)
            continue
        yield _asked(end, mine, found, place, policy, currency)
        place += 1
        if end.outcome in ("weak", "empty"):
            missed.append(end.provider)


def _in_force(
    trace: Trace, ratings: Sequence[Sequence[Rating]], missed: Sequence[str]
) -> Sequence[Rating]:
    """The latest decision after which just these had missed."""
    for move, found in zip(reversed(trace.moves), reversed(ratings), strict=True):
        if set(move.state.missed) == set(missed):
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
    if end.cached or mine is None:
        return f"{FREE.format(end.provider, 'before any that has its price')} {came_of}"
    others = [one for one in found if one.provider != end.provider]
    return f"{why_asked(mine, others, place, policy, currency)} {came_of}"
