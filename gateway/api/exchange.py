"""One lookup over HTTP: run it, wait for it as asked, answer or hand over a job."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse
from msgspec import Struct

from gateway.api.bodies import check_routing, to_query
from gateway.api.cursors import Cursor, Cursors, expiry, fingerprint
from gateway.api.encoded import JSON, Encoded
from gateway.api.idempotency import REPLAYED, Repeats, check, mark_of
from gateway.api.lists import ReplyMeta, missing
from gateway.api.portions import PAGED, count_rows, going_on, portion
from gateway.api.preferences import parts_of, wait_of
from gateway.api.problems import MEDIA_TYPE, Problem, of_error
from gateway.api.showing import shown
from gateway.api.unanswered import of_lookup
from gateway.guard.rates import CEILING, Meter
from gateway.jobs.carrying import Buried
from gateway.jobs.engine import Engine
from gateway.jobs.marks import Found, Mark
from gateway.jobs.records import Job, Result
from gateway.jobs.records import Request as JobRequest
from gateway.lookup.delivery import Delivery, deliver
from gateway.lookup.desk import Desk, NotConfigured, Unanswerable
from gateway.lookup.endings import Objected, TooFast
from gateway.lookup.identity import QueryError, canonical, normalise
from gateway.lookup.lookup import Caller, Lookup
from gateway.lookup.marking import named_in
from gateway.money.amounts import to_money
from gateway.money.terms import Rate
from gateway.store.connection import StoreDown
from gateway.telemetry.metrics import count_cache
from providers.model import Query

_encode = msgspec.json.Encoder().encode
NONE: Mapping[str, str] = {}


class JobDelivery(Struct):
    data: Job
    meta: ReplyMeta


class Exchange:
    """Lookups of one process, as HTTP. The engine takes what outlives the wait."""

    engine: Engine

    def __init__(self, desk: Desk, *, currency: str, sandbox: bool):
        self.desk = desk
        self.currency = currency
        self.sandbox = sandbox
        self.cursors = Cursors(desk.data_key)
        self.meter = Meter()
        self.repeats = Repeats(desk)

    async def serve(
        self, request: Request[Any, Any, Any], operation: str, body: Any
    ) -> ASGIResponse:
        """Run the lookup that `body` asks for, unless its Idempotency-Key is known."""
        scope: Any = request.scope
        check_routing(body.routing, "/routing")
        wait = _wait(scope)
        asked = request.query_params.getall("include", []) if scope["query_string"] else []
        parts = parts_of(asked)
        rate = self._meter(scope["caller"].team)
        mark = mark_of(scope, operation, body, parts, secret=self.desk.data_key.value)
        try:
            lookup = self._prepare(scope["caller"], operation, body, wait)
        except (QueryError, NotConfigured, Unanswerable):
            # What was answered once is answered again, though it could not be asked any more.
            if mark is not None:
                found = await self.repeats.look(mark)
                if replay := await self._replay(scope, rate, found):
                    return replay
            raise
        lookup.rate, lookup.raw, lookup.request_id = rate, "raw" in parts, scope["request_id"]
        work = self._job_request(lookup, body, parts)
        if mark is not None:
            found = await self.repeats.begin(mark, lookup, work)
            if replay := await self._replay(scope, rate, found):
                return replay
        return await self._run(lookup, work, wait, scope["started"], mark)

    async def _run(
        self, lookup: Lookup, work: JobRequest, wait: float, started: float, mark: Mark | None
    ) -> ASGIResponse:
        task = self.desk.waterfall.go_on(self.desk.waterfall.run(lookup))
        if wait > 0:
            await self.engine.attend(lookup, task, wait)
        if lookup.held:
            scopes = lookup.caller.budget_scopes()
            _ = self.desk.waterfall.go_on(self.desk.ledger.release(scopes, lookup.id))
        if not task.done():
            job = await self.engine.adopt(lookup, task, work, _encode(lookup.query))
            headers = self._headers(lookup, started)
            return self._accepted(job, lookup.rate, work.request_id, headers)
        answer = self._answer(lookup, task, work, started)
        if mark and not await self.repeats.end(mark, lookup, answer, work.request_id):
            # Others were told of a job, so it ends as this does; else its heir ends it.
            with contextlib.suppress(StoreDown):
                await self.engine.adopt(lookup, task, work, _encode(lookup.query))
        if isinstance(answer, Problem):
            raise answer
        return answer

    async def _replay(self, scope: Any, rate: Rate, found: Found) -> ASGIResponse | None:
        """The reply to a request made before; None for a new one. Raises Problem, StoreDown."""
        check(found)
        if found.job is not None:
            job = await self.engine.queue.load(found.job)
            job = job and await shown(self.desk, self.engine.queue, job)
            return self._accepted(job, rate, scope["request_id"], REPLAYED)
        if found.reply is None:
            return None
        kept, own = found.reply, (time.perf_counter() - scope["started"]) * 1000
        headers = kept.headers | REPLAYED | _rate_headers(rate)
        headers["server-timing"] = f"upstream;dur=0.0, gateway;dur={own:.2f}"
        media = JSON if kept.status < HTTPStatus.BAD_REQUEST else MEDIA_TYPE.encode()
        return Encoded(
            kept.body, status_code=kept.status, media_type=media, headers=headers.items()
        )

    def _meter(self, team: str) -> Rate:
        """The ceiling of this process; a limit of the team's own takes its place."""
        left, resets = self.meter.count(team)
        if left < 0:
            raise TooFast(resets)
        return Rate(CEILING, left, resets)

    def _prepare(self, caller: Caller, operation: str, body: Any, wait: float) -> Lookup:
        query = to_query(operation, body)
        cursor = self._position(caller, operation, query, getattr(body, "cursor", None))
        lookup = self.desk.prepare(
            operation,
            query,
            caller,
            routing=going_on(body.routing, cursor.skip if cursor else 0),
            wait=max(wait, 0.001),
            tag=body.tag or "",
            after=cursor.after or None if cursor else None,
            credential=cursor.credential if cursor else None,
        )
        lookup.skip = cursor.skip if cursor else 0
        return lookup

    def _position(
        self, caller: Caller, operation: str, query: Query, text: str | None
    ) -> Cursor | None:
        if text is None:
            return None
        meaning = fingerprint(canonical(normalise(query)))
        cursor = self.cursors.read(text, team=caller.team, operation=operation, query=meaning)
        held = self.desk.market.credential(cursor.credential)
        if held is None or not held.serves(caller.team):
            details = "belongs to an account that is not there any more; start the list again"
            raise QueryError("/cursor", details)
        return cursor

    def _job_request(self, lookup: Lookup, body: Any, parts: Collection[str]) -> JobRequest:
        return JobRequest(
            operation=lookup.operation,
            caller=lookup.caller,
            routing=going_on(body.routing, lookup.skip),
            request_id=lookup.request_id,
            lookup=lookup.id,
            currency=self.currency,
            tag=lookup.tag,
            after=lookup.after,
            credential=lookup.credential,
            raw=lookup.raw,
            plan="plan" in parts,
            skip=lookup.skip,
        )

    def _answer(
        self, lookup: Lookup, task: asyncio.Task[None], work: JobRequest, started: float
    ) -> Encoded | Problem:
        problem = _problem(lookup, task.exception(), work.request_id)
        headers = self._headers(lookup, started)
        if problem is not None:
            # A key that dies on its way is refused as one that nobody knows.
            if problem.code != "unauthenticated":
                problem.headers |= headers
            return problem
        elapsed = time.perf_counter() - started
        body = _encode(self._delivery(lookup, work, elapsed))
        return Encoded(body, headers=headers.items())

    def _delivery(self, lookup: Lookup, work: JobRequest, elapsed: float) -> Delivery:
        delivery = deliver(
            lookup,
            request_id=work.request_id,
            currency=self.currency,
            sandbox=self.sandbox,
            raw=work.raw,
            plan=work.plan,
            elapsed=elapsed,
        )
        if not work.plan:
            # It knows its lookup: together they would stay until the collector comes.
            lookup.course = None
        if lookup.operation in PAGED:
            limit = lookup.query.limit  # type: ignore[attr-defined]  # every search has one
            delivery.meta.next_cursor = self._next_cursor(lookup, work.skip + limit)
            delivery.data = portion(delivery.data, work.skip, limit)
        return delivery

    def _next_cursor(self, lookup: Lookup, served: int) -> str | None:
        """Of the rest of the answer, or of the provider's next."""
        answer = lookup.answer
        if answer is None:
            return None
        left = served < count_rows(answer.data)
        after = lookup.after or "" if left else answer.next
        if after is None:
            return None
        return self.cursors.make(
            Cursor(
                lookup.caller.team,
                lookup.operation,
                fingerprint(lookup.canonical),
                answer.provider,
                answer.credential,
                after,
                expiry(),
                served if left else 0,
            )
        )

    def conclude(
        self, lookup: Lookup | None, error: BaseException | None, work: JobRequest
    ) -> Result:
        """How a job's lookup ended, with the body that the exchange would have had."""
        cost = lookup.tally.posted if lookup else 0
        problem = _problem(lookup, error, work.request_id)
        if problem is not None or lookup is None:
            body = (problem or of_error(Buried())).body(work.request_id)
            asked = [*lookup.asked.persons, *lookup.asked.places] if lookup else []
            refused = isinstance(error, Objected)
            return Result(outcome="failed", cost=cost, body=body, persons=asked, objected=refused)
        elapsed = asyncio.get_running_loop().time() - lookup.started
        delivery = self._delivery(lookup, work, elapsed)
        data = lookup.answer.data if lookup.answer else None
        named = named_in(lookup.asked, data, lookup.raws, self.desk.data_key.value)
        return Result(
            outcome=delivery.meta.outcome,
            cost=cost,
            body=_encode(delivery),
            persons=named.persons,
            rows=named.rows,
        )

    def _accepted(
        self, job: Job | None, rate: Rate | None, request_id: str, more: Mapping[str, str] = NONE
    ) -> ASGIResponse:
        """202 with the job and where to read it."""
        if job is None:
            raise missing("job")
        meta = ReplyMeta(request_id=request_id, sandbox=self.sandbox)
        body = _encode(JobDelivery(job, meta))
        headers = {"location": f"/v1/jobs/{job.id}", "retry-after": "1"}
        headers |= {**_rate_headers(rate), **more}
        return Encoded(body, status_code=202, headers=headers.items())

    def _headers(self, lookup: Lookup, started: float) -> dict[str, str]:
        word = _cache_word(lookup)
        count_cache(word)
        upstream = lookup.upstream * 1000
        own = max(0.0, (time.perf_counter() - started) * 1000 - upstream)
        headers = {
            "x-gateway-cost": to_money(lookup.tally.posted),
            "x-gateway-cache": word,
            "server-timing": f"upstream;dur={upstream:.1f}, gateway;dur={own:.2f}",
        }
        if lookup.answer is not None:
            headers["x-gateway-provider"] = lookup.answer.provider
        return headers | _rate_headers(lookup.rate)


