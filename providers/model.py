"""The vocabulary: queries in, answers out, the same words for every provider."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Domain = Annotated[str, Meta(min_length=1, max_length=253)]
Address = Annotated[str, Meta(min_length=3, max_length=320)]
Link = Annotated[str, Meta(min_length=1, max_length=2048)]
Words = Annotated[list[Text], Meta(max_length=100)]
PageSize = Annotated[int, Meta(ge=1, le=100)]

Kind = Literal["professional", "personal"]
AddressType = Literal["person", "role"]
Status = Literal["valid", "catch_all", "disposable", "invalid", "unknown"]
# Hunter's words, to which those of the others lead (`providers.values.roles`).
Seniority = Literal["junior", "senior", "executive"]
Department = Literal[
    "executive", "it", "finance", "management", "sales", "legal", "support", "hr", "marketing",
    "communication", "education", "design", "health", "operations",
]  # fmt: skip
RequiredField = Literal["full_name", "job_title", "phone", "email", "position", "phone_number"]
PersonField = Literal[
    "full_name",
    "first_name",
    "last_name",
    "emails",
    "job_title",
    "seniority",
    "department",
    "company",
    "domain",
    "linkedin_url",
    "twitter",
    "phone",
    "location",
    "skills",
    "jobs",
]
CompanyField = Literal[
    "name",
    "domain",
    "description",
    "industry",
    "headcount",
    "headcount_min",
    "headcount_max",
    "founded_year",
    "company_type",
    "phone",
    "website",
    "linkedin_url",
    "twitter",
    "facebook",
    "technologies",
    "related_domains",
    "location",
]

EMAILS_FIND = "emails.find"
EMAILS_VERIFY = "emails.verify"
PEOPLE_ENRICH = "people.enrich"
COMPANIES_ENRICH = "companies.enrich"
DOMAINS_SEARCH = "domains.search"
EMAILS_COUNT = "emails.count"
CONTACTS_SEARCH = "contacts.search"
COMPANIES_SEARCH = "companies.search"
OPERATIONS = (
    EMAILS_FIND,
    EMAILS_VERIFY,
    PEOPLE_ENRICH,
    COMPANIES_ENRICH,
    DOMAINS_SEARCH,
    EMAILS_COUNT,
    CONTACTS_SEARCH,
    COMPANIES_SEARCH,
)


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is asked of a provider; canonical once `gateway.lookup.identity` has seen it."""


class Hints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    job_title: Text | None = None
    phone: Text | None = None
    location: Text | None = None


class FindEmail(Query, frozen=True, kw_only=True):
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    domain: Domain | None = None
    company: Text | None = None
    linkedin_url: Link | None = None
    kind: Kind = "professional"
    hints: Hints | None = None


class VerifyEmail(Query, frozen=True, kw_only=True):
    email: Address


class EnrichPerson(Query, frozen=True, kw_only=True):
    """`want` is what has to be known before nobody else is asked; no provider is told."""

    email: Address | None = None
    linkedin_url: Link | None = None
    want: Annotated[list[PersonField], Meta(max_length=32)] = []


class EnrichCompany(Query, frozen=True, kw_only=True):
    """`want` as in EnrichPerson."""

    domain: Domain | None = None
    company: Text | None = None
    want: Annotated[list[CompanyField], Meta(max_length=32)] = []


class SearchDomain(Query, frozen=True, kw_only=True):
    domain: Domain | None = None
    company: Text | None = None
    address_type: AddressType | None = None
    seniorities: Annotated[list[Seniority], Meta(max_length=100)] = []
    departments: Annotated[list[Department], Meta(max_length=100)] = []
    job_titles: Words = []
    required_fields: Annotated[list[RequiredField], Meta(max_length=100)] = []
    limit: PageSize = 25


class CountEmails(Query, frozen=True, kw_only=True):
    domain: Domain | None = None
    company: Text | None = None
    address_type: AddressType | None = None


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None


class SearchCompanies(Query, frozen=True, kw_only=True):
    added_after: Text | None = None
    added_before: Text | None = None
    locations: Annotated[list[Place], Meta(max_length=100)] = []
    functions: Words = []
    industries: Words = []
    tlds: Words = []
    technologies: Words = []
    limit: PageSize = 25


class SearchContacts(SearchCompanies, frozen=True, kw_only=True):
    job_titles: Words = []
    departments: Words = []
    seniorities: Words = []
    has_personal_email: bool | None = None
    has_linkedin_profile: bool | None = None
    decision_maker: bool | None = None


QUERIES: dict[str, type[Query]] = {
    EMAILS_FIND: FindEmail,
    EMAILS_VERIFY: VerifyEmail,
    PEOPLE_ENRICH: EnrichPerson,
    COMPANIES_ENRICH: EnrichCompany,
    DOMAINS_SEARCH: SearchDomain,
    EMAILS_COUNT: CountEmails,
    CONTACTS_SEARCH: SearchContacts,
    COMPANIES_SEARCH: SearchCompanies,
}


class Source(Struct, kw_only=True):
    """A page on which the address was seen; dates are ISO 8601 days."""

    url: str
    domain: str | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    still_on_page: bool | None = None


