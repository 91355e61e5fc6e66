"""How long whoever answers asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A header that says more is a mistake: a moment of the epoch, or somebody's jest.
LONGEST = 24 * 3600.0


def seconds_in(retry_after: str) -> float | None:
    """Seconds from now, LONGEST at most, from either form of RFC 9110's Retry-After.

    None for anything else.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(LONGEST, float(text))
    try:
        moment = parsedate_to_datetime(text)
        # Of its forms the one of C's asctime has no zone, and is in UTC.
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        left = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
    return min(LONGEST, max(0.0, left))
