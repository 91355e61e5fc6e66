"""What shall be written into an account, or asked of it, in one spelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from gateway.lookup.spelling import (
    QueryError,
    clean_domain,
    clean_email,
    clean_full_name,
    clean_linkedin_url,
    clean_text,
)
from providers.accounts.drafts import LeadFilters, Span

S = TypeVar("S", bound=Struct)
Clean = Callable[[Any, str], Any]


def clean(draft: S) -> S:
    """`draft` as it is sent to providers. Raises QueryError."""
    changes = {
        name: CLEANERS.get(name, _clean_any)(value, f"/{name}")
        for name in draft.__struct_fields__
        if isinstance(value := getattr(draft, name), str | int | list | dict | Struct)
    }
    return replace(draft, **changes)


def _clean_any(value: Any, pointer: str) -> Any:
    """Any text; `notes` and values of custom fields may have lines."""
    if isinstance(value, str):
        return clean_text(value, pointer)
    if isinstance(value, Struct):
        given = {name: getattr(value, name) for name in value.__struct_fields__}
        fresh = {
            name: clean_text(text, f"{pointer}/{name}")
            for name, text in given.items()
            if isinstance(text, str)
        }
        return replace(value, **fresh)
    return value


def _clean_lines(value: str, pointer: str) -> str:
    if not all(char.isprintable() or char in "\n\r\t" for char in value):
        raise QueryError(pointer, "has control characters, which are not allowed")
    return value


def _clean_fields(value: Mapping[str, Any], pointer: str) -> dict[str, Any]:
    return {
        clean_text(key, pointer): _clean_lines(text, f"{pointer}/{key}")
        if isinstance(text, str)
        else text
        for key, text in value.items()
    }


def _clean_ids(value: list[Any], pointer: str) -> list[str]:
    return [clean_id(item, f"{pointer}/{at}") for at, item in enumerate(value)]


def clean_id(value: Any, pointer: str) -> str:
    return clean_text(str(value), pointer)


def _clean_emails(value: list[str], pointer: str) -> list[str]:
    return [clean_email(item, f"{pointer}/{at}") for at, item in enumerate(value)]


def _clean_items(value: list[str], pointer: str) -> list[str]:
    """Addresses and domains."""
    return [
        (clean_email if "@" in item else clean_domain)(item, f"{pointer}/{at}")
        for at, item in enumerate(value)
    ]


def _clean_url(value: str, pointer: str) -> str:
    fault = QueryError(pointer, "is not an address such as https://example.com/hook")
    try:
        parts = urlsplit(clean_text(value, pointer))
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise fault from None
    if not sound or " " in value.strip():
        raise fault
    return value.strip()


CLEANERS: Mapping[str, Clean] = {
    "email": clean_email,
    "full_name": clean_full_name,
    "domain": clean_domain,
    "linkedin_url": clean_linkedin_url,
    "notes": _clean_lines,
    "custom_fields": _clean_fields,
    "list_id": clean_id,
    "list_ids": _clean_ids,
    "lead_ids": _clean_ids,
    "emails": _clean_emails,
    "items": _clean_items,
    "url": _clean_url,
}


def clean_filters(filters: LeadFilters) -> LeadFilters:
    """Texts are parts of what they select by, hence no addresses yet. Raises QueryError."""
    changes: dict[str, Any] = {
        name: clean_id(value, f"/{name}")
        for name in filters.__struct_fields__
        if isinstance(value := getattr(filters, name), str | int)
    }
    custom = filters.custom_fields.items()
    changes["custom_fields"] = {
        clean_text(key, "/custom_fields"): clean_text(text, f"/custom_fields/{key}")
        for key, text in custom
    }
    return replace(filters, **changes)


def clean_span(span: Span) -> Span:
    """Days as they are written in ISO 8601. Raises QueryError."""
    for name in ("date_from", "date_to"):
        text = getattr(span, name)
        if text is not None and not _is_day(text):
            raise QueryError(f"/{name}", "is not a day such as 2026-01-31")
    if span.date_from and span.date_to and span.date_from > span.date_to:
        raise QueryError("/date_from", "is later than date_to")
    return span


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
