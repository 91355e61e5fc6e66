"""Snov.io's persons, companies and lists in our words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from providers.model import (
    Company,
    CountEmails,
    DomainEmails,
    Email,
    EmailCount,
    Employment,
    ListedEmail,
    Location,
    Person,
    SearchDomain,
)
from providers.snov.mapping import STATUSES, best
from providers.snov.wire import (
    CompanyInfo,
    CountReply,
    Job,
    ListedAddress,
    ListedProspect,
    Profile,
    ProfileEmail,
    Prospect,
    ProspectEmail,
)
from providers.values.countries import to_country
from providers.values.dates import to_day, to_year
from providers.values.headcount import to_headcount
from providers.values.links import (
    to_domain,
    to_linkedin_url,
    to_site_domain,
    to_twitter,
    to_website,
)
from providers.values.names import join_name, to_full_name, to_name
from providers.values.phones import to_phone
from providers.values.places import to_place
from providers.vocabulary import to_status


def to_company(domain: str, found: CompanyInfo) -> Company | None:
    if not found.company_name:
        return None
    band = to_headcount(found.size)
    return Company(
        name=found.company_name,
        domain=to_domain(domain),
        industry=found.industry,
        headcount=band.label,
        headcount_min=band.least,
        headcount_max=band.most,
        founded_year=to_year(found.founded),
        phone=to_phone(found.hq_phone),
        website=to_website(found.website),
        related_domains=found.related_domains or [],
        location=Location(city=found.city) if found.city else None,
    )


def to_email_count(query: CountEmails, found: CountReply) -> EmailCount:
    """Always 0 for webmail, which says nothing of the addresses there are."""
    return EmailCount(domain=query.domain, total=found.result, webmail=found.webmail)


def to_person(found: Profile, email: str | None = None) -> Person:
    jobs = [*_jobs(found.currentJob, found.currentJobs, current=True)]
    now = jobs[0] if jobs else Employment()
    links = {(one.type or "").lower(): one.link for one in found.social or ()}
    emails = [_email(one) for one in getattr(found, "emails", ())]
    return Person(
        full_name=to_full_name(found.name) or join_name(found.firstName, found.lastName),
        first_name=to_name(found.firstName),
        last_name=to_name(found.lastName),
        emails=emails or ([Email(email=email)] if email else []),
        job_title=now.job_title,
        company=now.company,
        domain=now.domain,
        linkedin_url=to_linkedin_url(links.get("linkedin")),
        twitter=to_twitter(links.get("twitter")),
        location=to_place(found.locality, to_country(found.country)),
        skills=to_skills(found.skills),
        jobs=[*jobs, *_jobs(found.previousJob, found.previousJobs, current=False)],
    )


def _email(found: ProfileEmail) -> Email:
    status = to_status(STATUSES, found.status, provider="snov", field="status")
    return Email(email=found.email, status=status)


def to_profile_email(found: Prospect) -> Email | None:
    """The best of a person's addresses, with what else the profile says."""
    person = to_person(found)
    email = best(person.emails)
    if email is None:
        return None
    return Email(
        email=email.email,
        status=email.status,
        kind="professional",
        first_name=person.first_name,
        last_name=person.last_name,
        full_name=person.full_name,
        job_title=person.job_title,
        company=person.company if isinstance(person.company, str) else None,
        domain=to_domain(email.email),
        linkedin_url=person.linkedin_url,
    )


def to_skills(value: Any) -> list[str]:
    """From a list or from one text with commas."""
    several = value.split(",") if isinstance(value, str) else value
    if not isinstance(several, list):
        return []
    return [text for one in several if isinstance(one, str) and (text := one.strip())]


def _jobs(*lists: list[Job] | None, current: bool) -> list[Employment]:
    return [to_employment(job, current=current) for jobs in lists for job in jobs or ()]


def to_employment(found: Job, *, current: bool) -> Employment:
    place = Location(
        street=found.street,
        city=found.city,
        state=found.state,
        postal_code=found.postal,
        country=to_country(found.country),
    )
    return Employment(
        company=found.companyName,
        job_title=found.position,
        domain=to_site_domain(found.site),
        start=to_day(found.startDate),
        end=to_day(found.endDate),
        current=current,
        industry=found.industry,
        headcount=to_headcount(found.size).label,
        location=place if place != Location() else None,
    )


def to_domain_emails(
    query: SearchDomain,
    rows: Sequence[ListedAddress | ListedProspect],
    found: Sequence[list[ProspectEmail]] | None,
    *,
    of_roles: bool,
) -> DomainEmails:
    """`found` are the addresses of the prospects, in their order, if they were asked for.

    Then a prospect without one is not what was asked for.
    """
    emails: list[ListedEmail] = []
    people: list[Person] = []
    for at, row in enumerate(rows):
        if isinstance(row, ListedAddress):
            emails.append(_listed(query, row.email, of_roles=of_roles))
            continue
        if found is None:
            people.append(_prospect(query, row))
        else:
            known = found[at] if at < len(found) else []
            emails += [_addressed(query, row, one) for one in known]
    return DomainEmails(domain=query.domain, emails=emails, people=people)


def _listed(query: SearchDomain, email: str, *, of_roles: bool) -> ListedEmail:
    """Unverified, as the document says."""
    return ListedEmail(
        email=email,
        kind="professional",
        domain=query.domain,
        role=True if of_roles else None,
        address_type="role" if of_roles else None,
    )


def _addressed(query: SearchDomain, row: ListedProspect, found: ProspectEmail) -> ListedEmail:
    return ListedEmail(
        email=found.email,
        status=to_status(STATUSES, found.smtp_status, provider="snov", field="smtp_status"),
        kind="professional",
        first_name=to_name(row.first_name),
        last_name=to_name(row.last_name),
        full_name=join_name(row.first_name, row.last_name),
        job_title=row.position,
        domain=query.domain,
        address_type="person",
    )


def _prospect(query: SearchDomain, row: ListedProspect) -> Person:
    return Person(
        full_name=join_name(row.first_name, row.last_name),
        first_name=to_name(row.first_name),
        last_name=to_name(row.last_name),
        job_title=row.position,
        domain=query.domain,
    )
