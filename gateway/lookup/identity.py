"""What a query means: normalised for providers, folded for recognising it again."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any

import msgspec

from gateway.lookup.spelling import (
    QueryError,
    clean_domain,
    clean_email,
    clean_full_name,
    clean_linkedin_url,
    clean_moment,
    clean_text,
)
from providers.model import (
    CountEmails,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Query,
    SearchCompanies,
    SearchDomain,
)

__all__ = ["QueryError", "canonical", "normalise", "slot_of"]

_SPACES = re.compile(r"\s+")
_QUOTES, _DASHES = "\u2018\u2019\u02bc\u00b4\u2032", "\u2010\u2011\u2012\u2013\u2014\u2212"
_MARKS = str.maketrans(dict.fromkeys(_QUOTES, "'") | dict.fromkeys(_DASHES, "-"))
# Letters that Unicode does not take apart into a plain one and its stroke.
_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe"}
)
_STOPS = str.maketrans(".,", "  ")
# As they come apart where they are written with full stops.
_DEGREES = re.compile(r"(?<= )(?:ph d|m d|d d s|m b a|c p a|r n)(?= |$)")
# Told apart by their exact spelling: two accents, two mailboxes or profiles.
_EXACT = ("email", "domain", "linkedin_url")


def normalise(query: Query) -> Query:
    """`query` as it is sent to providers. Raises QueryError."""
    changes = {
        name: _cleaned(value, name, f"/{name}")
        for name in query.__struct_fields__
        if isinstance(value := getattr(query, name), str | list | msgspec.Struct)
    }
    query = msgspec.structs.replace(query, **changes)
    _require(query)
    return query


def _cleaned(value: Any, name: str, pointer: str) -> Any:
    if isinstance(value, str):
        return _CLEANERS.get(name, clean_text)(value, pointer)
    if isinstance(value, list):
        return [_cleaned(item, "", f"{pointer}/{at}") for at, item in enumerate(value)]
    if isinstance(value, msgspec.Struct):
        members = msgspec.structs.asdict(value).items()
        fresh = {name: _cleaned(item, "", f"{pointer}/{name}") for name, item in members}
        return msgspec.structs.replace(value, **fresh)
    return value


_CLEANERS = {
    "full_name": clean_full_name,
    "domain": clean_domain,
    "email": clean_email,
    "linkedin_url": clean_linkedin_url,
    "added_after": clean_moment,
    "added_before": clean_moment,
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
        case SearchCompanies(added_after=str(after), added_before=str(before)) if after > before:
            raise QueryError("/added_after", "is later than added_before")


def fold(text: str) -> str:
    """Case, accents and spacing removed; word order kept."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip().lower()
    decomposed = unicodedata.normalize("NFKD", text.translate(_MARKS)).casefold()
    letters = unicodedata.normalize("NFKD", decomposed).translate(_STROKES)
    bare = "".join(char for char in letters if not _is_accent(char))
    return _SPACES.sub(" ", bare).strip()


def _is_accent(char: str) -> bool:
    """Also what shows nothing. Other scripts' combining marks are letters: が is not か."""
    return "\u0300" <= char <= "\u036f" or unicodedata.category(char) == "Cf"


def fold_name(name: str) -> str:
    """A person's name: full stops and commas tell nobody apart either."""
    return _SPACES.sub(" ", fold(name).translate(_STOPS)).strip()


def _joined(name: str) -> str:
    """A folded name in which "Ph.D." is what "PhD" is."""
    return _DEGREES.sub(lambda found: found[0].replace(" ", ""), name)


def canonical(query: Query) -> bytes:
    """The same bytes for every spelling of the same question; `query` is normalised."""
    fields = msgspec.to_builtins(query)
    if isinstance(query, FindEmail):
        fields["full_name"] = _joined(fold_name(full_name_of(query)))
        fields.pop("first_name", None)
        fields.pop("last_name", None)
    # What has to be known decides who else is asked, and not what anyone is asked.
    fields.pop("want", None)
    if not fields.get("hints"):
        fields.pop("hints", None)
    if fields.get("domain"):
        # With a domain the company's name is at most a hint to the same company.
        fields.pop("company", None)
    folded = {name: value if name in _EXACT else _folded(value) for name, value in fields.items()}
    return msgspec.json.encode(folded, order="sorted")


def names_of(query: Query) -> list[bytes]:
    """The person asked for, at each place the query names, whatever is asked about them."""
    if not isinstance(query, FindEmail):
        return []
    name = fold_name(full_name_of(query))
    names = dict.fromkeys([name, _joined(name)] if name else [])
    places = [query.domain, fold(query.company or "")]
    return [f"{one}\0{place}".encode() for place in places if place for one in names]


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
