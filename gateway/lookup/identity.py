"""What a query means: normalised for providers, folded for recognising it again."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any
from urllib.parse import unquote, urlsplit

import idna
import msgspec
from email_validator import EmailNotValidError, validate_email

from providers.model import (
    CountEmails,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Query,
    SearchDomain,
    VerifyEmail,
)

_SPACES = re.compile(r"\s+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
_PROFILE = re.compile(r"/(?:in|pub)/([^/?#]+)", re.IGNORECASE)


class QueryError(ValueError):
    """A query that can't be asked; `pointer` is a JSON pointer into it."""

    def __init__(self, pointer: str, details: str):
        super().__init__(details)
        self.pointer = pointer
        self.details = details


def normalise(query: Query) -> Query:
    """`query` as it is sent to providers. Raises QueryError."""
    changes: dict[str, Any] = {}
    for name in query.__struct_fields__:
        value = getattr(query, name)
        if isinstance(value, str):
            changes[name] = _CLEANERS.get(name, clean_text)(value, f"/{name}")
        elif isinstance(value, list) and name != "locations":
            changes[name] = [clean_text(item, f"/{name}/{at}") for at, item in enumerate(value)]
    query = msgspec.structs.replace(query, **changes)
    _require(query)
    return query


def clean_text(value: str, pointer: str) -> str:
    """NFC, single spaces, no control characters."""
    if value.isascii() and value.isprintable() and "  " not in value:
        text = value.strip()
    else:
        text = _SPACES.sub(" ", unicodedata.normalize("NFC", value)).strip()
    if not text:
        raise QueryError(pointer, "is empty; leave it out or give a value")
    if not text.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise QueryError(pointer, "has control characters, which are not allowed")
    return text


def clean_full_name(value: str, pointer: str) -> str:
    """Turn "LAST, First" into "First LAST"; a suffix such as ", Jr." stays behind."""
    text = clean_text(value, pointer)
    last, comma, first = (part.strip() for part in text.partition(","))
    if not comma or not first or not last:
        return text.strip(", ")
    if first.rstrip(".").lower() in _SUFFIXES:
        return text
    return f"{first} {last}"


_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "mba"})


def clean_domain(value: str, pointer: str) -> str:
    """Lower-case, IDNA, without scheme, path, port or `www.`."""
    text = clean_text(value, pointer)
    host = urlsplit(text if "//" in text else f"//{text}").netloc.rpartition("@")[2]
    host = host.partition(":")[0].strip(".").lower()
    host = host.removeprefix("www.")
    try:
        ascii_host = idna.encode(host, uts46=True).decode() if not host.isascii() else host
    except idna.IDNAError:
        raise QueryError(pointer, "is not a domain name such as example.com") from None
    labels = ascii_host.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise QueryError(pointer, "is not a domain name such as example.com")
    return ascii_host


def clean_email(value: str, pointer: str) -> str:
    """Lower-case, the domain in IDNA; plus-tags stay."""
    try:
        found = validate_email(value.strip(), check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        raise QueryError(pointer, "is not an e-mail address such as ada@example.com") from None
    domain = found.ascii_domain or found.domain
    return f"{found.local_part}@{domain}".lower()


def clean_linkedin_url(value: str, pointer: str) -> str:
    """`https://www.linkedin.com/in/<slug>` from any spelling of a profile's address."""
    text = clean_text(value, pointer)
    parts = urlsplit(text if "//" in text else f"//{text}")
    host = (parts.hostname or "").lower()
    slug = _PROFILE.match(parts.path)
    if slug is None or not (host == "linkedin.com" or host.endswith(".linkedin.com")):
        details = "is not a LinkedIn profile such as https://www.linkedin.com/in/ada-lovelace"
        raise QueryError(pointer, details)
    name = unicodedata.normalize("NFC", unquote(slug[1])).lower()
    return f"https://www.linkedin.com/in/{name}"


_CLEANERS = {
    "full_name": clean_full_name,
    "domain": clean_domain,
    "email": clean_email,
    "linkedin_url": clean_linkedin_url,
}


def _require(query: Query) -> None:
    match query:
        case FindEmail():
            named = (query.first_name and query.last_name) or query.full_name
            placed = query.domain or query.company
            if not query.linkedin_url and not (named and placed):
                details = (
                    "give first_name and last_name, or full_name, with domain or company; "
                    "or give linkedin_url"
                )
                raise QueryError("", details)
        case EnrichPerson() if not (query.email or query.linkedin_url):
            raise QueryError("", "give email or linkedin_url")
        case EnrichCompany() | SearchDomain() | CountEmails():
            if not (query.domain or query.company):
                raise QueryError("", "give domain or company")


def fold(text: str) -> str:
    """Case, accents and spacing removed; word order kept."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip().lower()
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _SPACES.sub(" ", bare).strip().casefold()


def canonical(query: Query) -> bytes:
    """The same bytes for every spelling of the same question; `query` is normalised."""
    fields = msgspec.to_builtins(query)
    if isinstance(query, FindEmail):
        fields["full_name"] = full_name_of(query)
        fields.pop("first_name", None)
        fields.pop("last_name", None)
    if fields.get("domain"):
        # With a domain the company's name is at most a hint to the same company.
        fields.pop("company", None)
    return msgspec.json.encode(_folded(fields), order="sorted")


def full_name_of(query: FindEmail) -> str:
    """First and last name as one, else the full name as given."""
    if query.first_name and query.last_name:
        return f"{query.first_name} {query.last_name}"
    return query.full_name or ""


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, list):
        return sorted((_folded(item) for item in value), key=msgspec.json.encode)
    if isinstance(value, dict):
        return {name: _folded(item) for name, item in value.items()}
    return value


def slot_of(parts: tuple[str, ...], canonical_query: bytes, key: bytes) -> str:
    """Name of the cache entry and flight of (operation, provider, space, page) and query.

    Keyed, so that the store's key names tell nothing about a person.
    """
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16, key=key)
    digest.update(b"\0" + canonical_query)
    return digest.hexdigest()


def is_about_a_person(query: Query) -> bool:
    """Whether an objection can concern this query."""
    return isinstance(query, FindEmail | VerifyEmail | EnrichPerson)
