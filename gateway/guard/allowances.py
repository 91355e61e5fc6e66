"""What an account may be asked how often: what its provider documents, and what it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.guard.permits import Allowance, Limit
from providers.base import Rate

SPANS: Mapping[str, float] = {
    "per_second": 1.0,
    "per_minute": 60.0,
    "per_hour": 3600.0,
    "per_day": 86400.0,
}


def allowance_of(account: str, given: Mapping[str, int], documented: Sequence[Rate]) -> Allowance:
    """`given` are limits by name, over all of the account's requests; `documented` the provider's.

    A span that was given a limit takes the place of the documented one over all requests.
    """
    own = [Limit("", given[name], span) for name, span in SPANS.items() if given.get(name)]
    spans = {limit.span for limit in own}
    theirs = [
        Limit(rate.bucket, rate.number, rate.seconds)
        for rate in documented
        if rate.paths or rate.seconds not in spans
    ]
    return Allowance(account, (*own, *theirs), given.get("concurrency", 0))


def buckets_of(path: str, rates: Sequence[Rate]) -> list[str]:
    """What a request to `path` counts for."""
    return ["", *dict.fromkeys(rate.bucket for rate in rates if rate.paths and rate.counts(path))]


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's: nobody's limits hold there."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
