"""Jobs, as their team reads them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Struct

from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, JobReply, JobsReply, responses
from gateway.api.exchange import JobDelivery
from gateway.api.lists import CursorParam, Limit, ListMeta, caller_of, missing
from gateway.jobs.records import Job

Req = Request[Any, Any, Any]


class JobsDelivery(Struct):
    data: list[Job]
    meta: ListMeta


class Jobs(Controller):
    """Readable with a key that may look up: its own calls become jobs."""

    tags = ["Jobs"]
    opt = {"scope": ("jobs", "lookup")}

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
        context = context_of(request)
        job = await context.jobs.load(job_id, caller_of(request.scope).team)
        if job is None:
            raise missing("job")
        return _json(JobDelivery(job, meta_of(request)))


def _json(body: Struct) -> ASGIResponse:
    return ASGIResponse(body=msgspec.json.encode(body), media_type="application/json")