class Provenance(Struct, kw_only=True, omit_defaults=True):
    """Where a datum comes from; `fetched_at` is ISO 8601 UTC.

    `fields` is the same of each field of a datum that was put together.
    """

    provider: str
    fetched_at: str
    cached: bool
    verified_by: str | UnsetType = UNSET
    fields: dict[str, Provenance] | UnsetType = UNSET


class Email(Struct, kw_only=True):
    """An address and whose it is; `confidence` is 0..100 as the provider rates it."""

    email: str
    status: Status = "unknown"
    confidence: int | None = None
    kind: Kind | None = None
    webmail: bool | None = None
    disposable: bool | None = None
    role: bool | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    job_title: str | None = None
    company: str | None = None
    domain: str | None = None
    linkedin_url: str | None = None
    phone: str | None = None
    sources: list[Source] = []
    provenance: Provenance | None = None


class ListedEmail(Email, kw_only=True):
    """An address of a domain's list."""

    seniority: str | None = None
    department: str | None = None
    address_type: AddressType | None = None


class Checks(Struct, kw_only=True):
    syntax: bool | None = None
    gibberish: bool | None = None
    disposable: bool | None = None
    webmail: bool | None = None
    role: bool | None = None
    mx_records: bool | None = None
    smtp_server: bool | None = None
    smtp_check: bool | None = None
    catch_all: bool | None = None
    blocked: bool | None = None
    greylisted: bool | None = None


class Verification(Struct, kw_only=True):
    email: str
    status: Status
    confidence: int | None = None
    checks: Checks = msgspec.field(default_factory=Checks)
    sources: list[Source] = []
    provenance: Provenance | None = None


class Location(Struct, kw_only=True):
    """`country` is ISO 3166-1 alpha-2."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Company(Struct, kw_only=True):
    """`headcount` is the provider's band; `phone` E.164; `founded_year` four digits."""

    name: str | None = None
    domain: str | None = None
    description: str | None = None
    industry: str | None = None
    headcount: str | None = None
    headcount_min: int | None = None
    headcount_max: int | None = None
    founded_year: int | None = None
    company_type: str | None = None
    phone: str | None = None
    website: str | None = None
    linkedin_url: str | None = None
    twitter: str | None = None
    facebook: str | None = None
    technologies: list[str] = []
    related_domains: list[str] = []
    location: Location | None = None
    provenance: Provenance | None = None


class Employment(Struct, kw_only=True):
    company: str | None = None
    job_title: str | None = None
    domain: str | None = None
    start: str | None = None
    end: str | None = None
    current: bool | None = None
    industry: str | None = None
    headcount: str | None = None
    location: Location | None = None


class Person(Struct, kw_only=True):
    full_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    emails: list[Email] = []
    job_title: str | None = None
    seniority: str | None = None
    department: str | None = None
    company: str | Company | None = None
    domain: str | None = None
    linkedin_url: str | None = None
    twitter: str | None = None
    phone: str | None = None
    location: Location | None = None
    skills: list[str] = []
    jobs: list[Employment] = []
    provenance: Provenance | None = None


class DomainEmails(Struct, kw_only=True):
    """`people` are those whom the provider lists without an address."""

    domain: str | None = None
    organization: str | None = None
    pattern: str | None = None
    catch_all: bool | None = None
    webmail: bool | None = None
    disposable: bool | None = None
    company: Company | None = None
    emails: list[ListedEmail] = []
    people: list[Person] = []
    provenance: Provenance | None = None


class EmailCount(Struct, kw_only=True):
    total: int
    domain: str | None = None
    personal: int | None = None
    role: int | None = None
    webmail: bool | None = None
    departments: dict[str, int] = {}
    seniorities: dict[str, int] = {}
    provenance: Provenance | None = None


Data = Email | Verification | Person | Company | DomainEmails | EmailCount
Datum = Data | list[Person] | list[Company]

ANSWERS: dict[str, Any] = {
    EMAILS_FIND: Email,
    EMAILS_VERIFY: Verification,
    PEOPLE_ENRICH: Person,
    COMPANIES_ENRICH: Company,
    DOMAINS_SEARCH: DomainEmails,
    EMAILS_COUNT: EmailCount,
    CONTACTS_SEARCH: list[Person],
    COMPANIES_SEARCH: list[Company],
}


class Answer(Struct, kw_only=True):
    """A clean reply.

    `data` is None (or an empty list) when the provider has nothing. `units` is what the provider
    says it charged, in thousandths, None when the charge model decides. `rows` counts what
    per-row charging counts. `next` is the provider's own continuation, `total` its own count.
    `once` are units, in thousandths, that the account is charged a single time, by what they are
    charged for; they are among the `units`.
    """

    data: Datum | None
    units: int | None = None
    once: dict[str, int] = {}
    rows: int = 0
    next: str | None = None
    total: int | None = None
    raw: bytes = b""


class Ticket(Struct, kw_only=True):
    """An answer the provider is still working on; `state` is what `collect` needs to ask again.

    `wait` is the provider's own word on seconds until the next poll, None for ours.
    `slow` marks a greylisted mailbox: minutes, not seconds. `once`, in thousandths of a unit, is
    what the provider has charged for it so far, when there is more to come, as in an Answer.
    """

    state: dict[str, str]
    wait: float | None = None
    slow: bool = False
    once: dict[str, int] = {}
