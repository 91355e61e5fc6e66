"""The store that comes with the gateway: a real server as a child, in the data directory."""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import quote

from gateway.store import datadir
from gateway.store.datadir import DataDirInUse, DataDirUnusable
from gateway.store.server import FAREWELL, NoServerBinary, Server, StartFailed, ask

__all__ = [
    "DataDirInUse",
    "DataDirUnusable",
    "EmbeddedStore",
    "NoServerBinary",
    "NotRunning",
    "StartFailed",
]


class NotRunning(Exception):
    """No gateway serves this data directory."""


class EmbeddedStore:
    """Owns a data directory and the server in it; all methods block and belong to one thread.

    Start it in the main thread: on Linux the kernel then ends the server with this process,
    elsewhere and in other threads a small watchdog process does.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir.resolve()
        self._lock: int | None = None
        self._socket: Path | None = None
        self._server: Server | None = None

    @property
    def url(self) -> str:
        if self._socket is None:
            raise _not_running(self._data_dir)
        return _to_url(self._socket)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._server is None:
            raise _not_running(self._data_dir)
        return self._server.pid

    def start(self) -> str:
        """Take the data directory, start the server, and return its URL once all is loaded.

        Raises DataDirUnusable, DataDirInUse, NoServerBinary or StartFailed.
        """
        datadir.prepare(self._data_dir)
        self._lock = datadir.own(self._data_dir)
        try:
            self._socket = datadir.choose_socket(self._data_dir)
            self._launch(self._socket)
        except BaseException:
            self.stop()
            raise
        return self.url

    def poll(self) -> bool:
        """Start the server again if it died by itself; True if that was so. Raises StartFailed."""
        if self._socket is None or (self._server and self._server.is_running):
            return False
        if self._server:
            self._server.release()
        self._launch(self._socket)
        return True

    def stop(self) -> None:
        """End the server, which loses nothing it has acknowledged, and give the directory free."""
        if self._server:
            self._server.stop()
        if self._socket:
            datadir.forget_socket(self._data_dir, self._socket)
        if self._lock is not None:
            os.close(self._lock)
        self._server = self._socket = self._lock = None

    @staticmethod
    def attach(data_dir: Path) -> str:
        """The URL of the store that another process serves from this directory; or NotRunning."""
        folder = data_dir.resolve()
        address = datadir.read_socket(folder)
        if address is None or not ask(address):
            raise _not_running(folder)
        return _to_url(address)

    def _launch(self, address: Path) -> None:
        lock = self._await_predecessor()
        try:
            self._server = Server(self._data_dir / "store", address, lock)
        finally:
            os.close(lock)
        self._server.wait_until_ready()

    def _await_predecessor(self) -> int:
        """The lock that every server holds while it lives: two on one log would ruin it."""
        deadline = time.monotonic() + FAREWELL
        while True:
            try:
                return datadir.lock(self._data_dir / "store" / "server.lock")
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StartFailed(
                        f"the server of an earlier gateway still runs on {self._data_dir}; end it"
                    ) from None
                time.sleep(0.01)


def _to_url(address: Path) -> str:
    return f"unix://{quote(str(address))}"


def _not_running(data_dir: Path) -> NotRunning:
    return NotRunning(
        f"no gateway serves the data directory {data_dir}; "
        "start `prospect serve` on it first, or set GATEWAY_STORE_URL"
    )
