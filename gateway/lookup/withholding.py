"""Rows about persons who objected are taken out of lists before anyone reads them."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.guard.suppression import marks_of_person
from gateway.lookup.identity import fold_name
from gateway.store.connection import Store
from providers.model import Datum, DomainEmails, Email, Person


async def withhold(store: Store, root: str, data: Datum | None, key: bytes) -> Datum | None:
    """`data` without rows of suppressed persons; single answers are checked where they settle."""
    rows = _rows(data)
    if not rows:
        return data
    kept = await _kept(store, root, rows, key)
    if isinstance(data, DomainEmails):
        data.emails = [row for row in data.emails if id(row) in kept]
        data.people = [row for row in data.people if id(row) in kept]
        return data
    return [row for row in rows if isinstance(row, Person) and id(row) in kept]


def marks_of_rows(data: Datum | None, key: bytes) -> list[str]:
    """The identifiers by which an objection recognises the persons in a list."""
    return [mark for row in _rows(data) for mark in marks_of_row(row, key)]


def _rows(data: Datum | None) -> Sequence[Email | Person]:
    if isinstance(data, DomainEmails):
        return [*data.emails, *data.people]
    if isinstance(data, list):
        return [row for row in data if isinstance(row, Person)]
    return []


async def _kept(store: Store, root: str, rows: Sequence[Email | Person], key: bytes) -> set[int]:
    """Identities of the rows that nobody objects to; one call for all of them."""
    marks = [marks_of_row(row, key) for row in rows]
    flat = [mark for row in marks for mark in row]
    if not flat:
        return {id(row) for row in rows}
    hits = await store.call("SMISMEMBER", f"{root}suppressed", *flat)
    objected = {mark for mark, hit in zip(flat, hits, strict=True) if hit}
    return {id(row) for row, named in zip(rows, marks, strict=True) if objected.isdisjoint(named)}


def marks_of_row(row: Email | Person, key: bytes) -> list[str]:
    """Address, profile, and the name at its domain: a 451 may know a person by any of them."""
    emails = [row.email] if isinstance(row, Email) else [item.email for item in row.emails]
    name = fold_name(row.full_name or f"{row.first_name or ''} {row.last_name or ''}")
    names = [f"{name}\0{row.domain}".encode()] if name and row.domain else []
    return marks_of_person(emails, row.linkedin_url, names, key)
