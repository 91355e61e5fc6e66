"""For those who run the gateway: is it alive, is it ready, what has it done."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any, Literal

import msgspec
from litestar import Controller, Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from msgspec import Struct

from gateway.api.context import Context, context_of
from gateway.api.documents import responses
from gateway.api.edge import key_in
from gateway.api.problems import unauthenticated
from gateway.store.connection import Store, StoreDown
from gateway.store.inspection import Finding, inspect, warn
from gateway.telemetry.metrics import render, render_breakers

Req = Request[Any, Any, Any]


class Life(Struct):
    status: Literal["alive"]


class Concern(Struct):
    """`accepted` concerns were accepted by name in the configuration. `memory` only warns."""

    name: str
    message: str
    accepted: bool


class Readiness(Struct):
    status: Literal["ready", "not_ready"]
    reasons: list[Concern]


OUTDATED = Concern(
    "outdated",
    "The store came back older than its callers; see what is missing, and go on with "
    'POST /v1/admin/reconcile {"accept": true}.',
    accepted=False,
)


async def concerns(store: Store, accept: Collection[str]) -> list[Concern]:
    """What is wrong with the store, and how to mend it."""
    try:
        found = await inspect(store, accept)
    except StoreDown:
        message = "The store does not answer in time; see that it runs and is reachable."
        return [Concern("unreachable", message, accepted=False)]
    return [_concern(finding) for finding in found]


async def warnings(store: Store) -> list[Concern]:
    """What does not make the gateway less ready yet."""
    try:
        return [_concern(finding) for finding in await warn(store)]
    except StoreDown:
        return []  # `unreachable` says it.


def _concern(finding: Finding) -> Concern:
    return Concern(finding.name, finding.message, finding.accepted)


class Operations(Controller):
    """Open without a key, but for `/metrics` if it has its own."""

    tags = ["Operations"]
    opt = {"scope": "open"}

    @get("/livez", responses=responses({200: Life}, ()))
    async def livez(self) -> ASGIResponse:
        return _json(Life("alive"))

    @get(
        "/readyz",
        responses={
            200: ResponseSpec(Readiness, generate_examples=False),
            503: ResponseSpec(Readiness, generate_examples=False),
        },
    )
    async def readyz(self, request: Req) -> ASGIResponse:
        context = context_of(request)
        found = await concerns(context.store, context.settings.store_accept_risk)
        if context.desk.ledger.mark.outdated:
            found.append(OUTDATED)
        ready = all(concern.accepted for concern in found)
        found += await warnings(context.store)
        body = Readiness("ready" if ready else "not_ready", found)
        return _json(body, 200 if ready else 503)

    @get(
        "/metrics",
        responses={
            200: ResponseSpec(str, generate_examples=False, media_type="text/plain"),
            **responses({}, ("unauthenticated",)),
        },
    )
    async def metrics(self, request: Req) -> ASGIResponse:
        metrics_key = context_of(request).settings.metrics_key
        if metrics_key is not None:
            given = key_in(dict(request.scope["headers"])).encode()
            if not hmac.compare_digest(given, metrics_key.reveal().encode()):
                raise unauthenticated()
        body, media_type = render()
        body += await _breakers(context_of(request))
        # The framework adds it to every text.
        media_type = media_type.removesuffix("; charset=utf-8")
        return ASGIResponse(body=body, media_type=media_type)


async def _breakers(context: Context) -> bytes:
    """They are in the store, and so the same from every process; none while it is away."""
    try:
        found = await context.breakers.tripped()
    except StoreDown:
        return b""
    accounts = {one.id: one.provider for one in context.market.credentials}
    return render_breakers(
        (accounts[one.credential], one.credential, one.operation, one.state == "open")
        for one in found
        if one.credential in accounts and one.state != "closed"
    )


def _json(body: Struct, status: int = 200) -> ASGIResponse:
    return ASGIResponse(
        body=msgspec.json.encode(body), status_code=status, media_type="application/json"
    )