def _wait(scope: Any) -> float:
    """Several headers of the name count as one."""
    given = [value for name, value in scope["headers"] if name == b"prefer"]
    return wait_of(b",".join(given).decode("latin-1"))


def _problem(
    lookup: Lookup | None, error: BaseException | None, request_id: str
) -> Problem | None:
    if error is None:
        problem = of_lookup(lookup) if lookup else None
    else:
        problem = of_error(error, request_id)
        if problem.attempts is None and lookup and lookup.attempts:
            problem.attempts = lookup.attempts
    if problem is not None and lookup and lookup.tally.in_doubt:
        problem.in_doubt = to_money(lookup.tally.in_doubt)
    return problem


def _rate_headers(rate: Rate | None) -> dict[str, str]:
    if rate is None:
        return {}
    # The ceiling is each process's own; a limit is the team's or key's, wherever it calls.
    name = rate.scope.partition(":")[0] or "process"
    return {
        "ratelimit": f'"{name}";r={rate.remaining};t={rate.resets}',
        "ratelimit-policy": f'"{name}";q={rate.limit};w=60',
    }


def _cache_word(lookup: Lookup) -> str:
    if lookup.route.max_age == 0:
        return "bypass"
    answer = lookup.answer
    if answer is not None:
        return "hit" if answer.cached else "miss"
    return "hit" if any(item.cached for item in lookup.attempts) else "miss"
