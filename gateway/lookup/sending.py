"""Requests passed on within the limits of their account, those of all processes together."""

from __future__ import annotations

from gateway.guard.permits import Permits, Rank
from gateway.lookup.departures import Departure
from gateway.lookup.desk import Desk
from gateway.lookup.leases import lease_for
from gateway.lookup.lookup import PATIENCE
from gateway.vault.credentials import Credential
from providers.errors import ProviderError
from providers.registry import ADAPTERS
from providers.relay import LEAVE_SECONDS, Outgoing, Relayed, relay


class Underway:
    """A reply that has begun; it counts among its account's requests until it is closed."""

    def __init__(self, relayed: Relayed, departure: Departure | None):
        self.relayed = relayed
        self._departure = departure

    async def aclose(self) -> None:
        await self.relayed.aclose()
        if self._departure is not None:
            await self._departure.arrived()


class Sender:
    """Of one process."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._permits = Permits(desk.store, desk.root)

    def paced(self, account: Credential) -> bool:
        """Whether the account has limits, so that a call is dispatched with its permit."""
        return bool(self._desk.market.allowance(account))

    async def send(
        self,
        account: Credential,
        outgoing: Outgoing,
        *,
        seconds: float,
        rid: str = "",
        poll: bool = False,
    ) -> Underway:
        """Send once it may leave; `rid` is a reservation that is dispatched with it.

        A poll leaves while the store is away, too. Raises ProviderError, NotSent.
        """
        departure = self._departure(account, rid, seconds, poll) if self.paced(account) else None
        adapter = self._desk.adapter_of(account)
        try:
            relayed = await relay(adapter, outgoing, seconds=seconds, leave=departure)
        except BaseException:
            if departure is not None:
                await departure.arrived()
            raise
        return Underway(relayed, departure)

    def _departure(self, account: Credential, rid: str, seconds: float, poll: bool) -> Departure:
        adapter = ADAPTERS[account.provider]
        return Departure(
            self._permits,
            self._desk.market.allowance(account),
            (*adapter.rates, *adapter.rates_of_plan(account.options)),
            rank=Rank.URGENT,
            rid=rid,
            lease=lease_for(seconds + LEAVE_SECONDS),
            poll=poll,
            dispatched=self._desk.ledger.dispatched,
            usual=0.0 if poll else min(PATIENCE, seconds / 2),
        )

    async def slow_down(self, account: Credential, error: ProviderError) -> None:
        """Leave the account alone if that is what its provider asks for."""
        await self._permits.heed(self._desk.market.allowance(account), error)
