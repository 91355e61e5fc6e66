"""A scene for each test; when it is over the books are audited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.lookup import tickets
from gateway.store.connection import Store
from providers.simulator.latency import Profile, Spread
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import GatewayFactory
from tests.gateway.lookup.scene import Scene
from tests.gateway.money.books import audit

StartScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def audited(store: Store) -> AsyncIterator[None]:
    """Comes first, so that it ends when the gateways are closed."""
    yield
    await audit(store)


@pytest.fixture
async def start_scene(
    audited: None,
    store: Store,
    simulator: RunningSimulator,
    start_gateway: GatewayFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> StartScene:
    """Starts scenes with settings of their own; tasks are done at once and polled soon."""
    monkeypatch.setattr(tickets, "CEILING", 0.02)
    simulator.app.stage.latency.put(Profile(Spread(), Spread(), Spread()))

    async def start(**settings: Any) -> Scene:
        return Scene(await start_gateway(**settings), simulator, store)

    return start


@pytest.fixture
async def scene(start_scene: StartScene) -> Scene:
    return await start_scene()
