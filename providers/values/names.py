"""Names of persons, whole and in parts."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# They belong to the family name that follows them.
_PARTICLES = """
af al ap av bin da das de del della dem den der di do dos du el ibn la le lo mac mc st ten ter van
vom von zu zum zur
"""
PARTICLES = frozenset(_PARTICLES.split())
# After a name, and no part of it.
_SUFFIXES = "jr sr ii iii iv v phd md dds esq mba cpa pe rn"
SUFFIXES = frozenset(_SUFFIXES.split())
_TITLES = "mr mrs ms miss mx dr prof sir dame"
TITLES = frozenset(_TITLES.split())
# Han, kana and hangul: who is written so has the family name first.
_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


class Name(NamedTuple):
    first: str
    last: str


def to_name(value: str | None) -> str | None:
    """NFC, single spaces, nothing that can't be seen; None if nothing is left."""
    text = unicodedata.normalize("NFC", value or "")
    if not text.isascii() or not text.isprintable():
        text = "".join(_seen(char) for char in text)
    return " ".join(text.split()) or None


def _seen(char: str) -> str:
    if char.isspace():
        return " "
    return "" if unicodedata.category(char) in _UNSEEN else char


def to_full_name(value: str | None) -> str | None:
    """In the order it is spoken: `LAST, First` is `First LAST`, a suffix goes last."""
    parts = [part for part in map(to_name, (value or "").split(",")) if part]
    suffixes = [part for part in parts[1:] if _bare(part) in SUFFIXES]
    names = [part for at, part in enumerate(parts) if not at or _bare(part) not in SUFFIXES]
    if len(names) == 2:
        names = [f"{names[1]} {names[0]}"]
    return ", ".join(names + suffixes) or None


def join_name(first: str | None, last: str | None) -> str | None:
    return " ".join(part for part in map(to_name, (first, last)) if part) or None


def split_name(full: str | None) -> Name | None:
    """First and last name where that is certain: two words, or particles between them.

    Titles and suffixes are no part of them. "Ana García López" is not certain: the second word
    may be a middle or a family name, and a wrong guess is paid for; nor is a name of Han, kana
    or hangul without a space.
    """
    words = (to_full_name(full) or "").replace(",", " ").split()
    while len(words) > 1 and _bare(words[-1]) in SUFFIXES:
        words = words[:-1]
    while len(words) > 1 and _bare(words[0]) in TITLES:
        words = words[1:]
    if len(words) < 2 or not all(word.lower() in PARTICLES for word in words[1:-1]):
        return None
    if all(map(_EASTERN.fullmatch, words)):
        return Name(words[1], words[0])
    return Name(words[0], " ".join(words[1:]))


def _bare(word: str) -> str:
    return word.replace(".", "").lower()
