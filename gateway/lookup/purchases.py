"""One call to one account outside of any waterfall: reserved, sent, settled like every other."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from gateway.lookup.bids import limits_of
from gateway.lookup.endings import HeldBack, OverBudget, check
from gateway.lookup.leases import lease_for
from gateway.lookup.lookup import Caller
from gateway.lookup.spool import Kept, tell
from gateway.lookup.waterfall import Waterfall
from gateway.money.amounts import cost_of
from gateway.money.ledger import next_id
from gateway.money.terms import (
    Admission,
    Bid,
    Claim,
    EntryState,
    Health,
    ObjectionKind,
    Rate,
    Settlement,
    Skip,
)
from gateway.store.connection import StoreDown
from gateway.vault.credentials import Credential
from providers.base import LONGEST_CALL
from providers.errors import OutOfCredits, ProviderError

PATIENCE = 1.0
INSIST = 600.0
# Seconds between two words of a call that counts among its team's at once; without one it does so
# for 90. None takes twenty minutes: what does is nobody's any more.
BEAT, BEATS = 30.0, 40


class Purchase(Struct, frozen=True, kw_only=True):
    """What is about to be asked; `units` (thousandths) at worst, `price` micro-units per unit.

    `operation` is how the ledger names it. `persons` are the marks of whom it is about. A `paced`
    one is dispatched later, together with its permit. `breaker` is the class of calls that it
    fails with, if that is not its operation.
    """

    provider: str
    operation: str
    credential: Credential
    unit: str = ""
    units: int = 0
    price: int = 0
    unpriced: bool = False
    limits: Mapping[str, int] = {}
    persons: tuple[str, ...] = ()
    tag: str = ""
    paced: bool = False
    breaker: str = ""

    @property
    def cost(self) -> int:
        return cost_of(self.units, self.price)


class Held(Struct, kw_only=True):
    """A reservation that is dispatched: the bytes may leave. It must be settled."""

    purchase: Purchase
    rid: str
    lookup: str
    scopes: list[str]
    counted: bool
    rate: Rate | None = None


class Purchases:
    """Of one process."""

    def __init__(self, waterfall: Waterfall):
        self._waterfall = waterfall
        self._ledger = waterfall.ledger
        self._spool = waterfall.spool
        self._counted: dict[str, asyncio.Task[None]] = {}

    async def reserve(
        self, caller: Caller, purchase: Purchase, *, seconds: float = LONGEST_CALL
    ) -> Held:
        """Reserve the worst case and record the dispatch, for a call of at most `seconds`.

        Raises OverBudget, HeldBack, Objected, KeyRevoked, TooFast, StoreDown.
        """
        claim = _claim(caller, purchase, seconds)
        patience = time.monotonic() + PATIENCE
        while True:
            found = await self._admit(claim, purchase)
            check(found)
            if found.kind == "reserved":
                held = _held(claim, purchase, found)
                if held.counted:
                    self._counted[held.rid] = asyncio.create_task(self._stay(held))
                return held
            if found.kind == "none":
                if found.held:
                    _ = self._waterfall.go_on(self._ledger.release(claim.scopes, claim.lookup))
                raise _refusal(found.skipped[0])
            claim.since, claim.patient = found.since, time.monotonic() < patience
            await asyncio.sleep(random.uniform(0.01, 0.03))

    async def _stay(self, held: Held) -> None:
        for _ in range(BEATS):
            await asyncio.sleep(BEAT)
            with contextlib.suppress(StoreDown):
                await self._ledger.stay(held.scopes, held.lookup)

    async def _admit(self, claim: Claim, purchase: Purchase) -> Admission:
        try:
            return await self._ledger.admit(claim)
        except StoreDown:
            # The reply was lost: nothing was sent, whatever was reserved.
            rid = claim.steps[0].rid
            void = Settlement(
                rid=rid,
                state="voided",
                outcome="failed",
                health="neutral",
                breaker=purchase.breaker,
            )
            _ = self._waterfall.go_on(_insisted(lambda: self._ledger.settle(void)))
            raise

    def settle(
        self,
        held: Held,
        state: EntryState,
        *,
        units: int = 0,
        outcome: str = "accepted",
        reason: str = "",
        objected: Sequence[str] = (),
        kind: ObjectionKind = "person",
        health: Health = "",
        once: str = "",
    ) -> asyncio.Task[None]:
        """Close the entry, whoever hangs up, however long the store is away, and whoever dies.

        `objected` are marks of a person who objected, by the provider's word; of a `kind` that
        names one each they are as many persons. `health` is what its breaker hears, `once` the
        mark of what is charged a single time.
        """
        settlement = Settlement(
            rid=held.rid,
            state=state,
            outcome=outcome,
            reason=reason,
            units=units,
            cost=cost_of(units, held.purchase.price),
            persons=list(objected),
            objected=bool(objected),
            kind=kind,
            apart=kind == "email",
            health=health,
            breaker=held.purchase.breaker,
        )
        kept = Kept(rid=held.rid, settlement=settlement, once=once)
        return self._waterfall.go_on(self._end(held, kept))

    def fail(
        self,
        held: Held,
        error: ProviderError,
        *,
        objected: Sequence[str] = (),
        health: Health = "",
    ) -> asyncio.Task[None]:
        """Close the entry of a call that failed: a refusal costs nothing, silence may have."""
        doubtful = error.uncertain and not isinstance(error, OutOfCredits)
        state: EntryState = "in_doubt" if doubtful and held.purchase.units else "voided"
        outcome = "in_doubt" if state == "in_doubt" else "failed"
        return self.settle(
            held, state, outcome=outcome, reason=error.reason, objected=objected, health=health
        )

    def hold(
        self, held: Held, ticket: bytes, seconds: float, *, place: str = ""
    ) -> asyncio.Task[None]:
        """Leave the entry open for whoever learns what its task cost, first after `seconds`.

        The ticket is found under `place`, too. That its provider began it is all that its breaker
        wants to know.
        """
        kept = Kept(
            rid=held.rid,
            ticket=ticket,
            lease=round(seconds * 1000),
            place=place,
            breaker=held.purchase.breaker,
        )
        return self._waterfall.go_on(self._end(held, kept))

    async def _end(self, held: Held, kept: Kept) -> None:
        """What the store does not take at once is on the disk until it has."""
        if counting := self._counted.pop(held.rid, None):
            counting.cancel()
        try:
            await tell(self._ledger, kept)
        except StoreDown:
            await self._spool.keep(kept)
            await _insisted(lambda: tell(self._ledger, kept))
            await self._spool.drop(kept.rid)
        if held.counted:
            await self._ledger.release(held.scopes, held.lookup)


async def _insisted(work: Callable[[], Awaitable[object]]) -> None:
    """Until the store has answered: repeating it changes nothing."""
    until, wait = time.monotonic() + INSIST, 0.05
    while True:
        try:
            await work()
            return
        except StoreDown:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(wait)
            wait = min(2.0, wait * 2)


def _refusal(skip: Skip) -> Exception:
    """Of a call's only step."""
    if skip.reason == "over_budget":
        return OverBudget(skip.budget)
    return HeldBack(skip.reason, skip.wait / 1000)


def _claim(caller: Caller, purchase: Purchase, seconds: float) -> Claim:
    rid = next_id("res")
    bid = Bid(
        index=0,
        # Never joined and never cached: nobody else asks by this name.
        slot=rid,
        rid=rid,
        provider=purchase.provider,
        operation=purchase.operation,
        credential=purchase.credential.id,
        units=purchase.units,
        cost=purchase.cost,
        price=purchase.price,
        max_age=0,
        lease=lease_for(seconds),
        free=not purchase.units,
        direct=not purchase.paced,
        limits=limits_of(purchase.limits),
        unpriced=purchase.unpriced,
        unit=purchase.unit,
        breaker=purchase.breaker,
    )
    return Claim(
        lookup=next_id("lkp"),
        team=caller.team,
        key=caller.key,
        scopes=caller.budget_scopes(),
        persons=list(purchase.persons),
        tag=purchase.tag,
        steps=[bid],
    )


def _held(claim: Claim, purchase: Purchase, found: Admission) -> Held:
    return Held(
        purchase=purchase,
        rid=found.rid,
        lookup=claim.lookup,
        scopes=claim.scopes,
        counted=found.held,
        rate=found.rate,
    )
