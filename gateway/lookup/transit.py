"""One call to a provider's own API on its way: its reply read along as it comes, and settled."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

from gateway.guard.breakers import NATIVE, UNKNOWN
from gateway.lookup.along import Copy, Veil, header_of
from gateway.lookup.desk import Desk
from gateway.lookup.open_tasks import FIRST_LOOK, OpenTask, OpenTasks
from gateway.lookup.purchases import Held, Purchases
from gateway.lookup.sending import Sender, Underway
from gateway.lookup.settling import health_of_request
from gateway.money.terms import Health
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.credentials import Credential
from providers.base import MAX_REPLY_BYTES, TRIPS
from providers.errors import (
    AuthenticationFailed,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    Suppressed,
    TimedOut,
    Unavailable,
)
from providers.native import Asked, NativePath, counted
from providers.registry import ADAPTERS
from providers.relay import Outgoing

log = get_logger()

IDLE = 60.0
LONGEST = 900.0
SETTLE_PATIENCE = 5.0
# Of a reply that is read only if it is a refusal.
GLANCE = 64 * 1024
UNREADABLE = (msgspec.MsgspecError, zlib.error, MalformedResponse, *TRIPS)


class NativeCall(Struct, frozen=True, kw_only=True):
    """What a caller asks; `path` is None if no table has it.

    `persons` are marks of everyone it is about, `sole` those of the one person it is about, if it
    is about one.
    """

    provider: str
    path: NativePath | None
    asked: Asked
    outgoing: Outgoing
    persons: tuple[str, ...] = ()
    sole: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        return self.path is not None and not self.path.unit

    @property
    def is_keyless(self) -> bool:
        return self.path is not None and self.path.keyless

    @property
    def is_anyones(self) -> bool:
        """Whether it is sure that every account answers it alike: a lookup that is answered at
        once, or by a task that is read with the account that began it.

        What else is read later, by what was asked, is in the account that it was asked of.
        """
        path = self.path
        if path is None or path.once or not ADAPTERS[self.provider].native.lookup_of(path):
            return False
        return path.task is not None or self.outgoing.method == "GET"

    @property
    def operation(self) -> str:
        """As the ledger names it: never with what the caller put into the path."""
        template = self.path.template if self.path else "/(unknown)"
        return f"native {self.outgoing.method} {template}"

    @property
    def breaker(self) -> str:
        """The class of calls that it fails with: those of the lookup that asks the same.

        What only reads a task is of none: whatever was begun is read.
        """
        if self.path is None:
            return UNKNOWN
        if self.path.reads is not None:
            return self.operation
        return ADAPTERS[self.provider].native.lookup_of(self.path) or NATIVE

    def health_of(self, error: ProviderError | None) -> Health:
        """What the call's end says of its account."""
        if self.path is not None and self.path.reads is not None:
            return ""
        return health_of_request(error)


