"""Our queries in Hunter's parameters, and which of them Hunter can take at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from providers.model import (
    AddressType,
    CountEmails,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Place,
    SearchCompanies,
    SearchDomain,
)
from providers.values.countries import to_country
from providers.values.places import to_us_state

# A search credit buys up to this many addresses, a page holds up to that many.
ROWS_PER_CREDIT = 10
MOST_ROWS = 100
TYPES: Mapping[AddressType | None, str] = {"person": "personal", "role": "generic"}
# Every row of a domain's list has an address.
REQUIRED = {
    "full_name": "full_name",
    "job_title": "position",
    "position": "position",
    "phone": "phone_number",
    "phone_number": "phone_number",
}


def is_findable(query: FindEmail) -> bool:
    placed = _is_named(query) and bool(query.domain or query.company)
    return query.kind == "professional" and (placed or bool(query.linkedin_url))


def _is_named(query: FindEmail) -> bool:
    return bool((query.first_name and query.last_name) or query.full_name)


def to_finder(query: FindEmail) -> dict[str, Any]:
    """By name and place; by the profile's handle only without them: which wins is not said."""
    if not (_is_named(query) and (query.domain or query.company)):
        return {"linkedin_handle": to_handle(query.linkedin_url)}
    return {
        **to_target(query),
        "first_name": query.first_name,
        "last_name": query.last_name,
        "full_name": None if query.first_name and query.last_name else query.full_name,
    }


def to_handle(url: str | None) -> str | None:
    """`ada-lovelace` of `https://www.linkedin.com/in/ada-lovelace`."""
    return unquote(url.rpartition("/")[2]) if url else None


def to_target(query: FindEmail | EnrichCompany | SearchDomain | CountEmails) -> dict[str, Any]:
    """The domain; the company's name only without it, as Hunter itself prefers."""
    return {"domain": query.domain, "company": None if query.domain else query.company}


def to_person(query: EnrichPerson) -> dict[str, Any]:
    handle = None if query.email else to_handle(query.linkedin_url)
    return {"email": query.email, "linkedin_handle": handle}


def to_search(query: SearchDomain, *, most: int, offset: int) -> dict[str, Any]:
    required = dict.fromkeys(REQUIRED[name] for name in query.required_fields if name in REQUIRED)
    return {
        **to_target(query),
        "type": TYPES.get(query.address_type),
        "seniority": _listed(query.seniorities),
        "department": _listed(query.departments),
        "job_titles": _listed(query.job_titles),
        "required_field": _listed([*required]),
        "limit": min(most, rows_of(query)),
        "offset": offset,
    }


def rows_of(query: SearchDomain) -> int:
    """The rows that a page of `limit` pays for: whole credits, so that none is half used."""
    return min(MOST_ROWS, -(-query.limit // ROWS_PER_CREDIT) * ROWS_PER_CREDIT)


def to_units(rows: int) -> int:
    """Thousandths of a search credit, one for each ten rows begun."""
    return -(-rows // ROWS_PER_CREDIT) * 1000


def worst_search(query: SearchDomain) -> int:
    return to_units(rows_of(query))


def is_discoverable(query: SearchCompanies) -> bool:
    """At least one filter, and none that Hunter would have to leave out."""
    unknown = query.functions or query.tlds or query.added_after or query.added_before
    known = query.locations or query.industries or query.technologies
    return bool(known) and not unknown and all(map(_is_placeable, query.locations))


def _is_placeable(place: Place) -> bool:
    """A country always; a state only of the United States."""
    country = to_country(place.country)
    return bool(country) and (not place.state or (country == "US" and _has_state(place)))


def _has_state(place: Place) -> bool:
    return to_us_state(place.state) is not None


def to_filters(query: SearchCompanies) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    if query.locations:
        filters["headquarters_location"] = {"include": [to_place(one) for one in query.locations]}
    if query.industries:
        filters["industry"] = {"include": query.industries}
    if query.technologies:
        filters["technology"] = {"match": "any", "include": query.technologies}
    return filters


def to_place(place: Place) -> dict[str, str]:
    parts = {
        "country": to_country(place.country),
        "state": to_us_state(place.state),
        "city": place.city,
    }
    return {name: value for name, value in parts.items() if value}


def _listed(words: Sequence[str]) -> str | None:
    return ",".join(words) or None
