"""Letrics: searches contacts and companies by attributes.

https://letrics.ai/api-documentation, read 2026-11-21. That page names the filters and nothing of
the replies: paths, filter names and field names can be set through account options, such as
`contacts.path` = `/people`, `filter.decision_maker` = `decision_maker` or
`contact.full_name` = `person.name|name` (dots descend, bars are alternatives).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct, field

from providers.base import Adapter, Auth, Charge, Offer, Reply, Resend
from providers.errors import MalformedResponse
from providers.model import (
    COMPANIES_SEARCH,
    CONTACTS_SEARCH,
    Answer,
    Company,
    Email,
    Kind,
    Location,
    Person,
    Place,
    SearchCompanies,
    SearchContacts,
)
from providers.native import Asked, NativeApi, rows
from providers.options import Option, reply_field, url_path
from providers.signin import HeaderKey
from providers.values.countries import to_country, to_country_name
from providers.values.dates import to_year
from providers.values.headcount import to_headcount
from providers.values.links import to_domain, to_linkedin_url, to_twitter, to_website
from providers.values.names import join_name, to_full_name, to_name
from providers.values.phones import to_phone
from providers.values.roles import find_department, find_seniority
from providers.vocabulary import to_word

Row = Mapping[str, Any]
T = TypeVar("T")
_to_word = partial(to_word, provider="letrics")
DEFAULT_PAGE, MOST_A_PAGE = 25, 100


class Meta(Struct):
    total: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Page(Struct):
    data: list[Any]
    meta: Meta = field(default_factory=Meta)


FILTERS: Mapping[str, str] = {
    "has_personal_email": "has_personal_emails",
    "decision_maker": "is_decision_maker",
}
# All of these are guesses: the document shows no reply.
FIELDS: Mapping[str, str] = {
    "contact.full_name": "full_name|name",
    "contact.first_name": "first_name",
    "contact.last_name": "last_name",
    "contact.emails": "emails|email",
    "contact.personal_emails": "personal_emails|personal_email",
    "contact.job_title": "job_title|title",
    "contact.seniority": "seniority",
    "contact.department": "department",
    "contact.linkedin_url": "linkedin_url|linkedin",
    "contact.twitter": "twitter_url|twitter",
    "contact.phone": "phone|phone_number",
    "contact.company": "company",
    "contact.domain": "domain|company_domain",
    "contact.location": "location",
    "company.name": "name|company_name",
    "company.domain": "domain|website",
    "company.description": "description",
    "company.industry": "industry",
    "company.headcount": "headcount|employees|size",
    "company.founded_year": "founded_year|founded",
    "company.company_type": "company_type|type",
    "company.phone": "phone|phone_number",
    "company.website": "website|url",
    "company.linkedin_url": "linkedin_url|linkedin",
    "company.twitter": "twitter_url|twitter",
    "company.facebook": "facebook_url|facebook",
    "company.technologies": "technologies",
    "company.location": "location",
}

_offer = partial(
    Offer,
    charge=Charge.PER_ROW,
    unit="row",
    units=1000,
    price=Decimal(0),
    source="not published",
    read_on="2026-11-21",
    resend=Resend.BEFORE_BYTES_SENT,
)


def worst_page(asked: Asked) -> int:
    return asked.number("per_page", DEFAULT_PAGE, MOST_A_PAGE) * 1000


def charged_page(_asked: Asked, _status: int, body: Any) -> int:
    return len(body["data"]) * 1000


# Letrics' own API as it is passed through; whether it is asked with GET or POST is not documented.
NATIVE = NativeApi(
    paths=rows(
        "", "POST /contacts", "GET /contacts", "POST /companies", "GET /companies",
        unit="row", worst=worst_page, charged=charged_page,
    ),
    lookups={CONTACTS_SEARCH: ("/contacts",), COMPANIES_SEARCH: ("/companies",)},
)  # fmt: skip


class Letrics(Adapter):
    name = "letrics"
    title = "Letrics"
    base_url = "https://letrics.ai/api/v1"
    secret_fields = ("token",)
    configured_as: ClassVar = {"token": "api_token"}
    options: ClassVar[Mapping[str, Option]] = {
        **dict.fromkeys(("contacts.path", "companies.path"), url_path()),
        **{
            f"filter.{name}": reply_field()
            for name in SearchContacts.__struct_fields__
            if name != "limit"
        },
        **dict.fromkeys(FIELDS, reply_field()),
    }
    native = NATIVE
    offers: ClassVar[Mapping[str, Offer]] = {
        CONTACTS_SEARCH: _offer(ask="search_contacts"),
        COMPANIES_SEARCH: _offer(ask="search_companies"),
    }

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        return HeaderKey("authorization", f"Bearer {secret['token']}")

    async def search_contacts(self, query: SearchContacts, after: str | None = None) -> Answer:
        path = self.account.options.get("contacts.path", "/contacts")
        reply = await self._page(path, query, after)
        data = _named(to_person, reply.value.data, self.account.options)
        return _answer(query, after, reply, data)

    async def search_companies(self, query: SearchCompanies, after: str | None = None) -> Answer:
        path = self.account.options.get("companies.path", "/companies")
        reply = await self._page(path, query, after)
        data = _named(to_company, reply.value.data, self.account.options)
        return _answer(query, after, reply, data)

    async def _page(self, path: str, query: SearchCompanies, after: str | None) -> Reply[Page]:
        json = to_filters(query, self.account.options)
        json |= {"page": int(after or 1), "per_page": query.limit}
        return await self.call("POST", path, Page, json=json)


def _named(
    to_row: Callable[[Row, Mapping[str, str]], T | None],
    rows: list[Any],
    options: Mapping[str, str],
) -> list[T]:
    """Rows that name nobody are left out; if all are, their fields have other names."""
    found = [to_row(row, options) for row in rows if isinstance(row, dict)]
    named = [one for one in found if one is not None]
    if rows and not named:
        raise MalformedResponse("no row names anybody", uncertain=True)
    return named


def _answer(
    query: SearchCompanies,
    after: str | None,
    reply: Reply[Page],
    data: list[Person] | list[Company],
) -> Answer:
    page, rows, total = int(after or 1), len(reply.value.data), reply.value.meta.total
    more = rows > 0 and (rows == query.limit if total is None else page * query.limit < total)
    return Answer(
        data=data,
        rows=rows,
        next=str(page + 1) if more else None,
        total=total,
        raw=reply.body,
    )


def to_filters(query: SearchCompanies, options: Mapping[str, str]) -> dict[str, Any]:
    """Only `true` is described for the booleans, so that `false` is no filter."""
    filters: dict[str, Any] = {}
    for name in query.__struct_fields__:
        value = getattr(query, name)
        if name == "limit" or not value:
            continue
        theirs = options.get(f"filter.{name}", FILTERS.get(name, name))
        filters[theirs] = to_places(value) if name == "locations" else value
    return filters


def to_places(places: list[Place]) -> list[str]:
    return [told for told in map(to_place, places) if told]


def to_place(place: Place) -> str | None:
    """`city:San Francisco||California||United States`; an absent middle part stays empty."""
    parts = {
        "city": place.city,
        "state": place.state,
        "country": to_country_name(place.country),
    }
    names = list(parts)
    start = next((at for at, name in enumerate(names) if parts[name]), None)
    if start is None:
        return None
    told = "||".join(parts[name] or "" for name in names[start:])
    return f"{names[start]}:{told.rstrip('|')}"


def to_person(row: Row, options: Mapping[str, str]) -> Person | None:
    """None of a row without name, address and profile."""
    get = partial(_get, row, options, "contact")
    first, last = _text(get("first_name")), _text(get("last_name"))
    company = get("company")
    employer = to_company(company, options) if isinstance(company, dict) else _text(company)
    person = Person(
        full_name=to_full_name(_text(get("full_name"))) or join_name(first, last),
        first_name=to_name(first),
        last_name=to_name(last),
        emails=to_emails(get("emails"), "professional")
        + to_emails(get("personal_emails"), "personal"),
        job_title=_text(get("job_title")),
        seniority=_to_word(find_seniority, _text(get("seniority")), field="seniority"),
        department=_to_word(find_department, _text(get("department")), field="department"),
        company=employer,
        domain=to_domain(_text(get("domain"))) or getattr(employer, "domain", None),
        linkedin_url=to_linkedin_url(_text(get("linkedin_url"))),
        twitter=to_twitter(_text(get("twitter"))),
        phone=to_phone(get("phone")),
        location=to_location(get("location")),
    )
    return person if person.full_name or person.emails or person.linkedin_url else None


def to_emails(value: Any, kind: Kind) -> list[Email]:
    """From one address or several, each a text or an object with `email` or `address`."""
    several = value if isinstance(value, list) else [value]
    found = [
        one.get("email") or one.get("address") if isinstance(one, dict) else one for one in several
    ]
    return [Email(email=one, kind=kind) for one in found if isinstance(one, str) and "@" in one]


def to_company(row: Row, options: Mapping[str, str]) -> Company | None:
    """None of one without name and domain."""
    get = partial(_get, row, options, "company")
    band = to_headcount(get("headcount"))
    location = to_location(get("location"))
    technologies = get("technologies")
    company = Company(
        name=_text(get("name")),
        domain=to_domain(_text(get("domain"))),
        description=_text(get("description")),
        industry=_text(get("industry")),
        headcount=band.label,
        headcount_min=band.least,
        headcount_max=band.most,
        founded_year=to_year(get("founded_year")),
        company_type=_text(get("company_type")),
        phone=to_phone(get("phone"), location.country if location else None),
        website=to_website(_text(get("website"))),
        linkedin_url=to_linkedin_url(_text(get("linkedin_url")), "company"),
        twitter=to_twitter(_text(get("twitter"))),
        facebook=_text(get("facebook")),
        technologies=[one for one in technologies if isinstance(one, str)]
        if isinstance(technologies, list)
        else [],
        location=location,
    )
    return company if company.name or company.domain else None


def to_location(value: Any) -> Location | None:
    if not isinstance(value, dict):
        return None
    return Location(
        city=_text(value.get("city")),
        state=_text(value.get("state")),
        country=to_country(_text(value.get("country"))),
    )


def _get(row: Row, options: Mapping[str, str], kind: str, name: str) -> Any:
    """The first alternative that is there."""
    key = f"{kind}.{name}"
    for path in options.get(key, FIELDS[key]).split("|"):
        value: Any = row
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
