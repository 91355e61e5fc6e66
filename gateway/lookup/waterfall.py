"""Providers asked in order until an answer is accepted; every step paid for exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.lookup.bids import Bids
from gateway.lookup.calls import Dialler
from gateway.lookup.descent import Descent
from gateway.lookup.flights import Flights
from gateway.lookup.lookup import Lookup
from gateway.money.ledger import Ledger
from gateway.vault.credentials import Credential
from gateway.vault.datakey import DataKey
from providers.base import Adapter


class Waterfall:
    """Runs lookups; holds nothing between them that another process would miss.

    `verification_of(lookup, address, provider)` makes the lookup that checks a weak address with
    another provider than the one that found it, or None if nobody can.
    """

    def __init__(
        self,
        ledger: Ledger,
        flights: Flights,
        *,
        adapter_of: Callable[[Credential], Adapter],
        verification_of: Callable[[Lookup, str, str], Lookup | None],
        data_key: DataKey,
        team_cache: bool = False,
    ):
        self.ledger = ledger
        self.flights = flights
        self.adapter_of = adapter_of
        self.verification_of = verification_of
        self.data_key = data_key
        self.team_cache = team_cache
        self.dialler = Dialler(ledger)
        self._background: set[asyncio.Task[Any]] = set()

    async def run(self, lookup: Lookup) -> None:
        """Fill `lookup` with attempts and its answer. Raises Objected, KeyRevoked, StoreDown."""
        bids = Bids(lookup, hash_key=self.data_key.value, team_cache=self.team_cache)
        await Descent(self, lookup, bids).to_its_end()

    def go_on(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` whatever becomes of the caller."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def drained(self, seconds: float) -> None:
        """Wait for background work, at most `seconds`."""
        if self._background:
            await asyncio.wait(self._background, timeout=seconds)
