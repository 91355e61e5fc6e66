"""What callers send: queries of the vocabulary, with routing, tag and cursor."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from gateway.api.problems import invalid
from gateway.lookup.routing import PATTERN, Routing
from providers.model import (
    QUERIES,
    CountEmails,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Query,
    SearchCompanies,
    SearchContacts,
    SearchDomain,
    VerifyEmail,
)
from providers.registry import ADAPTERS

Tag = Annotated[str, Meta(max_length=64, description="for usage reports")]
CursorText = Annotated[str, Meta(min_length=1, max_length=4096)]


class FindEmailBody(FindEmail, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None


class VerifyEmailBody(VerifyEmail, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None


class EnrichPersonBody(EnrichPerson, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None


class EnrichCompanyBody(EnrichCompany, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None


class SearchDomainBody(SearchDomain, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None
    cursor: CursorText | None = None


class CountEmailsBody(CountEmails, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None


class SearchContactsBody(SearchContacts, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None
    cursor: CursorText | None = None


class SearchCompaniesBody(SearchCompanies, frozen=True, kw_only=True):
    routing: Routing | None = None
    tag: Tag | None = None
    cursor: CursorText | None = None


def to_query(operation: str, body: Any) -> Query:
    """The query in a body."""
    kind = QUERIES[operation]
    return kind(**{name: getattr(body, name) for name in kind.__struct_fields__})


def check_routing(routing: Routing | None, prefix: str = "") -> None:
    """Refuse what no provider of this installation knows."""
    if routing is None:
        return
    for at, name in enumerate(routing.providers or ()):
        if name not in (*ADAPTERS, PATTERN):
            details = f"{name!r} is not one of {', '.join((*ADAPTERS, PATTERN))}"
            raise invalid(f"{prefix}/providers/{at}", details)
