"""A request as its provider reads it: fields for prices and keys, texts for persons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from gateway.lookup.identifiers import unescaped

Pairs = list[tuple[str, Any]]
DEEPEST = 8
LONGEST_NUMBER = 4000
FORM = "application/x-www-form-urlencoded"
PLAIN_PARTS = ("", "7bit", "8bit", "binary")


@dataclass(frozen=True)
class Contents:
    """`fields` are of the query and of the body as it is declared, by which a call is priced.

    `likely` has what the body may be taken for whatever it is declared as, and `texts` all names
    and values that were sent, in every way they may be decoded. `unread` is the declaration of a
    body that cannot be read by it; `twofold` are names to which query and body give two values.
    """

    fields: dict[str, Any]
    likely: dict[str, Any]
    texts: frozenset[str]
    unread: str = ""
    twofold: tuple[str, ...] = ()


class _Object(list[tuple[str, Any]]):
    """A JSON object with every member it has, however often."""


def read(method: str, path: bytes, query: bytes, body: bytes, media: str) -> Contents:
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    sent, likely = _read_body(body, media)
    texts = {text for part in (*_raw(query), path.decode("ascii")) for text in _decoded(part)}
    for text in (*_flat(asked), *_flat(sent)):
        texts.update(_decoded(text))
    if body and (_is_parts(media) or not isinstance(sent, _Object | list)):
        # Others may heed of a part's head what is not heeded here, or take for JSON what is none.
        texts.update(_decoded(body.decode("utf-8", "replace")))
    queried, told = nested(asked), _as_declared(body, media, sent, likely)
    fields = told or {}
    return Contents(
        fields={**fields, **queried} if method == "GET" else {**queried, **fields},
        likely={**queried, **likely},
        texts=frozenset(texts),
        unread=media if told is None else "",
        twofold=tuple(n for n in queried.keys() & fields if str(queried[n]) != str(fields[n])),
    )


def _as_declared(
    body: bytes, media: str, sent: Any, likely: dict[str, Any]
) -> dict[str, Any] | None:
    """The body's fields, read as nothing but what it is declared as; None if it can't be.

    What is not declared is JSON if it is an object of it, else a form.
    """
    kind = kind_of(media)
    if not body or (not kind and isinstance(sent, _Object)):
        return likely
    if kind.endswith("json"):
        return None if isinstance(sent, tuple) else likely
    if "json" in media.lower():
        return None
    if kind.startswith("multipart/"):
        return likely if _are_plain(body, media) else None
    return nested(_form(body)) if kind in ("", FORM) else None


def kind_of(media: str) -> str:
    """A media type without its parameters."""
    return media.partition(";")[0].strip().lower()


def _is_parts(media: str) -> bool:
    return kind_of(media).startswith("multipart/")


def _number(text: str) -> int | float:
    """int() refuses one of more than 4,300 digits."""
    return int(text) if len(text) <= LONGEST_NUMBER else float(text)


def _raw(query: bytes) -> Iterator[str]:
    """Names and values, where a plus is itself and no space."""
    for pair in query.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        yield from (name, value)


def _read_body(body: bytes, media: str) -> tuple[Any, dict[str, Any]]:
    """What was sent as JSON, else as parts or a form, and its fields."""
    if not body:
        return [], {}
    if _is_parts(media):
        pairs = _parts(body, media)
        return pairs, nested(pairs)
    try:
        found = json.loads(body, object_pairs_hook=_Object, parse_int=_number)
    except (ValueError, RecursionError):
        pairs = _form(body)
        return tuple(pairs), nested(pairs)
    return found, _plain(found) if isinstance(found, _Object) else {}


def _form(body: bytes) -> Pairs:
    return [*parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)]


def _message(body: bytes, media: str) -> Any:
    head = b"content-type: " + media.encode("latin-1", "replace") + b"\r\n\r\n"
    return message_from_bytes(head + body)


def _parts(body: bytes, media: str) -> Pairs:
    parts = _message(body, media).get_payload()
    if not isinstance(parts, list):
        return []
    return [(_whole(str(_name_of(part))), _text(part)) for part in parts]


def _are_plain(body: bytes, media: str) -> bool:
    """Whether no reader may take the parts for others."""
    message = _message(body, media)
    return not message.defects and all(map(_is_plain, message.get_payload()))


def _is_plain(part: Any) -> bool:
    coding = str(part.get("content-transfer-encoding", "")).strip().lower()
    return isinstance(_name_of(part), str) and coding in PLAIN_PARTS and not part.is_multipart()


def _name_of(part: Any) -> Any:
    return part.get_param("name", "", "content-disposition")


def _text(part: Any) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _plain(value: Any) -> Any:
    """Of a member given twice the last counts, as with most readers of JSON."""
    if isinstance(value, _Object):
        return {_whole(name): _plain(item) for name, item in value}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """Half a character, which JSON can write, is none."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _flat(value: Any) -> Iterator[str]:
    """Every name and every text inside."""
    if isinstance(value, str):
        yield _whole(value)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)


def _decoded(text: str) -> Iterator[str]:
    """As it is, and as one who decodes it once or twice more reads it."""
    yield text
    if "\\" in text:
        yield unescaped(text)
    if "%" in text:
        once = unquote(text)
        yield from (once, unquote(once))
    if "%" in text or "+" in text:
        yield unquote_plus(text)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Fields with brackets in their names: `rows[0][domain]=x`, `emails[]=a&emails[]=b`."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        _put(found, name.replace("]", "").split("[")[:DEEPEST], value)
    return {name: _listed(value) for name, value in found.items()}


def _put(found: dict[str, Any], names: list[str], value: str) -> None:
    *way, last = names
    for name in way:
        inner = found.setdefault(name or str(len(found)), {})
        if not isinstance(inner, dict):
            return
        found = inner
    found[last or str(len(found))] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    return list(inner.values()) if all(name.isdigit() for name in inner) else inner
