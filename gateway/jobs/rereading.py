"""What free reads tell of calls in doubt: whether they were charged, and what they found."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.jobs.collection import call_of, settle_collected
from gateway.jobs.traces import Change, Seeker
from gateway.lookup import open_tasks, tickets
from gateway.lookup.called import Called, charged, posted
from gateway.lookup.calls import POLL_SECONDS, Call
from gateway.lookup.desk import Desk
from gateway.lookup.open_tasks import OpenTask, OpenTasks
from gateway.lookup.tickets import OpenTicket
from gateway.money.amounts import cost_of
from gateway.money.entries import Entry
from gateway.money.ledger import DAY
from gateway.store.script import Script
from providers.base import TRIPS
from providers.errors import ProviderError, TaskFailed
from providers.model import Answer, Ticket

NOTHING = Ticket(state={})
NOW = Script.load("now")


@dataclass
class Finding:
    """What is known of a doubt, and `called` if that ends it."""

    evidence: str
    called: Called | None = None


class Rereader:
    def __init__(self, desk: Desk):
        self._desk = desk
        self._open_tasks = OpenTasks(desk)
        self._seeker = Seeker(desk.store, desk.root)
        self._keep = desk.settings.retention.doubts_days * DAY / 1000

    async def look_into(self, entry: Entry) -> Finding:
        """Ask the provider what came of a call, and settle it if that is known.

        Raises StoreDown.
        """
        finding = await self._look_into(entry)
        if finding.called is None and await self._age(entry) > self._keep:
            await self._forget(f"{self._desk.root}entry:{entry.id}")
        return finding

    async def _forget(self, key: str) -> None:
        """Whom a ticket asks about is kept no longer than the questions of other doubts."""
        ticket = await self._desk.store.call("HGET", key, "ticket")
        if not ticket or open_tasks.is_task(ticket):
            return
        kept = tickets.unpack(ticket)
        if not kept.is_bare:
            fresh = tickets.pack(kept.bare())
            await self._seeker.scrub([Change("field", key, "ticket", ticket, fresh)])

    async def _look_into(self, entry: Entry) -> Finding:
        key = f"{self._desk.root}entry:{entry.id}"
        ticket, slot = await self._desk.store.call("HMGET", key, "ticket", "slot")
        if ticket and open_tasks.is_task(ticket):
            return await self._run(entry, open_tasks.unpack(ticket))
        kept = tickets.unpack(ticket) if ticket else await self._asked(entry, slot)
        if kept is None:
            return Finding("no free read tells")
        call = call_of(self._desk, entry.id, kept, entry.credential)
        if call is None:
            return Finding("the account is gone")
        if kept.is_bare and not call.step.offer.ticket_suffices:
            return Finding("its question is not kept any more")
        try:
            if ticket:
                finding = await _collect(call, kept)
            else:
                finding = await _peek(call, kept, await self._age(entry))
        except (ProviderError, *TRIPS) as error:
            return Finding(getattr(error, "reason", "malformed_response"))
        if finding.called is not None:
            await settle_collected(self._desk, call, finding.called)
        return finding

    async def _run(self, entry: Entry, task: OpenTask) -> Finding:
        """A task that a caller began natively; it is settled as it is read."""
        hindrance = await self._open_tasks.run(task)
        fate = await self._desk.ledger.fate(entry.id)
        if fate.state != "posted":
            return Finding(hindrance or "its task")
        return Finding("its task", Called(state="posted"))

    async def _age(self, entry: Entry) -> float:
        """Seconds since its call may have reached the provider."""
        now = int(await self._desk.store.run(NOW, [self._desk.root], []))
        return (now - (entry.dispatched_at or entry.at)) / 1000

    async def _asked(self, entry: Entry, slot: bytes) -> OpenTicket | None:
        """The question of a call whose offer has a free read, as if it had a ticket."""
        query = await self._desk.store.call("GET", f"{self._desk.root}asked:{entry.id}")
        if query is None:
            return None
        return OpenTicket(
            ticket=NOTHING,
            provider=entry.provider,
            operation=entry.operation,
            query=query,
            slot=slot.decode(),
            price=entry.price,
            worst_units=entry.worst_units,
            opened_at=entry.at / 1000,
        )


async def _collect(call: Call, kept: OpenTicket) -> Finding:
    try:
        reply = await call.adapter.collect(call.query, kept.ticket, seconds=POLL_SECONDS)
    except TaskFailed as error:
        if error.units is None:
            raise
        return Finding("its task", charged(error, error.units, kept.price, error.once))
    if not isinstance(reply, Answer):
        return Finding("its task is still under way")
    # Work that somebody else has paid for is collected for nothing.
    units = call.step.offer.charged_units(call.query, reply) if kept.worst_units else 0
    return Finding("its task", _posted(units, kept.price, reply))


async def _peek(call: Call, kept: OpenTicket, age: float) -> Finding:
    reply = await call.adapter.peek(call.query, seconds=POLL_SECONDS)
    if reply is not None:
        answer = reply if isinstance(reply, Answer) else None
        return Finding("a free read", _posted(kept.worst_units, kept.price, answer))
    denies = call.step.offer.peek_denies
    if denies is not None and getattr(call.adapter, denies)(age):
        return Finding("a free read", Called(state="voided"))
    return Finding("no free read finds it, which proves nothing")


def _posted(units: int, price: int, answer: Answer | None = None) -> Called:
    if answer is not None:
        return posted(answer, units, price)
    return Called(state="posted", units=units, cost=cost_of(units, price))
