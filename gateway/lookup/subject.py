"""One person, by all the identifiers that are known, and whether something names that person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct, field

from gateway.guard.suppression import fold_tag, marks_of_person
from gateway.lookup.flags import flags_of
from gateway.lookup.identifiers import emails_in, profiles_in, text_of
from gateway.lookup.identity import QueryError, fold, fold_name
from gateway.lookup.spelling import (
    clean_domain,
    clean_email,
    clean_full_name,
    clean_linkedin_url,
)

FULL = ("full_name", "fullName", "name")
PARTS = (("first_name", "last_name"), ("firstName", "lastName"))
PLACES = ("domain", "company", "company_domain", "companySite", "companyName", "organization")
_RUN = re.compile(r"[a-z0-9]+")


class Subject(Struct):
    """E-mail addresses without tags, profiles, names as name, NUL, place; in one spelling."""

    emails: set[str] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.emails or self.profiles or self.names)

    def marks(self, key: bytes) -> list[str]:
        names = [name.encode() for name in sorted(self.names)]
        found = marks_of_person(sorted(self.emails), None, names, key)
        for profile in sorted(self.profiles):
            found += marks_of_person([], profile, [], key)
        return found

    def shares(self, other: Subject) -> bool:
        return not (
            self.emails.isdisjoint(other.emails)
            and self.profiles.isdisjoint(other.profiles)
            and self.names.isdisjoint(other.names)
        )

    def learn(self, other: Subject) -> bool:
        """Whether that was news."""
        known = (len(self.emails), len(self.profiles), len(self.names))
        self.emails |= other.emails
        self.profiles |= other.profiles
        self.names |= other.names
        return known != (len(self.emails), len(self.profiles), len(self.names))

    def is_named_in(self, body: bytes) -> bool:
        """Whether a body names the person: by address or profile, or by name and place in one
        record.
        """
        text = _all_of(body)
        if not self.emails.isdisjoint(map(fold_tag, emails_in(text))):
            return True
        if not self.profiles.isdisjoint(profiles_in(text)):
            return True
        return bool(self.names) and any(self.shares(one) for one in people_in(_decoded(body)))

    def may_be_named_in(self, body: bytes) -> bool:
        """The same, or all the words of the name and its place are there, wherever they stand."""
        if self.is_named_in(body):
            return True
        folded = fold(_all_of(body)) if self.names else ""
        return any(_has_words(folded, name) for name in self.names)

    def needles(self) -> list[list[str]]:
        """Lower-case texts: what names the person in plain letters has all those of some list."""
        found = [email.split("@") for email in sorted(self.emails)]
        found += [[profile.rpartition("/")[2].lower()] for profile in sorted(self.profiles)]
        names = {name.partition("\0")[0] for name in self.names}
        # A name without a plain letter is in what is looked into anyway.
        return [*found, *filter(None, (_RUN.findall(name) for name in sorted(names)))]

    def may_be_meant_in(self, text: bytes) -> bool:
        """The same, for what people write: a name of several words needs no place there."""
        words = fold(_all_of(text)) if self.names else ""
        names = [name.partition("\0")[0] for name in self.names]
        return self.may_be_named_in(text) or any(
            " " in name and _has_words(words, f"{name}\0") for name in names
        )


def _all_of(body: bytes) -> str:
    text = text_of(body)
    return f"{text}\n{unquote(text)}" if "%" in text else text


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _has_words(folded: str, name: str) -> bool:
    who, _, place = name.partition("\0")
    return place in folded and all(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", folded) for word in who.split()
    )


def subject_of(
    email: str | None = None,
    linkedin_url: str | None = None,
    full_name: str | None = None,
    domain: str | None = None,
) -> Subject:
    """The person so named. Raises QueryError unless it is one."""
    found = Subject()
    if email is not None:
        found.emails.add(fold_tag(clean_email(email, "/email")))
    if linkedin_url is not None:
        found.profiles.add(clean_linkedin_url(linkedin_url, "/linkedin_url"))
    if (full_name is None) != (domain is None):
        missing = "/full_name" if full_name is None else "/domain"
        raise QueryError(missing, "is missing: a name tells a person only together with a domain")
    if full_name is not None and domain is not None:
        name = fold_name(clean_full_name(full_name, "/full_name"))
        if not _is_name(name):
            raise QueryError("/full_name", "has no letters")
        found.names.add(f"{name}\0{clean_domain(domain, '/domain')}")
    if not found:
        raise QueryError("", "give email, linkedin_url, or full_name with domain")
    return found


def people_in(value: Any) -> Iterator[Subject]:
    """Each record below `value` that names somebody, outermost first; JSON that was decoded."""
    if isinstance(value, dict):
        if found := _record(value):
            yield found
        value = list(value.values())
    elif isinstance(value, str):
        found = Subject(_folded(emails_in(value)), set(profiles_in(value)))
        if found:
            yield found
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict | list):
                yield from people_in(item)


def links_of(value: Any, subject: Subject) -> Subject:
    """What else the records that name the person call them.

    An address that many use links nobody.
    """
    found = Subject()
    for record in people_in(value):
        if _is_of(record, subject):
            found.learn(record)
    return found


def kin_of(values: Iterable[Any], subject: Subject) -> Subject:
    """What else the one person is called whom all of these are about, if it is this one."""
    heads = [head for value in values if (head := next(people_in(value), None))]
    found = Subject()
    for head in heads if any(_is_of(head, subject) for head in heads) else ():
        found.learn(head)
    return found


def _is_of(record: Subject, subject: Subject) -> bool:
    by_address = record.emails & subject.emails
    return record.shares(subject) and not any(flags_of(email)[2] for email in by_address)


def _record(value: Mapping[str, Any]) -> Subject | None:
    texts = [*value, *_texts(value.values())]
    listed = value.get("emails")
    for item in listed if isinstance(listed, list) else ():
        # A person's addresses are records of their own, with what is known of each.
        texts += _texts([item.get("email")]) if isinstance(item, dict) and _is_named(value) else []
    found = Subject()
    for text in texts:
        found.emails |= _folded(emails_in(text))
        found.profiles |= set(profiles_in(text))
    found.names |= _names(value, found.emails)
    return found or None


def _texts(values: Iterable[Any]) -> list[str]:
    found = []
    for value in values:
        items = value if isinstance(value, list) else [value]
        found += [item for item in items if isinstance(item, str)]
    return found


def _is_named(value: Mapping[str, Any]) -> bool:
    return any(value.get(name) for name in (*FULL, *(part for pair in PARTS for part in pair)))


def _names(value: Mapping[str, Any], emails: set[str]) -> set[str]:
    words = {name: text for name, text in value.items() if isinstance(text, str)}
    names = {words[name] for name in FULL if words.get(name)}
    names |= {f"{words[a]} {words[b]}" for a, b in PARTS if words.get(a) and words.get(b)}
    company = value.get("company")
    places = {words[name] for name in PLACES if words.get(name)}
    if isinstance(company, dict):
        places |= set(_texts([company.get("name"), company.get("domain")]))
    known = {_place(place) for place in places} | {email.rpartition("@")[2] for email in emails}
    folded = set(filter(_is_name, map(_name, names)))
    return {f"{name}\0{place}" for name in folded for place in known if place}


def _is_name(folded: str) -> bool:
    """What is made of stops and signs alone would be found wherever its place is."""
    return any(map(str.isalnum, folded))


def _name(text: str) -> str:
    try:
        return fold_name(clean_full_name(text, ""))
    except QueryError:
        return fold_name(text)


def _place(text: str) -> str:
    try:
        return clean_domain(text, "")
    except QueryError:
        return fold(text)


def _folded(emails: Iterable[str]) -> set[str]:
    return {fold_tag(email) for email in emails}
