"""Requests and replies as the simulated providers see them, before any provider's dialect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Fields = dict[str, Any]

JSON_HEADER = (b"content-type", b"application/json")


@dataclass(slots=True, frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = (JSON_HEADER,)


NO_CONTENT = Reply(204, headers=())


def reply(status: int, payload: object, *headers: tuple[bytes, bytes]) -> Reply:
    return Reply(status, msgspec.json.encode(payload), (JSON_HEADER, *headers))


class UnreadableBodyError(ValueError):
    """A body that says it is JSON and is not."""


@dataclass(slots=False, eq=False)
class Request:
    """`path` is what follows the provider's prefix, without a trailing slash."""

    method: str
    path: str
    base: str
    query_string: bytes
    headers: dict[bytes, bytes]
    body: bytes
    id: str
    segments: dict[str, str] = field(default_factory=dict)

    @cached_property
    def query(self) -> Fields:
        return nest(parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True))

    @cached_property
    def is_json(self) -> bool:
        """What is not declared is judged by how it begins."""
        declared = self.headers.get(b"content-type", b"").lower()
        return b"json" in declared or (not declared and self.body[:1] in {b"{", b"["})

    @cached_property
    def form(self) -> Fields:
        """The fields of the body, whether it came as JSON or as either kind of form."""
        if not self.body:
            return {}
        if self.is_json:
            return self._decoded
        content_type = self.headers.get(b"content-type", b"")
        if content_type.lower().startswith(b"multipart/form-data"):
            return nest(read_parts(content_type, self.body))
        return nest(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def _decoded(self) -> Fields:
        try:
            decoded = msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise UnreadableBodyError(str(error)) from error
        return decoded if isinstance(decoded, dict) else {"": decoded}

    @cached_property
    def fields(self) -> Fields:
        """Query and body together; the body wins."""
        return {**self.query, **self.form} if self.body else self.query

    def text(self, name: str) -> str:
        """The field as stripped text, empty when absent or not text."""
        value = self.fields.get(name)
        return "" if value is None or isinstance(value, list | dict) else str(value).strip()

    def texts(self, name: str) -> list[str]:
        """The field as a list; a comma list and a single value count as one."""
        value = self.fields.get(name)
        if value is None or value == "":
            return []
        if isinstance(value, list):
            return [str(item).strip() for item in value]
        return [part.strip() for part in str(value).split(",") if part.strip()]

    def flag(self, name: str) -> bool | None:
        """The field as a switch, None when absent or empty."""
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        return str(value).lower() in {"true", "1", "yes", "on"}

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


def read_parts(content_type: bytes, body: bytes) -> list[tuple[str, str]]:
    """The fields of a multipart form, which is what PHP's cURL makes of an array."""
    message = message_from_bytes(b"content-type: " + content_type + b"\r\n\r\n" + body)
    parts: Any = message.get_payload()
    if not message.is_multipart():
        return []
    fields = ((part.get_param("name", "", "content-disposition"), part) for part in parts)
    return [(str(name), _to_text(part)) for name, part in fields if name]


def _to_text(part: Any) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def nest(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Read PHP's brackets: `rows[0][domain]=x`, `emails[]=a&emails[]=b`."""
    fields: Fields = {}
    for name, value in pairs:
        if "[" in name:
            _place(fields, name.replace("]", "").split("["), value)
        else:
            fields[name] = value
    return {name: _listed(value) for name, value in fields.items()}


def _place(fields: Fields, keys: list[str], value: str) -> None:
    head, *rest = keys
    while rest:
        inner = fields.setdefault(head, {})
        if not isinstance(inner, dict):
            return
        fields, head, rest = inner, rest[0] or str(len(inner)), rest[1:]
    fields[head] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    return list(inner.values()) if all(key.isdigit() for key in inner) else inner
