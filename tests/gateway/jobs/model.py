"""What a queue should do, told without a store: items that are new, lent, laid aside, or over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gateway.jobs.records import Claimed

LEASE = 10
"""Minutes; sums of the steps of time never come near a multiple."""
SUSPECT = 2
ASIDE = 2
"""Minutes, more or less: every step of time is longer, whichever it is."""

State = Literal["fresh", "flying", "parked", "done", "cancelled"]


@dataclass
class Item:
    """Times in minutes; `touched` says that something came of it before it was laid aside."""

    state: State = "fresh"
    token: str = ""
    until: int = 0
    deaths: int = 0
    progress: bytes | None = None
    outcome: str = ""


@dataclass
class Job:
    team: str
    lane: str
    items: list[Item]
    cancelled: bool = False
    hidden_cost: int = 0
    cost: int = 0
    turns: int = 0

    @property
    def is_over(self) -> bool:
        return all(item.state in ("done", "cancelled") for item in self.items)

    def count(self, *states: State) -> int:
        return sum(item.state in states for item in self.items)


@dataclass
class Model:
    now: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)

    def owner(self, one: Claimed) -> Item | None:
        """The item, if this token may write of it."""
        item = self.jobs[one.job].items[one.index]
        return item if item.state == "flying" and item.token == one.token else None

    def lendable(self, lane: str) -> dict[tuple[str, int], str]:
        """Job and index of what may be lent now, or be laid aside instead, and why."""
        found: dict[tuple[str, int], str] = {}
        for name, job in self.jobs.items():
            for index, item in enumerate(job.items):
                if job.lane == lane and (why := self._why(job, item)):
                    found[name, index] = why
        return found

    def _why(self, job: Job, item: Item) -> str:
        if item.state == "flying" and item.until <= self.now:
            is_suspect = item.deaths + 1 >= SUSPECT and not job.cancelled
            return "suspect" if is_suspect else "orphan"
        if item.state == "parked" and item.until <= self.now:
            return "due"
        return "fresh" if item.state == "fresh" else ""

    def suspect(self, name: str, index: int) -> None:
        """An owner more has died with it: it waits."""
        item = self.jobs[name].items[index]
        item.deaths += 1
        item.state, item.token, item.until = "parked", "", self.now + ASIDE

    def lend(self, one: Claimed) -> None:
        item = self.jobs[one.job].items[one.index]
        item.deaths += item.state == "flying"
        assert one.deaths == item.deaths
        item.state, item.token, item.until = "flying", one.token, self.now + LEASE

    def finish(self, one: Claimed, outcome: str, cost: int) -> bool:
        item = self.owner(one)
        if item is None:
            return False
        item.state = "cancelled" if outcome == "cancelled" else "done"
        item.outcome = outcome
        self.jobs[one.job].cost += cost
        return True

    def park(self, one: Claimed, minutes: int, progress: bytes) -> bool:
        item = self.owner(one)
        if item is None:
            return False
        item.state, item.until = "parked", self.now + minutes
        if progress:
            item.progress, item.deaths = progress, 0
        return True

    def cancel(self, name: str) -> bool:
        job = self.jobs[name]
        if job.is_over:
            return False
        for item in job.items:
            if item.state in ("fresh", "parked"):
                item.state = "cancelled"
        job.cancelled = True
        return True
