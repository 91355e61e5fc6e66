"""Money and units as integers: micro-units of one currency, thousandths of a provider's unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

MICRO = 1_000_000
MILLI = 1_000


@lru_cache(maxsize=4096)
def to_micros(amount: Decimal) -> int:
    """`amount` in micro-units, rounded half up."""
    return int((amount * MICRO).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def cost_of(units: int, price: int) -> int:
    """Micro-units for `units` thousandths at `price` micro-units each, rounded half up once."""
    return (units * price * 2 + MILLI) // (2 * MILLI)


@lru_cache(maxsize=4096)
def to_money(micros: int) -> str:
    """A decimal string without trailing zeros: 49000 is "0.049"."""
    return _plain(Decimal(micros) / MICRO)


def to_units(units: int) -> int | float:
    """Thousandths as the decimal number a caller reads."""
    whole, rest = divmod(units, MILLI)
    return units / MILLI if rest else whole


def _plain(value: Decimal) -> str:
    text = format(value.normalize(), "f")
    return "0" if text in ("-0", "") else text
