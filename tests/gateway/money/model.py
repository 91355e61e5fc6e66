"""What a test knows of the ledger: entries, the windows they fall into, and nested limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.gateway.money.books import ROOT

# Two days later is a leap day, the day after it another month.
START = datetime(2028, 2, 27, 12, tzinfo=UTC)
# One within the other: a key's, its team's two, everybody's, all money; and an account's units.
LIMITS = {
    ("key:k", "day"): 250,
    ("team:t", "day"): 350,
    ("team:t", "month"): 400,
    ("all", "total"): 550,
    ("credential:c", "day"): 2000,
}
CALLERS = (["key:k", "team:t", "all"], ["key:l", "team:t", "all"], ["key:m", "team:u", "all"])
Budget = tuple[str, str]


def windows_of(scopes: list[str], minute: int) -> dict[str, Budget]:
    """The balances of money that a call moves, and the budget of each."""
    return {
        f"{ROOT}bal:{scope}:{name}": (scope, period)
        for scope in scopes
        for period, name in names_at(minute).items()
    }


def meters_of(account: str, minute: int) -> dict[str, Budget]:
    """The balances of units, and the limit of each."""
    return {
        f"{ROOT}units:{account}:{name}": (f"credential:{account}", period)
        for period, name in names_at(minute).items()
    }


def names_at(minute: int) -> dict[str, str]:
    day = START + timedelta(minutes=minute)
    return {"day": f"d:{day:%Y-%m-%d}", "month": f"m:{day:%Y-%m}", "total": "t"}


@dataclass(kw_only=True)
class Entry:
    """What the model knows of a reservation; times in minutes.

    `gone` says that it is in doubt only because its owner was not heard of.
    """

    slot: str
    worst: int
    until: int
    state: str
    worst_units: int = 0
    windows: dict[str, Budget] = field(default_factory=dict)
    meters: dict[str, Budget] = field(default_factory=dict)
    ticket: bool = False
    cost: int = 0
    units: int = 0
    gone: bool = False

    @property
    def live(self) -> bool:
        return self.state in ("reserved", "dispatched")

    @property
    def is_held(self) -> bool:
        return self.live or self.state == "in_doubt"

    @property
    def places(self) -> dict[str, Budget]:
        return self.windows | self.meters

    def held(self, place: str) -> int:
        """Money or units in that balance, whichever it is of."""
        if place in self.meters:
            return self.worst_units if self.is_held else self.units
        if place in self.windows:
            return self.worst if self.is_held else self.cost
        return 0

    @property
    def column(self) -> str:
        return "reserved" if self.live else self.state

    def overrun(self, place: str) -> int:
        worst = self.worst_units if place in self.meters else self.worst
        return max(0, self.held(place) - worst)
