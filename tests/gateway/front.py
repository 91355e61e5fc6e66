"""A simulator behind a door of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from providers.simulator.app import SimulatorApp
from providers.simulator.serving import bind, endpoints_at, make_server
from providers.simulator.testing import ControlClient, RunningSimulator

Door = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def behind(door: Door, app: SimulatorApp) -> AsyncIterator[RunningSimulator]:
    """Serve `door`, which hands to `app` what it lets through, on a free port."""
    listener = bind("127.0.0.1", 0)
    endpoints = endpoints_at("127.0.0.1", listener.getsockname()[1])
    server = make_server(cast(SimulatorApp, door), lambda: None, signals=False)
    await server.open([listener])
    try:
        yield RunningSimulator(endpoints, ControlClient(endpoints.control), app)
    finally:
        await server.close()
