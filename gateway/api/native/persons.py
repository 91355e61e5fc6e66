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
from gateway.lookup.identifiers import (
    ADDRESS,
    DOT,
    LABEL,
    LONGEST_ADDRESS,
    PLAIN,
    behind_words,
    profiles_in,
)
from gateway.lookup.identity import QueryError, fold, fold_name
from gateway.lookup.spelling import clean_domain, clean_email, clean_full_name, clean_text

# Of so much text a thread takes care, while others are served.
AT_ONCE = 32 * 1024
# Each begins where a run begins, and possessively: linear whatever is sent.
_HOST = re.compile(rf"(?<!{LABEL}){LABEL}++(?:{DOT}{LABEL}++)++")
LONGEST_HOST = 253
_HANDLE = re.compile(r"/?(?:(?:in|pub)/)?([^/]+)/?", re.IGNORECASE)
HANDLES = ("linkedin_handle", "linkedin", "linkedin_url")
NAMES = (("first_name", "last_name"), ("firstName", "lastName"), ("first", "last"))
FULL = ("full_name", "fullName", "name")
DOMAINS = ("domain", "company_domain", "companySite", "website")
COMPANIES = ("company", "companyName", "company_name")


class Named(Struct, frozen=True):
    """`persons` and those who may be meant are hashed, `domains` in clear; `sole` is true if it is
    about one person.
    """

    persons: tuple[str, ...]
    maybe: tuple[str, ...]
    domains: tuple[str, ...]
    sole: bool

    @property
    def marks(self) -> tuple[str, ...]:
        return self.persons + self.maybe + self.domains


async def named_in(contents: Contents, key: bytes) -> Named:
    if sum(map(len, contents.texts)) <= AT_ONCE:
        return _named(contents, key)
    return await asyncio.to_thread(_named, contents, key)


def _named(contents: Contents, key: bytes) -> Named:
    emails = {found for text in contents.texts for found in _emails(text)}
    profiles = {found for text in contents.texts for found in profiles_in(text)}
    readings = [contents.fields, contents.likely]
    profiles |= set(_handles(readings))
    people = {*_people(readings)}
    hosts = {host for text in contents.texts for host in _hosts(text)}
    marks = marks_of_person(emails, None, {name for one in people for name in one}, key)
    marks += [mark for url in profiles for mark in marks_of_person([], url, [], key)]
    maybe = marks_of_person(behind_words(emails), None, [], key)
    called = {frozenset(name.partition(b"\0")[0] for name in one) for one in people}
    sole = max(len(emails), len(profiles), len(called)) == 1
    return Named(tuple(marks), tuple(maybe), tuple(marks_of_domains(hosts)), sole)


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


def _people(fields: Any) -> Iterator[frozenset[bytes]]:
    """Of each record its names with each domain and company beside it, also that of an address."""
    for record in _records(fields):
        places = {*_places(record)}
        names = {*_names(record)} if places else ()
        if found := frozenset(f"{one}\0{place}".encode() for one in names for place in places):
            yield found


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    pairs = (" ".join(both) for pair in NAMES if len(both := [*_words(record, pair)]) == 2)
    for full in (*_words(record, FULL), *pairs):
        with contextlib.suppress(QueryError):
            yield fold_name(clean_full_name(full, ""))


def _places(record: Mapping[str, Any]) -> Iterator[str]:
    hosts = (email.rpartition("@")[2] for email in _words(record, ("email",)))
    for domain in (*_words(record, DOMAINS), *hosts):
        with contextlib.suppress(QueryError):
            yield clean_domain(domain, "")
    for company in _words(record, COMPANIES):
        with contextlib.suppress(QueryError):
            yield fold(clean_text(company, ""))


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _records(item)


def _words(record: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            yield value.strip()


def _hosts(text: str) -> Iterator[str]:
    for found in _HOST.findall(text):
        if len(found) > LONGEST_HOST:
            continue
        if found.isascii():
            yield found.lower()
            continue
        with contextlib.suppress(idna.IDNAError):
            yield idna.encode(found, uts46=True).decode()
