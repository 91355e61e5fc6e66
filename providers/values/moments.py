"""Moments and shares of one, from the ways providers write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

_PERCENT = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*%\s*")


def to_moment(value: Any) -> str | None:
    """`2021-01-01T12:00:00Z`, from ISO 8601, `… UTC`, PHP's date object or seconds since 1970.

    A moment that names no zone is UTC; None for what is no moment.
    """
    try:
        found = _moment(value)
        return None if found is None else _written(found)
    except (ValueError, OverflowError, OSError, KeyError):
        return None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, dict):
        found = _moment(value.get("date"))
        zone = str(value.get("timezone") or "UTC")
        return found and found.replace(tzinfo=None).replace(tzinfo=_zone(zone))
    if isinstance(value, bool) or value is None or value == "":
        return None
    if isinstance(value, int | float) or str(value).isdigit():
        return datetime.fromtimestamp(int(value), UTC)
    text = str(value).strip()
    found = datetime.fromisoformat(text.removesuffix("UTC").strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _zone(name: str) -> tzinfo:
    """By name, or PHP's offset `+02:00`."""
    if name[:1] in "+-":
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo
        return offset or UTC
    return ZoneInfo(name)


def _written(moment: datetime) -> str:
    plain = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return plain.isoformat() + "Z"


def to_midnight(day: date, later: int) -> str | None:
    """The first moment of the day that many days `later`; None beyond the calendar's ends."""
    try:
        return f"{(day + timedelta(days=later)).isoformat()}T00:00:00Z"
    except OverflowError:
        return None


def to_share(value: Any) -> float | None:
    """0.77, from `77%`."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return round(float(found[1]) / 100, 6) if found else None
