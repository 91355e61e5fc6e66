"""What a provider says when it refuses something of an account, by what to do about it.

InvalidQuery
├── Refused   what was given does not fit: correct it
├── Missing   the account keeps nothing under this id
└── Clash     it is there already
Unsupported
└── Lacking   the provider has no such member or filter: leave it out
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from providers.errors import InvalidQuery, Unsupported

LONGEST = 300
_ADDRESS = re.compile(r"[^\s'\"<>()]+@[^\s'\"<>()]+")
_LINK = re.compile(r"\b[a-z]{2,10}://\S+", re.IGNORECASE)


class Complaint(NamedTuple):
    """`pointer` is a JSON pointer into what the caller sent, '' where it is not known.

    `others` are what else the words may speak of.
    """

    details: str
    pointer: str = ""
    others: tuple[str, ...] = ()


NOTHING = Complaint("There is nothing of this id.")


class Refused(InvalidQuery):
    def __init__(self, complaints: Sequence[Complaint], *, status: int | None = None):
        super().__init__(complaints[0].details, status=status)
        self.complaints = list(complaints)


class Missing(InvalidQuery):
    def __init__(self, complaint: Complaint = NOTHING, *, status: int | None = None):
        super().__init__(complaint.details, status=status)
        self.complaint = complaint


class Clash(InvalidQuery):
    pass


class Lacking(Unsupported):
    def __init__(self, pointer: str, detail: str):
        super().__init__(detail)
        self.pointer = pointer


def told(words: str) -> str:
    """A provider's words without the persons and links in them."""
    plain = _LINK.sub("(link)", _ADDRESS.sub("(address)", words))
    return " ".join(plain.split())[:LONGEST]


def to_complaints(words: Iterable[str], pointers: Mapping[str, str]) -> list[Complaint]:
    """Each with a pointer to the member it speaks of, if `pointers` know its native name."""
    return [_complaint(text, pointers) for text in words]


def _complaint(text: str, pointers: Mapping[str, str]) -> Complaint:
    """What comes first counts; the longest name where several begin there."""
    plain = text.replace("_", " ").casefold()
    found = sorted(
        (match.start(), -len(name), pointer)
        for name, pointer in pointers.items()
        if (match := re.search(rf"\b{name.replace('_', ' ').casefold()}\b", plain))
    )
    first, *others = [pointer for _, _, pointer in found] or [""]
    return Complaint(told(text), first, tuple(others))
