"""A simulator for the length of a test or a bench, in this event loop or in its own process."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from providers.simulator.app import SimulatorApp
from providers.simulator.bill import Bill
from providers.simulator.faults import Faults
from providers.simulator.latency import ProfileName
from providers.simulator.serving import Endpoints, bind, endpoints_at, make_server
from providers.simulator.settings import SimulatorSettings
from providers.simulator.world import World

START_SECONDS = 20


class ControlRefused(Exception):
    """The control API did not accept what it was told."""


@dataclass(slots=True, frozen=True)
class ControlClient:
    """Calls the control API without keeping the event loop waiting."""

    base: str

    async def get(self, path: str, **query: object) -> Any:
        return await self.call("GET", f"{path}?{urlencode(query)}")

    async def put(self, path: str, body: Mapping[str, object]) -> Any:
        return await self.call("PUT", path, body)

    async def delete(self, path: str) -> Any:
        return await self.call("DELETE", path)

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        return await self.call("POST", path, body)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else msgspec.json.encode(body)
        return await asyncio.to_thread(_call, method, self.base + path, data)

    async def bill(self, provider: str = "") -> Any:
        return await self.get("/bill", provider=provider)

    async def fault(self, provider: str, kind: str, **options: object) -> Any:
        return await self.put("/faults", {"provider": provider, "kind": kind, **options})


def _call(method: str, url: str, data: bytes | None) -> Any:
    request = urllib.request.Request(url, data=data, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise ControlRefused(error.read().decode()) from None


@dataclass(slots=True, frozen=True)
class RunningSimulator:
    """A simulator in this process: over HTTP for the code under test, by hand for the test."""

    endpoints: Endpoints
    control: ControlClient
    app: SimulatorApp

    @property
    def world(self) -> World:
        return self.app.stage.world

    @property
    def bill(self) -> Bill:
        """Holds what is due by now."""
        self.app.stage.settle()
        return self.app.stage.bill

    @property
    def faults(self) -> Faults:
        return self.app.stage.faults


@contextlib.asynccontextmanager
async def running_simulator(
    world: World | None = None,
    *,
    latency: ProfileName = "zero",
    bill: Path | None = None,
) -> AsyncIterator[RunningSimulator]:
    """Serve in the running event loop, on a free port."""
    app = SimulatorApp(world or World(people=400), SimulatorSettings(latency=latency, bill=bill))
    listener = bind("127.0.0.1", 0)
    endpoints = endpoints_at("127.0.0.1", listener.getsockname()[1])
    server = make_server(app, lambda: None, signals=False)
    await server.open([listener])
    try:
        yield RunningSimulator(endpoints, ControlClient(endpoints.control), app)
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def simulator_process(
    *, people: int = 2000, latency: ProfileName = "zero", bill: Path | None = None
) -> AsyncIterator[tuple[Endpoints, ControlClient]]:
    """Serve in a process of its own, killed at the end."""
    command = [sys.executable, "-m", "providers.simulator", "serve", "--die-with-parent"]
    command += ["--people", str(people), "--latency", latency]
    command += ["--bill", str(bill)] if bill is not None else []
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        endpoints = msgspec.json.decode(line, type=Endpoints)
        yield endpoints, ControlClient(endpoints.control)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
