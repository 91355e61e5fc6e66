"""Days and years, from the ways providers write them."""

from __future__ import annotations

import re
from typing import Any

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")


def to_day(value: Any) -> str | None:
    """`2021-05-18`, from a day, a timestamp or PHP's date object; None if it is neither."""
    if isinstance(value, dict):
        value = value.get("date")
    found = _DAY.match(value) if isinstance(value, str) else None
    if found is None or not (1 <= int(found[2]) <= 12 and 1 <= int(found[3]) <= 31):
        return None
    return found[0]


def to_year(value: Any) -> int | None:
    """Four digits, from a number or a text that holds one year."""
    found = _YEAR.search(str(value)) if isinstance(value, str | int) else None
    return int(found[0]) if found else None
