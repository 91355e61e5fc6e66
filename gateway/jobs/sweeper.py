"""Closes what dead processes left open: reservations, calls without a reply, tickets."""

from __future__ import annotations

import asyncio

import msgspec

from gateway.lookup import cache, tickets
from gateway.lookup.calls import Call, lease_of
from gateway.lookup.desk import Desk
from gateway.lookup.judge import Accept, judge
from gateway.lookup.planner import Step
from gateway.lookup.settling import marks_in
from gateway.lookup.tickets import OpenTicket
from gateway.money.amounts import cost_of
from gateway.money.ledger import Keepsake, Settlement
from gateway.store.connection import StoreDown
from gateway.store.script import Script
from gateway.telemetry.log import get_logger
from providers.model import QUERIES
from providers.registry import ADAPTERS

log = get_logger()

PERIOD = 5.0


class Sweeper:
    """One per process; the script gives each open end to one of them."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._script = Script.load("sweep")
        self._collecting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        while True:
            try:
                await self.sweep()
            except StoreDown:
                log.debug("sweep.postponed")
            await asyncio.sleep(PERIOD)

    async def sweep(self) -> None:
        """One pass. Raises StoreDown."""
        lease = lease_of(tickets.LONGEST_WAIT)
        found = await self._desk.store.run(self._script, [self._desk.root], [lease])
        for rid, ticket, credential in zip(found[::3], found[1::3], found[2::3], strict=True):
            work = self._collect(rid.decode(), tickets.unpack(ticket), credential.decode())
            task = asyncio.create_task(work)
            self._collecting.add(task)
            task.add_done_callback(self._collecting.discard)

    async def _collect(self, rid: str, kept: OpenTicket, credential: str) -> None:
        """Finish a call whose caller is gone; the answer waits in the cache."""
        call = self._call(rid, kept, credential)
        if call is None:
            log.warning("ticket.stranded", rid=rid, credential=credential)
            return
        called = await self._desk.waterfall.dialler.resume(call, kept)
        settlement = Settlement(
            rid=rid,
            state=called.state,
            outcome="failed",
            reason=called.error.reason if called.error else "",
            units=called.units,
            cost=called.cost,
        )
        answer = b""
        if called.answer is not None:
            outcome = judge(call.query, called.answer.data, Accept())
            settlement.outcome = outcome
            answer = cache.pack(called.answer)
            marks = marks_in(called.answer.data, self._desk.data_key.value)
            settlement.cache = Keepsake(kept.slot, cache.LIVES[outcome], cache.CAP, marks)
        await self._desk.ledger.settle(settlement, answer=answer)
        log.info("ticket.collected", rid=rid, provider=kept.provider, outcome=settlement.outcome)

    def _call(self, rid: str, kept: OpenTicket, name: str) -> Call | None:
        credential = self._desk.market.credential(name)
        offer = ADAPTERS[kept.provider].offers.get(kept.operation)
        if credential is None or offer is None:
            return None
        cost = cost_of(kept.worst_units, kept.price)
        step = Step(kept.provider, credential, offer, kept.price, kept.worst_units, cost)
        return Call(
            step=step,
            adapter=self._desk.adapter_of(credential),
            operation=kept.operation,
            query=msgspec.json.decode(kept.query, type=QUERIES[kept.operation]),
            after=None,
            slot=kept.slot,
            rid=rid,
            seconds=tickets.LIFE,
        )
