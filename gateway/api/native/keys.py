"""Where callers put their keys, and how a request looks without them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from email.message import Message
from itertools import pairwise
from urllib.parse import unquote_plus

from providers.native import NativeApi
from providers.relay import Header

ACCOUNT_FIELD = "credential"
ACCOUNT_HEADER = b"x-gateway-credential"
# Any key of the gateway, and any token that it gave for one.
KEY_LIKE = re.compile(r"pgw_[0-9a-f]{12}_[0-9A-Za-z]{38}|pgt_[0-9a-f]{12}_[0-9]{10}_[0-9a-f]{40}")
_NAME = re.compile(rb'name="?([^";\r\n]*)"?', re.IGNORECASE)
_json = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\r\n]*")


def keys_in_head(api: NativeApi, headers: Iterable[Header], query: bytes) -> list[str]:
    """Whatever may be a key, the likeliest first."""
    found = []
    for name, value in headers:
        if name == b"authorization":
            scheme, space, rest = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                found.append(rest.strip())
            elif api.bare and not space:
                found.append(scheme)
        elif name == b"x-api-key":
            found.append(value.strip())
    texts = [text.decode("latin-1") for text in found]
    return [text for text in (*texts, *fields_in(query, api.query_keys)) if text]


def fields_in(query: bytes, names: Collection[str]) -> list[str]:
    pairs = (pair.partition(b"=") for pair in query.split(b"&"))
    return [_plain(value) for name, _, value in pairs if _plain(name) in names]


def cut_query(query: bytes, names: Collection[str]) -> bytes:
    """The query, or a form, without the fields of these names; every other byte stays."""
    pairs = query.split(b"&")
    return b"&".join(pair for pair in pairs if _plain(pair.partition(b"=")[0]) not in names)


def _plain(text: bytes) -> str:
    return unquote_plus(text.decode("utf-8", "replace"))


def cut_body(body: bytes, media: str, names: Collection[str]) -> bytes:
    """The body without the fields of these names, as form, JSON or parts; other bytes stay."""
    if not names or not body:
        return body
    if media.lower().startswith("multipart/form-data"):
        return _cut_parts(body, media, names)
    if body.lstrip()[:1] == b"{":
        return _cut_members(body, names)
    return cut_query(body, names)


def _cut_members(body: bytes, names: Collection[str]) -> bytes:
    """Text that is no JSON object is left as it is."""
    try:
        text = body.decode()
        members = [*_members(text)]
    except ValueError:
        return body
    kept = [span for name, span in members if name not in names]
    if len(kept) == len(members):
        return body
    head, tail = text[: members[0][1].start], text[members[-1][1].stop :]
    return (head + _joined(text, [span for _, span in members], kept) + tail).encode()


def _joined(text: str, spans: Sequence[slice], kept: Sequence[slice]) -> str:
    """What stood between two members stays in front of the second."""
    before = {later.start: text[sooner.stop : later.start] for sooner, later in pairwise(spans)}
    parts = [before.get(span.start, "") + text[span] for span in kept]
    first = kept[0] if kept else None
    return "".join(parts)[len(before.get(first.start, "")) :] if first else ""


def _members(text: str) -> Iterator[tuple[str, slice]]:
    """Name and place of each member of a JSON object. Raises ValueError."""
    at = _skip(text, _skip(text, 0, "{"))
    if text[at : at + 1] == "}":
        return
    while True:
        name, after = _json.raw_decode(text, at)
        _, end = _json.raw_decode(text, _skip(text, _skip(text, after, ":")))
        yield str(name), slice(at, end)
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            return
        at = _skip(text, _skip(text, at, ","))


def _skip(text: str, at: int, wanted: str = "") -> int:
    """Past white space, and past `wanted` behind it."""
    found = _SPACE.match(text, at)
    at = found.end() if found else at
    if not text.startswith(wanted, at):
        raise ValueError("no JSON object")
    return at + len(wanted)


def _cut_parts(body: bytes, media: str, names: Collection[str]) -> bytes:
    mark = Message()
    mark["content-type"] = media
    boundary = b"--" + str(mark.get_param("boundary", "")).encode()
    if boundary == b"--":
        return body
    parts = body.split(boundary)
    return boundary.join(part for part in parts if _name_of_part(part) not in names)


def _name_of_part(part: bytes) -> str | None:
    found = _NAME.search(part.partition(b"\r\n\r\n")[0])
    return found[1].decode("utf-8", "replace") if found else None
