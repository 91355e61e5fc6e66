"""One provider asked once: read for free, dispatch, ask, and wait for tickets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import msgspec

from gateway.guard.permits import Permits, Rank
from gateway.lookup import tickets
from gateway.lookup.batching import Batches, Outcome, name_of
from gateway.lookup.called import Called, failed, posted, spoilt
from gateway.lookup.completion import Completions
from gateway.lookup.departures import Convoy, Departure, NotSent, ran_out
from gateway.lookup.dues import reckon
from gateway.lookup.haste import timed, too_late
from gateway.lookup.hints import Hints
from gateway.lookup.leases import dispatch, lease_for, lease_of, renew
from gateway.lookup.lookup import Lookup
from gateway.lookup.market import Market
from gateway.lookup.marking import Asked
from gateway.lookup.planner import Step
from gateway.lookup.reading import read
from gateway.lookup.resting import Parked, Rest
from gateway.lookup.retries import SHORTEST, RetryBudget
from gateway.lookup.spool import Kept, Spool
from gateway.lookup.tickets import OpenTicket
from gateway.money.ledger import Ledger
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.bench import WAITS
from gateway.vault.credentials import Credential
from gateway.vault.datakey import DataKey
from providers.base import Adapter, Charge, Resend
from providers.errors import ProviderError, Suppressed
from providers.model import Answer, Query, Ticket
from providers.notices import tasks_of

log = get_logger()

POLL_SECONDS = 15.0
LONGEST_NAP = 20.0
# Of an item that was laid aside, until it is lent again.
LATENESS = 60.0


@dataclass(kw_only=True)
class Call:
    """A reserved step on its way; `took` is how long its ticket waited for the answer.

    Its provider `usual`ly takes so many seconds to reply, and has `replied` after so many.
    """

    step: Step
    adapter: Adapter
    operation: str
    query: Query
    after: str | None
    slot: str
    rid: str
    seconds: float
    asked: Asked
    lookup: Lookup | None = None
    took: float = 0.0
    usual: float = 0.0
    replied: float = 0.0

    @property
    def rest(self) -> Rest | None:
        return self.lookup.head.rest if self.lookup else None

    @property
    def least_left(self) -> float:
        """Seconds without which nothing is paid for after a free read, if there was time enough.

        Assumed: of the two requests either takes half of the time.
        """
        return max(SHORTEST, self.usual / 2) if self.seconds >= self.usual else 0.0


class Dialler:
    """Makes calls; the ledger hears of every one before its bytes leave."""

    def __init__(
        self,
        ledger: Ledger,
        market: Market,
        spool: Spool,
        data_key: DataKey,
        *,
        adapter_of: Callable[[Credential], Adapter],
    ):
        self._ledger = ledger
        self._spool = spool
        self._key = data_key
        self._market = market
        self._adapter_of = adapter_of
        self._permits = Permits(ledger.store, ledger.root, ledger.mark.seen)
        self._completions = Completions(ledger.store, ledger.root)
        self.hints = Hints()
        self._budget = RetryBudget()
        self._batches = Batches(self._ask_many)

    async def perform(self, call: Call, *, dispatched: bool) -> Called:
        """Ask for an answer. Raises StoreDown; every provider's failure is in the result."""
        started = time.perf_counter()
        called = await self._perform(call, dispatched)
        await reckon(self._ledger, call, called, self._key.value)
        called.upstream = time.perf_counter() - started
        return called

    async def _perform(self, call: Call, dispatched: bool) -> Called:
        until = time.monotonic() + call.seconds
        try:
            reply = await self._peek(call)
            left = until - time.monotonic()
            if reply is None and call.step.offer.peek is not None and left < call.least_left:
                raise too_late()
        except ProviderError as error:
            return Called(state="voided", error=error)
        if isinstance(reply, Answer):
            return posted(reply, reply.units or 0, call.step.price)
        call.seconds = max(SHORTEST, left)
        if reply is not None:
            return await self._take_over(call, _to_open_ticket(call, reply, worst_units=0))
        return await self._buy(call, dispatched or call.step.paced)

    async def _peek(self, call: Call) -> Answer | Ticket | None:
        """Read for free; once more if that failed and others did not."""
        if call.step.offer.peek is None:
            return None
        return await self._budget.again(lambda: self._peek_once(call), call, self._ledger)

    async def _peek_once(self, call: Call) -> Answer | Ticket | None:
        async with self._leaving(call) as leave:
            peeking = call.adapter.peek(call.query, seconds=call.seconds, leave=leave)
            return await read(call, peeking)

    async def _buy(self, call: Call, leaves: bool) -> Called:
        """One that `leaves` needs nothing but its permit."""
        try:
            if not leaves:
                await dispatch(self._ledger, [call])
            if call.step.offer.charge is Charge.FREE and call.step.offer.resend is Resend.SAFE:
                reply = await self._budget.again(lambda: self._ask(call), call, self._ledger)
            else:
                reply = await self._batches.ask(call) or await self._ask_alone(call)
        except ProviderError as error:
            return failed(call.step, error)
        if isinstance(reply, Ticket):
            return await self._collect(call, _to_open_ticket(call, reply, call.step.units))
        units = call.step.offer.charged_units(call.query, reply)
        return posted(reply, units, call.step.price)

    async def _ask_alone(self, call: Call) -> Answer | Ticket:
        if name_of(call) is not None:
            # It has waited for others, and for its seat.
            await renew(self._ledger, [call])
        return await self._ask(call)

    async def _ask(self, call: Call) -> Answer | Ticket:
        async with self._leaving(call, buys=True) as leave:
            asking = call.adapter.ask(
                call.query, seconds=call.seconds, after=call.after, leave=leave
            )
            return await read(call, asking)

    async def _ask_many(self, calls: Sequence[Call]) -> list[Outcome]:
        """One request, of which each row has its own reservation, ticket and end."""
        head = calls[0]
        head.seconds = min(call.seconds for call in calls)
        paced = [call for call in calls if call.step.paced]
        await renew(self._ledger, paced)
        async with self._leaving(head, buys=True) as leave:
            convoy = Convoy(leave, partial(dispatch, self._ledger, paced))
            queries = [call.query for call in calls]
            asking = head.adapter.ask_many(queries, seconds=head.seconds, leave=convoy)
            outcomes = await read(head, asking)
        # What is bought is kept before its row waits for a seat.
        found = zip(calls, outcomes, strict=True)
        await asyncio.gather(
            *(self._keep(call, one) for call, one in found if isinstance(one, Ticket))
        )
        return outcomes

    async def _keep(self, call: Call, ticket: Ticket) -> None:
        await self._hold(call, _to_open_ticket(call, ticket, call.step.units), 0.0)

    @asynccontextmanager
    async def _leaving(
        self, call: Call, *, buys: bool = False, poll: bool = False
    ) -> AsyncIterator[Departure | None]:
        """What lets the requests of a call leave; a provider that asks for patience gets it."""
        allowance = self._market.allowance(call.step.credential)
        bulk = call.lookup is not None and call.lookup.head.bulk and not poll
        departure = Departure(
            self._permits,
            allowance,
            (*call.adapter.rates, *call.adapter.rates_of_plan(call.step.credential.options)),
            rank=Rank.BULK if bulk else Rank.URGENT,
            rid=call.rid if call.step.paced and not poll else "",
            lease=lease_of(call.seconds),
            buys=buys,
            poll=poll,
            dispatched=self._ledger.dispatched,
            rest=call.rest,
            usual=0.0 if poll else call.usual,
        )
        try:
            with contextlib.nullcontext() if poll else timed(call, departure):
                yield departure if allowance else None
        except ProviderError as error:
            await self._permits.heed(allowance, error)
            raise
        finally:
            if allowance.at_once:
                await departure.arrived()

    async def _take_over(self, call: Call, kept: OpenTicket) -> Called:
        """Someone paid for this work before: collecting it is free. Dispatched without its ticket
        it would look like work that is to be paid for.
        """
        told = tickets.told(kept, call.rid, call.asked, self._key.value)
        try:
            lease = lease_of(call.seconds)
            is_kept = await self._ledger.hold(**told, lease=lease, begins=True)
        except StoreDown as error:
            raise NotSent(str(error)) from None
        if not is_kept:
            return Called(state="voided", error=ran_out())
        return await self._collect(call, kept)

    async def resume(self, call: Call, open_ticket: OpenTicket) -> Called:
        """Collect a ticket that an earlier call left behind. Raises StoreDown."""
        started = time.perf_counter()
        called = await self._collect(call, open_ticket)
        await reckon(self._ledger, call, called, self._key.value)
        called.upstream = time.perf_counter() - started
        return called

    async def _collect(self, call: Call, kept: OpenTicket) -> Called:
        if kept.is_bare and call.lookup is None and not call.step.offer.ticket_suffices:
            return spoilt(call.step, kept, Suppressed("its question is not kept any more"))
        try:
            answer = await self._poll(call, kept)
        except ProviderError as error:
            return spoilt(call.step, kept, error)
        units = call.step.offer.charged_units(call.query, answer) if kept.worst_units else 0
        return posted(answer, units, kept.price)

    async def _poll(self, call: Call, kept: OpenTicket) -> Answer:
        """Until the answer is there, or a life is over; of an older ticket, once at least."""
        before = time.time() - kept.opened_at
        # Whoever laid it aside had waited for this poll, and not for the one after it.
        wait = max(0.0, kept.due - time.time()) if kept.due else await self._wait(kept)
        wait = min(wait, kept.left)
        while True:
            await self._rest(call, kept, wait)
            elapsed, is_telling = time.time() - kept.opened_at, _is_telling(kept)
            try:
                reply = await self._collect_once(call, kept)
            except ProviderError as error:
                again = await self._again_in(call, kept, error)
                if again is None:
                    return tickets.last_word(call.query, kept.ticket, error)
                wait = again
                continue
            if isinstance(reply, Answer):
                # It was done some time since the poll before.
                call.took = (before + elapsed) / 2 if is_telling else 0.0
                return reply
            kept.ticket, kept.strikes, before = reply, 0, elapsed
            if not kept.left:
                return tickets.last_word(call.query, reply)
            wait = min(await self._wait(kept), kept.left)

    async def _again_in(self, call: Call, kept: OpenTicket, error: ProviderError) -> float | None:
        """Seconds until a poll that failed is made again, None if it was the last.

        Raises what ends the ticket at once.
        """
        if error.reason in WAITS:
            await self._market.heard(call.step.credential, error)
        if tickets.is_final(error):
            raise error
        return tickets.retry_in(kept, error)

    async def _wait(self, kept: OpenTicket) -> float:
        elapsed = max(0.0, time.time() - kept.opened_at)
        learned = await self._completions.wait(kept.provider, kept.operation, elapsed)
        return tickets.wait_before(kept.ticket, learned)

    async def _collect_once(self, call: Call, kept: OpenTicket) -> Answer | Ticket:
        self._renew(call)
        async with self._leaving(call, poll=True) as leave:
            reading = call.adapter.collect(
                call.query, kept.ticket, seconds=POLL_SECONDS, leave=leave
            )
            return await read(call, reading)

    def _renew(self, call: Call) -> None:
        """Its account as it is now: a key may have been changed since it was bought.

        One that is gone is asked as it was.
        """
        held = self._market.credential(call.step.credential.id)
        if held is not None and held is not call.step.credential:
            call.step = msgspec.structs.replace(call.step, credential=held)
            call.adapter = self._adapter_of(held)

    async def _rest(self, call: Call, kept: OpenTicket, seconds: float) -> None:
        """Sleep before a poll, in naps that keep the lease as short as a poll needs it.

        Only until the provider tells of its task.
        Raises Parked if whoever runs the lookup does not want to wait that long.
        """
        tasks = tasks_of(kept.ticket.state)
        with self.hints.heard(tasks) as bell:
            try:
                await self._rest_until(call, kept, seconds, bell)
            except Parked as parked:
                parked.tasks = tasks
                raise

    async def _rest_until(
        self, call: Call, kept: OpenTicket, seconds: float, bell: asyncio.Event
    ) -> None:
        kept.due = time.time() + seconds
        while True:
            seconds = 0.0 if bell.is_set() else seconds
            nap, rest = min(seconds, LONGEST_NAP), call.rest
            leaves = rest is not None and rest.is_too_long(seconds)
            # Nobody else is to take up what is laid aside before it is due.
            is_kept = await self._hold(call, kept, seconds + LATENESS if leaves else nap)
            if rest is None:
                await _sleep(nap, bell)
            elif is_kept and leaves:
                raise Parked(seconds)
            elif is_kept:
                await rest.sleep(nap, bell)
            else:
                # Nobody else could take it up.
                async with rest.resting():
                    await _sleep(nap, bell)
            seconds -= nap
            if seconds <= 0 or bell.is_set():
                return

    async def _hold(self, call: Call, kept: OpenTicket, wait: float) -> bool:
        """Keep the ticket; while the store is away it is polled on all the same: it is bought."""
        lease = lease_for(wait + POLL_SECONDS)
        told = tickets.told(kept, call.rid, call.asked, self._key.value)
        try:
            is_kept = await self._ledger.hold(**told, lease=lease)
        except StoreDown:
            log.debug("ticket.not_kept", provider=kept.provider)
            await self._spool.keep(Kept(**told))
            return False
        await self._spool.drop(call.rid)
        return is_kept


async def _sleep(seconds: float, bell: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()


def _is_telling(kept: OpenTicket) -> bool:
    """Whether an answer that is there now tells how long its provider took."""
    return not kept.ticket.slow and not kept.strikes and kept.left > 0


def _to_open_ticket(call: Call, ticket: Ticket, worst_units: int) -> OpenTicket:
    step, asked, now = call.step, msgspec.json.encode(call.query), time.time()
    return OpenTicket(
        ticket, step.provider, call.operation, asked, call.slot, step.price, worst_units, now
    )
