"""What is kept of an answer, so that it is never bought twice."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gateway.settings import RetentionSettings
from providers.model import ANSWERS, Answer, DomainEmails

DAY = 24 * 3600 * 1000
KEPT_RAW = 64 * 1024

_DATA = {operation: msgspec.json.Decoder(kind | None) for operation, kind in ANSWERS.items()}


class Keeping(NamedTuple):
    """How long accepted answers are kept and all others, in ms; and how many of both.

    `outcomes` is how long it is kept who said what of an address; `by_team` is whether each team
    has only what itself bought.
    """

    accepted: int
    weak: int
    entries: int
    outcomes: int
    by_team: bool = False

    @classmethod
    def of(cls, retention: RetentionSettings, *, by_team: bool = False) -> Keeping:
        return cls(
            retention.cache_days * DAY,
            retention.cache_weak_days * DAY,
            retention.cache_entries,
            retention.outcomes_days * DAY,
            by_team,
        )


def pack(answer: Answer) -> bytes:
    raw = answer.raw if len(answer.raw) <= KEPT_RAW else b""
    data = msgspec.json.encode(answer.data)
    return msgspec.msgpack.encode((data, answer.next, answer.total, raw))


class Bodies(NamedTuple):
    """An answer as it is kept; `bare` if somebody else in it has objected, b"" for nothing."""

    whole: bytes
    bare: bytes


def to_bodies(answer: Answer | None) -> Bodies:
    """Of a list nothing may be kept then, of a single answer what was read out of the reply."""
    if answer is None:
        return Bodies(b"", b"")
    whole = pack(answer)
    if isinstance(answer.data, DomainEmails | list):
        return Bodies(whole, b"")
    return Bodies(whole, pack(msgspec.structs.replace(answer, raw=b"")) if answer.raw else whole)


def unpack(operation: str, body: bytes) -> Answer:
    """The answer that `pack` made; a cached answer costs nothing."""
    data, after, total, raw = msgspec.msgpack.decode(body)
    decoded = _DATA[operation].decode(data)
    return Answer(data=decoded, units=0, next=after, total=total, raw=raw)
