"""The front desk: turns a caller's question into a lookup, and keeps the adapters."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from gateway.lookup.bouncing import Bounces
from gateway.lookup.flights import Flights
from gateway.lookup.identity import QueryError, canonical, normalise
from gateway.lookup.lookup import Caller, Lookup
from gateway.lookup.market import Market
from gateway.lookup.marking import Asked, asked_of
from gateway.lookup.outlook import PlanView, to_view
from gateway.lookup.planner import Plan, plan
from gateway.lookup.quoting import expected
from gateway.lookup.routing import Route, Routing, base_route, resolve
from gateway.lookup.spool import Spool
from gateway.lookup.verifiers import prices_for, verifiers_for
from gateway.lookup.waterfall import Waterfall
from gateway.money.journal import Journal
from gateway.money.ledger import Ledger, next_id
from gateway.settings import Settings
from gateway.store.connection import Store
from gateway.vault.bench import WAITS
from gateway.vault.credentials import Credential
from gateway.vault.datakey import DataKey
from gateway.vault.tokens import TokenShelf
from providers.base import Account, Adapter, AsyncTransport
from providers.model import EMAILS_FIND, EMAILS_VERIFY, Query, VerifyEmail
from providers.registry import create
from providers.signin import ClientCredentials


class NotConfigured(Exception):
    """No credential for any provider that offers the operation."""


class Unanswerable(Exception):
    """No configured provider can answer this query; `reasons` by provider."""

    def __init__(self, reasons: dict[str, str]):
        super().__init__("no provider can answer this query")
        self.reasons = reasons


class Desk:
    """Everything a lookup needs, opened once per process."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        market: Market,
        transport: AsyncTransport,
        *,
        root: str,
        data_key: DataKey,
        journal: Journal | None = None,
        tokens: TokenShelf | None = None,
        spool: Spool,
    ):
        self.settings = settings
        self.market = market
        self.root = root
        self.data_key = data_key
        self.store = store
        self.flights = Flights()
        zone = ZoneInfo(settings.timezone)
        self.ledger = Ledger(store, root=root, zone=zone, journal=journal)
        team_cache = settings.cache_scope == "team"
        self.bounces = Bounces(store, root, market, data_key, team_cache=team_cache)
        self.waterfall = Waterfall(
            self.ledger,
            self.flights,
            adapter_of=self.adapter_of,
            verification_of=self.verification_of,
            market=market,
            bounces=self.bounces,
            data_key=data_key,
            team_cache=team_cache,
            spool=spool,
            retention=settings.retention,
        )
        self._transport = transport
        self._tokens = tokens
        self._bases: dict[str, Route] = {}
        self._adapters: dict[str, tuple[Credential, Adapter]] = {}

    async def open(self) -> None:
        await self.market.open()
        await self.waterfall.shelf.open()
        await self.flights.listen(self.store, self.root)
        await self.waterfall.dialler.hints.listen(self.store, self.root)

    async def close(self) -> None:
        await self.waterfall.shelf.close()
        await self.market.close()

    def adapter_of(self, credential: Credential) -> Adapter:
        """One adapter per credential, so that its sign-in is shared; a changed one gets a new."""
        known = self._adapters.get(credential.id)
        if known is not None and known[0] == credential:
            return known[1]
        account = Account(credential.base_url, credential.secret, credential.options)
        adapter = create(credential.provider, account, self._transport)
        if self._tokens and isinstance(adapter.auth, ClientCredentials):
            adapter.auth.holder = self._tokens.holder(credential, self.data_key.value)
        self._adapters[credential.id] = (credential, adapter)
        return adapter

    def route(self, operation: str, team: str, asked: Routing | None) -> Route:
        """The call's routing, then the team's, then the installation's."""
        base = self._bases.get(operation)
        if base is None:
            base = self._bases[operation] = base_route(self.settings.route(operation))
        return resolve([asked, *self.market.routing(operation, team)], base)

    def prepare(
        self,
        operation: str,
        query: Query,
        caller: Caller,
        *,
        routing: Routing | None = None,
        wait: float,
        tag: str = "",
        after: str | None = None,
        credential: str | None = None,
    ) -> Lookup:
        """A lookup ready to run; a page after the first stays with its `credential`.

        Raises QueryError, NotConfigured, Unanswerable.
        """
        query = normalise(query)
        route = self.route(operation, caller.team, routing)
        planned = self._plan(operation, query, route, caller, credential)
        meaning = canonical(query)
        return Lookup(
            id=next_id("lkp"),
            caller=caller,
            operation=operation,
            query=query,
            canonical=meaning,
            route=route,
            plan=planned,
            asked=asked_of(query, self.data_key.value),
            wait=wait,
            tag=tag,
            after=after,
            credential=credential,
            checks=self._checks(operation, route, planned, caller),
        )

    def _checks(
        self, operation: str, route: Route, planned: Plan, caller: Caller
    ) -> Mapping[str, int]:
        if operation != EMAILS_FIND or route.verify != "uncertain":
            return {}
        finders = (step.provider for step in planned.steps)
        return prices_for(self.market, caller.team, finders)

    async def quote(
        self, operation: str, query: Query, caller: Caller, routing: Routing | None
    ) -> PlanView:
        """What a lookup is expected to do and cost. Raises what `prepare` does, and StoreDown."""
        lookup = self.prepare(operation, query, caller, routing=routing, wait=1.0)
        return to_view(await expected(self.waterfall, lookup), self.settings.currency)

    def _plan(
        self, operation: str, query: Query, route: Route, caller: Caller, only: str | None
    ) -> Plan:
        stalls = self.market.stalls(operation, caller.team)
        if only is not None:
            stalls = self.market.stalls_of(operation, caller.team, only)
            route = msgspec.structs.replace(route, providers=None)
        if not stalls:
            raise Unanswerable({})
        if not any(stall.credential or stall.benched for stall in stalls):
            raise NotConfigured
        planned = plan(query, route, stalls)
        if not planned.steps:
            reasons = {left.provider: left.reason for left in planned.left_out}
            if not WAITS.keys().isdisjoint(reasons.values()):
                return planned
            if "no_credential" in reasons.values():
                raise NotConfigured
            raise Unanswerable(reasons)
        return planned

    def verification_of(self, parent: Lookup, address: str, finder: str) -> Lookup | None:
        """The lookup that has the cheapest other verifier check `address`, paid by `parent`.

        `providers` bounds who may find an answer; who checks it is always another.
        """
        try:
            query = normalise(VerifyEmail(email=address))
        except QueryError:
            return None
        route = msgspec.structs.replace(
            self.route(EMAILS_VERIFY, parent.caller.team, None),
            providers=None,
            order="cheapest",
            max_cost=parent.route.max_cost,
            max_age=parent.route.max_age,
            verify="never",
        )
        planned = plan(query, route, verifiers_for(self.market, parent.caller.team, finder))
        if not planned.steps:
            return None
        return self._child(parent, query, route, Plan(planned.steps[:1]))

    def _child(self, parent: Lookup, query: Query, route: Route, planned: Plan) -> Lookup:
        meaning, asked = canonical(query), asked_of(query, self.data_key.value)
        return Lookup(
            id=parent.id,
            caller=parent.caller,
            operation=EMAILS_VERIFY,
            query=query,
            canonical=meaning,
            route=route,
            plan=planned,
            asked=Asked(
                [*parent.asked.persons, *asked.persons],
                [*parent.asked.places, *asked.places],
                asked.kind,
            ),
            wait=parent.wait,
            tag=parent.tag,
            raw=parent.raw,
            parent=parent,
            again=parent.again,
            since=parent.since,
            tally=parent.tally,
        )
