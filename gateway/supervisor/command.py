"""`prospect serve` and `prospect worker`."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gateway.settings import Settings, SettingsError, load_settings
from gateway.store.embedded import (
    DataDirInUse,
    DataDirUnusable,
    EmbeddedStore,
    NoServerBinary,
    NotRunning,
    StartFailed,
)
from gateway.supervisor.banner import announce
from gateway.supervisor.children import FAREWELL, Child, ChildFailed, Crew
from gateway.supervisor.preparation import (
    StartRefused,
    attached,
    beside,
    check_store,
    started,
    wants_sandbox,
    with_simulators,
    without_simulators,
)
from gateway.telemetry.log import configure_logging, get_logger
from gateway.telemetry.metrics import DIRECTORY_VARIABLE, forget_worker, prepare_directory
from gateway.vault.sealing import SealBroken

log = get_logger()

LOOK = 0.1
PATIENCE = 1.0
REFUSALS = (
    SettingsError,
    StartRefused,
    DataDirInUse,
    DataDirUnusable,
    NoServerBinary,
    NotRunning,
    StartFailed,
    SealBroken,
    ChildFailed,
)


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What the command line says."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    sandbox: bool = False
    config: Path | None = None
    jobs: bool = True

    def settings(self) -> Settings:
        overrides = {"sandbox": True} if self.sandbox else {}
        settings = load_settings(self.config, os.environ, overrides=overrides)
        configure_logging(settings.log_level, settings.log_format, secrets=settings.secrets())
        return settings


Action = Callable[[Launch, ExitStack, "Signals"], None]


def serve(
    *, host: str, port: int, workers: int, sandbox: bool, config: Path | None, jobs: bool
) -> int:
    """Serve until a signal; the exit code. What stops a start is told in one message."""
    launch = Launch(
        host=host, port=port, workers=workers, sandbox=sandbox, config=config, jobs=jobs
    )
    return _run("serve", _serve, launch)


def work(*, config: Path | None) -> int:
    """Work on jobs until a signal, beside a gateway that serves; the exit code."""
    return _run("worker", _work, Launch(config=config))


def _run(name: str, action: Action, launch: Launch) -> int:
    ended = Signals().listen()
    try:
        with ExitStack() as stack:
            action(launch, stack, ended)
    except REFUSALS as error:
        sys.stderr.write(f"prospect {name}: {error}\n")
        return getattr(error, "code", 2)
    return 0


def _serve(launch: Launch, stack: ExitStack, ended: Signals) -> None:
    settings = launch.settings()
    listener = stack.enter_context(_listen(launch.host, launch.port))
    _share_metrics(stack)
    crew = _gather(stack, listener, launch.workers)
    settings, store = started(settings, stack)
    check_store(settings)
    simulator = None
    if wants_sandbox(settings, embedded=store is not None):
        settings, simulator = with_simulators(settings, stack)
    else:
        settings = without_simulators(settings)
    stack.callback(crew.stop)  # before what it needs
    crew.start(settings, jobs=launch.jobs)
    announce(settings, launch.host, listener.getsockname()[1])
    _watch(ended, crew, store, simulator)


def _work(launch: Launch, stack: ExitStack, ended: Signals) -> None:
    configured = launch.settings()
    crew = _gather(stack, None, 1)
    settings = attached(configured)
    check_store(settings)
    settings = beside(settings, embedded=configured.store_url is None)
    crew.start(settings, jobs=True)
    sys.stdout.write("Working on jobs. Stop with Ctrl-C.\n")
    sys.stdout.flush()
    _watch(ended, crew, None, None)


def _gather(stack: ExitStack, listener: socket.socket | None, size: int) -> Crew:
    """Workers that wait for their settings, and end whatever comes of the start."""
    crew = Crew(listener, size=size)
    stack.callback(crew.stop)
    return crew


def _watch(
    ended: Signals,
    crew: Crew,
    store: EmbeddedStore | None,
    simulator: Child | None,
) -> None:
    """Keep everything running until a signal. Raises ChildFailed for what can't be replaced."""
    while not ended.wait(LOOK):
        if store is not None and store.poll():
            log.warning("store.restarted")
        if simulator is not None and not simulator.is_running:
            raise ChildFailed("the simulated providers ended; start again")
        for pid in crew.poll():
            forget_worker(pid)
            log.error("worker.replaced", pid=pid)
    _drain(ended, crew, store)


def _drain(ended: Signals, crew: Crew, store: EmbeddedStore | None) -> None:
    """Let workers finish; a store that a service manager ended with us is needed until then."""
    crew.ask_to_end()
    began, told = time.monotonic(), False
    while crew.is_running and not ended.hurried and time.monotonic() - began < FAREWELL:
        if store is not None and store.poll():
            log.warning("store.restarted")
        if not told and time.monotonic() - began > PATIENCE:
            told = True
            sys.stderr.write("Finishing what is in flight; Ctrl-C again ends at once.\n")
        time.sleep(LOOK / 4)
    crew.kill()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise StartRefused(_why_not(host, port, error)) from None


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; stop what listens there or take another --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges; take one of 1024 or more with --port"
    reason = error.strerror or error
    return f"can't listen on {host}:{port}: {reason}; give an address of this machine with --host"


def _share_metrics(stack: ExitStack) -> None:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="prospect-metrics-"))
    prepare_directory(Path(folder))
    os.environ[DIRECTORY_VARIABLE] = folder


class Signals(threading.Event):
    """Set by Ctrl-C or SIGTERM, which end the watch and not the clean-up; `hurried` by more."""

    hurried = False

    def listen(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._take)
        return self

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.hurried = self.is_set()
        self.set()
