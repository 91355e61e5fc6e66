"""Rows that ask a provider alike at the same time, in one request of its for many."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from gateway.lookup.departures import NotSent
from providers.base import Rate
from providers.errors import InvalidQuery, ProviderError, Suppressed, Unsupported
from providers.model import Ticket

if TYPE_CHECKING:
    from gateway.lookup.calls import Call

# Seconds that the first of a batch waits for others.
LINGER = 0.1
# What a row alone takes of the provider's requests, and the share of a minute's from which on many
# rows are sooner done in one: a task of many ends with its slowest.
REQUESTS, SHARE = 3, 0.1
# Seconds that a request of many must have: who has less goes alone, and spoils it for nobody.
UNHURRIED = 10.0

Outcome = Ticket | ProviderError
Send = Callable[[Sequence["Call"]], Awaitable[list[Outcome]]]
# None: the call is to be made alone.
End = Ticket | Exception | None
Member = tuple["Call", "asyncio.Future[End]"]


class Batch:
    def __init__(self) -> None:
        self.members: list[Member] = []
        self.full = asyncio.Event()


class Batches:
    """Of one process. `send` asks for several calls at once; what it raises is for all of them."""

    def __init__(self, send: Send):
        self._send = send
        self._open: dict[tuple[str, ...], Batch] = {}
        self._going: set[asyncio.Task[None]] = set()

    async def ask(self, call: Call) -> Ticket | None:
        """A ticket by a request for many; None if the call is to be made alone.

        Raises ProviderError, StoreDown.
        """
        name = name_of(call)
        if name is None:
            return None
        future = self._join(name, call)
        # Nothing is raised inside of it: whoever goes on takes a seat again.
        async with call.rest.resting() if call.rest else contextlib.nullcontext():
            end = await future
        if isinstance(end, Exception):
            raise end
        return end

    def _join(self, name: tuple[str, ...], call: Call) -> asyncio.Future[End]:
        batch = self._open.get(name)
        if batch is None:
            batch = self._open[name] = Batch()
            task = asyncio.create_task(self._go(name, batch))
            self._going.add(task)
            task.add_done_callback(self._going.discard)
        future: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        batch.members.append((call, future))
        if len(batch.members) >= call.step.offer.most:
            del self._open[name]
            batch.full.set()
        return future

    async def _go(self, name: tuple[str, ...], batch: Batch) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await batch.full.wait()
        if self._open.get(name) is batch:
            del self._open[name]
        members = [member for member in batch.members if _still_wants(*member)]
        if len(members) < crowd_of(members):
            ends: Sequence[End] = [None] * len(members)
        else:
            ends = await self._sent([call for call, _ in members])
        for (_, future), end in zip(members, ends, strict=True):
            if not future.done():
                future.set_result(end)

    async def _sent(self, calls: Sequence[Call]) -> Sequence[End]:
        try:
            return await self._send(calls)
        except (InvalidQuery, Unsupported, Suppressed) as error:
            # It is about one of them: each finds out for itself whether it is the one.
            return [error if error.uncertain else None] * len(calls)
        except Exception as error:  # noqa: BLE001 - it is told to everyone who waits
            return [error, *(_heard_of(error) for _ in calls[1:])]


def name_of(call: Call) -> tuple[str, ...] | None:
    """What calls have in common that can share a request; None for one that goes alone.

    They are of one job: it is cancelled, or laid aside, as one.
    """
    offer, head = call.step.offer, call.lookup.head if call.lookup else None
    if offer.ask_many is None or head is None or call.after is not None:
        return None
    if not head.bulk or head.place is None or call.seconds < UNHURRIED:
        return None
    alike = call.adapter.alike(call.query)
    parts = (head.place.job, call.step.credential.id, call.operation)
    return None if alike is None else (*parts, alike)


def _still_wants(call: Call, future: asyncio.Future[End]) -> bool:
    """Whether it is to be sent: who was cancelled or laid aside meanwhile is not."""
    if call.rest is not None and call.rest.is_too_long(0.0) and not future.done():
        future.set_result(NotSent("it was laid aside before a byte left"))
    return not future.done()


def _heard_of(error: Exception) -> Exception:
    """The failure of a request as all but one of its rows tell it: it failed once."""
    told = copy.copy(error)
    if isinstance(told, ProviderError):
        told.local = True
    return told


def crowd_of(members: Sequence[Member]) -> int:
    """How many have to be together to be sooner done in one request; at least two."""
    rates = type(members[0][0].adapter).rates if members else ()
    return max(2, *(_crowd(rate) for rate in rates)) if rates else len(members) + 1


def _crowd(rate: Rate) -> int:
    return math.floor(SHARE * rate.number * 60 / rate.seconds / REQUESTS) + 1
