"""What Sixtyfour sends of tasks that have ended, and its signature."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from providers.notices import Headers, Notice, Reader, digest_of, objects_in, text_in

# Seconds that a signature's time may be away from now.
TOLERANCE = 300
LONGEST_SIGNATURE = 4096


def verify_notice(headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> bool:
    """`Sixtyfour-Signature: t=…,v1=…[,v1=…]`: HMAC-SHA256 of time, dot and raw body.

    The key is the whole secret with its prefix. While a secret is rolled there are two signatures,
    of which any suffices.
    """
    given = headers.get("sixtyfour-signature", "")
    if len(given) > LONGEST_SIGNATURE:
        return False
    parts = [part.strip().partition("=") for part in given.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit():
        return False
    if abs(now - int(times[0][:20])) > TOLERANCE:
        return False
    signed = times[0].encode() + b"." + body
    wanted = [hmac.new(one.encode(), signed, hashlib.sha256).hexdigest() for one in secrets]
    held = [value.encode() for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(one.encode(), each) for one in wanted for each in held)


def read_notice(headers: Headers, body: bytes) -> Notice:
    tasks = [task for each in objects_in(body) if (task := text_in([each], "task_id"))]
    event = headers.get("sixtyfour-event-id", "") or digest_of(body)
    return Notice(id=event, tasks=tuple(tasks))


READER = Reader(read_notice, verify_notice)
