"""Many queries in one task: their tickets, the replies they share, each one's part of the bill."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from providers.model import Ticket

T = TypeVar("T")
# Of tasks whose replies are kept; the seconds that one is true that says "not yet", and one that
# is final: a mailbox that is greylisted is asked for again after minutes.
MOST_KEPT, FRESH, FINAL = 64, 0.5, 60.0


class Kept(NamedTuple, Generic[T]):
    until: float
    reply: T


class Replies(Generic[T]):
    """What tasks of many last answered: one request serves all who ask for theirs."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept[T]] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(
        self, name: str, ask: Callable[[], Awaitable[T]], is_final: Callable[[T], bool]
    ) -> T:
        """The reply to `ask`, of a moment ago at most."""
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            kept = self._kept.get(name)
            if kept is None or time.monotonic() > kept.until:
                reply = await ask()
                life = FINAL if is_final(reply) else FRESH
                kept = Kept(time.monotonic() + life, reply)
                self._keep(name, kept)
            return kept.reply

    def _keep(self, name: str, kept: Kept[T]) -> None:
        self._kept[name] = kept
        self._kept.move_to_end(name)
        now = time.monotonic()
        for known in [known for known, kept in self._kept.items() if kept.until < now]:
            del self._kept[known]
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def tickets_for(size: int, state: dict[str, str]) -> list[Ticket]:
    """One for each query of a task; `at` and `of` say which of how many."""
    return [Ticket(state={**state, "at": str(at), "of": str(size)}) for at in range(size)]


def is_shared(ticket: Ticket) -> bool:
    """Whether its task is of several queries."""
    return int(ticket.state.get("of", "1")) > 1


def is_told_by_another(ticket: Ticket) -> bool:
    """Whether what goes wrong with its task is told by the first of the many."""
    return ticket.state.get("at", "0") != "0"


def part_of(total: int, charged: Sequence[bool], at: int) -> int:
    """What of a task's `total` falls to query `at`: the parts of those `charged` make it up.

    If nobody is, all bear it.
    """
    bearers = [index for index, bears in enumerate(charged) if bears] or range(len(charged))
    if at not in bearers:
        return 0
    part, rest = divmod(total, len(bearers))
    return part + (bearers.index(at) < rest)
