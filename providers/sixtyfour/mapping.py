"""From queries to Sixtyfour's leads, and from its results to answers."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw

from providers.base import decode, glance
from providers.batches import part_of
from providers.errors import MalformedResponse
from providers.model import Answer, Email, FindEmail, Kind
from providers.sixtyfour.wire import (
    BEST_FIRST,
    KINDS,
    NOT_FOUND,
    STATUSES,
    Entry,
    Job,
    Personal,
    Professional,
    Results,
)
from providers.values.links import to_domain
from providers.values.names import join_name
from providers.vocabulary import note, to_status


def to_lead(query: FindEmail) -> dict[str, str]:
    hints = query.hints
    lead = {
        "name": query.full_name or join_name(query.first_name, query.last_name),
        "first_name": query.first_name,
        "last_name": query.last_name,
        "company": query.company,
        "domain": query.domain,
        "linkedin": query.linkedin_url,
        "title": hints.job_title if hints else None,
        "phone": hints.phone if hints else None,
        "location": hints.location if hints else None,
    }
    return {name: value for name, value in lead.items() if value is not None}


def to_answer(query: FindEmail, job: Job, body: bytes) -> Answer:
    result = body if job.result is UNSET else job.result
    found = _found(query, result)
    cents = job.charge_amount if job.charge_amount is not None else found.cost_cents
    return Answer(data=to_email(query, found.entries), units=to_units(cents), raw=body)


def to_share(query: FindEmail, job: Job, at: int, of: int) -> Answer:
    """What a task of many says of one lead, and what falls to it of the task's charge.

    Assumed: results come in the order of the leads, whose members they echo.
    """
    results = _results(job)
    if len(results) != of:
        raise MalformedResponse("there are not as many results as leads", uncertain=True)
    own = _found(query, results[at])
    _check_echo(query, results[at])
    # What can't be read of another lead takes nothing from this one.
    found = [glance(result, type(own)) or type(own)([]) for result in results]
    costs = [one.cost_cents for one in found]
    charge = job.charge_amount
    if None not in costs and charge in (None, sum(cost or 0 for cost in costs)):
        units = to_units(costs[at])
    else:
        hits = [any(entry[0] for entry in one.entries if entry) for one in found]
        units = None if charge is None else part_of(to_units(charge) or 0, hits, at)
    return Answer(data=to_email(query, own.entries), units=units, raw=bytes(results[at]))


def to_units(cents: float | None) -> int | None:
    """Thousandths of a cent."""
    return None if cents is None else round(cents * 1000)


def _results(job: Job) -> list[Raw]:
    """An array, or an object that holds it: the documents say only that there are results."""
    if job.result is UNSET:
        raise MalformedResponse("there are no results", uncertain=True)
    if bytes(job.result).lstrip().startswith(b"["):
        return decode(job.result, list[Raw])
    return decode(job.result, Results).results


def _found(query: FindEmail, result: Raw | bytes) -> Professional | Personal:
    if query.kind == "personal":
        return decode(result, Personal)
    return decode(result, Professional)


def _check_echo(query: FindEmail, result: Raw) -> None:
    """By what says who it is; a title or a phone number may be put otherwise.

    A query is kept without its names once somebody in it has objected.
    """
    echo, lead = decode(result, dict[str, Any]), to_lead(query)
    for field in ("name", "domain", "linkedin"):
        told, sent = echo.get(field), lead.get(field)
        if isinstance(told, str) and sent and _plain(told) != _plain(sent):
            raise MalformedResponse("a result is of another lead", uncertain=True)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def to_email(query: FindEmail, entries: list[Entry]) -> Email | None:
    """The best address of the kind asked for."""
    emails = [email for email in (_to_email(query, entry) for entry in entries) if email]
    fitting = [email for email in emails if email.kind == query.kind]
    return min(fitting, key=lambda email: BEST_FIRST.index(email.status), default=None)


def _to_email(query: FindEmail, entry: Entry) -> Email | None:
    if len(entry) not in (2, 3):
        raise MalformedResponse("an address is not a pair or a triple", uncertain=True)
    address, word = entry[0], entry[1]
    if not address or word == NOT_FOUND:
        return None
    kind = to_kind(entry[2] if len(entry) == 3 else None) or query.kind
    return Email(
        email=address,
        status=to_status(STATUSES, word, provider="sixtyfour", field="status"),
        kind=kind,
        first_name=query.first_name,
        last_name=query.last_name,
        full_name=query.full_name or join_name(query.first_name, query.last_name),
        company=query.company,
        domain=(query.domain or to_domain(address)) if kind == "professional" else None,
        linkedin_url=query.linkedin_url,
    )


def to_kind(word: str | None) -> Kind | None:
    if word and word.upper() not in KINDS:
        note("sixtyfour", "type", word)
    return KINDS.get((word or "").upper())
