"""A command on a pseudo-terminal, as a person sees it."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable

Launch = Callable[[int], "subprocess.Popen[str]"]


def seen(launch: Launch, *, prompt: str = "\0", reply: str = "") -> tuple[int, str]:
    """Exit code and all that is shown; `launch` takes the end that the process reads and writes.

    Once `prompt` is shown, `reply` is typed.
    """
    master, slave = pty.openpty()
    process = launch(slave)
    os.close(slave)
    text = b""
    while chunk := _read(master):
        text += chunk
        if prompt.encode() in text:
            os.write(master, reply.encode())
            prompt = "\0"
    os.close(master)
    return process.wait(30), text.decode()


def _read(descriptor: int) -> bytes:
    """Nothing once the other side of the terminal is closed."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""
