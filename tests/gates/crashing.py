"""Worker processes that kill themselves at a named point: forked from one that has loaded all.

`python -m tests.gates.crashing`: each line on standard input starts one.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import pickle
import signal
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import gateway.jobs.engine
import gateway.jobs.holds
import gateway.jobs.queue
import gateway.jobs.seats
import gateway.jobs.sweeper
import gateway.lookup.calls
import gateway.lookup.leases
import gateway.lookup.tickets
import gateway.money.ledger
import gateway.process
from gateway.app import open_for_jobs
from gateway.jobs.queue import Queue
from gateway.money.ledger import Ledger
from gateway.settings import Settings
from gateway.telemetry.log import configure_logging
from providers.base import Adapter

PR_SET_PDEATHSIG = 1
# What each point is before or after.
PLACES: dict[str, tuple[type, str]] = {
    "claim": (Queue, "claim"),
    "reading": (Queue, "work"),
    "reservation": (Ledger, "admit"),
    "dispatch": (Ledger, "dispatch"),
    "send": (Adapter, "ask"),
    "ticket": (Ledger, "hold"),
    "poll": (Adapter, "collect"),
    "settlement": (Ledger, "settle"),
    "laying_aside": (Queue, "park"),
    "acknowledgement": (Queue, "finish"),
}
POINTS = [
    *(f"{when}_{place}" for place in PLACES for when in ("before", "after")),
    "on_the_wire",
]
# With the provider at work, and nothing heard of it yet.
MEANWHILE = 0.1


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash_at(point: str) -> None:
    """Have this process end the first time that it comes to the point."""
    if point == "on_the_wire":
        _wrap(Adapter, "ask", during=True)
        return
    when, _, place = point.partition("_")
    _wrap(*PLACES[place], before=when == "before", after=when == "after")


def _wrap(
    owner: type, name: str, *, before: bool = False, during: bool = False, after: bool = False
) -> None:
    whole: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def fatal(*args: Any, **more: Any) -> Any:
        if during:
            asyncio.get_running_loop().call_later(MEANWHILE, die)
        if before:
            die()
        found = await whole(*args, **more)
        if after and (name != "claim" or found):
            die()
        return found

    setattr(owner, name, fatal)


def hurry() -> None:
    """What a dead process left is taken over within a second."""
    gateway.jobs.holds.RENEW, gateway.jobs.engine.LOOK = 0.1, 0.05
    gateway.jobs.queue.LEASE, gateway.jobs.sweeper.PERIOD = 700, 0.1
    put(gateway.lookup.leases, LEASE_MARGIN=0.5, LONGEST_CALL=0.5)
    put(gateway.lookup.calls, POLL_SECONDS=0.5, LATENESS=0.5)
    gateway.lookup.tickets.CEILING = 0.05


def put(module: ModuleType, **names: Any) -> None:
    """Where another module's name was imported."""
    vars(module).update(names)


def rename() -> None:
    """A name of its own in the ledger: what was loaded once is not to be this process's twice."""
    name = os.urandom(8).hex()
    put(gateway.money.ledger, PROCESS=name)
    put(gateway.process, PROCESS=name)


async def work(settings: Settings) -> None:
    async with open_for_jobs(settings):
        await asyncio.Event().wait()


def live(settings: Settings, point: str, mutant: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    rename()
    exec(mutant, {})
    if point:
        crash_at(point)
    if point.endswith("laying_aside"):
        put(gateway.jobs.seats, PARK_AFTER=0.001)
    asyncio.run(work(settings))


def main() -> None:
    configure_logging("error", "json", secrets=[])
    hurry()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        settings, point, mutant = pickle.loads(b64decode(line))
        pid = os.fork()
        if pid == 0:
            live(settings, point, mutant)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
