"""Secrets that must be nowhere, every form in which they could be somewhere, and the search."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

# What tells one encoding from another, and may be in a header and a variable.
ODD = "+/=%&~?"


@dataclass(frozen=True)
class Canary:
    """`core` is the random part, which nothing else has, even if the text is cut or changed.

    `raw` are the bytes that the text stands for, if it does.
    """

    name: str
    text: str
    core: str
    raw: bytes = b""

    def __repr__(self) -> str:
        return f"Canary({self.name!r})"


def made(name: str) -> Canary:
    core = secrets.token_hex(12)
    return Canary(name, f"cnry{ODD}{core}{ODD}x", core)


def plain(name: str) -> Canary:
    """For a place where odd characters would have to be written otherwise."""
    core = secrets.token_hex(12)
    return Canary(name, f"cnry-{core}", core)


def master(name: str) -> Canary:
    raw = secrets.token_bytes(32)
    text = base64.b64encode(raw).decode()
    return Canary(name, text, text[4:-4], raw)


def issued(name: str, text: str) -> Canary:
    """A text that the gateway or a provider made: what is random in it is its last part."""
    return Canary(name, text, text.rpartition("_")[2])


def whole(name: str, text: str) -> Canary:
    """A text that is random from its first to its last character."""
    return Canary(name, text, text)


def forms(canary: Canary) -> Iterator[tuple[str, bytes]]:
    """Each way of writing it, and its name."""
    text = canary.text
    yield "as it is", text.encode()
    yield "in part", canary.core.encode()
    yield "in JSON", json.dumps(text)[1:-1].encode()
    for safe in ("", "/", "+/=&?~ "):
        yield "URL-encoded", quote(text, safe=safe).encode()
        yield "URL-encoded in small letters", _small(quote(text, safe=safe)).encode()
    yield "form-encoded", quote_plus(text).encode()
    yield "every character URL-encoded", "".join(f"%{byte:02X}" for byte in text.encode()).encode()
    if canary.raw:
        yield "as bytes", canary.raw
    for plain_text in filter(None, (text.encode(), canary.core.encode(), canary.raw)):
        yield "in hexadecimal", plain_text.hex().encode()
        yield "in capital hexadecimal", plain_text.hex().upper().encode()
        for middle in aligned(plain_text):
            yield "in base64", middle
            yield "in URL-safe base64", middle.translate(bytes.maketrans(b"+/", b"-_"))


def _small(quoted: str) -> str:
    parts = quoted.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def aligned(text: bytes) -> Iterator[bytes]:
    """What is sure of `text` in base64 after none, one and two other bytes."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + text)
        # The first and the last character may hold bits of a neighbour.
        yield whole[-(-before * 8 // 6) : (before + len(text)) * 8 // 6]


def leaks(corpora: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[str]:
    """Which canary is where, and in what form."""
    found = []
    for canary in canaries:
        sought: dict[bytes, str] = {}
        for form, written in forms(canary):
            sought.setdefault(written, form)
        found += [
            f"{canary.name} {form} in {place}"
            for written, form in sought.items()
            for place, corpus in corpora.items()
            if written in corpus
        ]
    return found
