"""One key for every spelling of a name, a domain, an address or a profile URL."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "\u0131": "i"}
    | dict.fromkeys("'`\u2019\u00b4", "")
)


@lru_cache(maxsize=1 << 17)
def fold(text: str) -> str:
    """Drop case, accents and punctuation: `O'Connell` and `oconnell` are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    letters = (c for c in decomposed if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def natural_order(name: str) -> str:
    """`Berg, Anna` as `Anna Berg`; anything else as it is."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma and first.strip() else name


def to_local_part(text: str) -> str:
    return fold(text).replace(" ", "")


def to_domain(text: str) -> str:
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower())
    return host.split("/")[0].split("?")[0].removeprefix("www.").rstrip(".")


def is_domain(text: str) -> bool:
    return bool(re.fullmatch(r"(?!-)[\w-]{1,63}(?:\.(?!-)[\w-]{1,63})+", text)) and len(text) < 254


def is_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(re.fullmatch(r"[^\s@,;<>()\[\]]{1,64}", local)) and is_domain(domain)


def to_profile(url: str) -> str:
    """The handle of a profile URL, or of a bare handle."""
    path = re.sub(r"^.*/in/", "", url.strip().casefold())
    return path.split("?")[0].split("#")[0].strip("/")
