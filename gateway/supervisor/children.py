"""Processes that end with this one."""

from __future__ import annotations

import contextlib
import pickle
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from gateway.settings import Settings

START_SECONDS = 30.0
FAREWELL = 35.0
CALM = 60.0
LONGEST_PAUSE = 30.0


class ChildFailed(Exception):
    """A process that ended, or said nothing, while it was to start."""


class Child:
    """A Python process; the end of its standard input is our end."""

    def __init__(self, name: str, module: list[str], *, fds: tuple[int, ...] = ()):
        self.name = name
        # -P: what lies in the working directory is not ours to import.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
            process_group=0,  # Ctrl-C in a terminal is the supervisor's to handle first
        )

    @classmethod
    def simulator(cls, *, bill: Path) -> Child:
        """All four providers, simulated, on a free port of the loopback."""
        module = ["providers.simulator", "serve", "--latency", "real", "--bill", str(bill)]
        return cls("simulator", [*module, "--die-with-parent", "--parent-pipe"])

    @classmethod
    def worker(cls, listener: int | None) -> Child:
        """A worker for `listener`, or only for jobs without one; it waits to be told more."""
        fds = () if listener is None else (listener,)
        return cls("worker", ["gateway.supervisor.worker"], fds=fds)

    def tell(self, message: bytes) -> None:
        """On its standard input, so that no secret is in an argument or a file."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(len(message).to_bytes(8, "big") + message)
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def line(self) -> str:
        """Its first line: it is up. Raises ChildFailed."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(START_SECONDS):
                raise ChildFailed(f"the {self.name} did not start within {START_SECONDS:.0f} s")
        text = self._process.stdout.readline().decode()
        if not text:
            raise ChildFailed(f"the {self.name} ended while starting; its message is above")
        return text

    def ask_to_end(self) -> None:
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.is_running:
            self._process.kill()

    def stop(self, seconds: float = FAREWELL) -> None:
        """End it: kindly, then not."""
        self.ask_to_end()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Crew:
    """A fixed number of workers; one that dies is replaced, ever slower if it keeps dying."""

    def __init__(self, listener: socket.socket | None, *, size: int):
        self._socket = listener
        self._listener = None if listener is None else listener.fileno()
        self._size = size
        self._message = b""
        self._failures = 0
        self._next_start = 0.0
        # What takes a worker longest needs no settings: it may begin while those are completed.
        self._workers = [Child.worker(self._listener) for _ in range(size)]

    @property
    def is_running(self) -> bool:
        return any(worker.is_running for worker in self._workers)

    def start(self, settings: Settings, *, jobs: bool) -> None:
        """Returns when all serve. Raises ChildFailed."""
        self._message = pickle.dumps((settings, self._listener, jobs))
        for worker in self._workers:
            worker.tell(self._message)
        for worker in self._workers:
            worker.line()

    def poll(self) -> list[int]:
        """Replace the dead; their process ids are returned."""
        dead = [worker for worker in self._workers if not worker.is_running]
        for worker in dead:
            self._workers.remove(worker)
            worker.stop()
            self._fail()
        if len(self._workers) < self._size and time.monotonic() >= self._next_start:
            worker = Child.worker(self._listener)
            worker.tell(self._message)
            self._workers.append(worker)
        return [worker.pid for worker in dead]

    def ask_to_end(self) -> None:
        """They stop listening, and so does this process: nobody waits for what won't be served."""
        if self._socket is not None:
            self._socket.close()
        for worker in self._workers:
            worker.ask_to_end()

    def kill(self) -> None:
        """End those that still run; their lookups are resumed at the next start."""
        for worker in self._workers:
            worker.kill()

    def stop(self) -> None:
        self.ask_to_end()
        for worker in self._workers:
            worker.stop()

    def _fail(self) -> None:
        now = time.monotonic()
        if now > self._next_start + CALM:
            self._failures = 0
        self._failures += 1
        self._next_start = now + min(LONGEST_PAUSE, 0.1 * 2 ** min(self._failures, 10))
