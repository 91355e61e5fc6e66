"""What Hunter sends. A field that decides hit or miss has no default, and none is lesser."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from providers.values.lesser import Lesser

Count = Annotated[int, Meta(ge=0)]


class Page(Struct):
    uri: str
    domain: Lesser[str] = None
    extracted_on: Lesser[str] = None
    last_seen_on: Lesser[str] = None
    still_on_page: Lesser[bool] = None


class Checked(Struct):
    status: str | None = None


class Found(Struct):
    email: str | None
    score: Lesser[int] = None
    domain: Lesser[str] = None
    accept_all: bool | None = None
    first_name: Lesser[str] = None
    last_name: Lesser[str] = None
    position: Lesser[str] = None
    company: Lesser[str] = None
    linkedin_url: Lesser[str] = None
    phone_number: Lesser[str] = None
    sources: Lesser[list[Page]] = None
    verification: Checked | None = None


class FoundReply(Struct):
    data: Found


class Verified(Struct):
    status: str | None
    score: Lesser[int] = None
    regexp: Lesser[bool] = None
    gibberish: Lesser[bool] = None
    disposable: Lesser[bool] = None
    webmail: Lesser[bool] = None
    mx_records: Lesser[bool] = None
    smtp_server: Lesser[bool] = None
    smtp_check: bool | None = None
    accept_all: Lesser[bool] = None
    block: Lesser[bool] = None
    sources: Lesser[list[Page]] = None


class VerifiedReply(Struct):
    data: Verified


class Entry(Struct):
    """The same facts as in Found, under other names."""

    value: str
    type: Lesser[str] = None
    confidence: Lesser[int] = None
    first_name: Lesser[str] = None
    last_name: Lesser[str] = None
    position: Lesser[str] = None
    seniority: Lesser[str] = None
    department: Lesser[str] = None
    linkedin: Lesser[str] = None
    phone_number: Lesser[str] = None
    sources: Lesser[list[Page]] = None
    verification: Checked | None = None


class Searched(Struct):
    emails: list[Entry]
    domain: Lesser[str] = None
    organization: str | None = None
    pattern: Lesser[str] = None
    accept_all: bool | None = None
    webmail: Lesser[bool] = None
    disposable: Lesser[bool] = None
    description: Lesser[str] = None
    industry: Lesser[str] = None
    twitter: Lesser[str] = None
    facebook: Lesser[str] = None
    linkedin: Lesser[str] = None
    technologies: Lesser[list[str]] = None
    linked_domains: Lesser[list[str]] = None
    headcount: Lesser[str] = None
    company_type: Lesser[str] = None
    street: Lesser[str] = None
    city: Lesser[str] = None
    state: Lesser[str] = None
    postal_code: Lesser[str] = None
    country: Lesser[str] = None


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
    domain: Lesser[str] = None


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
    city: Lesser[str] = None
    state: Lesser[str] = None
    country: Lesser[str] = None
    countryCode: Lesser[str] = None
    streetNumber: Lesser[str] = None
    streetName: Lesser[str] = None
    postalCode: Lesser[str] = None


class Employment(Struct):
    """`role` is the department."""

    domain: Lesser[str] = None
    name: Lesser[str] = None
    title: Lesser[str] = None
    role: Lesser[str] = None
    seniority: Lesser[str] = None


class Handle(Struct):
    handle: Lesser[str] = None


class EnrichedPerson(Struct):
    """Of Clearbit's schema, which Hunter's people/find follows."""

    name: FullName | None
    email: str | None
    location: Lesser[str] = None
    geo: Lesser[Geo] = None
    employment: Lesser[Employment] = None
    twitter: Lesser[Handle] = None
    linkedin: Lesser[Handle] = None
    phone: Lesser[str] = None


class PersonReply(Struct):
    data: EnrichedPerson


class Category(Struct):
    industry: Lesser[str] = None


class Metrics(Struct):
    """`employees` is a band, or a number in Clearbit's own format."""

    employees: Any = None


class EnrichedCompany(Struct):
    name: str | None
    domain: str | None
    description: Lesser[str] = None
    category: Lesser[Category] = None
    foundedYear: Lesser[int] = None
    location: Lesser[str] = None
    geo: Lesser[Geo] = None
    phone: Lesser[str] = None
    company_type: Lesser[str] = None
    linkedin: Lesser[Handle] = None
    twitter: Lesser[Handle] = None
    facebook: Lesser[Handle] = None
    metrics: Lesser[Metrics] = None
    tech: Lesser[list[str]] = None


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
