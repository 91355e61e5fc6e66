"""Whom a question or an answer is about: the marks by which an objection recognises them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from gateway.guard.suppression import (
    marks_of,
    marks_of_companies,
    marks_of_domains,
    marks_of_person,
)
from gateway.lookup.identifiers import (
    behind_words,
    emails_in,
    profiles_in,
    spell_email,
    spell_profile,
    text_of,
)
from gateway.lookup.identity import fold, fold_name, names_of, normalise
from gateway.lookup.spelling import QueryError, clean_domain, clean_full_name
from gateway.money.terms import ObjectionKind
from providers.model import (
    QUERIES,
    Company,
    CountEmails,
    Datum,
    DomainEmails,
    Email,
    EmailCount,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Person,
    Query,
    SearchDomain,
    Verification,
    VerifyEmail,
)

# Stands where an address was erased; a row with it is shown to nobody.
NOBODY = "nobody@nowhere.invalid"
ERASED = "erased"

Row = Email | Person | Company


class Asked(Struct, frozen=True):
    """`persons` are hashed, `places` domains in clear and companies hashed."""

    persons: list[str]
    places: list[str]
    kind: ObjectionKind


def asked_of(query: Query, key: bytes) -> Asked:
    """Marks of a normalised query; `kind` of the identifier that names its person best."""
    if getattr(query, "email", None) == NOBODY:
        return Asked([], [], "person")
    persons = marks_of(query, names_of(query), key)
    places = marks_of_domains(_hosts_of(query))
    if isinstance(query, EnrichCompany | SearchDomain | CountEmails) and not query.domain:
        places += marks_of_companies([fold(query.company or "")], key)
    return Asked(persons, places, _kind_of(query))


def marks_of_question(operation: str, text: bytes, key: bytes) -> list[str]:
    """Marks of a question as it was handed in; of one that can't be asked, of those it names."""
    try:
        asked = asked_of(normalise(msgspec.json.decode(text, type=QUERIES[operation])), key)
    except (msgspec.MsgspecError, QueryError, ValueError, RecursionError):
        return marks_in_text(text.decode(errors="replace"), key)
    return [*asked.persons, *asked.places]


def _hosts_of(query: Query) -> list[str]:
    domain = getattr(query, "domain", None)
    email = getattr(query, "email", None)
    company = getattr(query, "company", None)
    hosts = (domain, _host_of(email or ""), _host_named(company or ""))
    return [host for host in hosts if host]


def _host_named(company: str) -> str:
    """That of a company which is called by its domain; '' for a name."""
    if "." not in company:
        return ""
    try:
        return clean_domain(company, "")
    except QueryError:
        return ""


def _kind_of(query: Query) -> ObjectionKind:
    if isinstance(query, VerifyEmail | EnrichPerson) and query.email:
        return "email"
    if isinstance(query, FindEmail | EnrichPerson) and query.linkedin_url:
        return "linkedin_url"
    return "person"


def marks_in(data: Datum | None, key: bytes) -> list[str]:
    """Of whom, or of which domain, an answer is about; rows of a list are others."""
    match data:
        case Verification():
            return _marks([spell_email(data.email)], None, [], [], key)
        case Email() | Person() | Company():
            return marks_of_row(data, key)
        case DomainEmails():
            return [*marks_of_domains(filter(None, [data.domain])), *marks_in(data.company, key)]
        case EmailCount():
            return marks_of_domains(filter(None, [data.domain]))
        case _:
            return []


def rows_of(data: Datum | None) -> Sequence[Row]:
    """Those of a list."""
    if isinstance(data, DomainEmails):
        return [*data.emails, *data.people]
    return data if isinstance(data, list) else []


def marks_of_rows(data: Datum | None, key: bytes) -> list[str]:
    """The identifiers by which an objection recognises those in a list."""
    return [mark for row in rows_of(data) for mark in marks_of_row(row, key)]


def marks_of_row(row: Row, key: bytes) -> list[str]:
    """Address, profile, domains, and the name at its places: a 451 may know any of them."""
    if isinstance(row, Company):
        return marks_of_domains(filter(None, [row.domain]))
    listed = [row.email] if isinstance(row, Email) else [item.email for item in row.emails]
    emails = [spell_email(email) for email in listed]
    company = row.company if isinstance(row.company, Company) else Company(name=row.company)
    hosts = [host for host in (row.domain, company.domain) if host]
    profile = spell_profile(row.linkedin_url) if row.linkedin_url else None
    places = [*hosts, company.name, *map(_host_of, emails)]
    names = names_at(row.first_name, row.last_name, row.full_name, places)
    return _marks(emails, profile, names, hosts, key)


def _marks(
    emails: list[str], profile: str | None, names: list[bytes], hosts: list[str], key: bytes
) -> list[str]:
    found = marks_of_person(emails, profile, names, key)
    found += [ERASED] if NOBODY in emails else []
    return found + marks_of_domains([*hosts, *filter(None, map(_host_of, emails))])


def names_at(
    first: str | None, last: str | None, full: str | None, places: Iterable[str | None]
) -> list[bytes]:
    """As a question would name the person, at each place that is known."""
    parts = f"{first} {last}" if first and last else ""
    names = {fold_name(_in_order(name)) for name in (parts, full) if name}
    known = {fold(place) for place in places if place}
    return [f"{name}\0{place}".encode() for name in names for place in known if name]


def _in_order(name: str) -> str:
    try:
        return clean_full_name(name, "") if "," in name else name
    except QueryError:
        return name


def _host_of(email: str) -> str:
    return email.rpartition("@")[2]


def marks_in_text(text: str, key: bytes) -> list[str]:
    """Of every address, with its domain, and every profile that a text names."""
    emails = set(emails_in(text))
    emails |= behind_words(emails)
    found = {*marks_of_person(emails, None, [], key), *marks_of_domains(map(_host_of, emails))}
    for profile in profiles_in(text):
        found.update(marks_of_person([], profile, [], key))
    return sorted(found)


def marks_in_raws(raws: Iterable[bytes], key: bytes) -> list[str]:
    """Of whomever the providers' own replies name by address or profile."""
    return [mark for raw in raws for mark in marks_in_text(text_of(raw), key)]


class Named(Struct):
    """Whom a reply is about, and who is a row of it or stands in a provider's own reply."""

    persons: list[str]
    rows: list[str]


def named_in(asked: Asked, data: Datum | None, raws: Mapping[str, bytes], key: bytes) -> Named:
    """Of a reply that is kept to be given again."""
    persons = [*asked.persons, *asked.places, *marks_in(data, key)]
    return Named(persons, [*marks_of_rows(data, key), *marks_in_raws(raws.values(), key)])
