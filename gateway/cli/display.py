"""What a command shows: JSON for a program, tables for a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.failure import clean, dicts

if TYPE_CHECKING:
    from rich.table import Table

    from gateway.cli.client import Reply
    from gateway.cli.session import Session

NOTHING = "-"
EMPTY: tuple[Any, ...] = (None, "", [], {})
ATTEMPT = ("provider", "operation", "outcome", "reason", "cached", "units", "cost", "elapsed_ms")


def show(session: Session, reply: Reply, columns: Sequence[str] = ()) -> None:
    """`data` of a reply: a table of `columns` for a list, one line a field for an object."""
    if session.piped:
        show_json(reply.body)
        return
    data = reply.body.get("data")
    if data == []:
        click.echo("There are none.")
    elif isinstance(data, list):
        show_rows(dicts(data), columns)
    elif isinstance(data, Mapping):
        show_record(data)
    show_remarks(reply.body.get("meta") or {})


def show_lookup(session: Session, reply: Reply) -> None:
    """The answer, what it cost, and who was asked."""
    if session.piped:
        show_json(reply.body)
        return
    data, meta = reply.body.get("data"), reply.body.get("meta") or {}
    if isinstance(data, Mapping):
        show_record(data)
    else:
        click.echo("Nothing found.")
    click.echo(to_verdict(meta))
    if attempts := dicts(meta.get("attempts")):
        show_rows(attempts, ATTEMPT)
    show_remarks(meta)


def to_verdict(meta: Mapping[str, Any]) -> str:
    """Outcome, provider and money on one line."""
    currency = meta.get("currency") or ""
    parts = [to_cell(meta.get("outcome"))]
    if meta.get("provider"):
        parts.append(f"by {to_cell(meta['provider'])}")
    if meta.get("complete") is False:
        parts.append("incomplete: not every provider gave a clean answer")
    parts.append(f"cost {to_cell(meta.get('cost'))} {currency}".rstrip())
    if str(meta.get("in_doubt") or "0").strip("0."):
        parts.append(f"in doubt {to_cell(meta['in_doubt'])} {currency}".rstrip())
    if meta.get("elapsed_ms") is not None:
        parts.append(f"{to_cell(meta['elapsed_ms'])} ms")
    return " · ".join(parts)


def show_remarks(meta: Mapping[str, Any]) -> None:
    """What the gateway adds about itself."""
    if meta.get("sandbox"):
        click.echo("Sandbox: simulated providers, no real data.", err=True)
    for name in ("notice", "warning"):
        if meta.get(name):
            click.echo(f"{name}: {to_cell(meta[name])}", err=True)


def show_json(body: object) -> None:
    """JSON leaves control characters beyond ASCII as they are, which a terminal would obey."""
    text = json.dumps(body, ensure_ascii=False, indent=2)
    click.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def show_record(record: Mapping[str, Any]) -> None:
    """One line a field, never cut; nested objects dotted, lists of objects as tables below."""
    fields = [(name, value) for name, value in flatten(record) if value not in EMPTY]
    lines = [(clean(name), value) for name, value in fields if not dicts(value)]
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {to_cell(value)}")
    for name, value in fields:
        if dicts(value):
            click.echo(f"{clean(name)}:")
            show_rows(dicts(value))


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """A table of those `columns` in which any row has something; of all if none is known."""
    present = dict.fromkeys(n for row in rows for n, value in row.items() if value not in EMPTY)
    chosen = [name for name in columns if name in present] or list(present)
    table = new_table([clean(name).replace("_", " ") for name in chosen])
    for row in rows:
        table.add_row(*(to_cell(row.get(name)) for name in chosen))
    print_table(table)


def flatten(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def to_cell(value: object) -> str:
    """Any JSON value as short text."""
    if value in EMPTY:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return to_brief(value)
    if isinstance(value, list):
        return ", ".join(map(to_cell, value))
    return clean(value)


def to_brief(value: Mapping[str, Any]) -> str:
    """An object in a cell: a budget as `--budget` takes it, else what it is known by."""
    if "amount" in value and "period" in value:
        return f"{clean(value['amount'])}/{clean(value['period'])}"
    for name in ("operation", "statuses", "email", "name"):
        if value.get(name):
            return to_cell(value[name])
    return ", ".join(f"{clean(name)}={to_cell(one)}" for name, one in value.items())


def new_table(columns: Sequence[str]) -> Table:
    """The first column, an id mostly, is never broken."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=not index)
    return table


def print_table(table: Table) -> None:
    from rich.console import Console

    Console(markup=False, highlight=False, emoji=False).print(table)
