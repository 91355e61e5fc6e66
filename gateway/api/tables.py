"""Replies that are not JSON: tables for spreadsheets, without formulas, and other streams."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import Request
from litestar.response import Stream

# What also answers in CSV.
TABLES = frozenset({"/v1/admin/ledger", "/v1/admin/ledger/summary", "/v1/usage"})
MEDIA_TYPE = "text/csv"
# What else is a stream.
LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
# What a spreadsheet takes for the start of a formula, see OWASP "CSV Injection".
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
GATHERED = 64 * 1024


def wants_csv(request: Request[Any, Any, Any]) -> bool:
    """Whether CSV is asked for by name, and no less than JSON is."""
    weights: dict[str, float] = {}
    for part in request.headers.get("accept", "").split(","):
        name, _, rest = part.partition(";")
        weights[name.strip().lower()] = _weight(rest)
    weight = weights.get("text/csv", 0.0)
    return weight > 0 and weight >= weights.get("application/json", 0.0)


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


async def to_stream(
    columns: Sequence[str], rows: AsyncIterator[Sequence[object]], name: str
) -> Stream:
    """The rows as they come; what fails before the first of them is a problem as ever."""
    lines = _lines(columns, rows)
    first = await anext(lines)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "vary": "Accept"}
    return Stream(_after(first, lines), media_type=MEDIA_TYPE, headers=headers)


async def _after(first: str, lines: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for line in lines:
        yield line


async def _lines(
    columns: Sequence[str], rows: AsyncIterator[Sequence[object]]
) -> AsyncIterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    async for row in rows:
        writer.writerow([neutral(cell) for cell in row])
        if buffer.tell() > GATHERED:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def neutral(cell: object) -> object:
    """Text that a spreadsheet would run as a formula, with a quote before it; None as nothing."""
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA):
        return "'" + cell
    return "" if cell is None else cell
