"""Addresses and profiles in text of any kind, in the one spelling that objections know."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gateway.lookup.spelling import QueryError, clean_email, clean_linkedin_url

LONGEST_ADDRESS = 320
# Of names of hosts: letters, the signs that some scripts write on them, and what shows nothing,
# which a name is the same without.
LABEL = (
    r"[\w\u00ad\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    r"\u200b-\u200d-]"
)
DOT = r"[.\u3002\uff0e\uff61]"
# Each begins where a run begins, and possessively: linear whatever is sent. An apostrophe is part
# of the word that it is in, as of o'neil; one before or behind a word quotes it.
_LOCAL = r"[^\s\"'<>()\[\]{},;:/?@\\&=|]"
ADDRESS = re.compile(
    rf"(?<!{_LOCAL})(?<!{_LOCAL}'){_LOCAL}++(?:'{_LOCAL}++)*+@(?:{LABEL}|{DOT})++"
)
# What needs no cleaning: nearly all there are.
PLAIN = re.compile(
    r"[a-z0-9]++(?:[._+-][a-z0-9]++)*+@[a-z0-9-]++(?:\.[a-z0-9-]++)++", re.IGNORECASE
)
_PROFILE = re.compile(r"linkedin\.com\.?(?::\d{1,5})?/+([^\s\"'<>?#]+)", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|/)", re.IGNORECASE)


def spell_email(text: str) -> str:
    """The address as a normalised query would have it; lower-case if it is none."""
    text = text.strip()
    if PLAIN.fullmatch(text):
        return text.lower()
    try:
        return clean_email(text, "")
    except QueryError:
        return text.lower()


def spell_profile(text: str) -> str:
    """The profile's address as a normalised query would have it; as it is if it is none."""
    try:
        return clean_linkedin_url(text, "")
    except QueryError:
        return text


def emails_in(text: str) -> Iterator[str]:
    if "@" not in text and "\uff20" not in text:
        return
    for candidate in ADDRESS.findall(text.replace("\uff20", "@")):
        bare = candidate[: LONGEST_ADDRESS + 1].strip(".'\"")
        if len(bare) <= LONGEST_ADDRESS:
            yield spell_email(bare)


def behind_words(emails: Iterable[str]) -> set[str]:
    """What else addresses may be that have an apostrophe: d'ada@a.example is one of `ada`, with a
    word of its text before it. That is enough to ask whether somebody objected, and for no more.
    """
    parts = {email.rpartition("'")[2] for email in emails if "'" in email}
    return {part for part in parts if not part.startswith("@")}


def without_emails(text: str, instead: str) -> str:
    return ADDRESS.sub(instead, text) if "@" in text else text


def profiles_in(text: str) -> Iterator[str]:
    for found in _PROFILE.findall(text):
        with contextlib.suppress(QueryError):
            yield clean_linkedin_url(f"https://www.linkedin.com/{found}", "")


def text_of(body: bytes) -> str:
    """All that a body says, one piece a line, its escapes undone; JSON, cut short, or none."""
    try:
        return "\n".join(_pieces(msgspec.json.decode(body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return unescaped(body.decode("utf-8", errors="replace"))


def unescaped(text: str) -> str:
    """What is no JSON to us, as those who take it for JSON read its strings."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else "/", text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _pieces(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pieces(item)
