"""What the OpenAPI document says of replies."""

from __future__ import annotations

from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct

from gateway.api.problems import CODES, MEDIA_TYPE, ProblemBody
from gateway.jobs.records import Counts, ItemStatus, JobStatus
from gateway.lookup.delivery import Meta
from providers.model import Company, DomainEmails, Email, EmailCount, Person, Verification


class EmailReply(Struct):
    """The address that was found; null if nobody has one."""

    data: Email | None
    meta: Meta


class VerificationReply(Struct):
    data: Verification | None
    meta: Meta


class PersonReply(Struct):
    data: Person | None
    meta: Meta


class CompanyReply(Struct):
    data: Company | None
    meta: Meta


class DomainReply(Struct):
    data: DomainEmails | None
    meta: Meta


class CountReply(Struct):
    data: EmailCount | None
    meta: Meta


class ContactsReply(Struct):
    data: list[Person]
    meta: Meta


class CompaniesReply(Struct):
    data: list[Company]
    meta: Meta


class JobView(Struct, kw_only=True, omit_defaults=True):
    """A job; `result` is the body that the synchronous call would have had."""

    id: str
    operation: str
    status: JobStatus
    counts: Counts
    cost: str
    currency: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    metadata: dict[str, Any] | None
    result: dict[str, Any] | None = None


class Envelope(Struct, kw_only=True, omit_defaults=True):
    """`next_cursor` is null on the last page of a list."""

    request_id: str
    next_cursor: str | None = None
    total: int | None = None
    notice: str | None = None
    sandbox: bool = False


class JobReply(Struct):
    data: JobView
    meta: Envelope


class JobsReply(Struct):
    data: list[JobView]
    meta: Envelope


class ItemReply(Struct, kw_only=True):
    """A row of a job; `data` and `meta` as its own call would have had them, `error` a problem."""

    index: int
    status: ItemStatus
    input: Any
    data: Any
    meta: dict[str, Any] | None
    error: dict[str, Any] | None


class ItemsReply(Struct):
    data: list[ItemReply]
    meta: Envelope


AUTHENTICATED = ("unauthenticated", "forbidden", "ledger_unavailable", "internal_error")
READ = ("not_found",)
WITH_BODY = (
    "malformed_request",
    "too_large",
    "unsupported_media_type",
    "invalid_query",
)
REPEATABLE = ("idempotency_in_flight", "idempotency_mismatch")
LOOKUP = (
    *AUTHENTICATED,
    "invalid_query",
    "budget_exhausted",
    "unsupported",
    "rate_limited",
    "suppressed",
    "all_providers_failed",
    "no_provider_configured",
    "no_provider_available",
)


def responses(success: dict[int, type[Struct]], codes: tuple[str, ...]) -> dict[int, ResponseSpec]:
    """Success bodies by status, and every problem that can happen."""
    found = {
        status: ResponseSpec(kind, generate_examples=False) for status, kind in success.items()
    }
    by_status: dict[int, list[str]] = {}
    for code in codes:
        names = by_status.setdefault(CODES[code][0], [])
        if code not in names:
            names.append(code)
    for status, names in by_status.items():
        found[status] = ResponseSpec(
            ProblemBody,
            generate_examples=False,
            description=", ".join(names),
            media_type=MEDIA_TYPE,
        )
    return found
