"""One call to one account outside of any waterfall: reserved, sent, settled like every other."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping

from msgspec import Struct

from gateway.lookup.bids import limits_of
from gateway.lookup.calls import lease_of
from gateway.lookup.endings import OverBudget, check
from gateway.lookup.lookup import Caller
from gateway.lookup.waterfall import Waterfall
from gateway.money.amounts import cost_of
from gateway.money.ledger import next_id
from gateway.money.terms import Admission, Bid, Claim, EntryState, Rate, Settlement
from gateway.store.connection import StoreDown
from gateway.vault.credentials import Credential
from providers.base import LONGEST_CALL
from providers.errors import OutOfCredits, ProviderError

PATIENCE = 1.0
INSIST = 600.0


class Purchase(Struct, frozen=True, kw_only=True):
    """What is about to be asked; `units` (thousandths) at worst, `price` micro-units per unit.

    `operation` is how the ledger names it. `persons` are the marks of whom it is about.
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

    async def reserve(
        self, caller: Caller, purchase: Purchase, *, seconds: float = LONGEST_CALL
    ) -> Held:
        """Reserve the worst case and record the dispatch, for a call of at most `seconds`.

        Raises OverBudget, Objected, KeyRevoked, TooFast, StoreDown.
        """
        claim = _claim(caller, purchase, seconds)
        patience = time.monotonic() + PATIENCE
        while True:
            found = await self._admit(claim)
            check(found)
            if found.kind == "reserved":
                return _held(claim, purchase, found)
            if found.kind == "none":
                budget = found.skipped[0].budget if found.skipped else None
                raise OverBudget(budget)
            claim.since, claim.patient = found.since, time.monotonic() < patience
            await asyncio.sleep(random.uniform(0.01, 0.03))

    async def _admit(self, claim: Claim) -> Admission:
        try:
            return await self._ledger.admit(claim)
        except StoreDown:
            # The reply was lost: nothing was sent, whatever was reserved.
            rid = claim.steps[0].rid
            void = Settlement(rid=rid, state="voided", outcome="failed")
            _ = self._waterfall.go_on(self._insist(void))
            raise

    def settle(
        self,
        held: Held,
        state: EntryState,
        *,
        units: int = 0,
        outcome: str = "accepted",
        reason: str = "",
    ) -> asyncio.Task[None]:
        """Close the entry, whoever hangs up and however long the store is away."""
        settlement = Settlement(
            rid=held.rid,
            state=state,
            outcome=outcome,
            reason=reason,
            units=units,
            cost=cost_of(units, held.purchase.price),
        )
        return self._waterfall.go_on(self._end(held, settlement))

    def fail(self, held: Held, error: ProviderError) -> asyncio.Task[None]:
        """Close the entry of a call that failed: a refusal costs nothing, silence may have."""
        doubtful = error.uncertain and not isinstance(error, OutOfCredits)
        state: EntryState = "in_doubt" if doubtful and held.purchase.units else "voided"
        outcome = "in_doubt" if state == "in_doubt" else "failed"
        return self.settle(held, state, outcome=outcome, reason=error.reason)

    async def _end(self, held: Held, settlement: Settlement) -> None:
        await self._insist(settlement)
        if held.counted:
            await self._ledger.release(held.scopes, held.lookup)

    async def _insist(self, settlement: Settlement) -> None:
        until, wait = time.monotonic() + INSIST, 0.05
        while True:
            try:
                await self._ledger.settle(settlement)
                return
            except StoreDown:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(wait)
                wait = min(2.0, wait * 2)


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
        lease=lease_of(seconds),
        free=not purchase.units,
        direct=True,
        limits=limits_of(purchase.limits),
        unpriced=purchase.unpriced,
        unit=purchase.unit,
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
