"""A simulator in the test's own event loop, and a client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from providers.simulator.testing import RunningSimulator, running_simulator
from providers.simulator.world import World


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture
async def simulator(world: World) -> AsyncIterator[RunningSimulator]:
    async with running_simulator(world) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    # Nothing here is encrypted: reading the certificates would take longer than most tests.
    async with httpx.AsyncClient(timeout=10, verify=False) as opened:
        yield opened
