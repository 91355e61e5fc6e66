"""Shares and amounts that come as text: `77%`, `25000.00`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,9})?", re.ASCII)


def to_percent(value: Any) -> float | None:
    """A number of hundredths, from `77%`, `77 %`, `77,5%` or the number; else None."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if isinstance(value, bool):
        return None
    text = text.removesuffix("%").rstrip()
    return float(Decimal(text.replace(",", "."))) if _NUMBER.fullmatch(text) else None
