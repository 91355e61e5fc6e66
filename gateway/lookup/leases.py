"""How long an entry lives without a word of its owner: longer than whatever comes between two."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from gateway.lookup.departures import NotSent, ran_out
from gateway.store.connection import StoreDown
from providers.base import LONGEST_CALL

if TYPE_CHECKING:
    from gateway.lookup.calls import Call
    from gateway.money.ledger import Ledger

# For what goes by beside an exchange: a pause, a request for many that fills up, a slow store.
LEASE_MARGIN = 15.0


def lease_for(seconds: float) -> int:
    """Milliseconds after which whoever is at work for so long at a time must be presumed dead.

    No request leaves without a living entry: its owner renews it before every exchange, with every
    look for a permit, and when it is dispatched. So a lease is longer than one exchange can be,
    from its wait for a permit to its reply, however many of them a call is.
    """
    return round((seconds + LEASE_MARGIN) * 1000)


def lease_of(seconds: float) -> int:
    """That of one exchange with an adapter: none is longer than LONGEST_CALL, and its backstop."""
    return lease_for(min(seconds, LONGEST_CALL))


async def renew(ledger: Ledger, calls: Sequence[Call]) -> None:
    """They have another exchange before them. Raises RateLimited, NotSent."""
    await _of_all(ledger.renew, calls)


async def dispatch(ledger: Ledger, calls: Sequence[Call]) -> None:
    """Raises RateLimited, NotSent; what of it was recorded is voided by whoever is told."""
    await _of_all(ledger.dispatch, calls)


async def _of_all(tell: Callable[[str, int], Awaitable[bool]], calls: Sequence[Call]) -> None:
    try:
        telling = [tell(call.rid, lease_of(call.seconds)) for call in calls]
        # Nearly always there is one, and no need of a task for it.
        told = [await telling[0]] if len(telling) == 1 else await asyncio.gather(*telling)
    except StoreDown as error:
        raise NotSent(str(error)) from None
    if not all(told):
        raise ran_out()
