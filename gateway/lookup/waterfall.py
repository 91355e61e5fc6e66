"""Providers asked in order until an answer is accepted; every step paid for exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.lookup.bids import Bids
from gateway.lookup.bookshelf import Bookshelf
from gateway.lookup.bouncing import Bounces
from gateway.lookup.cache import DAY, Keeping
from gateway.lookup.calls import Dialler
from gateway.lookup.chronicles import Chronicles
from gateway.lookup.descent import Descent
from gateway.lookup.doubting import Doubts
from gateway.lookup.endings import Unsettled
from gateway.lookup.flights import Flights
from gateway.lookup.guessing import Guesses
from gateway.lookup.lately import Lately
from gateway.lookup.lookup import Lookup
from gateway.lookup.market import Market
from gateway.lookup.spool import Spool
from gateway.money.ledger import Ledger, Outdated
from gateway.settings import RetentionSettings
from gateway.store.connection import Argument, Script, StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.credentials import Credential
from gateway.vault.datakey import DataKey
from providers.base import Adapter

log = get_logger()


class Waterfall:
    """Runs lookups; holds nothing between them that another process would miss.

    `verification_of(lookup, address, provider)` makes the lookup that checks a weak address with
    another provider than the one that found it, or None if nobody can. The `market` finds the
    account of a ticket, and hears what became of every call.
    """

    def __init__(
        self,
        ledger: Ledger,
        flights: Flights,
        *,
        adapter_of: Callable[[Credential], Adapter],
        market: Market,
        verification_of: Callable[[Lookup, str, str], Lookup | None],
        bounces: Bounces,
        data_key: DataKey,
        team_cache: bool = False,
        spool: Spool,
        retention: RetentionSettings = RetentionSettings(),  # noqa: B008 - it is frozen
    ):
        self.ledger = ledger
        self.flights = flights
        self.adapter_of = adapter_of
        self.market = market
        self.verification_of = verification_of
        self.bounces = bounces
        self.doubts = Doubts(ledger, bounces, verification_of)
        self.guesses = Guesses(ledger.store, ledger.root, bounces, market, data_key)
        self.data_key = data_key
        self.team_cache = team_cache
        self.spool = spool
        self.keeping = Keeping.of(retention, by_team=team_cache)
        self._kept = Script.load("kept")
        self._doubts = retention.doubts_days * DAY
        self.retention = retention
        self.lately = Lately()
        self.chronicles = Chronicles(ledger.store, ledger.root)
        self.shelf = Bookshelf(ledger.store, ledger.root)
        self.dialler = Dialler(ledger, market, spool, data_key, adapter_of=adapter_of)
        self._background: set[asyncio.Task[Any]] = set()

    async def run(self, lookup: Lookup) -> None:
        """Fill `lookup` with attempts and its answer. Raises Objected, KeyRevoked, StoreDown."""
        bids = self.bids_of(lookup)
        await self.inform(lookup)
        try:
            await Descent(self, lookup, bids).to_its_end()
        except StoreDown as down:
            if lookup.tally.posted and not isinstance(down, Outdated):
                raise Unsettled(str(down)) from down
            raise

    async def inform(self, lookup: Lookup) -> None:
        """Tell it how often addresses bounce, if that decides. Raises StoreDown."""
        if lookup.route.accept.max_bounce is not None and lookup.parent is None:
            lookup.bounces = await self.bounces.estimates()

    async def is_kept(self, lookup: Lookup) -> bool:
        """Whether an answer of any of its steps is kept, and costs nothing. Raises StoreDown."""
        slots = self.bids_of(lookup).slots()
        operands: list[Argument] = [lookup.route.max_age * 1000, *slots]
        return bool(await self.ledger.store.run(self._kept, [self.ledger.root], operands))

    def bids_of(self, lookup: Lookup) -> Bids:
        return Bids(
            lookup,
            self.shelf,
            self.market,
            hash_key=self.data_key.value,
            team_cache=self.team_cache,
            ask_life=self._doubts,
        )

    def go_on(self, work: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Run `work` whatever becomes of the caller."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._dropped)
        return task

    def _dropped(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and isinstance(task.exception(), StoreDown):
            log.debug("waterfall.given_up")

    async def drained(self, seconds: float) -> None:
        """Wait for background work, at most `seconds`."""
        if self._background:
            await asyncio.wait(self._background, timeout=seconds)
