"""Names as mail systems write them: plain letters, by one of a few habits."""

from __future__ import annotations

import re
import unicodedata
from itertools import product
from typing import Literal

from msgspec import Struct

Letters = Literal["plain", "german", "nordic"]
Family = Literal["joined", "hyphened", "dropped", "last"]
Given = Literal["whole", "first"]


class Style(Struct, frozen=True, order=True):
    """A habit.

    `letters`: ü is u, or ue; ø is o, or oe, and å a, or aa. `family`: "van der Berg" is
    vanderberg, van-der-berg, berg (without its particles); "García López" is also lopez (its last
    word). `given`: "Anna Maria" is annamaria, or anna.
    """

    letters: Letters = "plain"
    family: Family = "joined"
    given: Given = "whole"


_LETTERS: tuple[Letters, ...] = ("plain", "german", "nordic")
_FAMILIES: tuple[Family, ...] = ("joined", "hyphened", "dropped", "last")
_GIVENS: tuple[Given, ...] = ("whole", "first")
# The plainest first: a name without particles or accents is the same in all of them.
STYLES = tuple(
    Style(letters, family, given)
    for given, family, letters in product(_GIVENS, _FAMILIES, _LETTERS)
)
# Letters that Unicode does not take apart into a plain one and its stroke.
_STROKES = {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
            "ħ": "h", "ŧ": "t", "\u0131": "i"}  # fmt: skip
_TABLES = {
    "plain": str.maketrans(_STROKES),
    "german": str.maketrans(_STROKES | {"ä": "ae", "ö": "oe", "ü": "ue"}),
    "nordic": str.maketrans(_STROKES | {"ø": "oe", "å": "aa", "ä": "ae", "ö": "oe"}),
}
# They belong to the family name that follows them.
PARTICLES = frozenset(
    [
        "af",
        "al",
        "ap",
        "av",
        "bin",
        "da",
        "das",
        "de",
        "del",
        "della",
        "den",
        "der",
        "di",
        "do",
        "dos",
        "du",
        "el",
        "ibn",
        "la",
        "le",
        "lo",
        "mac",
        "mc",
        "st",
        "ten",
        "ter",
        "van",
        "vom",
        "von",
        "zu",
        "zum",
        "zur",
    ]
)
_SILENT = str.maketrans(dict.fromkeys("'\u2019\u02bc\u00b4`."))
_BREAKS = re.compile(r"[\s\-\u2010-\u2015]+")


def plain(text: str, letters: Letters) -> str:
    """a-z and 0-9; empty if a letter has no such spelling (王)."""
    written = unicodedata.normalize("NFC", text.casefold())
    written = written.translate(_TABLES[letters]).translate(_SILENT)
    bare = "".join(
        char for char in unicodedata.normalize("NFKD", written) if not unicodedata.combining(char)
    )
    return bare if bare.isascii() and bare.isalnum() else ""


def parts_of(name: str, style: Style, *, family: bool) -> str:
    """The name as `style` writes it; empty if it can't be written."""
    words = [word for word in _BREAKS.split(name.strip()) if word.translate(_SILENT)]
    folded = [plain(word, style.letters) for word in words]
    if not folded or not all(folded):
        return ""
    if not family:
        return folded[0] if style.given == "first" else "".join(folded)
    match style.family:
        case "joined":
            return "".join(folded)
        case "hyphened":
            return "-".join(folded)
        case "dropped":
            kept = [word for word in folded if word not in PARTICLES]
            return "".join(kept or folded)
        case "last":
            return folded[-1]
