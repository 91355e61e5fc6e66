"""What a provider charges a single time for the same request, however often it is asked."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from gateway.lookup.called import Called
from gateway.money.amounts import cost_of
from gateway.money.ledger import Ledger
from gateway.money.terms import Settlement
from gateway.store.connection import StoreDown

if TYPE_CHECKING:
    from gateway.lookup.calls import Call


def mark_of(account: str, once: str, key: bytes) -> str:
    """What an account is charged for a single time, as a hash: it may tell of whom."""
    return hashlib.blake2b(f"{account}\0{once}".encode(), digest_size=16, key=key).hexdigest()


def marks_of(call: Call, called: Called, key: bytes) -> dict[str, int]:
    """Thousandths of units by the mark of what they may have been charged for before."""
    account = call.step.credential.id
    once = {one: units for one, units in called.once.items() if one}
    return {mark_of(account, one, key): units for one, units in once.items()}


async def reckon(ledger: Ledger, call: Call, called: Called, key: bytes) -> None:
    """Take off what the account was charged before.

    If the store is away that is done with the end of the entry.
    """
    if not called.once:
        return
    with contextlib.suppress(StoreDown):
        before = await ledger.charged_before(call.rid, marks_of(call, called, key))
        called.units = max(0, called.units - before)
        called.cost = cost_of(called.units, call.step.price)
        called.once = {}


def owe(settlement: Settlement, call: Call, called: Called, key: bytes) -> None:
    """Leave what is not reckoned yet to whoever has the store."""
    settlement.once = marks_of(call, called, key)
    settlement.price = call.step.price
