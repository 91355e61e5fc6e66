"""Hunter's persons and companies in our words."""

from __future__ import annotations

from msgspec.structs import asdict

from providers.hunter.wire import (
    Discovered,
    EnrichedCompany,
    EnrichedPerson,
    FullName,
    Geo,
    Handle,
    Searched,
)
from providers.hunter.wire import Employment as Job
from providers.model import Company, Email, Location, Person
from providers.values.countries import to_country
from providers.values.headcount import to_headcount
from providers.values.links import to_domain, to_linkedin_url, to_twitter
from providers.values.names import join_name, to_full_name, to_name
from providers.values.phones import to_phone
from providers.values.places import to_place
from providers.values.roles import find_department, find_seniority
from providers.vocabulary import to_word


def to_person(found: EnrichedPerson) -> Person:
    name, job = found.name or FullName(), found.employment or Job()
    location = to_location(found.geo, found.location)
    return Person(
        full_name=to_full_name(name.fullName) or join_name(name.givenName, name.familyName),
        first_name=to_name(name.givenName),
        last_name=to_name(name.familyName),
        emails=[Email(email=found.email)] if found.email else [],
        job_title=job.title,
        seniority=to_word(find_seniority, job.seniority, provider="hunter", field="seniority"),
        department=to_word(find_department, job.role, provider="hunter", field="role"),
        company=job.name,
        domain=to_domain(job.domain),
        linkedin_url=to_linkedin_url(_handle(found.linkedin)),
        twitter=to_twitter(_handle(found.twitter)),
        phone=to_phone(found.phone, location.country if location else None),
        location=location,
    )


def to_company(found: EnrichedCompany) -> Company | None:
    if not found.name:
        return None
    band = to_headcount(found.metrics.employees if found.metrics else None)
    location = to_location(found.geo, found.location)
    return Company(
        name=found.name,
        domain=to_domain(found.domain),
        description=found.description,
        industry=found.category.industry if found.category else None,
        headcount=band.label,
        headcount_min=band.least,
        headcount_max=band.most,
        founded_year=found.foundedYear,
        company_type=found.company_type,
        phone=to_phone(found.phone, location.country if location else None),
        linkedin_url=to_linkedin_url(_handle(found.linkedin), "company"),
        twitter=to_twitter(_handle(found.twitter)),
        facebook=_handle(found.facebook),
        technologies=found.tech or [],
        location=location,
    )


def to_location(geo: Geo | None, line: str | None) -> Location | None:
    """From the parts, else from the line that names them."""
    if geo is None or not (geo.city or geo.state or geo.country or geo.countryCode):
        return to_place(line)
    street = " ".join(part for part in (geo.streetNumber, geo.streetName) if part)
    return Location(
        street=street or None,
        city=geo.city,
        state=geo.state,
        postal_code=geo.postalCode,
        country=to_country(geo.countryCode) or to_country(geo.country),
    )


def _handle(found: Handle | None) -> str | None:
    return found.handle if found else None


def to_discovered(found: Discovered) -> Company:
    return Company(name=found.organization, domain=to_domain(found.domain))


def to_searched_company(found: Searched) -> Company:
    band = to_headcount(found.headcount)
    return Company(
        name=found.organization,
        domain=to_domain(found.domain),
        description=found.description,
        industry=found.industry,
        headcount=band.label,
        headcount_min=band.least,
        headcount_max=band.most,
        company_type=found.company_type,
        linkedin_url=to_linkedin_url(found.linkedin, "company"),
        twitter=to_twitter(found.twitter),
        facebook=found.facebook,
        technologies=found.technologies or [],
        related_domains=found.linked_domains or [],
        location=to_searched_location(found),
    )


def to_searched_location(found: Searched) -> Location | None:
    place = Location(
        street=found.street,
        city=found.city,
        state=found.state,
        postal_code=found.postal_code,
        country=to_country(found.country),
    )
    return place if any(asdict(place).values()) else None
