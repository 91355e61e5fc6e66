"""What of a request may be passed on: its target, its headers, and nothing that hides another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from gateway.api.problems import Problem
from providers.relay import Header

PREFIX = b"/native/"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What one connection says of itself, RFC 9110 section 7.6.1, and what the engine writes anew.
HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade"),
        *(b"transfer-encoding", b"content-length", b"host", b"expect", b"http2-settings"),
    }
)
# Credentials, of whichever side; a session at the provider is one.
CREDENTIALS = frozenset({b"authorization", b"x-api-key", b"cookie", b"proxy-authorization"})
# How the request came here is none of the provider's business.
ROUTING = frozenset(
    {
        *(b"forwarded", b"via", b"x-real-ip", b"x-original-url", b"x-rewrite-url"),
        *(b"x-original-host", b"x-host", b"x-gateway-credential"),
    }
)
FORWARDED = b"x-forwarded-"
WITHOUT_BODY = (204, 304)
OVERRIDES = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})
READABLE = frozenset({b"gzip", b"deflate", b"identity"})
# No server says such a header; one that a provider says ends no reply.
_ODD_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
_ODD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PATH = re.compile(rb"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})*")


def hostile(detail: str) -> Problem:
    return Problem("malformed_request", detail)


def split_target(scope: Any) -> tuple[str, bytes, bytes]:
    """Provider, path and query as they were sent. Raises Problem unless it is `/native/…`."""
    target: bytes = scope.get("target") or scope["raw_path"] + b"?" + scope["query_string"]
    if not target.startswith(PREFIX) or b"#" in target:
        raise hostile("The target must be a path that begins with /native/, without a host.")
    whole, _, query = target.partition(b"?")
    name, slash, path = whole.removeprefix(PREFIX).partition(b"/")
    return name.decode("ascii"), slash + path or b"/", query


def check_path(path: bytes) -> None:
    """Raise Problem for a path that a server behind might read as another."""
    if not _PATH.fullmatch(path):
        raise hostile("The path has characters that are not allowed in one.")
    try:
        plain = unquote(path.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise hostile("The path is not UTF-8.") from None
    plain = unicodedata.normalize("NFKC", plain)
    if plain.count("/") != path.count(b"/") or any(char in plain for char in "%\\?#;"):
        raise hostile("The path has an encoded delimiter.")
    if not plain.isprintable():
        raise hostile("The path has characters that do not show.")
    *inner, last = plain[1:].split("/")
    if any(not part.strip(". ") for part in inner) or (last and not last.strip(". ")):
        raise hostile("The path has empty segments or ones of dots.")


def check_framing(scope: Any, headers: Sequence[Header]) -> None:
    """Raise Problem for a request that two servers might read as two different ones."""
    version, names = scope["http_version"], [name for name, _ in headers]
    hosts = names.count(b"host")
    if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and not hosts):
        raise hostile("Send HTTP/1.1 with one Host header.")
    if names.count(b"content-type") > 1:
        raise hostile("Send one Content-Type header.")
    for name, value in headers:
        _check_header(name, value.strip().lower(), version)


def _check_header(name: bytes, value: bytes, version: str) -> None:
    plain = name.replace(b"_", b"-")
    if plain != name and plain in HOP_BY_HOP | CREDENTIALS | ROUTING | OVERRIDES:
        raise hostile(f"The header {name.decode('ascii')} may be taken for another.")
    if plain in OVERRIDES:
        raise hostile("Send the method as it is, not in a header.")
    if name == b"transfer-encoding" and (value != b"chunked" or version == "1.0"):
        raise hostile("The body's framing is not understood.")
    if name == b"connection" and b"upgrade" in value:
        raise hostile("No other protocol is spoken here.")
    if name == b"content-encoding" and value not in (b"", b"identity"):
        raise Problem("unsupported_media_type", "Send the body without a content coding.")
    try:
        value.decode()
    except UnicodeDecodeError:
        raise hostile(f"The header {name.decode('ascii')} is not UTF-8.") from None


def to_request_headers(headers: Sequence[Header]) -> list[Header]:
    """What goes to the provider.

    Only codings are asked for in which the gateway can read what a reply says of its cost.
    """
    dropped = HOP_BY_HOP | CREDENTIALS | ROUTING | _named_in_connection(headers)
    kept, wanted = [], []
    for name, value in headers:
        if name in dropped or name.startswith(FORWARDED):
            continue
        if name != b"accept-encoding":
            kept.append((name, value))
            continue
        codings = (coding.strip() for coding in value.split(b","))
        wanted += [c for c in codings if c.partition(b";")[0].strip().lower() in READABLE]
    return [*kept, (b"accept-encoding", b", ".join(wanted) or b"identity")]


def to_reply_headers(status: int, headers: Sequence[Header]) -> list[Header]:
    """What goes to the caller: all but the framing, sessions at the provider, and what can't be
    said.
    """
    dropped = HOP_BY_HOP | {b"set-cookie"} | _named_in_connection(headers)
    if status not in WITHOUT_BODY:
        dropped -= {b"content-length"}
    return [
        (name, value)
        for name, value in headers
        if name not in dropped and not _ODD_NAME.search(name) and not _ODD_VALUE.search(value)
    ]


def _named_in_connection(headers: Sequence[Header]) -> set[bytes]:
    values = [value for name, value in headers if name == b"connection"]
    return {token.strip().lower() for value in values for token in value.split(b",")}