class Transit:
    """Its `chunks` are read to the end, or it is closed: both settle its money."""

    def __init__(
        self, clerk: Clerk, call: NativeCall, account: Credential, held: Held, underway: Underway
    ):
        relayed = underway.relayed
        self._clerk = clerk
        self._call = call
        self._account = account
        self._held = held
        self._underway = underway
        self._relayed = relayed
        self._settled = False
        self._began, self._taken = time.monotonic(), 0.0
        self._veil = Veil(relayed.secrets)
        self._copy = Copy(relayed.headers, MAX_REPLY_BYTES if self.must_be_read else GLANCE)
        self.status = relayed.status
        self.headers = [(name, self._veil.cover(value)) for name, value in relayed.headers]

    @property
    def must_be_read(self) -> bool:
        """Whether only the whole reply says what this call, or an earlier one, has cost."""
        row = self._call.path
        good = 200 <= self._relayed.status < 300
        return good and row is not None and bool(row.charged or row.task or row.reads)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes; the end of it only once the call is settled.

        Raises ProviderError when it breaks off.
        """
        declared = header_of(self.headers, b"content-length")
        ends, seen = int(declared) if declared.isdigit() else -1, 0
        try:
            async for chunk in self._incoming():
                seen += len(chunk)
                if seen == ends:
                    await self._settle()
                shown, given = self._shown(chunk), time.monotonic()
                yield shown
                self._taken += time.monotonic() - given
        except ProviderError as error:
            # A caller who takes most of the time is no fault of the provider's.
            error.local = error.local or self._taken > (time.monotonic() - self._began) / 2
            await self._fail(error)
            raise
        await self._settle()
        yield self._veil.rest()

    async def _incoming(self) -> AsyncIterator[bytes]:
        until = time.monotonic() + LONGEST
        async for chunk in self._relayed.chunks(IDLE):
            if time.monotonic() > until:
                raise TimedOut("the reply took too long", uncertain=True)
            self._copy.feed(chunk)
            yield chunk

    def _shown(self, chunk: bytes) -> bytes:
        """What is compressed shows no secret to whoever covers it."""
        coded = header_of(self.headers, b"content-encoding")
        return chunk if coded else self._veil.feed(chunk)

    async def aclose(self) -> None:
        """If nobody reads on, nobody will know what it cost."""
        await self._underway.aclose()
        if not self._settled:
            self._settled = True
            unread = Unavailable("not read", uncertain=True)
            _ = self._clerk.purchases.fail(self._held, unread, health="neutral")

    async def _fail(self, error: ProviderError) -> None:
        if not self._settled:
            self._settled = True
            await _patiently(self._failed(error))

    def _failed(self, error: ProviderError) -> asyncio.Task[None]:
        health = self._call.health_of(error)
        return self._clerk.purchases.fail(self._held, error, health=health)

    async def _settle(self) -> None:
        if self._settled:
            return
        self._settled = True
        error = self._refusal()
        if error is not None:
            await self._refused(error)
        else:
            await self._close()
        await self._clerk.heard(self._call, self._account, error)

    def _refusal(self) -> ProviderError | None:
        """What the reply means if it is one; some providers refuse with a 200."""
        adapter = self._clerk.desk.adapter_of(self._account)
        found = adapter.classify(self.status, self._copy.glance())
        if found is None and self.status < 300:
            return None
        return self._relayed.refusal(adapter, found)

    async def _refused(self, error: ProviderError) -> None:
        """It costs nothing, if it is sure; one for a person's sake is remembered."""
        if error.uncertain:
            await _patiently(self._failed(error))
            return
        if self._call.path is None:
            await self._post(0, error)
            return
        objected = self._call.sole if isinstance(error, Suppressed) else ()
        ending = self._clerk.purchases.settle(
            self._held,
            "voided",
            outcome="failed",
            reason=error.reason,
            objected=objected,
            health=self._call.health_of(error),
        )
        await _patiently(ending)

    async def _close(self) -> None:
        if not self.must_be_read:
            await self._post(0)
            return
        assert self._call.path is not None
        try:
            await self._close_by(self._call.path, self._copy.decoded())
        except UNREADABLE as error:
            log.warning("native.unreadable", path=self._call.path.name, error=type(error).__name__)
            doubt = MalformedResponse("the reply could not be read", uncertain=True)
            await _patiently(self._failed(doubt))

    async def _close_by(self, row: NativePath, body: Any) -> None:
        asked = self._call.asked
        once = self._clerk.open_tasks.mark_of(
            self._account.id, row.once(asked) if row.once else ""
        )
        if row.task is not None:
            await self._entrust(row, row.task.started(body), once)
        elif row.charged is not None:
            await self._post(counted(row.charged(asked, self.status, body)), once=once)
        elif row.reads is not None:
            await self._post(0)
            await self._clerk.told(self._call.provider, self._account, row.reads(asked), body)

    async def _entrust(self, row: NativePath, task: str, once: str) -> None:
        """The entry stays open until the task tells what it cost."""
        opened = OpenTask(
            rid=self._held.rid,
            provider=self._call.provider,
            credential=self._account.id,
            path=row.name,
            task=task,
            price=self._held.purchase.price,
            once=once,
            opened_at=time.time(),
        )
        place = self._clerk.open_tasks.place_of(opened.provider, opened.task)
        keeping = self._clerk.purchases.hold(self._held, opened.pack(), FIRST_LOOK, place=place)
        await _patiently(keeping)

    async def _post(
        self, units: int, error: ProviderError | None = None, *, once: str = ""
    ) -> None:
        outcome = "accepted" if units or not self._held.purchase.units else "empty"
        health = self._call.health_of(error)
        ending = self._clerk.purchases.settle(
            self._held, "posted", units=units, outcome=outcome, health=health, once=once
        )
        await _patiently(ending)


class Clerk:
    """What the transits of one process share; the store's absence ends none of them."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.purchases = Purchases(desk.waterfall)
        self.open_tasks = OpenTasks(desk)
        self.sender = Sender(desk)

    async def heard(
        self, call: NativeCall, account: Credential, error: ProviderError | None
    ) -> None:
        """What a reply says of its account.

        A refusal that only one path may have had says nothing, nor does an answer that needs no
        key; a free one does not say that an account is no longer used up.
        """
        if isinstance(error, AuthenticationFailed) and error.status == 403:
            return
        if error is not None:
            await self.sender.slow_down(account, error)
        if error is None and (call.is_keyless or (call.is_free and self._is_used_up(account))):
            return
        await self.desk.market.heard(account, error)

    def _is_used_up(self, account: Credential) -> bool:
        rest = self.desk.market.bench.rest(account.id)
        return rest is not None and rest.reason == OutOfCredits.reason

    async def told(self, provider: str, account: Credential, task: str, body: Any) -> None:
        """A read of a task that was begun through this gateway settles its beginning."""
        try:
            opened = await self.open_tasks.find(provider, task)
            if opened is not None and opened.credential == account.id:
                await self.open_tasks.tell(opened, body)
        except StoreDown:
            log.debug("task.not_settled", provider=provider)


async def _patiently(ending: asyncio.Task[None]) -> None:
    """An entry that the store does not take now is taken later, and not waited for."""
    await asyncio.wait({ending}, timeout=SETTLE_PATIENCE)
