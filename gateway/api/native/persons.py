"""Whom a request is about: the marks by which an objection recognises them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import idna
from msgspec import Struct

from gateway.api.native.contents import Contents
from gateway.guard.suppression import marks_of_domains, marks_of_person
from gateway.lookup.identifiers import ADDRESS, DOT, LABEL, LONGEST_ADDRESS, PLAIN, profiles_in
from gateway.lookup.identity import QueryError, names_of, normalise
from gateway.lookup.spelling import clean_email
from providers.model import FindEmail

# Of so much text a thread takes care, while others are served.
AT_ONCE = 32 * 1024
# Each begins where a run begins, and possessively: linear whatever is sent.
_HOST = re.compile(rf"(?<!{LABEL}){LABEL}++(?:{DOT}{LABEL}++)++")
LONGEST_HOST = 253
_HANDLE = re.compile(r"/?(?:(?:in|pub)/)?([^/]+)/?", re.IGNORECASE)
HANDLES = ("linkedin_handle", "linkedin", "linkedin_url")
NAMES = (("first_name", "last_name"), ("firstName", "lastName"), ("first", "last"))
FULL = ("full_name", "fullName", "name")
PLACES = (("domain", "company_domain", "companySite"), ("company", "companyName"))


class Named(Struct, frozen=True):
    """`persons` are hashed, `domains` in clear; `sole` is true if it is about one person."""

    persons: tuple[str, ...]
    domains: tuple[str, ...]
    sole: bool

    @property
    def marks(self) -> tuple[str, ...]:
        return self.persons + self.domains


async def named_in(contents: Contents, key: bytes) -> Named:
    if sum(map(len, contents.texts)) <= AT_ONCE:
        return _named(contents, key)
    return await asyncio.to_thread(_named, contents, key)


def _named(contents: Contents, key: bytes) -> Named:
    emails = {found for text in contents.texts for found in _emails(text)}
    profiles = {found for text in contents.texts for found in profiles_in(text)}
    readings = [contents.fields, contents.likely]
    profiles |= set(_handles(readings))
    names = {name for one in _people(readings) for name in one}
    hosts = {host for text in contents.texts for host in _hosts(text)}
    marks = [mark for email in emails for mark in marks_of_person([email], None, [], key)]
    marks += [mark for url in profiles for mark in marks_of_person([], url, [], key)]
    marks += marks_of_person([], None, [*names], key)
    sole = max(len(emails), len(profiles), 1 if names else 0) == 1
    return Named(tuple(marks), tuple(marks_of_domains(hosts)), sole)


def _emails(text: str) -> Iterator[str]:
    if "@" not in text and "\uff20" not in text:
        return
    for candidate in {text, *ADDRESS.findall(text.replace("\uff20", "@"))}:
        bare = candidate[: LONGEST_ADDRESS + 1].strip().strip(".'\"")
        if PLAIN.fullmatch(bare):
            yield bare.lower()
        elif len(bare) <= LONGEST_ADDRESS:
            with contextlib.suppress(QueryError):
                yield clean_email(bare, "")


def _handles(fields: Any) -> Iterator[str]:
    """A bare handle, or one as its page is called, is a profile where a profile is asked for."""
    for record in _records(fields):
        for name in HANDLES:
            value = record.get(name)
            handle = _HANDLE.fullmatch(value.strip()) if isinstance(value, str) else None
            if handle is not None:
                yield from profiles_in(f"linkedin.com/in/{handle[1]}")


def _people(fields: Any) -> Iterator[list[bytes]]:
    """A name with a domain or a company beside it."""
    for record in _records(fields):
        full = _first(record, FULL) or " ".join(
            next((both for pair in NAMES if all(both := [_word(record, n) for n in pair])), [])
        )
        domain, company = (_first(record, names) for names in PLACES)
        if full and (domain or company):
            query = FindEmail(full_name=full, domain=domain or None, company=company or None)
            with contextlib.suppress(QueryError):
                yield names_of(normalise(query))


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _records(item)


def _first(record: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((word for name in names if (word := _word(record, name))), "")


def _word(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _hosts(text: str) -> Iterator[str]:
    for found in _HOST.findall(text):
        if len(found) > LONGEST_HOST:
            continue
        if found.isascii():
            yield found.lower()
            continue
        with contextlib.suppress(idna.IDNAError):
            yield idna.encode(found, uts46=True).decode()
