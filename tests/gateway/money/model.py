"""What a test knows of the ledger: entries, the windows they fall into, and nested limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.gateway.money.books import ROOT

# Two days later is a leap day, the day after it another month.
START = datetime(2028, 2, 27, 12, tzinfo=UTC)
# One within the other: a key's, its team's two, everybody's.
LIMITS = {
    ("key:k", "day"): 250,
    ("team:t", "day"): 350,
    ("team:t", "month"): 400,
    ("all", "total"): 550,
}
CALLERS = (["key:k", "team:t", "all"], ["key:l", "team:t", "all"], ["key:m", "team:u", "all"])
Budget = tuple[str, str]


def windows_of(scopes: list[str], minute: int) -> dict[str, Budget]:
    """The balances that a call moves, and the budget of each."""
    day = START + timedelta(minutes=minute)
    names = {"day": f"d:{day:%Y-%m-%d}", "month": f"m:{day:%Y-%m}", "total": "t"}
    return {
        f"{ROOT}bal:{scope}:{name}": (scope, period)
        for scope in scopes
        for period, name in names.items()
    }


@dataclass
class Entry:
    """What the model knows of a reservation; times in minutes.

    `gone` says that it is in doubt only because its owner was not heard of.
    """

    slot: str
    worst: int
    until: int
    state: str
    windows: dict[str, Budget] = field(default_factory=dict)
    ticket: bool = False
    cost: int = 0
    gone: bool = False

    @property
    def live(self) -> bool:
        return self.state in ("reserved", "dispatched")

    @property
    def held(self) -> int:
        return self.worst if self.live or self.state == "in_doubt" else self.cost

    @property
    def column(self) -> str:
        return "reserved" if self.live else self.state

    @property
    def overrun(self) -> int:
        return max(0, self.held - self.worst)
