"""The test stand: simulator, gateway, echo server and httpx client, each pinned to its core."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

HERE = Path(__file__).parent
LOAD_CORE, SERVER_CORE = 0, max(os.sched_getaffinity(0))
ADMIN_KEY = "an-admin-key-for-the-bench-only"
PEOPLE = 2000


class Process:
    """A child pinned to one core; its first line of output says that it is ready."""

    def __init__(self, *command: str, core: int, **environment: str):
        self.core = core
        # A child inherits the core it is started on.
        os.sched_setaffinity(0, {core})
        self._child = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            cwd=HERE.parents[1],
        )
        os.sched_setaffinity(0, {LOAD_CORE})

    def line(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().decode()

    def say(self, text: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(text.encode() + b"\n")
        self._child.stdin.flush()

    def cpu(self) -> float:
        """Seconds of CPU of the process and its children, those that serve included."""
        return sum(_cpu_of(pid) for pid in (self._child.pid, *_descendants(self._child.pid)))

    def cpu_named(self, name: str) -> float:
        """Seconds of CPU of the descendants whose command line has `name`."""
        return sum(_cpu_of(pid) for pid in _descendants(self._child.pid) if name in _command(pid))

    def stop(self) -> None:
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                stream.close()


class Stand:
    """Everything that is measured, started once and used in turn."""

    simulator: Process
    gateway: Process
    echo: Process
    rival: Process
    session: aiohttp.ClientSession

    async def __aenter__(self) -> Stand:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self.simulator = self._start_simulator()
        stack.callback(self.simulator.stop)
        self.bases: dict[str, str] = msgspec.json.decode(self.simulator.line())
        self.gateway = self._start_gateway()
        stack.callback(self.gateway.stop)
        self.url = _url_in(self.gateway)
        self.echo = Process(str(HERE / "echo.py"), core=SERVER_CORE)
        stack.callback(self.echo.stop)
        self.echo_url = self.echo.line().strip()
        self.rival = Process(str(HERE / "rival.py"), self.bases["hunter"], core=SERVER_CORE)
        stack.callback(self.rival.stop)
        connector = aiohttp.TCPConnector(limit=256)
        self.session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        self.people = await self._people()

    def _start_simulator(self) -> Process:
        module = ("-m", "providers.simulator", "serve", "--latency", "zero")
        return Process(*module, "--people", str(PEOPLE), core=LOAD_CORE)

    def _start_gateway(self) -> Process:
        return Process(
            "-c",
            "from gateway.cli import main; main()",
            "serve",
            "--port",
            "0",
            core=SERVER_CORE,
            HUNTER_API_KEY="sim-hunter-key",
            HUNTER_BASE_URL=self.bases["hunter"],
            GATEWAY_DATA_DIR=str(self._folder / "data"),
            GATEWAY_ADMIN_KEY=ADMIN_KEY,
            GATEWAY_MASTER_KEY=base64.b64encode(bytes(32)).decode(),
            GATEWAY_LOG_LEVEL="warning",
        )

    async def _people(self) -> list[dict[str, Any]]:
        """Persons whom Hunter knows, so that every lookup buys an answer."""
        async with self.session.get(f"{self.bases['control']}/world/people?limit={PEOPLE}") as got:
            rows = await got.json()
        return [row for row in rows if row["known"].get("hunter") and not row["claimed"]]


def _url_in(gateway: Process) -> str:
    line = gateway.line()
    while "Serving on " not in line:
        line = gateway.line()
    return line.split("Serving on ")[1].split()[0]


def _cpu_of(pid: int) -> float:
    """Seconds on a processor of all threads, to the nanosecond."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except OSError:
        return 0.0


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    found = [int(child) for child in children]
    return found + [grandchild for child in found for grandchild in _descendants(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


async def in_flight(tasks: list[Any], width: int) -> None:
    """Run every coroutine function of `tasks`, `width` at a time."""
    waiting = iter(tasks)

    async def work() -> None:
        for task in waiting:
            await task()

    await asyncio.gather(*(work() for _ in range(width)))
