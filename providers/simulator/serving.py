"""A simulator on a port of its own: one line on standard output says where."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import msgspec
import uvicorn

from providers.simulator.app import CONTROL_PREFIX, DIALECTS, SimulatorApp

PR_SET_PDEATHSIG = 1


@dataclass(slots=True, frozen=True, kw_only=True)
class Endpoints:
    """The base URL that each provider's adapter is given, and that of the control API."""

    port: int
    hunter: str
    snov: str
    sixtyfour: str
    letrics: str
    control: str

    def to_json(self) -> str:
        return msgspec.json.encode(asdict(self)).decode()


def endpoints_at(host: str, port: int) -> Endpoints:
    root = f"http://{host}:{port}"
    bases = {dialect.name: root + dialect.prefix for dialect in DIALECTS}
    return Endpoints(port=port, control=root + CONTROL_PREFIX, **bases)


class SimulatorServer(uvicorn.Server):
    """Says when it listens, and leaves the signals of a host process alone if told to."""

    def __init__(
        self, config: uvicorn.Config, started: Callable[[], None], *, signals: bool
    ) -> None:
        super().__init__(config)
        self._announce = started
        self._signals = signals

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def open(self, sockets: list[socket.socket]) -> None:
        """Listen within the running loop; `close` ends it."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets)

    async def close(self) -> None:
        """At once: connections that are kept alive, or hang by intent, are not waited for."""
        for listener in self.servers:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals() if self._signals else contextlib.nullcontext():
            yield


def make_server(
    app: SimulatorApp, started: Callable[[], None], *, signals: bool
) -> SimulatorServer:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    return SimulatorServer(config, started, signals=signals)


def bind(host: str, port: int) -> socket.socket:
    """Raises OSError when the port is taken.

    asyncio sends small replies at once only on sockets that say they are TCP; otherwise each waits
    40 ms for the acknowledgement of its own headers.
    """
    plain = socket.create_server((host, port), backlog=2048)
    listener = socket.socket(plain.family, plain.type, socket.IPPROTO_TCP, plain.detach())
    listener.set_inheritable(False)
    return listener


def serve(app: SimulatorApp, host: str, port: int) -> None:
    """Serve until a signal; blocks."""
    listener = bind(host, port)
    endpoints = endpoints_at(host, listener.getsockname()[1])

    def announce() -> None:
        sys.stdout.write(endpoints.to_json() + "\n")
        sys.stdout.flush()

    server = make_server(app, announce, signals=True)
    factory = server.config.get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(server.serve([listener]))


def exit_with_parent() -> None:
    """Linux: the kernel ends this process when the thread that started it ends."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    else:
        exit_when_input_closes()


def exit_when_input_closes() -> None:
    """End with the pipe on standard input, which a parent holds open while it lives."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
