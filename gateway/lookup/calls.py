"""One provider asked once: read for free, dispatch, ask, and wait for tickets."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import msgspec

from gateway.lookup import tickets
from gateway.lookup.planner import Step
from gateway.lookup.tickets import OpenTicket
from gateway.money.amounts import cost_of
from gateway.money.ledger import EntryState, Ledger
from gateway.store.connection import StoreDown
from providers.base import LONGEST_CALL, Adapter, Charge
from providers.errors import OutOfCredits, ProviderError, TaskFailed, TimedOut, Unavailable
from providers.model import Answer, Query, Ticket

LEASE_MARGIN = 15.0
POLL_SECONDS = 15.0
HOLD_PATIENCE = 30.0


@dataclass(kw_only=True)
class Called:
    """How a call ended; `units` in thousandths and `cost` in micro-units are what is posted."""

    state: EntryState
    units: int = 0
    cost: int = 0
    answer: Answer | None = None
    error: ProviderError | None = None
    upstream: float = 0.0


@dataclass(kw_only=True)
class Call:
    """A reserved step on its way."""

    step: Step
    adapter: Adapter
    operation: str
    query: Query
    after: str | None
    slot: str
    rid: str
    seconds: float


def lease_of(seconds: float) -> int:
    """Milliseconds after which a call that long must be presumed dead."""
    return round((min(seconds, LONGEST_CALL) + LEASE_MARGIN) * 1000)


class Dialler:
    """Makes calls; the ledger hears of every one before its bytes leave."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger

    async def perform(self, call: Call, *, dispatched: bool) -> Called:
        """Ask for an answer. Raises StoreDown; every provider's failure is in the result."""
        started = time.perf_counter()
        called = await self._perform(call, dispatched)
        called.upstream = time.perf_counter() - started
        return called

    async def _perform(self, call: Call, dispatched: bool) -> Called:
        paid = False
        try:
            reply = await call.adapter.peek(call.query, seconds=call.seconds)
            if isinstance(reply, Answer):
                return _posted(call.step, reply, reply.units or 0)
            if not dispatched and not await self._dispatch(call):
                return Called(state="voided", error=Unavailable("the reservation is gone"))
            if reply is not None:
                # Someone paid for this work before: collecting it is free.
                return _posted(call.step, await self._collect_all(call, reply), 0)
            reply = await self._ask(call)
            paid = isinstance(reply, Ticket)
            answer = await self._collect_all(call, reply)
            return _posted(call.step, answer, call.step.offer.charged_units(call.query, answer))
        except ProviderError as error:
            return _failed(call.step, error, paid)

    async def _ask(self, call: Call) -> Answer | Ticket:
        return await call.adapter.ask(call.query, seconds=call.seconds, after=call.after)

    async def _dispatch(self, call: Call) -> bool:
        return await self._ledger.dispatch(call.rid, lease_of(call.seconds))

    async def _collect_all(self, call: Call, reply: Answer | Ticket) -> Answer:
        if isinstance(reply, Answer):
            return reply
        now = time.time()
        open_ticket = OpenTicket(
            reply,
            call.step.provider,
            call.operation,
            msgspec.json.encode(call.query),
            call.slot,
            call.step.price,
            call.step.units,
            now,
        )
        return await self._poll(call, open_ticket)

    async def resume(self, call: Call, open_ticket: OpenTicket) -> Called:
        """Collect a ticket that an earlier call left behind."""
        started = time.perf_counter()
        try:
            answer = await self._poll(call, open_ticket)
            units = call.step.offer.charged_units(call.query, answer)
            called = _posted(call.step, answer, units)
        except ProviderError as error:
            called = _failed(call.step, error, paid=True)
        called.upstream = time.perf_counter() - started
        return called

    async def _poll(self, call: Call, kept: OpenTicket) -> Answer:
        poll = 0
        wait = tickets.wait_before(0, kept.ticket)
        while time.time() - kept.opened_at < tickets.LIFE:
            await self._hold(call, kept, wait)
            await asyncio.sleep(wait)
            poll += 1
            try:
                reply = await call.adapter.collect(call.query, kept.ticket, seconds=POLL_SECONDS)
            except ProviderError as error:
                if tickets.is_final(error):
                    raise
                wait = tickets.wait_after(error, poll)
                continue
            if isinstance(reply, Answer):
                return reply
            kept.ticket = reply
            wait = tickets.wait_before(poll, reply)
        raise TimedOut("the provider never finished", uncertain=True)

    async def _hold(self, call: Call, kept: OpenTicket, wait: float) -> None:
        """Keep the ticket; a store that is away is waited for, as the ticket is bought."""
        lease = lease_of(wait + POLL_SECONDS)
        patience = time.time() + HOLD_PATIENCE
        while True:
            try:
                await self._ledger.hold(call.rid, tickets.pack(kept), lease)
                return
            except StoreDown:
                if time.time() > patience:
                    raise
                await asyncio.sleep(0.1)


def _posted(step: Step, answer: Answer, units: int) -> Called:
    cost = cost_of(units, step.price)
    return Called(state="posted", units=units, cost=cost, answer=answer)


def _failed(step: Step, error: ProviderError, paid: bool) -> Called:
    """A refusal costs nothing, silence may have cost, a ticket of a per-call offer has."""
    free = step.offer.charge is Charge.FREE
    if isinstance(error, TaskFailed) and error.units is not None:
        cost = cost_of(error.units, step.price)
        return Called(state="posted", units=error.units, cost=cost, error=error)
    if isinstance(error, OutOfCredits):
        return Called(state="voided", error=error)
    if paid and step.offer.charge is Charge.PER_CALL:
        return Called(state="posted", units=step.units, cost=step.cost, error=error)
    if (paid or error.uncertain) and not free:
        return Called(state="in_doubt", error=error)
    return Called(state="voided", error=error)
