"""What providers tell by themselves: tasks that have ended, and what became of mails."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

EventType = Literal[
    "sent", "opened", "clicked", "replied", "auto_replied", "bounced", "finished", "unsubscribed"
]
Headers = Mapping[str, str]
Verify = Callable[[Headers, bytes, Sequence[str], float], bool]

# Seconds of the epoch until the year 5138, milliseconds since 1973.
_MILLIS_FROM = 10**11


# Where the adapters of those that send messages keep a task's name in its ticket.
TASK_NAMES = ("task_id", "task_hash", "search_hash", "hash")


class CampaignEvent(Struct, kw_only=True, frozen=True):
    """`first` of its kind for the recipient; `word` is the provider's own for `type`."""

    type: EventType
    word: str
    first: bool = False
    email: str | None = None
    occurred_at: str | None = None
    campaign_id: str | None = None
    campaign: str | None = None
    subject: str | None = None


class Notice(Struct, kw_only=True, frozen=True):
    """One message; `id` is the same each time that the provider sends it."""

    id: str
    tasks: tuple[str, ...] = ()
    events: tuple[CampaignEvent, ...] = ()


@dataclass(frozen=True)
class Reader:
    """How a provider's messages are read; `verify` None: it does not sign them.

    `verify` takes headers, the raw body, secrets and now; header names are lower-case.
    """

    read: Callable[[Headers, bytes], Notice]
    verify: Verify | None = None


def tasks_of(state: Mapping[str, str]) -> tuple[str, ...]:
    """What messages call the task that a ticket of this state is for."""
    return tuple(state[name] for name in TASK_NAMES if name in state)


def digest_of(body: bytes) -> str:
    """The id of a message that has none of its own: providers repeat the same bytes."""
    return hashlib.sha256(body).hexdigest()


def objects_in(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The object in a body, or those in its list; none in what is no JSON."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for each in found if isinstance(found, list) else [found]:
        if isinstance(each, dict):
            yield each


def text_in(places: Sequence[Any], *names: str) -> str | None:
    """The first text or number under any of `names` in any of `places`."""
    for place in places:
        for name in names if isinstance(place, dict) else ():
            value = place.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()[:512]
    return None


_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,253}")


def address_in(places: Sequence[Any], *names: str) -> str | None:
    found = text_in(places, *names)
    return found.lower() if found and _ADDRESS.fullmatch(found) else None


def moment_in(places: Sequence[Any], *names: str) -> str | None:
    """A time under any of `names`, UTC with Z; one without a zone is taken for UTC (assumed)."""
    found = text_in(places, *names)
    if found is None:
        return None
    try:
        return _to_moment(found).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def _to_moment(text: str) -> datetime:
    if text.isascii() and text.isdigit():
        number = int(text)
        return datetime.fromtimestamp(number / 1000 if number >= _MILLIS_FROM else number, UTC)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
