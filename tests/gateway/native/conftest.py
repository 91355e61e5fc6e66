"""A gateway asked natively; when a test is over the books are audited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
import pytest

from gateway.store.connection import Store
from providers.simulator.asgi import send_reply
from providers.simulator.latency import Profile, Spread
from providers.simulator.testing import RunningSimulator
from providers.simulator.wire import Reply
from tests.gateway.conftest import GatewayFactory, make_settings, running_gateway
from tests.gateway.money.books import audit
from tests.gateway.native.harness import Native
from tests.gateway.native.upstream import Upstream, running_upstream


@pytest.fixture
async def audited(store: Store) -> AsyncIterator[None]:
    yield
    await audit(store)


StartNative = Callable[..., Awaitable[Native]]


@pytest.fixture
async def start_native(
    audited: None,
    store: Store,
    simulator: RunningSimulator,
    start_gateway: GatewayFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[StartNative]:
    """Starts gateways with settings of their own; tasks are done at once."""
    simulator.app.stage.latency.put(Profile(Spread(), Spread(), Spread()))
    said: list[Reply] = []

    async def listen(send: Any, reply: Reply) -> None:
        said.append(reply)
        await send_reply(send, reply)

    monkeypatch.setattr("providers.simulator.app.send_reply", listen)
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Native:
            gateway = await start_gateway(**settings)
            client = httpx.AsyncClient(base_url=gateway.url, timeout=70)
            await stack.enter_async_context(client)
            return Native(gateway, simulator, store, client, said)

        yield start


@pytest.fixture
async def native(start_native: StartNative) -> Native:
    return await start_native()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as running:
        yield running


@pytest.fixture
async def raw(
    audited: None, store: Store, store_url: str, simulator: RunningSimulator, upstream: Upstream
) -> AsyncIterator[Native]:
    """A gateway whose providers are all the one upstream."""
    settings = make_settings(store_url, simulator)
    providers = {
        name: msgspec.structs.replace(provider, base_url=upstream.url)
        for name, provider in settings.providers.items()
    }
    settings = msgspec.structs.replace(settings, providers=providers)
    async with (
        running_gateway(settings, simulator) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=70) as client,
    ):
        yield Native(gateway, simulator, store, client)
