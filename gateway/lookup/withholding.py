"""Persons who objected are taken out of lists, and of providers' own replies."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gateway.lookup.marking import ERASED, Row, marks_in_raws, marks_of_row, rows_of
from gateway.store.connection import Store
from providers.model import Answer, Company, Datum, DomainEmails, Person

AT_ONCE = 1000
# Reading a longer reply is left to a thread.
SHORT = 32 * 1024


async def struck(store: Store, root: str, marks: Iterable[str]) -> frozenset[str]:
    """Those of the marks that an objection has. Raises StoreDown."""
    asked = list(dict.fromkeys(marks))
    found = {mark for mark in asked if mark == ERASED}
    for first in range(0, len(asked), AT_ONCE):
        some = asked[first : first + AT_ONCE]
        hits = await store.call("SMISMEMBER", f"{root}suppressed", *some)
        found.update(mark for mark, hit in zip(some, hits, strict=True) if hit)
    return frozenset(found)


async def withhold(store: Store, root: str, data: Datum | None, key: bytes) -> Datum | None:
    """`data` without rows of suppressed persons and domains; single answers are checked where
    they settle.
    """
    marks = _marks_of(rows_of(data), key)
    if not marks:
        return data
    return without(data, await struck(store, root, _flat(marks)), marks)


async def sift(store: Store, root: str, answer: Answer, key: bytes) -> None:
    """`withhold` for a list that is to be kept: a reply it was read from goes with the row."""
    marks = _marks_of(rows_of(answer.data), key)
    if not marks:
        return
    raw = await _read([answer.raw], key)
    hits = await struck(store, root, [*_flat(marks), *raw])
    if hits:
        answer.data = without(answer.data, hits, marks)
        answer.raw = b""


async def clear(
    store: Store, root: str, raws: Mapping[str, bytes], key: bytes
) -> dict[str, bytes]:
    """The replies that name nobody who objected."""
    marks = {provider: await _read([raw], key) for provider, raw in raws.items()}
    hits = await struck(store, root, _flat(marks))
    return {provider: raw for provider, raw in raws.items() if hits.isdisjoint(marks[provider])}


async def _read(raws: list[bytes], key: bytes) -> list[str]:
    if sum(map(len, raws)) <= SHORT:
        return marks_in_raws(raws, key)
    return await asyncio.to_thread(marks_in_raws, raws, key)


def _marks_of(rows: Iterable[Row], key: bytes) -> dict[int, list[str]]:
    return {id(row): marks_of_row(row, key) for row in rows}


def _flat(marks: Mapping[Any, list[str]]) -> list[str]:
    return [mark for row in marks.values() for mark in row]


def without(
    data: Datum | None, hits: Collection[str], marks: Mapping[int, list[str]]
) -> Datum | None:
    """The list without the rows that have one of `hits`; `marks` by the identity of each row."""
    kept = {name for name, named in marks.items() if not any(mark in hits for mark in named)}
    if isinstance(data, DomainEmails):
        data.emails = [row for row in data.emails if id(row) in kept]
        data.people = [row for row in data.people if id(row) in kept]
        return data
    people = [row for row in data if isinstance(row, Person)] if isinstance(data, list) else []
    firms = [row for row in data if isinstance(row, Company)] if isinstance(data, list) else []
    left: Datum = [row for row in people if id(row) in kept]
    return left or [row for row in firms if id(row) in kept]
