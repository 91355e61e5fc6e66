"""One worker process: `python -m gateway.supervisor.worker`, started by the supervisor."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial

import uvicorn
import uvloop

from gateway.api.protocol import ProblemProtocol
from gateway.api.room import make_room
from gateway.app import create_app, open_for_jobs
from gateway.settings import Settings
from gateway.supervisor import farewell
from gateway.telemetry.log import configure_logging, get_logger

PR_SET_PDEATHSIG = 1
# Callers and jobs are waited for at the same time; what comes after both is less than the rest of
# the half minute that is promised.
DRAIN = 20

log = get_logger()


class Server(uvicorn.Server):
    """Tells the supervisor when it serves, and the application when it ends."""

    def __init__(self, config: uvicorn.Config, retire: Callable[[], None]):
        super().__init__(config)
        self._retire = retire

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is loaded by now lives as long as the process: the collector need not walk it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        if self.started:
            sys.stdout.write("serving\n")
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._retire()
        await farewell.accept_all(sockets or ())
        for server in self.servers:
            server.close()
        # The last who was accepted is told of the end like all the others.
        await asyncio.sleep(0)
        await super().shutdown(sockets)
        self._leave_the_deaf()

    def _leave_the_deaf(self) -> None:
        """Who reads nothing keeps no task that would tell it so, nor this process, from ending."""
        for one in list(self.server_state.connections):
            if isinstance(one, ProblemProtocol) and one.flow.write_paused:
                one.transport.abort()


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    settings, listener, jobs = _read_message()
    watch_parent()
    configure_logging(settings.log_level, settings.log_format, secrets=settings.secrets())
    if listener is None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_work(settings))
    app = create_app(settings, jobs=jobs)
    config = uvicorn.Config(
        app,
        http=partial(ProblemProtocol, room=make_room()),  # type: ignore[arg-type]
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=75,
    )
    server = Server(config, app.retire)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([socket.socket(fileno=listener)]))
    return 0 if server.started else 1


async def _work(settings: Settings) -> int:
    """Jobs only, until a signal."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with open_for_jobs(settings):
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await ended.wait()
    return 0


def _read_message() -> tuple[Settings, int | None, bool]:
    """Settings travel on the pipe, so that no secret is in an argument or a file."""
    size = int.from_bytes(_read_exactly(8), "big")
    message: tuple[Settings, int | None, bool] = pickle.loads(_read_exactly(size))  # noqa: S301 - from our own parent
    return message


def _read_exactly(size: int) -> bytes:
    body = b""
    while len(body) < size:
        chunk = os.read(0, size - len(body))
        if not chunk:
            raise SystemExit("the supervisor ended while this worker started")
        body += chunk
    return body


def _end_with_parent() -> None:
    """Linux ends this process with its parent; elsewhere the pipe's end does, a moment later."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch_parent() -> None:
    """End at once when standard input closes: only our parent holds its other end."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
