"""An answer judged for the lookup that asked: by its route, and by what is known of its giver."""

from __future__ import annotations

import msgspec

from gateway.lookup.judge import Accept, Outcome, judge
from gateway.lookup.lookup import Lookup
from gateway.lookup.merging import is_merged, join
from gateway.lookup.planning.bounces import acceptable
from gateway.lookup.planning.outcomes import decile_of
from providers.model import Datum, Email


def judged(lookup: Lookup, provider: str, data: Datum | None) -> Outcome:
    """Whether the answer of `provider` is good enough."""
    accept = lookup.route.accept
    if accept.max_bounce is not None and isinstance(data, Email):
        accept = _bounded(lookup, provider, data, accept.max_bounce)
    outcome = judge(lookup.query, data, accept)
    if outcome == "weak" and lookup.best and is_merged(lookup):
        # It may have what others have not.
        joint = join(lookup.best.data, data)
        return outcome if joint is None else judge(lookup.query, joint, accept)
    return outcome


def _bounded(lookup: Lookup, provider: str, data: Email, max_bounce: float) -> Accept:
    """What is accepted where too many such addresses bounce: nothing."""
    accept = lookup.route.accept
    estimates = lookup.head.bounces.get(provider)
    known = estimates and estimates.get((data.status, decile_of(data.confidence)))
    if known and acceptable(known, max_bounce, lookup.head.id, provider):
        return accept
    return msgspec.structs.replace(accept, statuses=())
