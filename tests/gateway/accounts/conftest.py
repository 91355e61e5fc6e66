"""A gateway whose providers are simulated, and its calls of account objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.store.connection import Store
from providers.simulator.faults import Fault
from providers.simulator.snov.book import Book
from providers.simulator.testing import RunningSimulator
from tests.gateway.accounts.walk import BASE, Call
from tests.gateway.conftest import Gateway

# What the gateway asks of its own accord: for tokens, and for the meters that it reconciles by.
UNASKED = {"POST /v1/oauth/access_token", "GET /account", "GET /v1/get-balance"}


@dataclass
class Desk:
    """`asked` are the requests that providers got since it was last looked at."""

    gateway: Gateway
    simulator: RunningSimulator
    store: Store

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """To `/v1/providers` and `path`, as whoever the `client` in `more` is."""
        client: httpx.AsyncClient = more.pop("client", self.gateway.client)
        if body is not None:
            more["json"] = body
        return await client.request(method, BASE + path, **more)

    async def call(
        self, provider: str, call: Call, ids: tuple[str, ...] | None = None, *, account: str = ""
    ) -> httpx.Response:
        body = call.body
        if isinstance(body, dict) and body.get("email") == "{recipient}":
            body = {**body, "email": recipient_of(self.simulator)}
        headers = {"x-gateway-credential": account} if account else {}
        path = call.path(provider, ids).removeprefix(BASE)
        return await self.send(call.method, path, body, headers=headers)

    def fault(self, provider: str, kind: Any, **options: Any) -> None:
        """Of all but the sign-in."""
        path = "/v[12]/[!o]*" if provider == "snov" else None
        self.simulator.faults.put(
            Fault(**{"provider": provider, "kind": kind, "path": path, **options})
        )

    def heal(self) -> None:
        self.simulator.faults.clear()

    def asked(self) -> list[str]:
        """`METHOD /path` of each, the oldest first, but for what was not asked for here."""
        visits = [f"{one.method} {one.path}" for one in self.simulator.app.traffic.latest]
        self.simulator.app.traffic.clear()
        return [name for name in visits if name not in UNASKED]

    async def entries(self, **filters: str) -> list[dict[str, Any]]:
        """Of the ledger, the latest first."""
        filters["limit"] = "100"
        reply = await self.gateway.client.get("/v1/admin/ledger", params=filters)
        found: list[dict[str, Any]] = reply.json()["data"]
        return found


def recipient_of(simulator: RunningSimulator) -> str:
    """Somebody in the first campaign of Snov.io's who has not finished."""
    statuses = Book(simulator.world).campaigns[2001].statuses
    return next(email for email, status in statuses.items() if status == "Active")


@pytest.fixture
async def desk(gateway: Gateway, simulator: RunningSimulator, store: Store) -> Desk:
    return Desk(gateway, simulator, store)
