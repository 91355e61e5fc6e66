"""Days, moments and years, from the ways providers write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)", re.ASCII)
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)? ?(.*))?", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?", re.ASCII)
# Unix times of 1973 to 5138 in seconds; a thousand times as much is in milliseconds.
_SECONDS = range(10**8, 10**11)


def to_day(value: Any) -> str | None:
    """`2021-05-18`, from a day, a timestamp, PHP's date object or a unix time, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        moment = to_moment(value)
        return moment[:10] if moment else None
    if isinstance(value, dict):
        value = value.get("date")
    found = _DAY.match(value) if isinstance(value, str) else None
    if found is None or not (1 <= int(found[2]) <= 12 and 1 <= int(found[3]) <= 31):
        return None
    return found[0]


def to_moment(value: Any) -> str | None:
    """ISO 8601 UTC to the second; a time without a zone is UTC, what is no time is None."""
    found = _moment(value)
    return None if found is None else found.isoformat() + "Z"


def _moment(value: Any) -> datetime | None:
    if isinstance(value, dict):
        return _written(value.get("date"), value.get("timezone"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _counted(value)
    return _written(value, None)


def _counted(value: float) -> datetime | None:
    seconds = value / 1000 if abs(value) >= _SECONDS.stop else value
    if not _SECONDS.start <= seconds < _SECONDS.stop:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None)


def _written(text: Any, zone: Any) -> datetime | None:
    found = _MOMENT.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]} {found[2] or '00:00'}")
        return moment.replace(tzinfo=_zone(found[3] or zone)).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def _zone(name: Any) -> tzinfo:
    """Of an offset, of UTC by any name, or of the time zone database. Raises ValueError."""
    text = name.strip() if isinstance(name, str) else ""
    if text.upper() in ("", "Z", "UTC", "GMT"):
        return UTC
    if found := _OFFSET.fullmatch(text):
        away = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-away if found[1] == "-" else away)
    try:
        return ZoneInfo(text)
    except (OSError, LookupError) as error:
        raise ValueError("unknown time zone") from error


def to_year(value: Any) -> int | None:
    """Four digits, from a number or a text that holds one year."""
    found = _YEAR.search(str(value)) if isinstance(value, str | int) else None
    return int(found[0]) if found else None
