"""What several providers say of one person or company, put together field by field.

Whoever was asked first is believed; of the others only what is missing is taken, and nothing that
belongs to a contradiction: no job title of another employer, half of no other band of headcounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from gateway.lookup.identifiers import spell_email, spell_profile
from gateway.lookup.identity import fold, fold_name
from gateway.lookup.judge import is_blank, judge
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.provenance import provenance_of
from providers.model import Company, Datum, EnrichCompany, EnrichPerson, Person

T = TypeVar("T", Person, Company)

NAMES = ("full_name", "first_name", "last_name")
EMPLOYMENT = ("company", "domain", "job_title", "seniority", "department")
HEADCOUNT = ("headcount", "headcount_min", "headcount_max")


def is_merged(lookup: Lookup) -> bool:
    """Whether the answers of several providers make one."""
    query = lookup.query
    return isinstance(query, EnrichPerson | EnrichCompany) and bool(query.want)


def merged(lookup: Lookup, candidate: Candidate) -> Candidate:
    """What is known so far with what the candidate adds to it, if it is about the same one."""
    known, data = lookup.best, candidate.data
    if candidate.outcome == "empty" or not isinstance(data, Person | Company):
        return candidate
    candidate.origins = dict.fromkeys(_told(data), provenance_of(candidate))
    if isinstance(data, Person):
        for email in data.emails:
            email.provenance = provenance_of(candidate)
            email.provenance.fields = msgspec.UNSET
    if known is None or (joint := join(known.data, data)) is None:
        return candidate
    if candidate.outcome == "accepted" and _lacks(lookup, joint):
        # What is wanted contradicts what is known: one source that has it all is the answer.
        return candidate
    return Candidate(
        data=joint,
        provider=known.provider,
        outcome=candidate.outcome,
        cached=known.cached and candidate.cached,
        fetched_at=min(known.fetched_at, candidate.fetched_at),
        credential=known.credential,
        origins={
            name: (known.origins if name in known.origins else candidate.origins)[name]
            for name in _told(joint)
        },
    )


def _lacks(lookup: Lookup, joint: Person | Company) -> bool:
    return judge(lookup.query, joint, lookup.route.accept) != "accepted"


def _told(data: Person | Company) -> list[str]:
    """The fields that say something."""
    members = msgspec.structs.asdict(data).items()
    return [name for name, value in members if name != "provenance" and not is_blank(value)]


def join(known: Datum | None, other: Datum | None) -> Person | Company | None:
    """Both as one; None if they are not about the same person or company."""
    if isinstance(known, Person) and isinstance(other, Person):
        if _differ(known.linkedin_url, other.linkedin_url, spell_profile):
            return None
        joint = _filled(known, other, _open_of_person(known, other))
        joint.emails = _all_emails(known, other)
        return joint
    if isinstance(known, Company) and isinstance(other, Company):
        if _differ(known.domain, other.domain, str.lower):
            return None
        return _filled(known, other, _open_of_company(known))
    return None


def _filled(known: T, other: T, open_: Sequence[str]) -> T:
    """A copy in which what is missing is the other's, of the fields that are open."""
    fresh = {name: getattr(other, name) for name in open_ if is_blank(getattr(known, name))}
    return msgspec.structs.replace(known, **fresh)


def _open_of_person(known: Person, other: Person) -> list[str]:
    closed: set[str] = set()
    if any(_differ(getattr(known, name), getattr(other, name), fold_name) for name in NAMES):
        closed.update(NAMES)
    if _is_elsewhere(known, other):
        closed.update(EMPLOYMENT)
    return _fields(known, closed)


def _open_of_company(known: Company) -> list[str]:
    has_band = any(getattr(known, name) is not None for name in HEADCOUNT)
    return _fields(known, HEADCOUNT if has_band else ())


def _fields(data: Person | Company, closed: Any) -> list[str]:
    return [name for name in data.__struct_fields__ if name not in {"provenance", *closed}]


def _is_elsewhere(known: Person, other: Person) -> bool:
    """Whether they name two employers; by their domains, if both give one."""
    if known.domain and other.domain:
        return _differ(known.domain, other.domain, str.lower)
    return _differ(_employer(known), _employer(other), fold)


def _employer(person: Person) -> str | None:
    return person.company.name if isinstance(person.company, Company) else person.company


def _differ(one: str | None, other: str | None, spelled: Any) -> bool:
    return bool(one and other) and spelled(one) != spelled(other)


def _all_emails(known: Person, other: Person) -> list[Any]:
    held = {spell_email(email.email) for email in known.emails}
    return [*known.emails, *_unknown(other, held)]


def _unknown(person: Person, held: set[str]) -> Iterator[Any]:
    for email in person.emails:
        if spell_email(email.email) not in held:
            yield email
