"""Snov.io's words and shapes in ours."""

from __future__ import annotations

from collections.abc import Mapping

from providers.model import (
    Checks,
    Email,
    FindEmail,
    Status,
    Verification,
)
from providers.snov.wire import (
    CheckedAddress,
    FoundAddress,
    FoundPerson,
    VerifiedAddress,
)
from providers.values.names import join_name, split_name
from providers.vocabulary import to_status

STATUSES: Mapping[str, Status] = {
    "valid": "valid",
    "not_valid": "invalid",
    "unknown": "unknown",
    # Final only once polling has ended: until then it is a slow ticket.
    "greylisted": "unknown",
}
SMTP_CHECKS = {"valid": True, "not_valid": False}
BEST_FIRST: tuple[Status, ...] = ("valid", "catch_all", "unknown", "disposable", "invalid")


def named(query: FindEmail) -> tuple[str, str] | None:
    """First and last name as Snov.io wants them: apart."""
    if query.first_name and query.last_name:
        return query.first_name, query.last_name
    return split_name(query.full_name)


def best(emails: list[Email]) -> Email | None:
    return min(emails, key=lambda email: BEST_FIRST.index(email.status), default=None)


def to_email(query: FindEmail, found: FoundPerson) -> Email | None:
    return best(
        [
            _email(
                query,
                email.email,
                to_status(STATUSES, email.emailStatus, provider="snov", field="emailStatus"),
            )
            for email in found.emails
        ]
    )


def to_email_v2(query: FindEmail, found: list[FoundAddress]) -> Email | None:
    emails = []
    for one in found:
        email = _email(query, one.email, to_checked_status(one))
        email.webmail, email.disposable = one.is_webmail, one.is_disposable
        emails.append(email)
    return best(emails)


def _email(query: FindEmail, address: str, status: Status) -> Email:
    first, last = named(query) or (None, None)
    return Email(
        email=address,
        status=status,
        kind="professional",
        first_name=first,
        last_name=last,
        full_name=join_name(first, last),
        company=query.company,
        domain=query.domain,
    )


def to_checked_status(found: CheckedAddress) -> Status:
    status = to_status(STATUSES, found.smtp_status, provider="snov", field="smtp_status")
    if status == "unknown" and found.unknown_status_reason == "catchall":
        return "catch_all"
    return status


def to_verified_status(found: VerifiedAddress) -> Status:
    status = to_status(STATUSES, found.smtpStatus, provider="snov", field="smtpStatus")
    return "catch_all" if status == "unknown" and found.isCatchall else status


def to_verification(email: str, found: VerifiedAddress) -> Verification:
    return Verification(
        email=email,
        status=to_verified_status(found),
        checks=Checks(
            syntax=found.isValidFormat,
            gibberish=found.isGibberish,
            disposable=found.isDisposable,
            webmail=found.isWebmail,
            smtp_check=SMTP_CHECKS.get(found.smtpStatus or ""),
            smtp_server=None if found.isConnectionError is None else not found.isConnectionError,
            catch_all=found.isCatchall,
            blocked=found.isBannedError,
            greylisted=found.isGreylist,
        ),
    )


def to_verification_v2(email: str, found: CheckedAddress) -> Verification:
    reason = found.unknown_status_reason
    return Verification(
        email=email,
        status=to_checked_status(found),
        checks=Checks(
            syntax=found.is_valid_format,
            gibberish=found.is_gibberish,
            disposable=found.is_disposable,
            webmail=found.is_webmail,
            smtp_check=SMTP_CHECKS.get(found.smtp_status or ""),
            catch_all=True if reason == "catchall" else None,
            blocked=True if reason == "banned" else None,
            greylisted=True if reason == "greylist" else None,
        ),
    )
