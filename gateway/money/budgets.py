"""Limits as the admission script reads them: of money per calendar window, and of pace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from gateway.money.amounts import to_micros
from gateway.money.windows import PERIODS
from gateway.store.connection import Store

PPM = 1_000_000
UNOPENED = 3600 * 1000


async def put_limits(
    store: Store,
    scope: str,
    amounts: Mapping[str, str],
    alerts: Iterable[tuple[str, Sequence[float | Decimal]]] = (),
) -> None:
    """Set the limits of `scope` (`team:ID`, `key:ID`, `all`) by period; others are lifted.

    `alerts` are shares of an amount: an event is written when what is spent reaches one.
    """
    fields: dict[str, str | int] = {}
    for period, amount in amounts.items():
        fields[period] = to_micros(Decimal(amount))
    for period, shares in alerts:
        if shares:
            fields[f"alert:{period}"] = " ".join(str(round(share * PPM)) for share in shares)
    await _replace(store, f"{{pgw}}:budget:{scope}", fields, BUDGET_FIELDS)


async def put_cap(store: Store, job: str, amount: str) -> None:
    """Set what all of a job may cost; it goes with the job, or if that is never opened."""
    await put_limits(store, f"job:{job}", {"total": amount})
    await store.call("PEXPIRE", f"{{pgw}}:budget:job:{job}", UNOPENED)


async def put_pace(
    store: Store, scope: str, *, per_minute: int | None, at_once: int | None
) -> None:
    """Set the requests that `scope` (`team:ID`, `key:ID`) may make; None lifts a limit."""
    given = {"per_minute": per_minute, "at_once": at_once}
    fields = {name: value for name, value in given.items() if value is not None}
    await _replace(store, f"{{pgw}}:limits:{scope}", fields, tuple(given))


BUDGET_FIELDS = (*PERIODS, *(f"alert:{period}" for period in PERIODS))


async def _replace(
    store: Store, key: str, fields: Mapping[str, str | int], names: Sequence[str]
) -> None:
    """What holds is set first, what is lifted goes after it: no moment is without limits."""
    if fields:
        await store.call("HSET", key, *(part for pair in fields.items() for part in pair))
    lifted = [name for name in names if name not in fields]
    if lifted:
        await store.call("HDEL", key, *lifted)
