"""Addresses on the web: domains, profiles, handles."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal
from urllib.parse import quote, unquote

import idna
from publicsuffixlist import PublicSuffixList

Page = Literal["in", "company"]
_LINKEDIN = re.compile(r"linkedin\.com/", re.IGNORECASE)
_AROUND_HANDLE = re.compile(r"^[@\s]+|\s+$")
_TAIL = re.compile(r"[?#]")
_PAGES = frozenset({"in", "company", "school", "showcase"})
_HOST = re.compile(r"(?:[^/?#@]*@)?([^/?#:@\s]+)")


def to_domain(value: str | None) -> str | None:
    """Lower-case host without scheme, path, port or `www.`, in IDNA."""
    text = (value or "").strip().lower().partition("//")
    host = _HOST.match(text[2] or text[0])
    name = host[1].strip(".").removeprefix("www.") if host else ""
    return _ascii(name) if "." in name else None


def to_site_domain(value: str | None) -> str | None:
    """The domain that an organisation registered, from the address of one of its pages."""
    host = to_domain(value)
    return (_suffixes().privatesuffix(host) or host) if host else None


@cache
def _suffixes() -> PublicSuffixList:
    """Read once, and not before it is needed: it takes a tenth of a second."""
    return PublicSuffixList()


def _ascii(host: str) -> str | None:
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return None


def to_website(value: str | None) -> str | None:
    """With a scheme."""
    text = (value or "").strip()
    if not text:
        return None
    return text if "://" in text else f"https://{text}"


def to_twitter(value: str | None) -> str | None:
    """The handle, from itself, with its @, or from the profile's address."""
    text = (value or "").strip().partition("?")[0].rstrip("/")
    return _AROUND_HANDLE.sub("", text.rpartition("/")[2]) or None


def to_linkedin_url(value: str | None, page: Page = "in") -> str | None:
    """One spelling of a profile's address, from any other or from a bare handle.

    An objection recognises a profile by it: case, language, query and encoding tell none apart.
    """
    text = (value or "").strip()
    if found := _LINKEDIN.search(text):
        path = text[found.end() :]
    else:
        path = "" if "://" in text else text if "/" in text.strip("/") else f"{page}/{text}"
    parts = [part for part in _TAIL.split(path, maxsplit=1)[0].split("/") if part.strip()]
    if len(parts) < 2:
        return None
    kept = parts[:2] if parts[0].lower() in _PAGES else parts
    return "https://www.linkedin.com/" + "/".join(map(_slug, kept))


def _slug(part: str) -> str:
    lower = unicodedata.normalize("NFC", unquote(part)).lower()
    return quote(unicodedata.normalize("NFC", lower), safe="")
