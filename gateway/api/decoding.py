"""Bodies read strictly: JSON that says everything once and fits its Struct."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar import Request

from gateway.api.problems import Problem, invalid, of_mismatch

T = TypeVar("T")


class StrictRequest(Request[Any, Any, Any]):
    """Hands a handler its Struct, decoded in one pass.

    Litestar alone decodes twice, and leniently: it takes "5" for 5 and 1 for true.
    """

    async def body(self) -> bytes:
        """The bytes that the edge has read."""
        scope: Any = self.scope
        found: bytes = scope["body"]
        return found

    async def json(self) -> Any:
        annotation = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        return decode(await self.body(), annotation)


def decode(body: bytes, kind: Any) -> Any:
    """`body` as a `kind`. Raises Problem: 400 for what is not JSON, 422 for what does not fit."""
    try:
        found = _decoder(kind).decode(body)
        _unambiguous.decode(body.decode())
    except msgspec.ValidationError as error:
        _parse(body)
        raise of_mismatch(error, kind) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _malformed() from None
    return found


def _parse(body: bytes) -> None:
    """Raise 400 if it is no JSON further on: that weighs more than a member that does not fit."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _malformed() from None


def _malformed() -> Problem:
    return Problem("malformed_request", "The body is not JSON in UTF-8.")


def to_body(members: Mapping[str, Any], kind: type[T]) -> T:
    """A body put together from path and query. Raises Problem (422)."""
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as error:
        raise of_mismatch(error, kind) from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _once(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) < len(members):
        [(twice, _)] = Counter(name for name, _ in members).most_common(1)
        raise invalid("", f"names the member {twice!r} twice")


# Of a member given twice msgspec takes the last, silently. Numbers are not looked at here, and
# int() refuses those of more than 4,300 digits.
_unambiguous = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=len, parse_float=len, strict=False
)
