"""Walks raw values along the schema: checked values come out, problems are noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.settings.problems import Place, suggest
from gateway.settings.rules import Rule
from gateway.settings.schema import VARIABLES, Dotted, Node, Open, Rows, Table

_FILE = "_file"
_MISPLACED = {one.name.lower(): ".".join(one.path) for one in VARIABLES if one.path}


def read_table(table: Table, value: object, place: Place) -> dict[str, Any]:
    """The checked values of a table, None for a wrong one; what is wrong is noted in `place`."""
    if not isinstance(value, Mapping):
        place.complain(f"expected a table with any of {', '.join(table)}")
        return {}
    found: dict[str, Any] = {}
    for key, item in _open_files(table, value, place).items():
        node = table.get(key)
        if node is None:
            place.inside(key).complain(f"unknown key; {_suggest_key(key, table)}")
        else:
            found[key] = None if item is None else _read_node(node, item, place.inside(key))
    return found


def read_value(rule: Rule, value: object, place: Place) -> Any:
    """The checked value, None if it is wrong."""
    try:
        return rule.read(value)
    except ValueError:
        if rule.secret:
            place.complain(f"expected {rule.expected}")
        else:
            place.refuse(value, rule.expected)
        return None


def read_secret_file(name: str, place: Place) -> str | None:
    """What a `NAME_FILE` points to, without the newline at its end."""
    try:
        text = Path(name).read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        place.complain(f"cannot read {name!r}: {reason}")
        return None
    if not text:
        place.complain(f"{name!r} is empty")
    return text or None


def _read_node(node: Node, value: object, place: Place) -> Any:
    match node:
        case Rule():
            return read_value(node, value, place)
        case Open():
            return _read_open(node, value, place)
        case Rows():
            rows = value if isinstance(value, list) else [value]
            return [read_table(node.table, row, place) for row in rows]
        case Dotted():
            flat = dict(_flatten(value)) if isinstance(value, Mapping) else value
            return read_table(node.table, flat, place)
    return read_table(node, value, place)


def _read_open(node: Open, value: object, place: Place) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        place.complain(f"expected a table of {node.expected}")
        return {}
    for key in value:
        if not node.accepts(key):
            place.inside(key).complain(f"unknown key; expected {node.expected}")
    return {key: read_value(node.rule, item, place.inside(key)) for key, item in value.items()}


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _open_files(table: Table, value: Mapping[str, object], place: Place) -> dict[str, object]:
    """`value` with every `<secret>_file` member replaced by the secret it points to."""
    opened = dict(value)
    for key, item in value.items():
        name = key.removesuffix(_FILE)
        rule = table.get(name)
        if name == key or not isinstance(rule, Rule) or not rule.filed:
            continue
        del opened[key]
        if name in value:
            place.inside(key).complain(f"set this or {name}, not both")
        elif not isinstance(item, str):
            place.inside(key).refuse(item, "the path of a file")
        else:
            opened[name] = read_secret_file(item, place.inside(key))
    return opened


def _suggest_key(key: str, table: Table) -> str:
    lower = key.lower()
    path = _MISPLACED.get(lower) or _MISPLACED.get(f"gateway_{lower}")
    return f"did you mean {path}?" if path else suggest(key, table)
