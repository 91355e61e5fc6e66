"""Bands of employees: "51-200", "10001+", "1,001-5,000", "10K+", "<10", "more than 500"."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# Words and signs of a band with one end.
_UP = re.compile(r"\+|>|\b(more|over|above|at least|plus)\b", re.IGNORECASE)
_DOWN = re.compile(r"<|\b(less|fewer|under|below|up to|at most)\b", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+(?:[.,]\d{3})*)(k?)\b", re.IGNORECASE)


class Headcount(NamedTuple):
    """`label` is the band as the provider writes it."""

    label: str | None
    least: int | None
    most: int | None


def to_headcount(value: Any) -> Headcount:
    """The band's ends; an open end is None, an exact number is both."""
    text = str(value).strip() if isinstance(value, str | int) else ""
    ends = [_number(digits, thousand) for digits, thousand in _NUMBER.findall(text)]
    if not ends or len(ends) > 2:
        return Headcount(text or None, None, None)
    least, most = ends[0], ends[-1]
    if len(ends) == 1 and _UP.search(text):
        return Headcount(text, least, None)
    if len(ends) == 1 and _DOWN.search(text):
        return Headcount(text, None, most)
    return Headcount(text, least, most) if least <= most else Headcount(text, None, None)


def _number(digits: str, thousand: str) -> int:
    return int(digits.replace(",", "").replace(".", "")) * (1000 if thousand else 1)
