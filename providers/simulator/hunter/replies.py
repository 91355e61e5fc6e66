"""What Hunter's replies have in common: complaints, page bounds and moments."""

from __future__ import annotations

from datetime import UTC, datetime

from providers.simulator.accounts import Account
from providers.simulator.dialect import Refused, as_number
from providers.simulator.wire import Reply, Request, reply

CLAIMED = (
    451,
    "claimed_email",
    "The person owning the email address asked us directly or indirectly to stop the processing "
    "of their personal data. For this reason, you shouldn't process it yourself in any way.",
)

OUT_OF_CREDITS: dict[str, tuple[int, str]] = {
    "too_many_requests": (
        429,
        "You've reached the maximum number of searches per billing period included in your plan.",
    ),
    "payment_required": (
        402,
        "You have used up your monthly quota. Upgrade your plan or buy credits to go on.",
    ),
    "restricted_account": (429, "Your account has been restricted. Please contact support."),
}


def complain(status: int, identifier: str, details: str) -> Reply:
    return reply(status, {"errors": [{"id": identifier, "code": status, "details": details}]})


def refuse(status: int, identifier: str, details: str) -> Refused:
    return Refused(complain(status, identifier, details))


def refuse_used_up(account: Account) -> Reply:
    status, details = OUT_OF_CREDITS[account.refusal]
    return complain(status, account.refusal, details)


def lost(what: str, identifier: str = "not_found") -> Refused:
    return refuse(404, identifier, f"{what} not found.")


def invalid(details: str, identifier: str = "validation_failed") -> Refused:
    return refuse(422, identifier, details)


def bounds(
    request: Request, *, default: int = 20, most: int = 100, furthest: int | None = None
) -> tuple[int, int]:
    """`limit` and `offset`, refused when out of range."""
    limit = as_number(request.fields.get("limit"), default)
    offset = as_number(request.fields.get("offset"), 0)
    wrong = limit is None or offset is None or not 1 <= limit <= most or offset < 0
    if limit is None or offset is None or wrong or (furthest is not None and offset > furthest):
        raise refuse(400, "pagination_error", "The supplied limit or offset is invalid.")
    return limit, offset


def number_of(request: Request, segment: str = "id") -> int:
    """The id in the path; one that is not a number belongs to nothing."""
    return as_number(request.segments.get(segment), 0) or 0


def stamp(moment: datetime) -> str:
    """The older way, of leads and lists."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def instant(moment: datetime) -> str:
    """The newer way, of sequences and keys."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
