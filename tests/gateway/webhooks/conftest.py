"""A gateway that may send to loopback, a receiver, and events as scripts write them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import httpx
import msgspec
import pytest

from gateway.settings import WebhookSettings
from gateway.store.connection import Store
from tests.gateway.conftest import Gateway, GatewayFactory
from tests.gateway.webhooks.receiver import Receiver, receiving

ROOT = "{pgw}:live:"
ALL = "/v1/webhook-endpoints"
LOOPBACK = (ip_network("127.0.0.0/8"),)
EVENTS = ["job.completed", "job.item.completed", "budget.threshold", "campaign.event"]
# Seconds; jitter takes a tenth away or adds it.
HASTY = WebhookSettings(timeout=5.0, retries=(1, 1, 1))


@dataclass
class Post:
    """What tests do with webhooks; `client` carries the key of the team `default`."""

    gateway: Gateway
    store: Store

    @property
    def client(self) -> httpx.AsyncClient:
        return self.gateway.client

    async def endpoint(self, url: str, *events: str) -> tuple[str, str]:
        """Id and secret of a new endpoint."""
        body = {"url": url, "events": list(events or EVENTS)}
        reply = await self.client.post(ALL, json=body)
        assert reply.status_code == 201, reply.text
        data = reply.json()["data"]
        return data["id"], data["secret"]

    async def emit(self, event: str, data: Any, *, team: str = "default", url: str = "") -> None:
        """A row of the outbox."""
        fields = ("event", event, "team", team, "data", msgspec.json.encode(data))
        await self.store.call("XADD", f"{ROOT}outbox", "*", *fields, "url", url)

    async def log(self, endpoint: str) -> list[dict[str, Any]]:
        """The endpoint's deliveries, newest first."""
        reply = await self.client.get(f"{ALL}/{endpoint}/deliveries")
        assert reply.status_code == 200, reply.text
        found: list[dict[str, Any]] = reply.json()["data"]
        return found

    async def shift(self, seconds: float) -> None:
        """Move the store's clock on."""
        await self.store.call("INCRBY", "{pgw}:clock_offset", round(seconds * 1000))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def post(start_gateway: GatewayFactory, store: Store) -> Post:
    gateway = await start_gateway(webhook_allow_cidrs=LOOPBACK, webhooks=HASTY, test_clock=True)
    return Post(gateway, store)
