"""Closes what dead processes left open: reservations, calls without a reply, tickets."""

from __future__ import annotations

import asyncio
import time

import msgspec

from gateway.jobs.collection import call_of, settle_collected
from gateway.lookup import open_tasks, tickets
from gateway.lookup.desk import Desk
from gateway.lookup.leases import lease_of
from gateway.lookup.open_tasks import OpenTasks
from gateway.lookup.tickets import OpenTicket
from gateway.money.entries import Books
from gateway.money.ledger import DAY
from gateway.money.terms import Settlement
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger

log = get_logger()

PERIOD = 5.0


class Sweeper:
    """One per process; the script gives each open end to one of them."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._collecting: set[asyncio.Task[None]] = set()
        self._books = Books(desk.store, desk.root)
        self._open_tasks = OpenTasks(desk)
        self._keep = desk.settings.retention.ledger_days * DAY

    async def run(self) -> None:
        while True:
            try:
                await self.sweep()
                await self._books.retire(self._keep)
            except StoreDown:
                log.debug("sweep.postponed")
            except Exception as error:  # noqa: BLE001 - one broken ticket must not stop the others
                log.error("sweep.failed", error=type(error).__name__)
            await asyncio.sleep(PERIOD)

    async def close(self) -> None:
        """Leave the tickets in hand to the next one."""
        for task in self._collecting:
            task.cancel()
        await asyncio.gather(*self._collecting, return_exceptions=True)

    async def sweep(self) -> None:
        """One pass. Raises StoreDown."""
        lease = lease_of(tickets.LONGEST_WAIT)
        found = await self._desk.ledger.sweep(lease)
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
            if open_tasks.is_task(ticket):
                await self._open_tasks.pursue(open_tasks.unpack(ticket))
                return
            kept = tickets.unpack(ticket)
        except msgspec.MsgspecError:
            log.error("ticket.unreadable", rid=rid)
            await self._give_up(rid, "malformed_response")
            return
        call = call_of(self._desk, rid, kept, credential)
        if call is None:
            await self._strand(rid, kept)
            return
        called = await self._desk.waterfall.dialler.resume(call, kept)
        await self._desk.market.heard(call.step.credential, called.error)
        await settle_collected(self._desk, call, called)
        log.info("ticket.collected", rid=rid, provider=kept.provider)

    async def _strand(self, rid: str, kept: OpenTicket) -> None:
        """Only the account that bought a ticket can collect it; once it is too old, nobody can."""
        log.warning("ticket.stranded", rid=rid, provider=kept.provider)
        if time.time() - kept.opened_at > tickets.LIFE:
            await self._give_up(rid, "timed_out")

    async def _give_up(self, rid: str, reason: str) -> None:
        ending = Settlement(rid=rid, state="in_doubt", outcome="in_doubt", reason=reason)
        await self._desk.ledger.settle(ending)
