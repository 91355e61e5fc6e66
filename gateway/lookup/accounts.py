"""What an account keeps at its provider, reached like a paid call: reserved, sent, settled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.guard.permits import Permits, Rank
from gateway.guard.suppression import is_domain, marks_of_address
from gateway.lookup.departures import Departure
from gateway.lookup.desk import Desk
from gateway.lookup.endings import Objected
from gateway.lookup.identifiers import spell_email
from gateway.lookup.lookup import PATIENCE, Caller
from gateway.lookup.marking import marks_in_raws, marks_of_row
from gateway.lookup.picking import NoSuchAccount, pick
from gateway.lookup.purchases import Held, Purchase, Purchases
from gateway.lookup.settling import health_of_request
from gateway.lookup.spelling import (
    QueryError,
    clean_domain,
    clean_email,
    clean_linkedin_url,
    clean_text,
)
from gateway.telemetry.log import get_logger
from gateway.vault.credentials import Credential, pool
from providers.accounts.base import Accounts
from providers.accounts.drafts import Draft, LeadFilters
from providers.accounts.objects import Added
from providers.base import TRIPS, Bounded
from providers.errors import (
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    Suppressed,
)
from providers.model import Email
from providers.registry import accounts_of

log = get_logger()
T = TypeVar("T")

SPELLING = {"email": clean_email, "linkedin_url": clean_linkedin_url, "domain": clean_domain}
# Members of whatever names a person.
NAMING = (
    *("email", "full_name", "first_name", "last_name"),
    *("domain", "company", "linkedin_url"),
)
SECONDS = 30.0
# For the entry to close before the reply; it is closed all the same if the store is slow.
SETTLING = 1.0


class Errand(Struct, frozen=True, kw_only=True):
    """Who wants what done, with which account.

    `about` are addresses, drafts or filters of those whom it names: nobody of them may have
    objected. A provider that says so of the only one is believed, unless it was `asked` who it is.
    """

    caller: Caller
    action: str
    credential: Credential
    about: tuple[Any, ...] = ()
    asked: bool = False


class Keeper:
    """Of one process: chooses accounts and runs errands with them."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._purchases = Purchases(desk.waterfall)
        self._permits = Permits(desk.store, desk.root)

    def choose(self, caller: Caller, provider: str, name: str | None) -> Credential:
        """The account by id or name, else the team's of the highest weight that is in use.

        All that can be done here is free: an account that is used up still serves, if no other
        does; one that is named is asked in any case. Raises NoSuchAccount, NoAccount, Benched.
        """
        held = pool(self._desk.market.credentials, provider, caller.team)
        if name is None:
            return pick(held, self._desk.market.bench, used_up_too=True)
        named = [item for item in held if name in (item.id, item.name)]
        if not named:
            raise NoSuchAccount
        return named[0]

    async def run(self, errand: Errand, ask: Callable[[Accounts], Awaitable[T]]) -> T:
        """What `ask` gets from the account; nothing is sent twice.

        Raises ProviderError, HeldBack, Objected, KeyRevoked, TooFast, StoreDown.
        """
        purchase = Purchase(
            provider=errand.credential.provider,
            operation=errand.action,
            credential=errand.credential,
            persons=tuple(mark for one in errand.about for mark in self.marks(one)),
        )
        held = await self._purchases.reserve(errand.caller, purchase, seconds=SECONDS)
        settled: asyncio.Task[None] | None = None
        try:
            found = await self._ask(errand.credential, ask)
            objected = self._claimed(found)
            settled = self._purchases.settle(
                held, "posted", objected=objected, kind="email", health="ok"
            )
        except ProviderError as error:
            settled = self._failed(held, errand, error)
            await self._heard(errand.credential, error)
            raise
        finally:
            await self._close(held, settled)
        await self._heard(errand.credential, None)
        return found

    def _failed(self, held: Held, errand: Errand, error: ProviderError) -> asyncio.Task[None]:
        objected = self._objector(errand, error)
        health = health_of_request(error)
        return self._purchases.fail(held, error, objected=objected, health=health)

    def _objector(self, errand: Errand, error: ProviderError) -> list[str]:
        """Marks of the one person of whom the provider says it, if it is one alone."""
        if not isinstance(error, Suppressed) or errand.asked or len(errand.about) != 1:
            return []
        return [mark for mark in self._own_marks(errand.about[0]) if not is_domain(mark)]

    def _claimed(self, found: Any) -> list[str]:
        """Marks of recipients who, the provider says, want no mail from anyone."""
        added = getattr(found, "data", None)
        skipped = added.skipped if isinstance(added, Added) else []
        claimed = [row.email for row in skipped if row.reason == "suppressed"]
        key = self._desk.data_key.value
        return [mark for email in claimed for mark in marks_of_address(spell_email(email), key)]

    async def _ask(self, credential: Credential, ask: Callable[[Accounts], Awaitable[T]]) -> T:
        accounts = accounts_of(self._desk.adapter_of(credential))
        try:
            async with (
                self._leaving(accounts, credential) as leave,
                Bounded(SECONDS, leave=leave),
            ):
                return await ask(accounts)
        except MalformedResponse as error:
            if isinstance(error.__cause__, TRIPS):
                name = type(error.__cause__).__name__
                log.error("adapter.tripped", provider=credential.provider, error=name)
            raise

    @asynccontextmanager
    async def _leaving(
        self, accounts: Accounts, credential: Credential
    ) -> AsyncIterator[Departure | None]:
        """Within the limits that the account's other requests have, too."""
        allowance = self._desk.market.allowance(credential)
        rates = type(accounts).rates
        departure = Departure(self._permits, allowance, rates, rank=Rank.URGENT, usual=PATIENCE)
        try:
            yield departure if allowance else None
        except ProviderError as error:
            await self._permits.heed(allowance, error)
            raise
        finally:
            await departure.arrived()

    async def _close(self, held: Held, settled: asyncio.Task[None] | None) -> None:
        """Whoever hangs up, the entry is closed."""
        if settled is None:
            _ = self._purchases.settle(
                held, "voided", outcome="failed", reason="unavailable", health="neutral"
            )
            return
        await asyncio.wait({settled}, timeout=SETTLING)

    async def _heard(self, credential: Credential, error: ProviderError | None) -> None:
        """That a free call is answered says nothing of an account that is used up."""
        market = self._desk.market
        rest = market.bench.rest(credential.id)
        if error is None and rest is not None and rest.reason == OutOfCredits.reason:
            return
        await market.heard(credential, error)

    def marks(self, row: Any) -> list[str]:
        """By which an objection recognises a lead, a recipient, an event, a draft, an address.

        With those of the domains of address and company: an objection may be of all of them. Of
        what is asked or written also of everyone else whom its texts name.
        """
        found = self._own_marks(row)
        if isinstance(row, Draft | LeadFilters):
            found += marks_in_raws([msgspec.json.encode(row)], self._desk.data_key.value)
        return found

    def _own_marks(self, row: Any) -> list[str]:
        person = _person(row)
        return [] if person is None else marks_of_row(person, self._desk.data_key.value)

    async def without_objectors(self, rows: list[T]) -> list[T]:
        """Rows about nobody who objected; one call for all of them."""
        marks = [self.marks(row) for row in rows]
        objected = await self._objected([mark for each in marks for mark in each])
        return [row for row, named in zip(rows, marks, strict=True) if objected.isdisjoint(named)]

    async def check(self, row: Any) -> None:
        """Raises Objected if whom it is about has."""
        if await self._objected(self.marks(row)):
            raise Objected

    async def objectors(self, addresses: Sequence[str]) -> list[int]:
        """At which places of `addresses` somebody objected."""
        marks = [self.marks(address) for address in addresses]
        objected = await self._objected([mark for each in marks for mark in each])
        return [at for at, named in enumerate(marks) if not objected.isdisjoint(named)]

    async def anyone_objected(self) -> bool:
        found: int = await self._desk.store.call("SCARD", self._suppressed)
        return bool(found)

    @property
    def _suppressed(self) -> str:
        return f"{self._desk.root}suppressed"

    async def _objected(self, marks: list[str]) -> set[str]:
        if not marks:
            return set()
        hits = await self._desk.store.call("SMISMEMBER", self._suppressed, *marks)
        return {mark for mark, hit in zip(marks, hits, strict=True) if hit}


def _person(row: Any) -> Email | None:
    """As answers of lookups name a person, so that the same objections hold."""
    if isinstance(row, str):
        return Email(email=_spelt("email", row))
    given = {
        name: _spelt(name, value)
        for name in NAMING
        if isinstance(value := getattr(row, name, None), str)
    }
    return replace(Email(email=""), **given) if given else None


def _spelt(name: str, value: str) -> str:
    """Providers have spellings of their own; what is a filter's part of one stays as it is."""
    try:
        return SPELLING.get(name, clean_text)(value, "")
    except QueryError:
        return value
