"""Jobs: handed in, watched, read and cancelled by their team."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from litestar.response.base import ASGIResponse
from msgspec import Struct

from gateway.api.batches import submit
from gateway.api.context import Context, context_of, list_meta_of, meta_of
from gateway.api.documents import (
    AUTHENTICATED,
    READ,
    REPEATABLE,
    WITH_BODY,
    ItemsReply,
    JobReply,
    JobsReply,
    responses,
)
from gateway.api.exchange import JobDelivery
from gateway.api.idempotency import REPLAYED
from gateway.api.intake import MOST_ITEMS
from gateway.api.lists import CursorParam, Limit, ListMeta, caller_of, missing
from gateway.api.results import ItemView, columns_of, rows_of, to_cells, walk
from gateway.api.showing import shown
from gateway.api.tables import EVENTS, LINES, to_stream, wants_csv
from gateway.jobs.records import Job

Req = Request[Any, Any, Any]
ResultLimit = Annotated[int, QueryParameter(ge=1, le=1000, required=False)]
FirstRow = Annotated[int, QueryParameter(ge=0, le=MOST_ITEMS, required=False)]
WATCH = 0.5
SILENCE = 15.0


class JobsDelivery(Struct):
    data: list[Job]
    meta: ListMeta


class ItemsDelivery(Struct):
    data: list[ItemView]
    meta: ListMeta


async def _find(request: Req, name: str) -> Job:
    job = await context_of(request).jobs.load(name, caller_of(request.scope).team)
    if job is None:
        raise missing("job")
    return job


async def _show(request: Req, name: str) -> Job:
    context = context_of(request)
    return await shown(context.desk, context.jobs, await _find(request, name))


class Jobs(Controller):
    """Readable with a key that may look up: its own calls become jobs."""

    tags = ["Jobs"]
    opt = {"scope": ("jobs", "lookup")}

    @post(
        "/v1/jobs",
        status_code=202,
        opt={"scope": "jobs"},
        responses=responses(
            {202: JobReply}, (*AUTHENTICATED, *WITH_BODY, *REPEATABLE, "unsupported")
        ),
    )
    async def create_job(self, request: Req) -> ASGIResponse:
        name, repeated = await submit(request)
        job = await _find(request, name)
        headers = {"location": f"/v1/jobs/{name}", **(REPLAYED if repeated else {})}
        return _json(JobDelivery(job, meta_of(request)), 202, headers)

    @get(
        "/v1/jobs",
        responses=responses({200: JobsReply}, (*AUTHENTICATED, "invalid_query")),
    )
    async def list_jobs(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> ASGIResponse:
        caller, context = caller_of(request.scope), context_of(request)
        offset = context.pager.offset(caller, "jobs", cursor)
        found, more = await context.jobs.list(caller.team, offset=offset, limit=limit)
        after = context.pager.next(caller, "jobs", offset + limit) if more else None
        for job in found:
            job.result = msgspec.UNSET
        return _json(JobsDelivery(found, list_meta_of(request, after)))

    @get(
        "/v1/jobs/{job_id:str}",
        responses=responses({200: JobReply}, (*AUTHENTICATED, *READ)),
    )
    async def show_job(self, request: Req, job_id: FromPath[str]) -> ASGIResponse:
        return _json(JobDelivery(await _show(request, job_id), meta_of(request)))

    @delete(
        "/v1/jobs/{job_id:str}",
        status_code=200,
        opt={"scope": "jobs"},
        responses=responses({200: JobReply}, (*AUTHENTICATED, *READ)),
    )
    async def cancel_job(self, request: Req, job_id: FromPath[str]) -> ASGIResponse:
        """What was not sent costs nothing; a job that had ended stays as it is."""
        found = await context_of(request).jobs.cancel(job_id, caller_of(request.scope).team)
        if found is None:
            raise missing("job")
        return _json(JobDelivery(await _show(request, job_id), meta_of(request)))

    @get(
        "/v1/jobs/{job_id:str}/results",
        responses=responses({200: ItemsReply}, (*AUTHENTICATED, *READ, "invalid_query")),
    )
    async def show_results(
        self,
        request: Req,
        job_id: FromPath[str],
        limit: ResultLimit = 25,
        cursor: CursorParam = None,
        start: FirstRow = 0,
    ) -> Response[Any]:
        """`start` is the index of the first row, for those who have the rows before it."""
        context, job = context_of(request), await _find(request, job_id)
        if wants_csv(request):
            rows = _cells(context, job, start)
            return await to_stream(columns_of(job.operation), rows, job.id)
        if LINES in request.headers.get("accept", ""):
            return Stream(_lines(context, job, start), media_type=LINES)
        caller, name = caller_of(request.scope), f"results {job_id}"
        first = start if cursor is None else context.pager.offset(caller, name, cursor)
        last = min(first + limit, job.counts.total)
        found = await rows_of(context, job, range(first, last))
        after = context.pager.next(caller, name, last) if last < job.counts.total else None
        meta = list_meta_of(request, after, job.counts.total)
        page = msgspec.json.encode(ItemsDelivery(found, meta))
        return Response(page, media_type="application/json", headers={"vary": "Accept"})

    @get(
        "/v1/jobs/{job_id:str}/events",
        responses=responses({}, (*AUTHENTICATED, *READ)),
    )
    async def watch_job(self, request: Req, job_id: FromPath[str]) -> Stream:
        """Server-sent events: `progress` whenever something has changed, `end` at the end.

        A process that is about to end hangs up; another takes the next watcher.
        """
        job = await _find(request, job_id)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        stream: AsyncIterator[bytes] | tuple[()] = ()
        # Who asks for the head alone would hold a connection on which nothing comes.
        if "head" not in request.scope:
            stream = _events(context_of(request), job, caller_of(request.scope).team)
        return Stream(stream, media_type=EVENTS, headers=headers)


async def _cells(context: Context, job: Job, first: int) -> AsyncIterator[list[Any]]:
    async for row in walk(context, job, first):
        yield to_cells(job.operation, row)


async def _lines(context: Context, job: Job, first: int) -> AsyncIterator[bytes]:
    async for row in walk(context, job, first):
        yield msgspec.json.encode(row) + b"\n"


async def _events(context: Context, job: Job, team: str) -> AsyncIterator[bytes]:
    told, silent = b"", 0.0
    found: Job | None = job
    while found is not None and not context.exchange.engine.is_retired:
        found.result = msgspec.UNSET
        body = msgspec.json.encode(found)
        ended = found.finished_at is not None
        if body != told:
            told, silent = body, 0.0
            yield b"event: %b\ndata: %b\n\n" % (b"end" if ended else b"progress", body)
        if ended:
            return
        await asyncio.sleep(WATCH)
        silent += WATCH
        if silent >= SILENCE:
            silent = 0.0
            yield b": still at work\n\n"
        found = await context.jobs.load(job.id, team)


def _json(body: Struct, status: int = 200, headers: dict[str, str] | None = None) -> ASGIResponse:
    return ASGIResponse(
        body=msgspec.json.encode(body),
        status_code=status,
        media_type="application/json",
        headers=headers,
    )
