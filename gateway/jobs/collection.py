"""Results that a provider was working on, settled for whoever asked: nobody waits any more."""

from __future__ import annotations

from gateway.lookup import cache, tickets
from gateway.lookup.called import Called
from gateway.lookup.calls import Call
from gateway.lookup.completion import bin_of
from gateway.lookup.desk import Desk
from gateway.lookup.dues import owe
from gateway.lookup.judge import Accept, judge
from gateway.lookup.marking import asked_of
from gateway.lookup.settling import to_given, to_keepsake
from gateway.lookup.tickets import OpenTicket
from gateway.lookup.withholding import sift
from gateway.money.terms import NEVER, Settlement
from providers.registry import ADAPTERS


def call_of(desk: Desk, rid: str, kept: OpenTicket, name: str) -> Call | None:
    """The call that bought a ticket, for the credential `name`; None if that is gone."""
    credential = desk.market.credential(name)
    offer = ADAPTERS[kept.provider].offers.get(kept.operation)
    if credential is None or offer is None:
        return None
    query = kept.asked
    return Call(
        step=kept.step(credential, offer),
        adapter=desk.adapter_of(credential),
        operation=kept.operation,
        query=query,
        after=None,
        slot=kept.slot,
        rid=rid,
        seconds=tickets.LIFE,
        asked=asked_of(query, desk.data_key.value),
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
        persons=call.asked.persons,
        places=call.asked.places,
        kind=call.asked.kind,
        objected=called.is_objection,
        ends=called.answer is None and called.state != "in_doubt",
    )
    owe(settlement, call, called, key)
    if called.answer is not None:
        await sift(desk.store, desk.root, called.answer, key)
        settlement.outcome = outcome = judge(call.query, called.answer.data, Accept())
        keeping = desk.waterfall.keeping
        settlement.cache = to_keepsake(call, called.answer, outcome, hash_key=key, keeping=keeping)
        if not keeping.by_team:
            # Whose it was alone, its ticket does not say.
            life = keeping.outcomes
            settlement.given = to_given(call, called.answer, None, key, life=life)
    whole, bare = cache.to_bodies(called.answer)
    await desk.ledger.settle(settlement, answer=whole, bare=bare)
