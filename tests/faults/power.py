"""A power cut for a store: what it has written and not fsynced is gone.

    power = Power(folder)
    monkeypatch.setattr("gateway.store.server.find_binary", lambda: power.binary)
    embedded.start()
    ...
    power.cut(embedded.pid, data_dir / "store")
    embedded.poll()                              # and on with what was left

The kernel hands every fsync and fdatasync of the server, its threads and its children to us
(seccomp's user notification, Linux 5.0 or later, no privileges needed): how long a file was when
the call was made is what survives of it. Nothing is really flushed, so this is fast; nothing else
is changed. Names of files count as written at once.
"""

from __future__ import annotations

import fcntl
import os
import select
import shlex
import signal
import socket
import struct
import sys
import threading
from collections import Counter
from pathlib import Path

from gateway.store.server import find_binary

LAUNCHER = Path(__file__).with_name("unflushed.py")
# struct seccomp_notif: id, thread, flags, then the system call's number, arch, ip, arguments.
NOTICE = struct.Struct("=QII iIQ 6Q")
# struct seccomp_notif_resp: id, value, error, flags.
ANSWER = struct.Struct("=Qqi I")
RECEIVE, RESPOND = 0xC0502100, 0xC0182101
File = tuple[int, int]


class Power:
    """Knows what of every file is on the disk; used for any number of runs of a server."""

    def __init__(self, folder: Path) -> None:
        """`folder` must have a short path: a socket is made in it."""
        folder.mkdir(parents=True, exist_ok=True)
        self.flushed: dict[File, int] = {}
        self.seen: Counter[str] = Counter()
        self.binary = folder / "server"
        address = folder / "notices.sock"
        command = shlex.join(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(address), str(find_binary())]
        )
        self.binary.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        self.binary.chmod(0o700)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Once no server runs any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def cut(self, server: int, folder: Path) -> int:
        """Kill the process at once and take away what was not flushed; how many bytes that was.

        The process is not reaped.
        """
        os.kill(server, signal.SIGKILL)
        os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
        lost = 0
        for path in folder.rglob("*.aof*"):
            status = path.stat()
            left = self.flushed.get((status.st_dev, status.st_ino), 0)
            if status.st_size > left:
                lost += status.st_size - left
                os.truncate(path, left)
        return lost

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                _, descriptors, _, _ = socket.recv_fds(peer, 1, 1)
            thread = threading.Thread(target=self._watch, args=descriptors, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _watch(self, notices: int) -> None:
        """Until the last process under watch has ended."""
        poll = select.poll()
        poll.register(notices, select.POLLIN)
        while not any(event & select.POLLHUP for _, event in poll.poll()):
            self._answer(notices)
        os.close(notices)

    def _answer(self, notices: int) -> None:
        buffer = bytearray(NOTICE.size)
        try:
            fcntl.ioctl(notices, RECEIVE, buffer)
            ident, thread, _, _, _, _, descriptor, *_ = NOTICE.unpack(buffer)
            self._flush(f"/proc/{thread}/fd/{descriptor}")
            fcntl.ioctl(notices, RESPOND, bytearray(ANSWER.pack(ident, 0, 0, 0)))
        except OSError:
            # It was killed while it waited: what it asked for has not happened.
            self.seen["interrupted"] += 1

    def _flush(self, name: str) -> None:
        status = os.stat(name)
        self.flushed[status.st_dev, status.st_ino] = status.st_size
        self.seen["flushes"] += 1
