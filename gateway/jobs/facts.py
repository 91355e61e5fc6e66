"""What a stored answer says of one person, and where that comes from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from gateway.lookup.subject import Subject, links_of, people_in


def decoded(body: bytes) -> Any:
    """None if it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def is_about(value: Any, subject: Subject) -> bool:
    return any(subject.shares(one) for one in people_in(value))


def rows_about(value: Any, subject: Subject) -> Any:
    """The rows of a list that are about the person, or the whole of an answer that is."""
    if isinstance(value, dict) and isinstance(value.get("people"), list):
        value = [*value.get("emails", ()), *value["people"]]
    if isinstance(value, list):
        return [row for row in value if is_about(row, subject)]
    return value if is_about(value, subject) else None


def sources_of(value: Any) -> list[str]:
    """The pages on which it was seen, by the provider's word."""
    rows = value if isinstance(value, list) else [value]
    return [
        source["url"]
        for row in rows
        if isinstance(row, dict)
        for source in row.get("sources") or ()
        if isinstance(source, dict) and isinstance(source.get("url"), str)
    ]


def facts_of(body: Any, subject: Subject) -> dict[str, Any]:
    """Members of a trace, out of a reply of the API."""
    if not isinstance(body, dict):
        return {}
    meta, data = body.get("meta") or {}, body.get("data")
    rows = rows_about(data, subject)
    provenance = data.get("provenance") if isinstance(data, dict) else None
    fetched = (provenance or {}).get("fetched_at")
    return {
        "provider": meta.get("provider") or "",
        "operation": meta.get("operation") or "",
        "obtained": None if fetched is None else _millis(fetched),
        "sources": sources_of(rows),
        "data": rows,
        "links": links_of(data, subject),
    }


def _millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
