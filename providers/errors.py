"""What can go wrong with a provider, named by what to do about it.

ProviderError
├── InvalidQuery          the provider refuses this query: ask another, or correct it
├── Unsupported           the provider has no such thing: ask another
├── AuthenticationFailed  the credential is not accepted: bench it
├── OutOfCredits          the account is used up: bench it
├── RateLimited           too fast: wait `retry_after` seconds
├── TimedOut              no complete reply in time
├── Unavailable           refused, closed, or a 5xx
├── MalformedResponse     a reply that is not what the documents say
└── Suppressed            the person objected: stop everywhere
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class ProviderError(Exception):
    """A failed exchange; its text never holds a key, a URL query or a person.

    `uncertain` is true when the request may have reached the provider and no
    complete, readable reply came back, so that a charge can't be ruled out. `local` is true of
    what happened on this side, or is told by another call: it says nothing about the provider.
    `retry_after` is for how many seconds the provider wants to be left alone, None if it did not
    say; unless it is `of_account`, only about what was asked here.
    `shared` is what was said of several queries at once: about which of them, nobody knows.
    """

    reason: ClassVar[str] = "unavailable"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        uncertain: bool = False,
        retry_after: float | None = None,
    ):
        super().__init__(detail or self.reason)
        self.detail = detail or self.reason
        self.status = status
        self.uncertain = uncertain
        self.local = False
        self.retry_after = retry_after
        self.of_account = True
        self.shared = False


class InvalidQuery(ProviderError):
    reason = "invalid_query"


class Unsupported(ProviderError):
    reason = "unsupported"


class AuthenticationFailed(ProviderError):
    reason = "authentication_failed"


class OutOfCredits(ProviderError):
    reason = "out_of_credits"


class RateLimited(ProviderError):
    reason = "rate_limited"


class TimedOut(ProviderError):
    reason = "timed_out"


class Unavailable(ProviderError):
    reason = "unavailable"


class TaskFailed(Unavailable):
    """`units` is what the provider says it charged all the same, in thousandths, `once` those
    among them that it charges a single time, by what they are charged for.
    """

    def __init__(
        self,
        detail: str = "",
        *,
        uncertain: bool = False,
        units: int | None = None,
        once: Mapping[str, int] | None = None,
    ):
        super().__init__(detail, uncertain=uncertain)
        self.units = units
        self.once = once or {}


class MalformedResponse(ProviderError):
    reason = "malformed_response"


class Suppressed(ProviderError):
    reason = "suppressed"
