"""The reply a lookup ends in: data, meta, and why there is none."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.lookup.attempts import Attempt
from gateway.lookup.judge import Outcome
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.outlook import PlanView, to_view
from gateway.lookup.provenance import provenance_of
from gateway.money.amounts import to_money
from gateway.vault.bench import WAITS
from providers.model import Datum, DomainEmails, Provenance

LISTS = ("contacts.search", "companies.search")


class Meta(Struct, kw_only=True):
    """`cost` is money posted for this call, `in_doubt` money held until it is known.

    `plan` is what was planned before anybody was asked.
    """

    request_id: str
    operation: str
    outcome: Outcome
    complete: bool
    provider: str | None
    cached: bool
    cost: str
    in_doubt: str
    currency: str
    elapsed_ms: int
    attempts: list[Attempt]
    sandbox: bool | UnsetType = UNSET
    next_cursor: str | UnsetType | None = UNSET
    total: int | UnsetType | None = UNSET
    raw: dict[str, Any] | UnsetType = UNSET
    plan: PlanView | UnsetType = UNSET


class Delivery(Struct):
    """`data` is an object, a list, or null."""

    data: Any
    meta: Meta


def deliver(
    lookup: Lookup,
    *,
    request_id: str,
    currency: str,
    sandbox: bool,
    raw: bool,
    plan: bool,
    elapsed: float,
) -> Delivery:
    """What the caller reads of a finished lookup; `elapsed` in seconds."""
    answer = lookup.answer
    meta = Meta(
        request_id=request_id,
        operation=lookup.operation,
        outcome=outcome_of(lookup),
        complete=bool(lookup.winner) or not (lookup.failures or _left_open(lookup)),
        provider=answer.provider if answer else None,
        cached=answer.cached if answer else lookup.all_cached,
        cost=to_money(lookup.tally.posted),
        in_doubt=to_money(lookup.tally.in_doubt),
        currency=currency,
        elapsed_ms=round(elapsed * 1000),
        attempts=lookup.attempts,
    )
    if sandbox:
        meta.sandbox = True
    if answer is not None and answer.total is not None:
        meta.total = answer.total
    if raw:
        meta.raw = {name: _embed(body) for name, body in lookup.raws.items()}
    if plan and lookup.course is not None:
        meta.plan = to_view(lookup.course, currency)
    return Delivery(_data(lookup, answer), meta)


# A provider that was passed over for one of these might have had the answer.
OPEN_REASONS = frozenset({"over_budget", "timed_out", "rate_limited", "circuit_open", *WAITS})


def _left_open(lookup: Lookup) -> bool:
    return any(item.reason in OPEN_REASONS for item in lookup.attempts)


def _data(lookup: Lookup, answer: Candidate | None) -> Datum | None:
    if answer is None or answer.data is None:
        return [] if lookup.operation in LISTS else None
    return _signed(answer.data, provenance_of(answer))


def _signed(data: Datum, provenance: Provenance) -> Datum:
    """The data with its provenance, also on each row of a list."""
    if isinstance(data, list):
        for row in data:
            row.provenance = provenance
        return data
    data.provenance = provenance
    if isinstance(data, DomainEmails):
        for email in data.emails:
            email.provenance = provenance
        for person in data.people:
            person.provenance = provenance
    return data


def _embed(body: bytes) -> Any:
    """The provider's JSON as it came; anything else as text."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", errors="replace")
    return msgspec.Raw(body)


def outcome_of(lookup: Lookup) -> Outcome:
    """How the lookup ended, if it has an answer or a clean miss."""
    if lookup.winner:
        return "accepted"
    return "weak" if lookup.best else "empty"
