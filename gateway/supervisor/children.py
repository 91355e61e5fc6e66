"""Processes that end with this one."""

from __future__ import annotations

import contextlib
import pickle
import selectors
import signal
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
    """A Python process. It reads `message` from standard input, whose end is our end."""

    def __init__(
        self, name: str, module: list[str], *, message: bytes = b"", fds: tuple[int, ...] = ()
    ):
        self.name = name
        # -P: what lies in the working directory is not ours to import.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", *module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=fds,
            process_group=0,  # Ctrl-C in a terminal is the supervisor's to handle first
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(message)
            self._process.stdin.flush()

    @classmethod
    def simulator(cls, *, bill: Path) -> Child:
        """All four providers, simulated, on a free port of the loopback."""
        module = ["providers.simulator", "serve", "--latency", "real", "--bill", str(bill)]
        return cls("simulator", [*module, "--die-with-parent", "--parent-pipe"])

    @classmethod
    def worker(cls, settings: Settings, listener: int | None, *, jobs: bool) -> Child:
        """A worker serving on `listener`, or only jobs without one."""
        body = pickle.dumps((settings, listener, jobs))
        message = len(body).to_bytes(8, "big") + body
        fds = () if listener is None else (listener,)
        return cls("worker", ["gateway.supervisor.worker"], message=message, fds=fds)

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

    def __init__(self, settings: Settings, listener: int | None, *, size: int, jobs: bool):
        self._settings = settings
        self._listener = listener
        self._jobs = jobs
        self._size = size
        self._failures = 0
        self._next_start = 0.0
        self._workers: list[Child] = []

    @property
    def is_running(self) -> bool:
        return any(worker.is_running for worker in self._workers)

    def start(self) -> None:
        """Returns when all serve. Raises ChildFailed."""
        self._workers = [self._spawn() for _ in range(self._size)]
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
            self._workers.append(self._spawn())
        return [worker.pid for worker in dead]

    def ask_to_end(self) -> None:
        for worker in self._workers:
            worker.ask_to_end()

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

    def _spawn(self) -> Child:
        return Child.worker(self._settings, self._listener, jobs=self._jobs)
