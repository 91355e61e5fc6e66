"""Calendar windows of budgets, in the installation's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

PERIODS = ("day", "month", "total")
FOREVER = 2**52


class Window(Struct, frozen=True):
    """Milliseconds since the epoch; `ends` is the first moment outside."""

    period: str
    id: str
    starts: int
    ends: int


def windows_at(now: int, zone: ZoneInfo) -> tuple[Window, ...]:
    """Day, month and total around `now`, in the order of PERIODS."""
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    # Where clocks are put back over midnight there are two of them: the day begins at the first.
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    month = day.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    return (
        _window("day", day, _next_day(day), "%Y-%m-%d"),
        _window("month", month, next_month, "%Y-%m"),
        Window("total", "t", 0, FOREVER),
    )


def _next_day(day: datetime) -> datetime:
    # Wall-clock arithmetic: a day of a change of clocks has 23 or 25 hours.
    return (day + timedelta(days=1)).replace(hour=0)


def _window(period: str, starts: datetime, ends: datetime, form: str) -> Window:
    return Window(period, starts.strftime(f"{period[0]}:{form}"), _millis(starts), _millis(ends))


def _millis(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
