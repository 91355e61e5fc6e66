"""Becomes the given program, bound by the Linux kernel to die with the process that started it.

Run as a script, not imported: a `preexec_fn` in a process with threads can deadlock.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, *command: str) -> None:
    # SIGKILL loses nothing that was acknowledged: `appendfsync always` wrote it before replying.
    # SIGTERM would wait for a script that runs on.
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != int(parent):
        sys.exit("the gateway ended before its store had started")
    os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
