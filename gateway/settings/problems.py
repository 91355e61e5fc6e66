"""What is wrong with a configuration, in words that say how to mend it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.settings.secret import mask_url

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN_LENGTH = 80


class SettingsError(Exception):
    """The configuration cannot be used; `str()` names every problem, one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Place(NamedTuple):
    """Where a value stands, and the list that takes what is wrong with it."""

    key: str
    origin: str
    problems: list[str]

    def inside(self, key: str) -> Place:
        shown = key if _BARE_KEY.fullmatch(key) else f'"{key}"'
        return self._replace(key=f"{self.key}.{shown}" if self.key else shown)

    def complain(self, what: str) -> None:
        """Add a problem that shows no value."""
        self.problems.append(f"{self.key} ({self.origin}): {what}")

    def refuse(self, value: object, expected: str) -> None:
        """Add a problem that shows the value and what is allowed instead."""
        self.problems.append(f"{self.key} = {_show(value)} ({self.origin}): expected {expected}")


def suggest(wrong: str, allowed: Iterable[str]) -> str:
    """The closest of `allowed`, or all of them, as the end of a sentence about `wrong`."""
    known = sorted(allowed)
    close = difflib.get_close_matches(wrong, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known) or 'none'}"


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "[" + ", ".join(_show(item) for item in value) + "]"
    text = repr(mask_url(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"
