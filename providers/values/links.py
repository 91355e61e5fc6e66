"""Addresses on the web: domains, profiles, handles."""

from __future__ import annotations

import re
from typing import Literal

import idna

Page = Literal["in", "company"]
_HOST = re.compile(r"(?:[^/?#@]*@)?([^/?#:@\s]+)")


def to_domain(value: str | None) -> str | None:
    """Lower-case host without scheme, path, port or `www.`, in IDNA."""
    text = (value or "").strip().lower().partition("//")
    host = _HOST.match(text[2] or text[0])
    name = host[1].strip(".").removeprefix("www.") if host else ""
    return _ascii(name) if "." in name else None


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


def to_linkedin_url(value: str | None, page: Page = "in") -> str | None:
    """A full address, from any spelling of one or from a bare handle."""
    text = (value or "").strip().strip("/")
    if not text:
        return None
    path = text.partition("linkedin.com/")[2].partition("?")[0].strip("/")
    if not path and "/" in text and "://" not in text:
        path = text
    return f"https://www.linkedin.com/{path or f'{page}/{text}'}"
