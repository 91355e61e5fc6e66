"""What came of a job's items, as it may be shown now: in the order of the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import chain
from typing import Any

import msgspec
from msgspec import Struct

from gateway.api.context import Context
from gateway.api.showing import objected, show_body
from gateway.jobs.queue import Queue
from gateway.jobs.records import NOTHING, STATUSES, ItemStatus, Job, Result, members
from gateway.lookup.delivery import LISTS
from gateway.lookup.marking import marks_of_question
from providers.model import ANSWERS

STEP = 200


class ItemView(Struct, kw_only=True):
    """One row; `data` and `meta` as its own call would have had them, `error` as a problem.

    `input` is null once somebody it names has objected, or was erased.
    """

    index: int
    status: ItemStatus
    input: msgspec.Raw
    data: msgspec.Raw
    meta: msgspec.Raw
    error: msgspec.Raw


async def rows_of(context: Context, job: Job, indexes: Sequence[int]) -> list[ItemView]:
    """Those rows of the job. Raises StoreDown."""
    if not indexes:
        return []
    queue = context.jobs
    results = await queue.results(job.id, indexes)
    queries = await queue.queries(job.id, indexes)
    begun = await _begun(queue, job, indexes)
    asked = [_asked_in(context, job, *one) for one in zip(results, queries, strict=True)]
    held = [one for one in results if one is not None]
    hidden = await objected(context.desk, held, chain.from_iterable(asked))
    found = []
    every = zip(indexes, results, queries, asked, begun, strict=True)
    for at, result, query, marks, is_begun in every:
        view = ItemView(
            index=at,
            status=_status(job, result, is_begun),
            input=NOTHING if query is None or not hidden.isdisjoint(marks) else msgspec.Raw(query),
            data=NOTHING,
            meta=NOTHING,
            error=NOTHING,
        )
        if result is not None:
            await _fill(context, job, view, result, hidden)
        found.append(view)
    return found


def _asked_in(context: Context, job: Job, result: Result | None, query: bytes | None) -> list[str]:
    """Whom a question is about that has no result, or one that does not say so."""
    if query is None or (result is not None and result.persons):
        return []
    return marks_of_question(job.operation, query, context.desk.data_key.value)


async def _begun(queue: Queue, job: Job, indexes: Sequence[int]) -> Sequence[bool]:
    """Which of the items are under way; of a cancelled job those that were sent and go on."""
    if job.status == "cancelled":
        return await queue.lent(job.id, indexes)
    first_left = await queue.begun(job.id)
    return [at < first_left for at in indexes]


def _status(job: Job, result: Result | None, begun: bool) -> ItemStatus:
    if result is not None:
        return STATUSES.get(result.outcome, "completed")
    if begun:
        return "running"
    return "cancelled" if job.status == "cancelled" else "queued"


async def _fill(
    context: Context, job: Job, view: ItemView, result: Result, hidden: frozenset[str]
) -> None:
    body, is_own = await show_body(context.desk, job.operation, result, hidden)
    if not is_own:
        view.status, view.input = "failed", NOTHING
    if view.status == "failed":
        view.error = msgspec.Raw(body)
    elif view.status == "completed":
        parts = members.decode(body)
        view.data, view.meta = parts["data"], parts["meta"]


async def walk(context: Context, job: Job, first: int = 0) -> AsyncIterator[ItemView]:
    """All rows from `first` on, a few at a time."""
    for start in range(first, job.counts.total, STEP):
        last = min(start + STEP, job.counts.total)
        for row in await rows_of(context, job, range(start, last)):
            yield row


def columns_of(operation: str) -> list[str]:
    """The columns of a table of results."""
    fixed = ["index", "item_status", "outcome", "provider", "cost", "error"]
    if operation in LISTS:
        return [*fixed, "input", "data"]
    fields = [field for field in ANSWERS[operation].__struct_fields__ if field != "provenance"]
    return [*fixed, "input", *fields]


def to_cells(operation: str, row: ItemView) -> list[Any]:
    """One row of the table; what is not plain is JSON."""
    data, meta, error = (
        msgspec.json.decode(part) or {} for part in (row.data, row.meta, row.error)
    )
    fixed = [
        *(row.index, row.status, meta.get("outcome"), meta.get("provider"), meta.get("cost")),
        *(error.get("code"), bytes(row.input).decode() if row.input != NOTHING else None),
    ]
    if operation in LISTS:
        return [*fixed, _cell(data)]
    return [*fixed, *(_cell(data.get(name)) for name in columns_of(operation)[len(fixed) :])]


def _cell(value: Any) -> Any:
    if value in (None, [], {}):
        return None
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return value
