"""What Snov.io charges a single time for the same request, named alike whoever asks.

Assumed: that the account is not charged again however much later, and that addresses of prospects
are charged so, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from providers.values.links import to_domain

PROSPECTS = "prospects"
GENERIC = "generic-contacts"
ADDRESSES = "domain-emails"
_NAMES = {PROSPECTS: "prospects", GENERIC: "roles", ADDRESSES: "addresses"}


def mark_of(what: str, domain: str, *more: Iterable[Any]) -> str:
    """A domain, and what else makes the request unique; one without a domain is nobody's twin."""
    if not domain:
        return ""
    rest = [sorted(map(str, one)) for one in more]
    return json.dumps([what, to_domain(domain) or domain, *rest])


def company_mark(domain: str) -> str:
    return mark_of("company", domain)


def page_mark(name: str, domain: str, position: str, positions: Iterable[Any] = ()) -> str:
    """A page of one of the lists: `position` is its number or hash, '' for the first."""
    if name == PROSPECTS:
        return mark_of(_NAMES[name], domain, [position or "1"], positions)
    return mark_of(_NAMES[name], domain, [position] if position else [])


def prospect_mark(prospect: str) -> str:
    return f"prospect {prospect}"
