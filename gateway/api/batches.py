"""Every row of a job looked into before anything is paid."""

from __future__ import annotations

import asyncio
import hashlib
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request

from gateway.api.bodies import check_routing
from gateway.api.context import context_of
from gateway.api.decoding import decode
from gateway.api.idempotency import key_of
from gateway.api.intake import LONGEST_ITEM, JobOptions, read
from gateway.api.lists import caller_of
from gateway.api.problems import RETRY_LATER, Problem, invalid, of_error, request_id_of
from gateway.api.webhook_endpoints import check_url
from gateway.jobs.queue import Mismatch, NewJob
from gateway.jobs.records import Lane, Result
from gateway.jobs.records import Request as JobRequest
from gateway.lookup.identity import QueryError, normalise
from gateway.money.amounts import to_micros
from gateway.money.budgets import put_cap
from gateway.money.ledger import new_id
from gateway.store.inspection import FULL, memory_used
from providers.model import QUERIES

# A job that is as small as a few calls is as quick as they are.
FEW = 10
# Rows looked into in one turn of the event loop.
TURN = 100
SHOWN = 10
CROWDED_OUT = (
    "The store has little memory left: no new jobs until it has more; lookups go on. See /readyz."
)
ITEM_EVENT = "job.item.completed"
HOUR = 3600 * 1000

_encode = msgspec.json.Encoder(order="sorted").encode


async def submit(request: Request[Any, Any, Any]) -> tuple[str, bool]:
    """Open the job that a request hands in: its id, and whether it was opened before.

    Raises Problem, StoreDown.
    """
    if await memory_used(context_of(request).store) >= FULL:
        raise Problem("ledger_unavailable", CROWDED_OUT, retry_after=RETRY_LATER)
    options, rows = read(request)
    check_routing(options.routing, "/routing")
    results = await _look_into(options.operation, rows, request_id_of(request.scope))
    rows = [_showable(row) if at in results else row for at, row in enumerate(rows)]
    if options.webhook is not None:
        await check_url(
            context_of(request).webhooks.receivers, options.webhook.url, "/webhook/url"
        )
    job = _new_job(request, options, rows, results)
    job.request.events = bool(job.item_url) or await _is_subscribed(request)
    if options.max_cost is not None:
        # Decided before the first row is: nothing is bought without it.
        await put_cap(context_of(request).store, job.id, options.max_cost)
    try:
        name = await context_of(request).jobs.open(job)
    except Mismatch:
        detail = "This Idempotency-Key was sent with another body; use a new one."
        raise Problem("idempotency_mismatch", detail) from None
    return name, name != job.id


async def _look_into(operation: str, rows: list[bytes], request_id: str) -> dict[int, Result]:
    """The results of rows that can't be asked. Raises Problem if there is no other."""
    found: dict[int, Result] = {}
    first: list[Problem] = []
    for at, row in enumerate(rows):
        problem = _problem_of(operation, row, f"/items/{at}")
        if problem is not None:
            body = problem.body(request_id)
            found[at] = Result(outcome="failed", cost=0, body=body)
            first = first if len(first) >= SHOWN else [*first, problem]
        if at % TURN == TURN - 1:
            await asyncio.sleep(0)
    if len(found) == len(rows):
        faults = [fault for problem in first for fault in problem.faults]
        raise Problem("invalid_query", "No item can be asked.", faults=faults)
    return found


def _problem_of(operation: str, row: bytes, place: str) -> Problem | None:
    try:
        if len(row) > LONGEST_ITEM:
            raise invalid("", f"is longer than {LONGEST_ITEM} bytes")
        normalise(decode(row, QUERIES[operation]))
    except QueryError as error:
        return invalid(place + error.pointer, error.details)
    except Problem as problem:
        faults = problem.faults or of_error(problem).faults
        details = faults[0].details if faults else problem.detail
        pointer = faults[0].pointer if faults and isinstance(faults[0].pointer, str) else ""
        return invalid(place + pointer, details)
    return None


def _showable(row: bytes) -> bytes:
    """A row as results can repeat it: what is not JSON is its text."""
    try:
        msgspec.json.decode(row)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return msgspec.json.encode(row.decode(errors="replace"))
    return row


async def _is_subscribed(request: Request[Any, Any, Any]) -> bool:
    """Whether an endpoint of the team is told of every row; asked once, when the job is made."""
    endpoints = context_of(request).webhooks.endpoints
    found = await endpoints.of_team(caller_of(request.scope).team)
    return any(one.enabled and ITEM_EVENT in one.events for one in found)


def _new_job(
    request: Request[Any, Any, Any],
    options: JobOptions,
    rows: list[bytes],
    results: dict[int, Result],
) -> NewJob:
    context, webhook = context_of(request), options.webhook
    work = JobRequest(
        operation=options.operation,
        caller=caller_of(request.scope),
        routing=options.routing,
        request_id=request_id_of(request.scope),
        currency=context.settings.currency,
        tag=options.tag or "",
        capped=options.max_cost is not None and to_micros(Decimal(options.max_cost)) >= 0,
    )
    lane: Lane = "interactive" if len(rows) <= FEW else "bulk"
    job = NewJob(
        id=new_id("job"),
        request=work,
        queries=rows,
        results=results,
        metadata=options.metadata,
        url=webhook.url if webhook and "job.completed" in webhook.events else "",
        item_url=webhook.url if webhook and ITEM_EVENT in webhook.events else "",
        lane=lane,
    )
    return _marked(request, job, options)


def _canonical(row: bytes) -> bytes:
    return _encode(msgspec.json.decode(row))


def _marked(request: Request[Any, Any, Any], job: NewJob, options: JobOptions) -> NewJob:
    """With its idempotency key: one key of one team opens one job, whatever the order of members
    and the space between them.
    """
    scope: Any = request.scope
    key = key_of(scope["headers"])
    if key is not None:
        context = context_of(request)
        secret = context.desk.data_key.value
        place = f"{caller_of(scope).team}\0POST /v1/jobs\0".encode() + key
        said = _encode(options) + b"\0" + b"\n".join(map(_canonical, job.queries))
        job.mark = hashlib.blake2b(place, digest_size=16, key=secret).hexdigest()
        job.fingerprint = hashlib.blake2b(said, digest_size=16, key=secret).hexdigest()
        job.mark_life = context.settings.retention.idempotency_hours * HOUR
    return job
