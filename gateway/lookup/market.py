"""Which providers can be asked, by whom, at what price: an at most a second old copy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import UNSET

from gateway.guard.allowances import allowance_of, is_loopback
from gateway.guard.permits import Allowance
from gateway.lookup.planner import Stall
from gateway.lookup.routing import Routing
from gateway.money.prices import price_of
from gateway.settings import Settings
from gateway.store.connection import Store, StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.bench import WAITS, Bench, Rest
from gateway.vault.credentials import VERSION, Credential, CredentialStore, choose, pool, spaces
from gateway.vault.roster import Roster, Team
from providers.base import Offer
from providers.errors import OutOfCredits, ProviderError
from providers.registry import ADAPTERS

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
        bench: Bench,
    ):
        self._store = store
        self._kept = kept
        self._settings = settings
        self._fixed = list(fixed)
        self._sandbox = sandbox
        self.bench = bench
        self._version: bytes | None = b"never read"
        self._task: asyncio.Task[None] | None = None
        self.credentials: list[Credential] = list(fixed)
        self.routes: Mapping[str, Routing] = {}
        self._values: Mapping[str, Routing] = {}
        # Of this version; as many as there are operations and teams.
        self._stands: dict[tuple[str, str], list[list[Stall]]] = {}
        self._spaces: dict[tuple[str, str], list[str]] = {}
        self._allowances: dict[str, tuple[Credential, Allowance]] = {}

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
        await self.bench.load()
        rows = await self._store.call("HGETALL", ROUTES)
        names = rows[::2] if isinstance(rows, list) else list(rows)
        bodies = rows[1::2] if isinstance(rows, list) else list(rows.values())
        self.routes = {
            name.decode(): _routing.decode(body) for name, body in zip(names, bodies, strict=True)
        }
        teams = await Roster(self._store).teams()
        self._values = {team.id: found for team in teams if (found := _routing_of(team))}
        self.credentials = self._fixed + kept
        self._stands = {}
        self._spaces = {}
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
        """Every provider that offers `operation`, in the default order, each with one account."""
        known = self._stands.get((operation, team))
        if known is None:
            known = [
                self._stand(operation, name, offer, team)
                for name, adapter in ADAPTERS.items()
                if (offer := adapter.offers.get(operation))
            ]
            self._stands[operation, team] = known
        return [
            stand[0] if len(stand) == 1 and not self.bench else self._pick(stand)
            for stand in known
        ]

    def _stand(self, operation: str, name: str, offer: Offer, team: str) -> list[Stall]:
        """One stall for each account the team may use; one without an account if there is none."""
        accounts: list[Credential | None] = [*pool(self.credentials, name, team)]
        accounts = accounts or [None]
        stalls = [self._stall(operation, name, offer, account) for account in accounts]
        if len(stalls) == 1:
            return stalls
        return [msgspec.structs.replace(stall, spare=True) for stall in stalls]

    def _pick(self, stand: Sequence[Stall], refused: Collection[str] = ()) -> Stall:
        """The stall of an account that is neither benched nor among the `refused`."""
        held = [stall for stall in stand if stall.credential]
        fit = {
            stall.credential.id: stall
            for stall in held
            if stall.credential
            and stall.credential.id not in refused
            and not self.bench.rest(stall.credential.id)
        }
        if fit:
            chosen = choose([stall.credential for stall in fit.values() if stall.credential])
            return fit[chosen.id]
        rests = [found for stall in held if (found := self._rest(stall))]
        if not rests:
            return msgspec.structs.replace(stand[0], credential=None)
        first = min(rests, key=lambda rest: rest.until)
        return msgspec.structs.replace(
            stand[0], credential=None, benched=first.reason, until=first.until
        )

    def _rest(self, stall: Stall) -> Rest | None:
        return self.bench.rest(stall.credential.id) if stall.credential else None

    def spare(
        self, operation: str, provider: str, team: str, refused: Collection[str]
    ) -> Stall | None:
        """Another account of the provider for a call that was refused without a charge."""
        for stand in self._stands.get((operation, team), ()):
            if stand[0].provider == provider:
                found = self._pick(stand, refused)
                return found if found.credential else None
        return None

    async def heard(self, credential: Credential, error: ProviderError | None) -> None:
        """Bench an account that is refused or used up; one that answers is no longer tried.

        What answers while an account rests for want of credits was bought before.
        """
        rest = self.bench.rest(credential.id)
        try:
            if error is None and rest is not None and rest.reason == OutOfCredits.reason:
                return
            if error is None and credential.id in self.bench:
                await self.bench.clear(credential.id)
            elif error is not None and error.reason in WAITS:
                await self._bench_unless_changed(credential, error.reason)
        except StoreDown:
            log.debug("credential.not_benched", credential=credential.id)

    async def _bench_unless_changed(self, credential: Credential, reason: str) -> None:
        """A refusal of the secret that an account had before says nothing of the one it has."""
        held = self.credential(credential.id)
        if held is None or held.secret != credential.secret:
            return
        if await self.bench.put(credential.id, reason):
            log.warning("credential.benched", credential=credential.id, reason=reason)

    def stalls_of(self, operation: str, team: str, credential: str) -> list[Stall]:
        """The one stall of a credential that a list began with; empty if it is gone."""
        held = self.credential(credential)
        if held is None or not held.serves(team):
            return []
        offer = ADAPTERS[held.provider].offers[operation]
        return [self._pick([self._stall(operation, held.provider, offer, held)])]

    def _stall(
        self, operation: str, name: str, offer: Offer, credential: Credential | None
    ) -> Stall:
        configured = self._settings.providers[name]
        overrides = [("credential", credential.prices)] if credential else []
        price = price_of(operation, offer, *overrides, ("settings", configured.prices))
        limits = {**configured.limits, **(credential.limits if credential else {})}
        paced = credential is not None and bool(self.allowance(credential))
        return Stall(name, offer, credential, price, limits=limits, paced=paced)

    def spaces(self, provider: str, team: str) -> list[str]:
        """Of whose answers the team is served, among those of the provider's accounts."""
        known = self._spaces.get((provider, team))
        if known is None:
            held = (item for item in self.credentials if item.provider == provider)
            known = self._spaces[provider, team] = spaces(held, team)
        return known

    def allowance(self, credential: Credential) -> Allowance:
        """How often the account may be asked."""
        known = self._allowances.get(credential.id)
        if known is not None and known[0] is credential:
            return known[1]
        given = {**self._settings.providers[credential.provider].limits, **credential.limits}
        free = self._sandbox or is_loopback(credential.base_url)
        adapter = ADAPTERS[credential.provider]
        # A plan that is named is a limit that is set.
        rates = (*(() if free else adapter.rates), *adapter.rates_of_plan(credential.options))
        found = allowance_of(credential.id, given, rates)
        self._allowances[credential.id] = (credential, found)
        return found

    def credential(self, name: str) -> Credential | None:
        return next((item for item in self.credentials if item.id == name), None)

    def routing(self, operation: str, team: str) -> list[Routing | None]:
        """The team's routing, what it says of all its lookups, then the installation's."""
        own = self.routes.get(f"{operation}|{team}")
        return [own, self._values.get(team), self.routes.get(operation)]


def _routing_of(team: Team) -> Routing | None:
    """What a team says of all its lookups."""
    if team.value is None and team.wait_price is None:
        return None
    return Routing(
        value=UNSET if team.value is None else team.value,
        wait_price=UNSET if team.wait_price is None else team.wait_price,
    )
