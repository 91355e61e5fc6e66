"""Names of persons who objected, as keyed hashes that can't be read back; of domains, in clear."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from providers.model import EnrichPerson, FindEmail, Query, VerifyEmail


def marks_of(query: Query, names: list[bytes], key: bytes) -> list[str]:
    """Every identifier of the query by which an objection is recognised.

    E-mail addresses with their plus-tag folded away, profile URLs, and `names`, the person at
    each place the query knows of, for a 451 that names nobody.
    """
    emails, profile = [], None
    if isinstance(query, VerifyEmail | EnrichPerson) and query.email:
        emails = [query.email]
    if isinstance(query, FindEmail | EnrichPerson):
        profile = query.linkedin_url
    return marks_of_person(emails, profile, names, key)


def marks_of_address(email: str, key: bytes) -> list[str]:
    """The identifiers of an address found in an answer."""
    return marks_of_person([email], None, [], key)


def marks_of_person(
    emails: Iterable[str], profile: str | None, names: Iterable[bytes], key: bytes
) -> list[str]:
    """Every identifier of a person in an answer; `names` as in `marks_of`."""
    found = [b"person:" + name for name in names]
    found += [b"email:" + fold_tag(email.lower()).encode() for email in emails]
    if profile:
        found.append(b"profile:" + profile.encode())
    return [_mark(name, key) for name in found]


def marks_of_companies(names: Iterable[str], key: bytes) -> list[str]:
    """Of companies asked for by name alone; `names` are folded."""
    return [_mark(b"company:" + name.encode(), key) for name in names]


def marks_of_domains(hosts: Iterable[str]) -> list[str]:
    """Of each host itself and every domain above it: an objected domain covers what is below.

    `hosts` are lower-case and in IDNA. Domains are no persons: their marks can be read.
    """
    found: set[str] = set()
    for host in hosts:
        labels = host.split(".")
        found.update(".".join(labels[at:]) for at in range(len(labels) - 1))
    return [f"domain:{domain}" for domain in sorted(found)]


def mark_of_domain(domain: str) -> str:
    """Of an objection to it."""
    return f"domain:{domain}"


def is_domain(mark: str) -> bool:
    return mark.startswith("domain:")


def fold_tag(email: str) -> str:
    """`ada+news@example.com` is `ada@example.com` to an objection; a plus in front is no tag."""
    local, _, domain = email.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _mark(name: bytes, key: bytes) -> str:
    return hashlib.blake2b(name, digest_size=16, key=key).hexdigest()
