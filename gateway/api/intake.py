"""A job as it comes in: JSON, one JSON object a line, or a table, as rows of bytes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.bodies import Tag
from gateway.api.decoding import decode, to_body
from gateway.api.edge import media_type_of
from gateway.api.problems import invalid
from gateway.lookup.routing import Money, Routing
from providers.model import OPERATIONS, QUERIES, Hints

MOST_ITEMS = 10_000
LONGEST_ITEM = 16 * 1024
LIST_SEPARATOR = ";"
# What is longer fits no member, and int() refuses it.
_NUMBER = re.compile(r"[0-9]{1,18}")
JobEvent = Literal["job.completed", "job.item.completed"]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]


class InlineWebhook(Struct, kw_only=True, forbid_unknown_fields=True):
    """Told of this job, signed with the team's secret."""

    url: Url
    events: Annotated[tuple[JobEvent, ...], Meta(min_length=1, max_length=2)] = ("job.completed",)


class JobOptions(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a job says besides its rows; `max_cost` is for all of them together."""

    operation: str
    routing: Routing | None = None
    max_cost: Money | None = None
    webhook: InlineWebhook | None = None
    metadata: dict[str, Any] | None = None
    tag: Tag | None = None


class NewJobBody(JobOptions, kw_only=True, forbid_unknown_fields=True):
    """`items` are queries of the operation: the bodies of its endpoint, without routing."""

    items: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MOST_ITEMS)]


class QueryOptions(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a table's URL says besides; `routing` and `metadata` are JSON."""

    operation: str
    routing: str | UnsetType = UNSET
    max_cost: str | UnsetType = UNSET
    webhook_url: str | UnsetType = UNSET
    metadata: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET


def read(request: Request[Any, Any, Any]) -> tuple[JobOptions, list[bytes]]:
    """The options and the rows as JSON, not looked into yet. Raises Problem."""
    scope: Any = request.scope
    media, body = media_type_of(dict(scope["headers"])), scope["body"]
    if media not in ("text/csv", "application/x-ndjson"):
        found: NewJobBody = decode(body, NewJobBody)
        rows = [bytes(item) for item in found.items]
        members = {name: getattr(found, name) for name in JobOptions.__struct_fields__}
        options = JobOptions(**members)
    else:
        options = _options(dict(request.query_params))
        read_rows = _read_table if media == "text/csv" else _read_lines
        rows = list(read_rows(body, options.operation))
    _check(options, rows)
    return options, rows


def _check(options: JobOptions, rows: list[bytes]) -> None:
    if options.operation not in OPERATIONS:
        raise invalid("/operation", f"is not one of {', '.join(OPERATIONS)}")
    if not 1 <= len(rows) <= MOST_ITEMS:
        raise invalid("/items", f"are {len(rows)}; allowed are 1 to {MOST_ITEMS}")
    if options.metadata is not None and len(msgspec.json.encode(options.metadata)) > LONGEST_ITEM:
        raise invalid("/metadata", f"is longer than {LONGEST_ITEM} bytes as JSON")


def _options(query: Mapping[str, str]) -> JobOptions:
    given = to_body(dict(query), QueryOptions)
    members: dict[str, Any] = {"operation": given.operation}
    for name in ("max_cost", "tag"):
        if getattr(given, name) is not UNSET:
            members[name] = getattr(given, name)
    for name in ("routing", "metadata"):
        if (text := getattr(given, name)) is not UNSET:
            members[name] = _json(name, text)
    if given.webhook_url is not UNSET:
        members["webhook"] = {"url": given.webhook_url}
    return to_body(members, JobOptions)


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise invalid(f"/{name}", "is not JSON") from None


def _read_lines(body: bytes, _operation: str) -> Iterator[bytes]:
    for line in body.split(b"\n"):
        if row := line.strip():
            yield row


def _read_table(body: bytes, operation: str) -> Iterator[bytes]:
    """Rows of a table whose headings are the members of the query; empty cells say nothing."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid("", "is not a table in UTF-8") from None
    try:
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        headings = _headings(next(rows, []), operation)
        for cells in rows:
            if any(cells):
                yield _to_row(headings, cells, operation)
    except csv.Error as error:
        raise invalid("", f"is not a table: {error}") from None


def _headings(cells: Sequence[str], operation: str) -> list[str]:
    """Of two columns for one member only one could be asked about."""
    found: list[str] = []
    for cell in cells:
        name = _heading(cell, operation)
        if name in found:
            raise invalid("", f"has the heading {cell!r} twice")
        found.append(name)
    return found


def _heading(cell: str, operation: str) -> str:
    name = cell.strip().lower().replace(" ", "_")
    known = _members(operation)
    if name not in known:
        details = f"has the heading {cell!r}; allowed are {', '.join(known)}"
        raise invalid("", details)
    return name


def _members(operation: str) -> list[str]:
    if operation not in QUERIES:
        raise invalid("/operation", f"is not one of {', '.join(OPERATIONS)}")
    names = [name for name in QUERIES[operation].__struct_fields__ if name != "hints"]
    if "hints" in QUERIES[operation].__struct_fields__:
        names += [f"hints.{name}" for name in Hints.__struct_fields__]
    return names


def _to_row(headings: list[str], cells: list[str], operation: str) -> bytes:
    row: dict[str, Any] = {}
    for name, cell in zip(headings, cells, strict=False):
        if text := cell.strip():
            table, _, member = name.rpartition(".")
            place = row.setdefault(table, {}) if table else row
            place[member] = _value(operation, member, text)
    if len(cells) > len(headings):
        row[f"column {len(headings) + 1}"] = cells[len(headings)]
    return msgspec.json.encode(row)


def _value(operation: str, member: str, text: str) -> Any:
    """Lists are separated by semicolons; numbers and truth values are what they look like."""
    default = {
        field.name: field.default for field in msgspec.structs.fields(QUERIES[operation])
    }.get(member)
    kind = next(
        (f.type for f in msgspec.structs.fields(QUERIES[operation]) if f.name == member), str
    )
    if "list" in str(kind):
        return [part.strip() for part in text.split(LIST_SEPARATOR) if part.strip()]
    if isinstance(default, int) and _NUMBER.fullmatch(text):
        return int(text)
    if "bool" in str(kind) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return text
