"""Where an answer comes from, as the caller is told."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import UNSET

from gateway.lookup.lookup import Candidate
from providers.model import Provenance


def provenance_of(candidate: Candidate) -> Provenance:
    """Of a candidate; of each of its fields as well if it was put together."""
    return Provenance(
        provider=candidate.provider,
        fetched_at=to_iso(candidate.fetched_at),
        cached=candidate.cached,
        verified_by=candidate.verified_by or UNSET,
        fields=candidate.origins or UNSET,
    )


def to_iso(millis: int) -> str:
    moment = datetime.fromtimestamp(millis / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
