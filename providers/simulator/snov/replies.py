"""Snov.io's three kinds of refusals, and its three kinds of moments."""

from __future__ import annotations

from datetime import UTC, datetime

from providers.simulator.dialect import Refused
from providers.simulator.wire import Fields, Reply, reply

TITLES: dict[int, str] = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Sorry, but url or entity not found",
    405: "Method not allowed",
    429: "Too many requests",
}


def refuse_query(*complaints: str) -> Reply:
    return reply(400, {"success": False, "errors": list(complaints)})


def wrong(*complaints: str) -> Refused:
    return Refused(refuse_query(*complaints))


def missed(errors: str) -> Refused:
    """A miss of version 1 is a 200."""
    return Refused(reply(200, {"success": False, "errors": errors}))


def refuse_status(status: int) -> Reply:
    title = TITLES.get(status, "Something went wrong")
    return reply(status, {"errors": {"code": status, "title": title, "source": ""}})


def lost() -> Refused:
    return Refused(refuse_status(404))


def php_date(moment: datetime | None) -> Fields | None:
    """How PHP prints a moment when nobody told it how."""
    if moment is None:
        return None
    date = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return {"date": date, "timezone_type": 3, "timezone": "UTC"}


def plain_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def percent(part: int, whole: int) -> str:
    return f"{round(100 * part / whole) if whole else 0}%"
