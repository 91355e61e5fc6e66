"""Words of providers that no table knows, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

from providers.model import Status

W = TypeVar("W")
Hook = Callable[[str, str, str], None]

# What looks like a word of a fixed vocabulary: nothing personal gets into a metric.
_WORD = re.compile(r"[A-Za-z_ -]{1,32}")
_OTHER = "(other)"
_DISTINCT = 256

unknown_words: Counter[tuple[str, str, str]] = Counter()
_hooks: list[Hook] = []


def on_unknown(hook: Hook) -> None:
    """Call `hook(provider, field, word)` whenever an unknown word is seen; once per hook."""
    if hook not in _hooks:
        _hooks.append(hook)


def note(provider: str, field: str, word: str) -> None:
    """Count a word that no table knows."""
    shown = word if _WORD.fullmatch(word) else _OTHER
    if (provider, field, shown) not in unknown_words and len(unknown_words) >= _DISTINCT:
        shown = _OTHER
    unknown_words[provider, field, shown] += 1
    for hook in _hooks:
        hook(provider, field, shown)


def to_status(
    table: Mapping[str, Status], word: str | None, *, provider: str, field: str
) -> Status:
    """Our word for the provider's, whatever its case; no word is `unknown`, a new one is noted."""
    if not word:
        return "unknown"
    found = table.get(word.strip().lower().replace(" ", "_"))
    if found is None:
        note(provider, field, word)
        return "unknown"
    return found


def to_word(
    find: Callable[[str], W | None], word: str | None, *, provider: str, field: str
) -> W | None:
    """Our word for the provider's, as `find` has it; no word is None, and so is a new one."""
    if not word:
        return None
    found = find(word)
    if found is None:
        note(provider, field, word)
    return found
