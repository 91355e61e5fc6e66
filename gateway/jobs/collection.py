"""Results that a provider was working on, settled for whoever asked: nobody waits any more."""

from __future__ import annotations

import msgspec

from gateway.guard.suppression import marks_of
from gateway.lookup import cache, tickets
from gateway.lookup.calls import Call, Called
from gateway.lookup.completion import bin_of
from gateway.lookup.desk import Desk
from gateway.lookup.identity import names_of
from gateway.lookup.judge import Accept, judge
from gateway.lookup.settling import marks_in
from gateway.lookup.tickets import OpenTicket
from gateway.money.terms import NEVER, Keepsake, Settlement
from providers.errors import Suppressed
from providers.model import QUERIES
from providers.registry import ADAPTERS


def call_of(desk: Desk, rid: str, kept: OpenTicket, name: str) -> Call | None:
    """The call that bought a ticket, for the credential `name`; None if that is gone."""
    credential = desk.market.credential(name)
    offer = ADAPTERS[kept.provider].offers.get(kept.operation)
    if credential is None or offer is None:
        return None
    return Call(
        step=kept.step(credential, offer),
        adapter=desk.adapter_of(credential),
        operation=kept.operation,
        query=msgspec.json.decode(kept.query, type=QUERIES[kept.operation]),
        after=None,
        slot=kept.slot,
        rid=rid,
        seconds=tickets.LIFE,
    )


async def settle_collected(desk: Desk, call: Call, called: Called) -> None:
    """Close its entry; an answer waits in the cache. Raises StoreDown."""
    key = desk.data_key.value
    settlement = Settlement(
        rid=call.rid,
        state=called.state,
        outcome="in_doubt" if called.state == "in_doubt" else "failed",
        reason=called.error.reason if called.error else "",
        took=bin_of(call.took) if call.took else NEVER,
        units=called.units,
        cost=called.cost,
        persons=marks_of(call.query, names_of(call.query), key),
        objected=isinstance(called.error, Suppressed),
    )
    answer = b""
    if called.answer is not None:
        settlement.outcome = outcome = judge(call.query, called.answer.data, Accept())
        answer = cache.pack(called.answer)
        marks = marks_in(called.answer.data, key)
        settlement.cache = Keepsake(call.slot, cache.LIVES[outcome], cache.CAP, marks)
    await desk.ledger.settle(settlement, answer=answer)
