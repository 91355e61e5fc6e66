"""What a provider offers for an operation: at what cost, billed when, sent again or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from providers.model import Answer, Query


class Charge(StrEnum):
    """When a provider bills."""

    PER_CALL = "per_call"
    PER_HIT = "per_hit"
    PER_ROW = "per_row"
    FREE = "free"


class Resend(StrEnum):
    """When the same request may be sent a second time."""

    SAFE = "safe"
    BEFORE_BYTES_SENT = "before_bytes_sent"
    NEVER = "never"


@dataclass(frozen=True)
class Rate:
    """At most `number` requests in any `seconds` of them.

    `paths` are beginnings of the paths that count together; none of them, every request does.
    """

    number: int
    seconds: float
    paths: tuple[str, ...] = ()

    @property
    def bucket(self) -> str:
        return " ".join(self.paths)

    def counts(self, path: str) -> bool:
        return not self.paths or path.startswith(self.paths)


def always(_query: Query) -> bool:
    """The offer takes every query of its operation."""
    return True


def never(_query: Query) -> bool:
    """No query of the operation is charged otherwise than the offer says."""
    return False


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One operation of one provider.

    `ask`, `peek` and `collect` name the adapter's methods. `units` is what one call costs at
    worst, in thousandths of `unit` (per row: of one row); where it depends on the query,
    `variants` are examples by the name that a price list shows. `price` is the default money per
    unit, from `source` as read on `read_on`. `peek` is a free read that comes before anything is
    paid; `peek_denies` names the method that says whether finding nothing by it, so many seconds
    after a dispatch, proves that nothing was bought.
    `answers_only` are charged: a ticket that is refused in the end has cost nothing. Of queries
    that fit `hits_only` a miss is free though the offer is per call, and so is an answer that says
    `unknown` where `doubts_free`.
    `ticket_suffices` to collect an answer, without the query. `ask_many` asks for up to `most`
    queries in one request, each at the price that it has alone.
    """

    ask: str
    charge: Charge
    unit: str
    units: int | Callable[[Any], int]
    price: Decimal
    source: str
    read_on: str
    resend: Resend = Resend.NEVER
    fits: Callable[[Any], bool] = always
    peek: str | None = None
    peek_denies: str | None = None
    collect: str | None = None
    ticket_suffices: bool = False
    answers_only: bool = False
    hits_only: Callable[[Any], bool] = never
    doubts_free: bool = False
    ask_many: str | None = None
    most: int = 1
    variants: Mapping[str, Query] = field(default_factory=dict)

    def worst_units(self, query: Query) -> int:
        """Thousandths of a unit that one call with `query` may cost."""
        if self.charge is Charge.FREE:
            return 0
        rows = getattr(query, "limit", 1) if self.charge is Charge.PER_ROW else 1
        return self._units(query) * rows

    def charged_units(self, query: Query, answer: Answer) -> int:
        """Thousandths of a unit that `answer` cost: the provider's word, else the charge model."""
        if answer.units is not None:
            return answer.units
        if self.charge is Charge.PER_HIT and not answer.data:
            return 0
        if self.charge is Charge.PER_ROW:
            return self._units(query) * answer.rows
        return self.worst_units(query)

    def _units(self, query: Query) -> int:
        return self.units if isinstance(self.units, int) else self.units(query)
