"""Servers of our own, to be configured wrongly, frozen and killed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.store.server import ask, find_binary

Serve = Callable[..., "Served"]


@dataclass
class Served:
    """A server on a unix socket in `folder`."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/s"

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server with these options, in a new folder or in that of an earlier one."""
    running: list[Served] = []

    def start(*options: str, folder: Path | None = None) -> Served:
        folder = folder or tmp_path_factory.mktemp("s")
        command = [str(find_binary()), "--port", "0", "--unixsocket", str(folder / "s")]
        command += ["--dir", str(folder), "--save", "", "--logfile", str(folder / "log")]
        running.append(Served(folder, subprocess.Popen([*command, *options])))
        deadline = time.monotonic() + 30
        while not ask(folder / "s"):
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.005)
        return running[-1]

    yield start
    for server in running:
        server.kill()
