"""Signatures of what providers send by themselves."""

from __future__ import annotations

import hmac

TOLERANCE = 300.0


def is_signed(header: str, body: bytes, secret: str, *, now: float) -> bool:
    """Whether one signature of `t=<unix>,v1=<hex>[,v1=<hex>]` is that of `body`, and fresh.

    Sixtyfour's: HMAC-SHA256 over timestamp, full stop and the body as it came, under the whole
    secret with its prefix. While a secret is rolled there are two, and either one will do.
    """
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit():
        return False
    if abs(now - int(times[0])) > TOLERANCE:
        return False
    message = f"{times[0]}.".encode() + body
    expected = hmac.new(secret.encode(), message, "sha256").hexdigest().encode()
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    return any(hmac.compare_digest(expected, one) for one in given)
