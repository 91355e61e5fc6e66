"""Limits on money per calendar window, as the admission script reads them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from gateway.money.amounts import to_micros
from gateway.money.windows import PERIODS
from gateway.store.connection import Store


async def put_limits(store: Store, scope: str, amounts: Mapping[str, str]) -> None:
    """Set the limits of `scope` (`team:ID`, `key:ID`, `all`) by period; others are lifted."""
    key = f"{{pgw}}:budget:{scope}"
    fields: list[str | int] = []
    for period, amount in amounts.items():
        fields += [period, to_micros(Decimal(amount))]
    if fields:
        await store.call("HSET", key, *fields)
    lifted = [period for period in PERIODS if period not in amounts]
    if lifted:
        await store.call("HDEL", key, *lifted)
