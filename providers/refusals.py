"""What a reply means that is no answer."""

from __future__ import annotations

from collections.abc import Mapping

from providers.errors import (
    AuthenticationFailed,
    InvalidQuery,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    RateLimited,
    Suppressed,
    TimedOut,
    Unavailable,
    Unsupported,
)

STATUS_ERRORS: Mapping[int, type[ProviderError]] = {
    400: InvalidQuery,
    401: AuthenticationFailed,
    402: OutOfCredits,
    403: AuthenticationFailed,
    404: Unsupported,
    405: Unsupported,
    408: TimedOut,
    413: InvalidQuery,
    415: InvalidQuery,
    422: InvalidQuery,
    429: RateLimited,
    451: Suppressed,
}
OVERLOADED = 503
# Said by whatever stands before the provider, which may have done its work all the same. No
# document tells whether that is charged: assumed, as of every silence, that it may be.
NOT_IN_TIME = (504, 520, 524)


def refused(
    whose: str, status: int, found: type[ProviderError] | None, asked: float | None
) -> ProviderError:
    """`found` is what the adapter makes of it, `asked` the seconds of its Retry-After.

    Those are heeded of who is asked too often, and of who says that it can't serve anybody.
    """
    strange = MalformedResponse if status < 500 else Unavailable
    kind = found or STATUS_ERRORS.get(status, strange)
    heeded = kind is RateLimited or (kind is Unavailable and status == OVERLOADED)
    unread = kind is MalformedResponse and status < 300
    unheard = kind is Unavailable and status in NOT_IN_TIME
    return kind(
        f"{whose} answered {status}",
        status=status,
        uncertain=unread or unheard,
        retry_after=asked if heeded else None,
    )
