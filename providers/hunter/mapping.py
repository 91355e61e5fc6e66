"""Hunter's words and shapes in ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from providers.hunter.profiles import to_searched_company
from providers.hunter.wire import (
    Checked,
    Counted,
    Entry,
    Found,
    Page,
    Searched,
    Verified,
)
from providers.model import (
    AddressType,
    Checks,
    DomainEmails,
    Email,
    EmailCount,
    ListedEmail,
    Source,
    Status,
    Verification,
)
from providers.values.countries import to_country
from providers.values.dates import to_day
from providers.values.links import to_domain, to_linkedin_url
from providers.values.names import join_name, to_name
from providers.values.phones import to_phone
from providers.values.roles import find_department, find_seniority
from providers.vocabulary import note, to_status, to_word

STATUSES: Mapping[str, Status] = {
    "valid": "valid",
    "invalid": "invalid",
    "accept_all": "catch_all",
    "disposable": "disposable",
    "unknown": "unknown",
    # Says only whose mailbox it is; to_verdict asks the SMTP check.
    "webmail": "unknown",
}
ADDRESS_TYPES: Mapping[str, AddressType] = {"personal": "person", "generic": "role"}

_to_word = partial(to_word, provider="hunter")


def to_email(found: Found) -> Email | None:
    if not found.email:
        return None
    return Email(
        email=found.email,
        status=to_found_status(found.verification, found.accept_all),
        confidence=found.score,
        kind="professional",
        first_name=to_name(found.first_name),
        last_name=to_name(found.last_name),
        full_name=join_name(found.first_name, found.last_name),
        job_title=found.position,
        company=found.company,
        domain=to_domain(found.domain),
        linkedin_url=to_linkedin_url(found.linkedin_url),
        phone=to_phone(found.phone_number),
        sources=to_sources(found.sources),
    )


def to_found_status(checked: Checked | None, accept_all: bool | None) -> Status:
    """Without a recent verification only the domain's catch-all flag is known."""
    if checked is not None and checked.status:
        return to_status(STATUSES, checked.status, provider="hunter", field="verification.status")
    return "catch_all" if accept_all else "unknown"


def to_sources(pages: list[Page] | None) -> list[Source]:
    return [
        Source(
            url=page.uri,
            domain=to_domain(page.domain),
            first_seen=to_day(page.extracted_on),
            last_seen=to_day(page.last_seen_on),
            still_on_page=page.still_on_page,
        )
        for page in pages or ()
    ]


def to_verification(email: str, found: Verified) -> Verification:
    return Verification(
        email=email,
        status=to_verdict(found),
        confidence=found.score,
        checks=Checks(
            syntax=found.regexp,
            gibberish=found.gibberish,
            disposable=found.disposable,
            webmail=found.webmail,
            mx_records=found.mx_records,
            smtp_server=found.smtp_server,
            smtp_check=found.smtp_check,
            catch_all=found.accept_all,
            blocked=found.block,
        ),
        sources=to_sources(found.sources),
    )


def to_verdict(found: Verified) -> Status:
    """`webmail` names the host, not the mailbox: the SMTP check decides."""
    if found.status == "webmail":
        return "valid" if found.smtp_check else "unknown"
    return to_status(STATUSES, found.status, provider="hunter", field="status")


def to_domain_emails(found: Searched) -> DomainEmails | None:
    if not found.emails:
        return None
    return DomainEmails(
        domain=to_domain(found.domain),
        organization=found.organization,
        pattern=found.pattern,
        catch_all=found.accept_all,
        webmail=found.webmail,
        disposable=found.disposable,
        company=to_searched_company(found),
        emails=[to_listed(entry, found) for entry in found.emails],
    )


def to_listed(entry: Entry, of: Searched) -> ListedEmail:
    address_type = to_address_type(entry.type)
    return ListedEmail(
        email=entry.value,
        status=to_found_status(entry.verification, of.accept_all),
        confidence=entry.confidence,
        kind="professional",
        webmail=of.webmail,
        disposable=of.disposable,
        role=None if address_type is None else address_type == "role",
        first_name=to_name(entry.first_name),
        last_name=to_name(entry.last_name),
        full_name=join_name(entry.first_name, entry.last_name),
        job_title=entry.position,
        company=of.organization,
        domain=to_domain(of.domain),
        linkedin_url=to_linkedin_url(entry.linkedin),
        phone=to_phone(entry.phone_number, to_country(of.country)),
        sources=to_sources(entry.sources),
        seniority=_to_word(find_seniority, entry.seniority, field="seniority"),
        department=_to_word(find_department, entry.department, field="department"),
        address_type=address_type,
    )


def to_address_type(word: str | None) -> AddressType | None:
    if word and word not in ADDRESS_TYPES:
        note("hunter", "type", word)
    return ADDRESS_TYPES.get(word or "")


def to_count(domain: str | None, found: Counted) -> EmailCount:
    return EmailCount(
        domain=domain,
        total=found.total,
        personal=found.personal_emails,
        role=found.generic_emails,
        departments=found.department or {},
        seniorities=found.seniority or {},
    )
