"""What a question to the ledger may say: filters, a span of time, how to group."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.params import QueryParameter

from gateway.api.problems import invalid
from gateway.money.entries import AnyState, Filter
from gateway.money.summaries import GROUPS, Group

NAMED = ("team", "key", "provider", "credential", "operation", "state", "tag")

PageParam = Annotated[int | None, QueryParameter(ge=1, le=100, required=False)]
TeamParam = Annotated[str | None, QueryParameter(max_length=100, required=False)]
KeyParam = Annotated[
    str | None,
    QueryParameter(
        max_length=100, required=False, description="an id; `bootstrap` for the bootstrap key"
    ),
]
ProviderParam = Annotated[str | None, QueryParameter(max_length=100, required=False)]
CredentialParam = Annotated[str | None, QueryParameter(max_length=100, required=False)]
OperationParam = Annotated[str | None, QueryParameter(max_length=100, required=False)]
StateParam = Annotated[AnyState | None, QueryParameter(name="state", required=False)]
TagParam = Annotated[str | None, QueryParameter(max_length=64, required=False)]
FromParam = Annotated[
    str | None,
    QueryParameter(
        name="from",
        max_length=40,
        required=False,
        description="a day of the installation's time zone, or ISO 8601 with a zone; included",
    ),
]
ToParam = Annotated[
    str | None,
    QueryParameter(
        name="to",
        max_length=40,
        required=False,
        description="a day, included; or ISO 8601 with a zone, excluded",
    ),
]
GroupParam = Annotated[
    str | None,
    QueryParameter(
        max_length=200,
        required=False,
        description=f"any of {', '.join(GROUPS)}, with commas between; none is the total",
    ),
]


def filter_of(request: Request[Any, Any, Any], zone: ZoneInfo) -> Filter:
    """The filters of a query that fits its parameters. Raises Problem."""
    given: dict[str, Any] = {
        name: request.query_params[name] for name in NAMED if name in request.query_params
    }
    return Filter(
        **given,
        since=_moment(request, "from", zone, days=0),
        until=_moment(request, "to", zone, days=1),
    )


def groups_of(text: str | None) -> tuple[Group, ...]:
    """Each once, in the order given. Raises Problem."""
    words = [word.strip() for word in (text or "").split(",") if word.strip()]
    known: dict[str, Group] = {name: name for name in GROUPS}
    for word in words:
        if word not in known:
            raise invalid("/group_by", f"{word!r} is not one of {', '.join(GROUPS)}")
    return tuple(dict.fromkeys(known[word] for word in words))


def _moment(
    request: Request[Any, Any, Any], name: str, zone: ZoneInfo, *, days: int
) -> int | None:
    """Milliseconds; a bare day is its first moment, `days` later."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-22"):
            day = date.fromisoformat(text) + timedelta(days=days)
            found = datetime(day.year, day.month, day.day, tzinfo=zone)
        else:
            found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return int(found.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise invalid(f"/{name}", "is neither a day (2026-11-22) nor a time with a zone (…T10:00:00Z)")
