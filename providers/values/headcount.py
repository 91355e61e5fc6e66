"""Bands of employees: "51-200", "1,001-5,000", "10 000+", "1.5K", "<10", "more than 500"."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# Words and signs of a band with one end.
_UP = re.compile(r"\+|>|\b(more|over|above|at least|plus)\b", re.IGNORECASE)
_DOWN = re.compile(r"<|\b(less|fewer|under|below|up to|at most)\b", re.IGNORECASE)
# With its thousands set apart, with a fraction of thousands or millions, or plain; never a part.
_NUMBER = re.compile(
    r"(?<!\d)(?<!\d[.,])"
    r"(\d{1,3}(?:[., \u00a0\u202f]\d{3})+|\d+[.,]\d{1,2}(?= ?[km]\b)|\d+)(?![.,]?\d)"
    r"(?: ?([km]))?\b",
    re.IGNORECASE,
)
_SCALES = {"": 1, "k": 1000, "m": 1_000_000}


class Headcount(NamedTuple):
    """`label` is the band as the provider writes it."""

    label: str | None
    least: int | None
    most: int | None


def to_headcount(value: Any) -> Headcount:
    """The band's ends; an open end is None, an exact number is both."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    ends = [_number(digits, _SCALES[scale.lower()]) for digits, scale in _NUMBER.findall(text)]
    if not ends or len(ends) > 2:
        return Headcount(text or None, None, None)
    least, most = ends[0], ends[-1]
    if len(ends) == 1 and _UP.search(text):
        return Headcount(text, least, None)
    if len(ends) == 1 and _DOWN.search(text):
        return Headcount(text, None, most)
    return Headcount(text, least, most) if least <= most else Headcount(text, None, None)


def _number(digits: str, scale: int) -> int:
    *groups, last = re.split(r"\D", digits)
    if groups and len(last) < 3:
        return int(groups[0] + last.ljust(3, "0")) * scale // 1000
    return int("".join([*groups, last])) * scale
