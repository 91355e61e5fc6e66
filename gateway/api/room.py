"""How many callers a process holds connections to at once."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from collections import OrderedDict
from typing import Protocol

# Of the files that a process may have open, three quarters are for callers.
SHARE = 3 / 4
# More are not asked of a system that sets no limit.
MOST_FILES = 65_536


class Guest(Protocol):
    transport: asyncio.Transport


class Room:
    """Whoever has been idle the longest makes way for who comes new.

    Idle is who sent nothing yet, is in the middle of a request's head, or has had its reply.
    """

    def __init__(self, size: int = sys.maxsize) -> None:
        self._size = size
        self._held = 0
        self._idle: OrderedDict[Guest, None] = OrderedDict()

    def enter(self, guest: Guest) -> bool:
        """False if all are busy; who may enter leaves again, once."""
        if self._held >= self._size and not self._make_way():
            return False
        self._held += 1
        self._idle[guest] = None
        return True

    def rest(self, guest: Guest) -> None:
        self._idle[guest] = None

    def work(self, guest: Guest) -> None:
        self._idle.pop(guest, None)

    def leave(self, guest: Guest) -> None:
        self._held -= 1
        self._idle.pop(guest, None)

    def _make_way(self) -> bool:
        if not self._idle:
            return False
        guest, _ = self._idle.popitem(last=False)
        guest.transport.abort()
        return True


def make_room() -> Room:
    """For as many as this process may have; its soft limit of open files is raised first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems allow less than their hard limit says.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if soft == resource.RLIM_INFINITY else min(soft, MOST_FILES)
    return Room(int(files * SHARE))
