"""Tasks that callers began at a provider themselves: their calls stay open until a read tells."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from gateway.lookup.desk import Desk
from gateway.lookup.dues import mark_of
from gateway.lookup.sending import Sender, Underway
from gateway.money.amounts import cost_of
from gateway.money.terms import EntryState, Settlement
from gateway.vault.credentials import Credential
from providers.base import MAX_REPLY_BYTES, TRIPS
from providers.errors import MalformedResponse, ProviderError, TaskFailed, TimedOut
from providers.native import Task, counted
from providers.registry import ADAPTERS
from providers.relay import Outgoing

MARK = b"task:"
FIRST_LOOK, LONGEST_PAUSE = 60.0, 600.0
LIFE = 24 * 3600.0
READ_SECONDS, IDLE = 30.0, 15.0
PLAIN = ((b"accept", b"application/json"), (b"accept-encoding", b"identity"))


class OpenTask(Struct):
    """A call whose cost its task decides, with all that another process needs to find it out.

    `path` names its row in the provider's table, `task` is the provider's id. `once` is the mark
    of what its account is charged for a single time, '' if it is not.
    """

    rid: str
    provider: str
    credential: str
    path: str
    task: str
    price: int
    once: str
    opened_at: float

    def pack(self) -> bytes:
        return MARK + msgspec.msgpack.encode(self)

    @property
    def plan(self) -> Task | None:
        """None if the table has no such path any more."""
        rows = ADAPTERS[self.provider].native.paths
        return next((row.task for row in rows if row.name == self.path), None)


def is_task(ticket: bytes) -> bool:
    return ticket.startswith(MARK)


def unpack(ticket: bytes) -> OpenTask:
    return msgspec.msgpack.decode(ticket.removeprefix(MARK), type=OpenTask)


class OpenTasks:
    """Of one process. Every method raises StoreDown."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._store, self._root = desk.store, desk.root
        self._sender = Sender(desk)

    async def find(self, provider: str, task: str) -> OpenTask | None:
        found = await self._store.call("GET", self.place_of(provider, task))
        return None if found is None else unpack(found)

    def place_of(self, provider: str, task: str) -> str:
        """Where whoever reads a task finds the call that began it."""
        return f"{self._root}task:{provider}:{self._hash(task)}"

    def mark_of(self, account: str, once: str) -> str:
        """What an account is charged for a single time, as a hash: it may tell of whom."""
        return mark_of(account, once, self._desk.data_key.value) if once else ""

    def _hash(self, text: str) -> str:
        key = self._desk.data_key.value
        return hashlib.blake2b(text.encode(), digest_size=16, key=key).hexdigest()

    async def units_of(self, rid: str, mark: str, units: int) -> int:
        """None are charged for what was charged before, by another call than `rid`."""
        if not mark or not units:
            return units
        return units if await self._desk.ledger.charges(rid, mark) else 0

    async def tell(self, opened: OpenTask, body: Any) -> bool:
        """Settle it by what a read answered; False if that does not tell yet."""
        plan = opened.plan
        try:
            found = plan.charged(body) if plan else None
        except TaskFailed as error:
            await self._end(opened, "in_doubt", reason=error.reason)
            return True
        if found is None:
            return False
        units = await self.units_of(opened.rid, opened.once, counted(found))
        await self._end(opened, "posted", units=units)
        return True

    async def _end(
        self, opened: OpenTask, state: EntryState, *, units: int = 0, reason: str = ""
    ) -> None:
        outcome = "in_doubt" if state == "in_doubt" else "accepted" if units else "empty"
        await self._desk.ledger.settle(
            Settlement(
                rid=opened.rid,
                state=state,
                outcome=outcome,
                reason=reason,
                units=units,
                cost=cost_of(units, opened.price),
                # A task may be read days later, when its entry has left the ledger.
                fresh=False,
            )
        )

    async def run(self, opened: OpenTask) -> str:
        """Read the task for free and settle its call; what stood in the way, '' for nothing."""
        account, plan = self._desk.market.credential(opened.credential), opened.plan
        if account is None or plan is None:
            return "the account is gone"
        target = plan.result.replace("{task}", quote(opened.task, safe=""))
        try:
            body = await self._read(account, Outgoing("GET", target.encode(), PLAIN))
            told = await self.tell(opened, body)
        except ProviderError as error:
            await self._sender.slow_down(account, error)
            return error.reason
        except TRIPS:
            return MalformedResponse.reason
        return "" if told else "its task is still under way"

    async def pursue(self, opened: OpenTask) -> None:
        """As `run`; what is not known yet is looked at again, and at last is a doubt."""
        age = time.time() - opened.opened_at
        if not await self.run(opened):
            return
        if age > LIFE:
            await self._end(opened, "in_doubt", reason="timed_out")
            return
        pause = max(FIRST_LOOK, min(age, LONGEST_PAUSE))
        await self._desk.ledger.hold(opened.rid, opened.pack(), round(pause * 1000))

    async def _read(self, account: Credential, outgoing: Outgoing) -> Any:
        underway = await self._sender.send(account, outgoing, seconds=READ_SECONDS, poll=True)
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _whole(underway)
        except TimeoutError:
            raise TimedOut("the reply took too long") from None
        finally:
            await underway.aclose()
        if underway.relayed.status >= 300:
            adapter = self._desk.adapter_of(account)
            found = adapter.classify(underway.relayed.status, body)
            raise underway.relayed.refusal(adapter, found)
        return msgspec.json.decode(body)


async def _whole(underway: Underway) -> bytes:
    """The body. Raises ProviderError."""
    body = b""
    async for chunk in underway.relayed.chunks(IDLE):
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise MalformedResponse("the reply is too large")
    return body
