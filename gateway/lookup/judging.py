"""An answer judged for the lookup that asked: by its route, and by what is known of its giver."""

from __future__ import annotations

import msgspec

from gateway.lookup.judge import Outcome, judge
from gateway.lookup.lookup import Lookup
from gateway.lookup.merging import is_merged, join
from gateway.lookup.planning.bounces import DECILES, Estimate, acceptable
from gateway.lookup.planning.outcomes import UNRATED, decile_of
from providers.model import Datum, Email, Status

SUREST = DECILES[0]


def judged(
    lookup: Lookup, provider: str, data: Datum | None, known: Estimate | None = None
) -> Outcome:
    """Whether the answer of `provider` is good enough; `known` is how often such an address
    bounces, if more is known than what the provider says of it.
    """
    accept = lookup.route.accept
    if accept.max_bounce is not None and isinstance(data, Email):
        known = known or _estimate(lookup, provider, data)
        if not (known and acceptable(known, accept.max_bounce, lookup.head.id, provider)):
            # Too many such addresses bounce.
            accept = msgspec.structs.replace(accept, statuses=())
    outcome = judge(lookup.query, data, accept)
    if outcome == "weak" and lookup.best and is_merged(lookup):
        # It may have what others have not.
        joint = join(lookup.best.data, data)
        return outcome if joint is None else judge(lookup.query, joint, accept)
    return outcome


def _estimate(lookup: Lookup, provider: str, data: Email) -> Estimate | None:
    estimates = lookup.head.bounces.get(provider)
    return estimates.get((data.status, decile_of(data.confidence))) if estimates else None


def deliverable(lookup: Lookup, provider: str) -> tuple[Status, ...]:
    """The statuses that are accepted: those of which addresses by the provider do not bounce too
    often, be it only the ones that it is surest of, if that decides.
    """
    accept, known = lookup.route.accept, lookup.bounces.get(provider, {})
    most = accept.max_bounce
    if most is None:
        return accept.statuses
    return tuple(
        status
        for status in accept.statuses
        if any(
            (one := known.get((status, decile))) and acceptable(one, most, lookup.id, provider)
            for decile in (UNRATED, SUREST)
        )
    )
