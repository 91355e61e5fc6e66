"""Who asked the simulated providers for what, and when; never with which key."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from typing import Any

import msgspec

KEPT = 2000


class Visit(msgspec.Struct, kw_only=True):
    """One request; the times are of the monotonic clock of the simulator's process.

    `placement` says where the key was. `departed` and `status` stay null while no answer left.
    """

    id: str
    provider: str
    method: str
    path: str
    placement: str | None
    account: str | None
    arrived: float
    departed: float | None = None
    status: int | None = None
    fault: str | None = None


class Traffic:
    """`counts` is by provider and route, task ids and the like left out.

    `busy` is set while something is in flight, `quiet` while nothing is.
    """

    def __init__(self) -> None:
        self.latest: deque[Visit] = deque(maxlen=KEPT)
        self.counts: Counter[tuple[str, str]] = Counter()
        self.in_flight = 0
        self.peak = 0
        self.busy, self.quiet = asyncio.Event(), asyncio.Event()
        self.quiet.set()

    def arrive(self, visit: Visit, route: str) -> None:
        self.latest.append(visit)
        self.counts[visit.provider, route] += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        self.busy.set()
        self.quiet.clear()

    def depart(self, visit: Visit, status: int | None) -> None:
        self.in_flight -= 1
        visit.departed = time.monotonic()
        visit.status = status
        if self.in_flight == 0:
            self.busy.clear()
            self.quiet.set()

    def clear(self) -> None:
        """Forget the past; what is in flight stays counted."""
        self.latest.clear()
        self.counts.clear()
        self.peak = self.in_flight

    def report(self, provider: str | None = None) -> dict[str, Any]:
        counts: dict[str, dict[str, int]] = {}
        for (name, route), count in self.counts.items():
            counts.setdefault(name, {})[route] = count
        return {
            "counts": {n: c for n, c in counts.items() if provider in {None, n}},
            "in_flight": self.in_flight,
            "peak": self.peak,
            "now": time.monotonic(),
            "requests": [v for v in self.latest if provider in {None, v.provider}],
        }
