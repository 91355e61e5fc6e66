"""What is kept of an answer, so that it is never bought twice."""

from __future__ import annotations

import msgspec

from gateway.lookup.judge import Outcome
from providers.model import ANSWERS, Answer

DAY = 24 * 3600 * 1000
LIVES: dict[Outcome, int] = {"accepted": 30 * DAY, "weak": 7 * DAY, "empty": 7 * DAY}
KEPT_RAW = 64 * 1024
CAP = 1_000_000

_DATA = {operation: msgspec.json.Decoder(kind | None) for operation, kind in ANSWERS.items()}


def pack(answer: Answer) -> bytes:
    raw = answer.raw if len(answer.raw) <= KEPT_RAW else b""
    data = msgspec.json.encode(answer.data)
    return msgspec.msgpack.encode((data, answer.next, answer.total, raw))


def unpack(operation: str, body: bytes) -> Answer:
    """The answer that `pack` made; a cached answer costs nothing."""
    data, after, total, raw = msgspec.msgpack.decode(body)
    decoded = _DATA[operation].decode(data)
    return Answer(data=decoded, units=0, next=after, total=total, raw=raw)
