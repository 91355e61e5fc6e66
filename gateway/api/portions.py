"""Answers with more rows than were asked for: what a page serves of them, and what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.lookup.routing import LONGEST, Routing
from providers.model import Datum, DomainEmails

PAGED = ("domains.search", "contacts.search", "companies.search")
# Whatever page was served of an answer, the next is served of the same, however old it may be.
OF_THE_SAME: Mapping[str, Any] = {"max_age": LONGEST}


def going_on(routing: Routing | None, skip: int) -> Routing | None:
    """The routing of a page that begins after `skip` rows of what is bought already."""
    if not skip:
        return routing
    return msgspec.structs.replace(routing or Routing(), **OF_THE_SAME)


def portion(data: Datum | None, skip: int, limit: int) -> Datum | None:
    """`limit` rows after the first `skip`; an answer without rows as it is."""
    end = skip + limit
    if isinstance(data, list):
        return data[skip:end]
    if isinstance(data, DomainEmails):
        listed = len(data.emails)
        people = data.people[max(0, skip - listed) : max(0, end - listed)]
        return msgspec.structs.replace(data, emails=data.emails[skip:end], people=people)
    return data


def count_rows(data: Datum | None) -> int:
    if isinstance(data, DomainEmails):
        return len(data.emails) + len(data.people)
    return len(data) if isinstance(data, list) else 0
