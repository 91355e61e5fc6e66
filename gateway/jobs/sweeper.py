"""Closes what dead processes left open: reservations, calls without a reply, tickets."""

from __future__ import annotations

import asyncio
import time

import msgspec

from gateway.guard.suppression import marks_of
from gateway.lookup import cache, tickets
from gateway.lookup.calls import Call, Called, lease_of
from gateway.lookup.desk import Desk
from gateway.lookup.identity import names_of
from gateway.lookup.judge import Accept, judge
from gateway.lookup.settling import marks_in
from gateway.lookup.tickets import OpenTicket
from gateway.money.ledger import Keepsake, Settlement
from gateway.store.connection import StoreDown
from gateway.store.script import Script
from gateway.telemetry.log import get_logger
from providers.errors import Suppressed
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
            except Exception as error:  # noqa: BLE001 - one broken ticket must not stop the others
                log.error("sweep.failed", error=type(error).__name__)
            await asyncio.sleep(PERIOD)

    async def sweep(self) -> None:
        """One pass. Raises StoreDown."""
        lease = lease_of(tickets.LONGEST_WAIT)
        args = [lease, self._desk.ledger.keep]
        found = await self._desk.store.run(self._script, [self._desk.root], args)
        for rid, ticket, credential in zip(found[::3], found[1::3], found[2::3], strict=True):
            work = self._collect(rid.decode(), ticket, credential.decode())
            task = asyncio.create_task(work)
            self._collecting.add(task)
            task.add_done_callback(self._collected)

    def _collected(self, task: asyncio.Task[None]) -> None:
        self._collecting.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Its lease runs out, and the next pass finds it again.
            log.warning("ticket.postponed", error=type(task.exception()).__name__)

    async def _collect(self, rid: str, ticket: bytes, credential: str) -> None:
        """Finish a call whose caller is gone; the answer waits in the cache."""
        try:
            kept = tickets.unpack(ticket)
        except msgspec.MsgspecError:
            log.error("ticket.unreadable", rid=rid)
            await self._give_up(rid, "malformed_response")
            return
        call = self._call(rid, kept, credential)
        if call is None:
            await self._strand(rid, kept)
            return
        called = await self._desk.waterfall.dialler.resume(call, kept)
        await self._desk.market.heard(call.step.credential, called.error)
        await self._settle(call, called)

    async def _settle(self, call: Call, called: Called) -> None:
        key = self._desk.data_key.value
        settlement = Settlement(
            rid=call.rid,
            state=called.state,
            outcome="in_doubt" if called.state == "in_doubt" else "failed",
            reason=called.error.reason if called.error else "",
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
        await self._desk.ledger.settle(settlement, answer=answer)
        log.info("ticket.collected", rid=call.rid, provider=call.step.provider)

    async def _strand(self, rid: str, kept: OpenTicket) -> None:
        """Only the account that bought a ticket can collect it; once it is too old, nobody can."""
        log.warning("ticket.stranded", rid=rid, provider=kept.provider)
        if time.time() - kept.opened_at > tickets.LIFE:
            await self._give_up(rid, "timed_out")

    async def _give_up(self, rid: str, reason: str) -> None:
        ending = Settlement(rid=rid, state="in_doubt", outcome="in_doubt", reason=reason)
        await self._desk.ledger.settle(ending)

    def _call(self, rid: str, kept: OpenTicket, name: str) -> Call | None:
        credential = self._desk.market.credential(name)
        offer = ADAPTERS[kept.provider].offers.get(kept.operation)
        if credential is None or offer is None:
            return None
        return Call(
            step=kept.step(credential, offer),
            adapter=self._desk.adapter_of(credential),
            operation=kept.operation,
            query=msgspec.json.decode(kept.query, type=QUERIES[kept.operation]),
            after=None,
            slot=kept.slot,
            rid=rid,
            seconds=tickets.LIFE,
        )
