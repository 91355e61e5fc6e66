"""What Hunter sends. A field that decides hit or miss has no default."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=0)]


class Page(Struct):
    uri: str
    domain: str | None = None
    extracted_on: str | None = None
    last_seen_on: str | None = None
    still_on_page: bool | None = None


class Checked(Struct):
    status: str | None = None


class Found(Struct):
    email: str | None
    score: int | None = None
    domain: str | None = None
    accept_all: bool | None = None
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    company: str | None = None
    linkedin_url: str | None = None
    phone_number: str | None = None
    sources: list[Page] | None = None
    verification: Checked | None = None


class FoundReply(Struct):
    data: Found


class Verified(Struct):
    status: str | None
    score: int | None = None
    regexp: bool | None = None
    gibberish: bool | None = None
    disposable: bool | None = None
    webmail: bool | None = None
    mx_records: bool | None = None
    smtp_server: bool | None = None
    smtp_check: bool | None = None
    accept_all: bool | None = None
    block: bool | None = None
    sources: list[Page] | None = None


class VerifiedReply(Struct):
    data: Verified


class Entry(Struct):
    """The same facts as in Found, under other names."""

    value: str
    type: str | None = None
    confidence: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    seniority: str | None = None
    department: str | None = None
    linkedin: str | None = None
    phone_number: str | None = None
    sources: list[Page] | None = None
    verification: Checked | None = None


class Searched(Struct):
    emails: list[Entry]
    domain: str | None = None
    organization: str | None = None
    pattern: str | None = None
    accept_all: bool | None = None
    webmail: bool | None = None
    disposable: bool | None = None
    description: str | None = None
    industry: str | None = None
    twitter: str | None = None
    facebook: str | None = None
    linkedin: str | None = None
    technologies: list[str] | None = None
    linked_domains: list[str] | None = None
    headcount: str | None = None
    company_type: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Results(Struct):
    results: Count | None = None


class SearchedReply(Struct):
    data: Searched
    meta: Results


class Counted(Struct):
    total: Count
    personal_emails: Count | None = None
    generic_emails: Count | None = None
    department: dict[str, int] | None = None
    seniority: dict[str, int] | None = None


class Asked(Struct):
    domain: str | None = None


class AskedMeta(Struct):
    params: Asked | None = None


class CountedReply(Struct):
    data: Counted
    meta: AskedMeta | None = None


class FullName(Struct):
    fullName: str | None = None
    givenName: str | None = None
    familyName: str | None = None


class Geo(Struct):
    city: str | None = None
    state: str | None = None
    country: str | None = None
    countryCode: str | None = None
    streetNumber: str | None = None
    streetName: str | None = None
    postalCode: str | None = None


class Employment(Struct):
    """`role` is the department."""

    domain: str | None = None
    name: str | None = None
    title: str | None = None
    role: str | None = None
    seniority: str | None = None


class Handle(Struct):
    handle: str | None = None


class EnrichedPerson(Struct):
    """Of Clearbit's schema, which Hunter's people/find follows."""

    name: FullName | None
    email: str | None
    location: str | None = None
    geo: Geo | None = None
    employment: Employment | None = None
    twitter: Handle | None = None
    linkedin: Handle | None = None
    phone: str | None = None


class PersonReply(Struct):
    data: EnrichedPerson


class Category(Struct):
    industry: str | None = None


class Metrics(Struct):
    """`employees` is a band, or a number in Clearbit's own format."""

    employees: Any = None


class EnrichedCompany(Struct):
    name: str | None
    domain: str | None
    description: str | None = None
    category: Category | None = None
    foundedYear: int | None = None
    location: str | None = None
    geo: Geo | None = None
    phone: str | None = None
    company_type: str | None = None
    linkedin: Handle | None = None
    twitter: Handle | None = None
    facebook: Handle | None = None
    metrics: Metrics | None = None
    tech: list[str] | None = None


class CompanyReply(Struct):
    data: EnrichedCompany


class Discovered(Struct):
    domain: str | None
    organization: str | None = None


class DiscoveredReply(Struct):
    data: list[Discovered]
    meta: Results


class Fault(Struct):
    id: str = ""
    details: str = ""


class Faults(Struct):
    """The documents draw `errors` as an object, the API sends a list."""

    errors: list[Fault] | Fault


class Meter(Struct):
    used: float
    available: float


class AccountInformation(Struct):
    requests: dict[str, Meter]


class AccountReply(Struct):
    data: AccountInformation
