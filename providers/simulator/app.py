"""The simulated providers as one ASGI application, each below its own prefix."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import msgspec

from providers.simulator.asgi import Receive, Scope, Send, read_request, send_reply
from providers.simulator.bill import Bill
from providers.simulator.breakage import deliver, replacement
from providers.simulator.control import Control
from providers.simulator.dialect import Dialect, Presented, Route
from providers.simulator.faults import (
    REPLACEMENTS,
    SILENCES,
    Fault,
    Faults,
    fail_task,
    put_unknown_word,
    rename_field,
)
from providers.simulator.hunter import Hunter
from providers.simulator.latency import Latency
from providers.simulator.letrics import Letrics
from providers.simulator.settings import SimulatorSettings
from providers.simulator.sixtyfour import Sixtyfour
from providers.simulator.snov import Snov
from providers.simulator.stage import Stage
from providers.simulator.traffic import Traffic, Visit
from providers.simulator.wire import JSON_HEADER, Reply, Request, reply
from providers.simulator.world import World

DIALECTS: tuple[type[Dialect], ...] = (Hunter, Snov, Sixtyfour, Letrics)
Distort = Callable[[Any, str], Any]
CONTROL_PREFIX = "/_sim"


class SimulatorApp:
    """Raw ASGI, because it must never be the slow part of what is measured against it."""

    def __init__(self, world: World, settings: SimulatorSettings | None = None) -> None:
        settings = settings or SimulatorSettings()
        self.stage = Stage(
            world,
            bill=Bill(settings.bill),
            latency=Latency(settings.latency, settings.seed),
            faults=Faults(settings.seed),
        )
        self.traffic = Traffic()
        self._dialects = [dialect(self.stage) for dialect in DIALECTS]
        self._control = Control(self.stage, self.traffic)
        self._ids = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._route(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        for dialect in self._dialects:
            if path.startswith(dialect.prefix):
                request = await read_request(scope, receive, dialect.prefix, f"r{next(self._ids)}")
                await self._answer(dialect, request, receive, send)
                return
        if path.startswith(CONTROL_PREFIX):
            request = await read_request(scope, receive, CONTROL_PREFIX, "control")
            await send_reply(send, self._control.handle(request))
            return
        await send_reply(send, reply(404, {"error": "no provider is simulated here"}))

    async def _answer(
        self, dialect: Dialect, request: Request, receive: Receive, send: Send
    ) -> None:
        route = dialect.route(request)
        fault = self.stage.faults.draw(dialect.name, request.path, route.endpoint)
        presented, account = dialect.identify(request)
        visit = _visit(dialect, request, presented, fault)
        visit.account = account.name if account is not None else None
        self.traffic.arrive(visit, route.endpoint.path)
        status: int | None = None
        try:
            if fault is None:
                answer = dialect.handle(route, request, account)
            else:
                answer = _faulty(dialect, route, request, fault)
            if delay := self.stage.latency.call(dialect.name):
                await asyncio.sleep(delay)
            if fault is None:
                await send_reply(send, answer)
            else:
                await deliver(fault, answer, receive, send)
            status = None if fault is not None and fault.kind in SILENCES else answer.status
        finally:
            self.traffic.depart(visit, status)


def _visit(
    dialect: Dialect, request: Request, presented: Presented | None, fault: Fault | None
) -> Visit:
    return Visit(
        id=request.id,
        provider=dialect.name,
        method=request.method,
        path=request.path,
        placement=presented.placement if presented is not None else None,
        account=None,
        arrived=time.monotonic(),
        fault=fault.kind if fault is not None else None,
    )


def _faulty(dialect: Dialect, route: Route, request: Request, fault: Fault) -> Reply:
    _, account = dialect.identify(request)
    answer = Reply(503)
    if fault.runs_request:
        stuck = fault.kind == "never_ready"
        answer = dialect.handle(route, request, account, stuck=stuck)
    match fault.kind:
        case "unauthorized":
            return dialect.refuse(401, request)
        case "out_of_credits" | "quota_as_401" if account is not None:
            refusal = dialect.refuse_credits(account)
            status = 401 if fault.kind == "quota_as_401" else refusal.status
            return Reply(status, refusal.body, refusal.headers)
        case "out_of_credits" | "quota_as_401":
            return dialect.refuse(401, request)
        case "rename_field":
            return _distorted(answer, rename_field, fault.field or route.endpoint.decisive)
        case "unknown_word":
            return _distorted(answer, put_unknown_word, fault.field or route.endpoint.word)
        case "task_failed":
            return _distorted(answer, fail_task, None)
        case kind if kind in REPLACEMENTS:
            return replacement(fault, dialect.refuse(fault.status, request))
        case _:
            return answer


def _distorted(answer: Reply, distort: Distort, name: str | None) -> Reply:
    """A reply without a JSON body has no field to distort."""
    if JSON_HEADER not in answer.headers or not answer.body:
        return answer
    payload = distort(msgspec.json.decode(answer.body), name or "")
    return Reply(answer.status, msgspec.json.encode(payload), answer.headers)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
