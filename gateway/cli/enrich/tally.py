"""Counts and money of a run, kept through its interruptions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from gateway.cli.enrich.operations import spent, to_money
from gateway.cli.failure import dicts

FAILED = "failed"


def count_rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number} rows"


def is_cached(meta: Mapping[str, Any]) -> bool:
    """The answer came from the cache; with nothing found, every clean empty did."""
    attempts = dicts(meta.get("attempts"))
    return bool(meta.get("cached") or (attempts and all(one.get("cached") for one in attempts)))


class Tally(Struct):
    """`cost` and `held`, which is in doubt, sum exact decimals."""

    accepted: int = 0
    weak: int = 0
    empty: int = 0
    failed: int = 0
    cached: int = 0
    cost: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    currency: str = ""
    sandbox: bool = False

    @property
    def done(self) -> int:
        return self.accepted + self.weak + self.empty + self.failed

    @property
    def found(self) -> int:
        return self.accepted + self.weak

    @property
    def share(self) -> int:
        """Found rows in percent of those done."""
        return round(100 * self.found / self.done) if self.done else 0

    def add(self, outcome: str, body: Mapping[str, Any]) -> None:
        """One row."""
        name = outcome if outcome in {"accepted", "weak", "empty"} else FAILED
        setattr(self, name, getattr(self, name) + 1)
        meta = body.get("meta") or {}
        self.cached += is_cached(meta)
        self.cost += spent(body)
        self.held += to_money(meta.get("in_doubt") or body.get("in_doubt"))
        self.sandbox = self.sandbox or bool(meta.get("sandbox"))
        self.currency = meta.get("currency") or self.currency

    @property
    def money(self) -> str:
        return f"{self.cost.normalize():f} {self.currency}".rstrip()
