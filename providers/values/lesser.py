"""Fields of a reply that do not decide: what is odd about one loses nothing but that."""

from __future__ import annotations

import contextlib
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import fields

S = TypeVar("S")
T = TypeVar("T")
_MARK = Meta(extra={"lesser": True})
# Of a list only the odd elements are lost; an int where text is expected is its text.
Lesser = Annotated[T | None, _MARK]


def read(body: bytes | Raw, into: type[S]) -> S:
    """`body` as `into`, what is odd in its lesser fields left out. Raises msgspec.DecodeError."""
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.json.decode(body, type=into, strict=False)
    return msgspec.convert(_mended(msgspec.json.decode(body), into), into, strict=False)


def _mended(value: Any, into: Any) -> Any:
    """A decoded reply without what its lesser fields, as `into` declares them, can't be."""
    origin, args = get_origin(into), get_args(into)
    if origin is Annotated:
        return _fitting(value, args[0]) if _MARK in args[1:] else _mended(value, args[0])
    if origin in (Union, UnionType):
        for arg in args:
            value = _mended(value, arg)
        return value
    if origin is list and isinstance(value, list):
        return [_mended(one, args[0]) for one in value]
    if isinstance(into, type) and issubclass(into, Struct) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in fields(into)}
        return {name: _mended(one, known.get(name)) for name, one in value.items()}
    return value


def _fitting(value: Any, kind: Any) -> Any:
    (inner,) = (arg for arg in get_args(kind) if arg is not NoneType)
    if get_origin(inner) is not list:
        return _one(value, inner)
    several = value if isinstance(value, list) else []
    found = [_one(one, get_args(inner)[0]) for one in several]
    return [one for one in found if one is not None]


def _one(value: Any, kind: Any) -> Any:
    """`value` if it can be read as `kind`, else None."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    value = str(value) if kind is str and is_number else _mended(value, kind)
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return None
    return value
