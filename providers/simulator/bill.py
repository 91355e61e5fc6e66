"""What the simulated providers charged: one row per charge, in their own units and prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import msgspec

MICRO = 10**6

# Price of one unit, by provider and meter.
PRICES: Mapping[tuple[str, str], Decimal] = {
    ("hunter", "searches"): Decimal("0.049"),
    ("hunter", "verifications"): Decimal("0.0245"),
    ("snov", "credits"): Decimal("0.03"),
    ("sixtyfour", "cents"): Decimal("0.01"),
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`what` is whom or which the charge was for, in one canonical spelling."""

    seq: int
    at: str
    provider: str
    account: str
    operation: str
    what: str
    meter: str
    units: int
    cost: str
    request_id: str


class Total(msgspec.Struct):
    calls: int = 0
    units: int = 0
    cost: str = "0"


def to_money(micro: int) -> str:
    whole, part = divmod(micro, MICRO)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


class Bill:
    """Append-only; with a `path` the rows are kept there as JSON lines and read again."""

    def __init__(self, path: Path | None = None) -> None:
        self.prices = dict(PRICES)
        self.rows: list[Row] = []
        self._path = path
        self._seq = 0
        self._forget()
        if path is not None and path.exists():
            for row in _read(path):
                self._enter(row)

    def charge(
        self, provider: str, account: str, operation: str, what: str, *, meter: str, units: int,
        request_id: str,
    ) -> Row:  # fmt: skip
        row = Row(
            seq=self._seq + 1,
            at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            provider=provider,
            account=account,
            operation=operation,
            what=what,
            meter=meter,
            units=units,
            cost=to_money(self._price(provider, meter, units)),
            request_id=request_id,
        )
        self._enter(row)
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(row) + b"\n")
        return row

    def used(self, provider: str, account: str, meter: str) -> int:
        return self._used[provider, account, meter]

    def has(self, provider: str, account: str, operation: str, what: str) -> bool:
        return (provider, account, operation, what) in self._charged

    def select(self, provider: str | None = None) -> list[Row]:
        return [row for row in self.rows if provider in {None, row.provider}]

    def totals(self) -> dict[str, Total]:
        totals: dict[str, Total] = defaultdict(Total)
        for row in self.rows:
            total = totals[row.provider]
            total.calls += 1
            total.units += row.units
        return {
            name: Total(total.calls, total.units, to_money(self._spent[name]))
            for name, total in totals.items()
        }

    def clear(self) -> None:
        """Start over; the file is emptied, sequence numbers go on."""
        self._forget()
        if self._path is not None:
            self._path.write_bytes(b"")

    def _forget(self) -> None:
        self.rows.clear()
        self._used: dict[tuple[str, str, str], int] = defaultdict(int)
        self._spent: dict[str, int] = defaultdict(int)
        self._charged: set[tuple[str, str, str, str]] = set()

    def _enter(self, row: Row) -> None:
        self.rows.append(row)
        self._seq = max(self._seq, row.seq)
        self._used[row.provider, row.account, row.meter] += row.units
        self._spent[row.provider] += int(Decimal(row.cost) * MICRO)
        self._charged.add((row.provider, row.account, row.operation, row.what))

    def _price(self, provider: str, meter: str, units: int) -> int:
        cost = self.prices.get((provider, meter), Decimal(0)) * units * MICRO
        return int(cost.quantize(Decimal(1), ROUND_HALF_UP))


def _read(path: Path) -> list[Row]:
    """The last line may be torn when the process was killed while writing it."""
    *lines, rest = path.read_bytes().split(b"\n")
    if rest:
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    return [msgspec.json.decode(line, type=Row) for line in lines]
