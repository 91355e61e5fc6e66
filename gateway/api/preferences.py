"""How a caller wants to be answered: `Prefer` (RFC 7240) and `?include=`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.api.problems import invalid

DEFAULT_WAIT = 20.0
LONGEST_WAIT = 60.0
PARTS = ("raw", "plan")
_SECONDS = re.compile(r"[0-9]{1,9}")


def wait_of(prefer: str) -> float:
    """Seconds the caller waits; 0 for a job at once. A preference not understood is ignored."""
    named: dict[str, str] = {}
    for preference in prefer.split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        named.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = named.get("wait", "")
    if _SECONDS.fullmatch(wait):
        return min(LONGEST_WAIT, float(wait))
    return 0.0 if "respond-async" in named else DEFAULT_WAIT


def parts_of(include: Iterable[str]) -> set[str]:
    """What the reply shall hold besides: repeated or with commas. Raises Problem (422)."""
    asked = {part for text in include for part in text.split(",") if part}
    unknown = sorted(asked.difference(PARTS))
    if unknown:
        raise invalid("/include", f"is not one of {', '.join(PARTS)}")
    return asked
