"""Which providers can be asked, by whom, at what price: an at most a second old copy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import msgspec

from gateway.lookup.planner import Stall
from gateway.lookup.routing import Routing
from gateway.money.prices import price_of
from gateway.settings import Settings
from gateway.store.connection import Store, StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.credentials import Credential, CredentialStore, choose
from providers.base import Offer
from providers.registry import ADAPTERS

VERSION = "{pgw}:version"
ROUTES = "{pgw}:routes"
REFRESH = 0.5

log = get_logger()

_routing = msgspec.json.Decoder(Routing)


class Market:
    """Credentials, prices and routes; a change in any process is seen within REFRESH seconds.

    `fixed` credentials never come from the store; in the sandbox they are the only ones.
    """

    def __init__(
        self,
        store: Store,
        kept: CredentialStore,
        settings: Settings,
        *,
        fixed: Sequence[Credential],
        sandbox: bool,
    ):
        self._store = store
        self._kept = kept
        self._settings = settings
        self._fixed = list(fixed)
        self._sandbox = sandbox
        self._version: bytes | None = b"never read"
        self._task: asyncio.Task[None] | None = None
        self.credentials: list[Credential] = list(fixed)
        self.routes: Mapping[str, Routing] = {}
        # Of this version; as many as there are operations and teams.
        self._stalls: dict[tuple[str, str], list[Stall]] = {}

    async def open(self) -> None:
        await self.refresh()
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def changed(self) -> None:
        """Tell every process, and read at once here."""
        await self._store.call("INCR", VERSION)
        await self.refresh()

    async def refresh(self) -> None:
        version = await self._store.call("GET", VERSION)
        if version == self._version:
            return
        kept = [] if self._sandbox else await self._kept.all()
        rows = await self._store.call("HGETALL", ROUTES)
        names = rows[::2] if isinstance(rows, list) else list(rows)
        bodies = rows[1::2] if isinstance(rows, list) else list(rows.values())
        self.routes = {
            name.decode(): _routing.decode(body) for name, body in zip(names, bodies, strict=True)
        }
        self.credentials = self._fixed + kept
        self._stalls = {}
        self._version = version

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            try:
                await self.refresh()
            except StoreDown:
                continue
            except Exception as error:  # noqa: BLE001 - one bad row must not end this for good
                log.error("market.stale", error=type(error).__name__)

    def stalls(self, operation: str, team: str) -> list[Stall]:
        """Every provider that offers `operation`, in the default order."""
        known = self._stalls.get((operation, team))
        if known is None:
            known = [
                self._stall(operation, name, offer, choose(self.credentials, name, team))
                for name, adapter in ADAPTERS.items()
                if (offer := adapter.offers.get(operation))
            ]
            self._stalls[operation, team] = known
        return known

    def stalls_of(self, operation: str, team: str, credential: str) -> list[Stall]:
        """The one stall of a credential that a list began with; empty if it is gone."""
        held = self.credential(credential)
        if held is None or not held.serves(team):
            return []
        offer = ADAPTERS[held.provider].offers[operation]
        return [self._stall(operation, held.provider, offer, held)]

    def _stall(
        self, operation: str, name: str, offer: Offer, credential: Credential | None
    ) -> Stall:
        prices = self._settings.providers[name].prices
        overrides = [("credential", credential.prices)] if credential else []
        price = price_of(operation, offer, *overrides, ("settings", prices))
        return Stall(name, offer, credential, price)

    def credential(self, name: str) -> Credential | None:
        return next((item for item in self.credentials if item.id == name), None)

    def routing(self, operation: str, team: str) -> list[Routing | None]:
        """The team's routing, then the installation's."""
        return [self.routes.get(f"{operation}|{team}"), self.routes.get(operation)]
