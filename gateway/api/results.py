"""What came of a job's items, as it may be shown now: in the order of the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.api.context import Context
from gateway.api.problems import of_error
from gateway.jobs.records import ItemStatus, Job, Result
from gateway.lookup.delivery import LISTS
from gateway.lookup.endings import Objected
from gateway.lookup.withholding import withhold
from providers.model import ANSWERS

STEP = 200
NOTHING = msgspec.Raw(b"null")
STATUSES: Mapping[str, ItemStatus] = {"failed": "failed", "cancelled": "cancelled"}

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ItemView(Struct, kw_only=True):
    """One row; `data` and `meta` as its own call would have had them, `error` as a problem."""

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
    begun = await queue.begun(job.id)
    hidden = await _objected(context, [one for one in results if one is not None])
    found = []
    for at, result, query in zip(indexes, results, queries, strict=True):
        view = ItemView(
            index=at,
            status=_status(job, result, at < begun),
            input=msgspec.Raw(query or b"null"),
            data=NOTHING,
            meta=NOTHING,
            error=NOTHING,
        )
        if result is not None:
            await _fill(context, job, view, result, hidden)
        found.append(view)
    return found


def _status(job: Job, result: Result | None, begun: bool) -> ItemStatus:
    if result is not None:
        return STATUSES.get(result.outcome, "completed")
    if job.status == "cancelled":
        return "running" if job.finished_at is None and begun else "cancelled"
    return "running" if begun else "queued"


async def _objected(context: Context, results: Sequence[Result]) -> frozenset[str]:
    """The marks among those of the results that an objection has."""
    marks = list({mark for one in results for mark in (*one.persons, *one.rows)})
    if not marks:
        return frozenset()
    root = context.desk.root
    hits = await context.store.call("SMISMEMBER", f"{root}suppressed", *marks)
    return frozenset(mark for mark, hit in zip(marks, hits, strict=True) if hit)


async def _fill(
    context: Context, job: Job, view: ItemView, result: Result, hidden: frozenset[str]
) -> None:
    if not hidden.isdisjoint(result.persons):
        view.status = "failed"
        view.error = msgspec.Raw(of_error(Objected()).body(""))
    elif view.status == "failed":
        view.error = msgspec.Raw(result.body)
    elif view.status == "completed":
        body = _members.decode(result.body)
        view.meta = body["meta"]
        view.data = body["data"]
        if not hidden.isdisjoint(result.rows):
            view.data = await _without_objected(context, job, bytes(body["data"]))


async def _without_objected(context: Context, job: Job, body: bytes) -> msgspec.Raw:
    data = msgspec.json.decode(body, type=ANSWERS[job.operation])
    key = context.desk.data_key.value
    kept = await withhold(context.store, context.desk.root, data, key)
    return msgspec.Raw(msgspec.json.encode(kept))


async def shown(context: Context, job: Job) -> Job:
    """The job of a single lookup with its result as it may be shown now. Raises StoreDown."""
    if not isinstance(job.result, msgspec.Raw):
        return job
    [result] = await context.jobs.results(job.id, [0])
    if result is None:
        return job
    hidden = await _objected(context, [result])
    if not hidden.isdisjoint(result.persons):
        job.result = msgspec.Raw(of_error(Objected()).body(""))
    elif not hidden.isdisjoint(result.rows):
        body = _members.decode(result.body)
        body["data"] = await _without_objected(context, job, bytes(body["data"]))
        job.result = msgspec.Raw(msgspec.json.encode(body))
    return job


async def walk(context: Context, job: Job) -> AsyncIterator[ItemView]:
    """All rows, a few at a time."""
    for first in range(0, job.counts.total, STEP):
        last = min(first + STEP, job.counts.total)
        for row in await rows_of(context, job, range(first, last)):
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
        *(error.get("code"), bytes(row.input).decode()),
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
