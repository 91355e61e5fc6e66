"""What a body's type allows at a place, for messages that say what would have fitted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from msgspec import inspect

MONEY = "^[0-9]{1,9}(\\.[0-9]{1,6})?$"


def explain(details: str, pointer: str, kind: Any) -> str:
    """msgspec's words, or better ones."""
    if repr(MONEY) in details:
        return "is not money such as 0.10"
    if details.startswith("Invalid enum value") and kind is not None:
        allowed = _words_at(_type_of(kind), pointer.split("/")[1:])
        return f"{details}; allowed are {', '.join(allowed)}" if allowed else details
    return details


@cache
def _type_of(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _words_at(kind: inspect.Type, path: list[str]) -> list[str]:
    found = [word for one in _plain(kind) for word in _words_in(one, path)]
    return list(dict.fromkeys(found))


def _plain(kind: inspect.Type) -> Iterable[inspect.Type]:
    match kind:
        case inspect.Metadata(type=inner):
            yield from _plain(inner)
        case inspect.UnionType(types=kinds):
            for one in kinds:
                yield from _plain(one)
        case _:
            yield kind


def _words_in(kind: inspect.Type, path: list[str]) -> list[str]:
    match kind:
        case inspect.LiteralType(values=values) if not path:
            return list(map(str, values))
        case inspect.StructType(fields=fields) if path:
            inner = [one.type for one in fields if one.encode_name == path[0]]
            return _words_at(inner[0], path[1:]) if inner else []
        case inspect.ListType(item_type=item) if path:
            return _words_at(item, path[1:])
        # The path that msgspec gives ends at a table with names of the caller's own.
        case inspect.DictType(key_type=key) if not path:
            return _words_at(key, [])
    return []
