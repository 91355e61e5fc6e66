"""Is an answer good enough? One pure function per kind of answer."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from gateway.lookup.identifiers import spell_email
from providers.model import (
    Company,
    Datum,
    DomainEmails,
    Email,
    EmailCount,
    EnrichCompany,
    EnrichPerson,
    Person,
    Query,
    Status,
    Verification,
)

Outcome = Literal["accepted", "weak", "empty"]


class Accept(Struct, frozen=True, kw_only=True):
    """`max_bounce` is the chance of bouncing that an address may have, None for any."""

    statuses: tuple[Status, ...] = ("valid",)
    min_confidence: int = 0
    max_bounce: float | None = None


def judge(query: Query, data: Datum | None, accept: Accept) -> Outcome:
    """accepted stops the waterfall, weak is kept, empty is not."""
    match data:
        case None | []:
            return "empty"
        case Email():
            return _judge_email(data, accept)
        case Verification():
            return "weak" if data.status == "unknown" else "accepted"
        case EmailCount():
            return "weak" if data.total == 0 and data.webmail else "accepted"
        case DomainEmails():
            return "accepted" if data.emails or data.people else "empty"
        case Person() | Company():
            return _judge_facts(query, data)
        case _:
            return "accepted"


def _judge_email(found: Email, accept: Accept) -> Outcome:
    enough = (found.confidence or 0) >= accept.min_confidence
    if enough and found.status in accept.statuses:
        return "accepted"
    return "empty" if found.status in ("invalid", "disposable") else "weak"


def wanting_nothing(query: Query) -> Query:
    """The question as one that any answer beyond the input answers."""
    if isinstance(query, EnrichPerson | EnrichCompany) and query.want:
        return msgspec.structs.replace(query, want=[])
    return query


def _judge_facts(query: Query, data: Person | Company) -> Outcome:
    if not tells_more(query, data):
        return "empty"
    wanted = query.want if isinstance(query, EnrichPerson | EnrichCompany) else []
    return "accepted" if all(_is_told(query, data, name) for name in wanted) else "weak"


def had_of(query: Query, data: Datum | None) -> dict[str, bool]:
    """Of each field that is wanted, whether the answer has it; empty for what is no answer."""
    if not isinstance(query, EnrichPerson | EnrichCompany):
        return {}
    if not isinstance(data, Person | Company) or not tells_more(query, data):
        return {}
    return {name: _is_told(query, data, name) for name in query.want}


def _is_told(query: Query, data: Person | Company, name: str) -> bool:
    """Whether a field is there; of addresses, another than that which was asked about."""
    value = getattr(data, name, None)
    if name == "emails" and isinstance(query, EnrichPerson) and isinstance(data, Person):
        return any(spell_email(item.email) != query.email for item in data.emails)
    return not is_blank(value)


def tells_more(query: Query, data: Person | Company) -> bool:
    """Whether any field beyond the input is there."""
    given = set()
    if isinstance(query, EnrichPerson):
        # The domain stands in the address.
        given = {query.email, query.linkedin_url, (query.email or "").rpartition("@")[2]}
    if isinstance(query, EnrichCompany):
        given = {query.domain, query.company}
    return any(value not in given for value in _facts(data))


def _facts(data: Person | Company) -> list[str]:
    facts = []
    for name, value in msgspec.structs.asdict(data).items():
        if name in ("provenance", "website") or is_blank(value):
            continue
        if name == "emails":
            facts += [spell_email(item.email) for item in value]
        else:
            facts.append(str(value))
    return facts


def is_blank(value: object) -> bool:
    """Whether a field says nothing."""
    if isinstance(value, Struct):
        return all(map(is_blank, msgspec.structs.astuple(value)))
    return value is None or value == []


_STRENGTH = {"valid": 3, "catch_all": 2, "unknown": 1}


def strength(data: Datum) -> tuple[int, int]:
    """Ranks weak answers: catch_all before unknown, then confidence."""
    if isinstance(data, Email):
        return _STRENGTH.get(data.status, 0), data.confidence or 0
    return 0, 0
