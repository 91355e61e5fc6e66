"""The application: everything put together for one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast
from zoneinfo import ZoneInfo

from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, Reference, SecurityScheme

from gateway.api.accounts.campaigns import Campaigns
from gateway.api.accounts.leads import Leads
from gateway.api.accounts.lists import Lists
from gateway.api.accounts.recipients import DoNotEmail, Recipients
from gateway.api.accounts.webhooks import Account, Webhooks
from gateway.api.audit import Audit
from gateway.api.authorisation import authorise
from gateway.api.breakers import BreakersOfProviders
from gateway.api.context import Context
from gateway.api.credentials import Credentials
from gateway.api.decoding import StrictRequest
from gateway.api.edge import App, Edge
from gateway.api.erasures import ErasuresOfPersons, Traces
from gateway.api.exchange import Exchange
from gateway.api.hooks import Callbacks, Hooks
from gateway.api.jobs import Jobs
from gateway.api.keys import Keys
from gateway.api.ledger import LedgerEntries, Usage
from gateway.api.lists import Pager
from gateway.api.lookups import Lookups
from gateway.api.me import Me
from gateway.api.native.application import NativeApplication
from gateway.api.operations import Operations
from gateway.api.outcomes import Outcomes
from gateway.api.pages import Pages
from gateway.api.plans import Plans
from gateway.api.problems import HANDLERS
from gateway.api.providers import Providers
from gateway.api.reconciliation import Reconciliation
from gateway.api.routes import Routes
from gateway.api.showing import shown
from gateway.api.suppressions import Suppressions
from gateway.api.teams import Teams
from gateway.api.webhook_endpoints import WebhookEndpoints
from gateway.guard.breakers import Breakers
from gateway.guard.objections import Objections
from gateway.guard.permits import Permits
from gateway.jobs.access import Access
from gateway.lookup.accounts import Keeper
from gateway.money.entries import Books
from gateway.money.standing import Standings
from gateway.process import Process
from gateway.settings import Settings
from gateway.telemetry.metrics import count_unknown_word
from providers.vocabulary import on_unknown

VERSION = "0.1.0"
CONTROLLERS = [
    Lookups,
    Outcomes,
    Plans,
    Jobs,
    WebhookEndpoints,
    Providers,
    Account,
    Leads,
    Lists,
    Campaigns,
    Recipients,
    DoNotEmail,
    Webhooks,
    Teams,
    Keys,
    Credentials,
    Hooks,
    Callbacks,
    Routes,
    LedgerEntries,
    Reconciliation,
    BreakersOfProviders,
    Suppressions,
    ErasuresOfPersons,
    Traces,
    Usage,
    Me,
    Audit,
    Operations,
    Pages,
]


def create_app(settings: Settings, *, jobs: bool = True) -> Edge:
    """An ASGI application; it opens its store when its lifespan starts.

    `settings` needs a store URL and a master key; `jobs` False leaves jobs that outlived their
    process to others.
    """
    process, exchange = _assembled(settings)

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        async with _opened(process, exchange, work=jobs):
            yield

    app = Litestar(
        route_handlers=CONTROLLERS,
        state=State({"context": _context(process, exchange)}),
        exception_handlers=HANDLERS,
        before_request=authorise,
        request_class=StrictRequest,
        lifespan=[lifespan],
        openapi_config=_openapi(),
        logging_config=None,
        request_max_body_size=None,
    )
    native = NativeApplication(process.desk, process.authenticator, settings.edge)
    edge = Edge(cast("App", app), settings.edge, process.authenticator, native)
    edge.retire = exchange.engine.retire
    return edge


@asynccontextmanager
async def open_for_jobs(settings: Settings) -> AsyncIterator[None]:
    """Everything but the application: for a process that only works on jobs."""
    async with _opened(*_assembled(settings), work=True):
        yield


def _assembled(settings: Settings) -> tuple[Process, Exchange]:
    on_unknown(_count_word)
    process = Process(settings)
    exchange = Exchange(process.desk, currency=settings.currency, sandbox=process.sandbox)
    exchange.engine = process.engine(exchange.conclude)
    process.webhooks.courier.composer.show = partial(shown, process.desk, process.jobs)
    return process, exchange


@asynccontextmanager
async def _opened(process: Process, exchange: Exchange, *, work: bool) -> AsyncIterator[None]:
    await process.open()
    await exchange.engine.open(work=work)
    if work:
        await process.webhooks.courier.open()
    yield
    # At once: together they must be done before the supervisor's patience ends.
    await asyncio.gather(exchange.engine.close(), process.webhooks.courier.close())
    await process.close()


def _count_word(provider: str, field: str, _word: str) -> None:
    count_unknown_word(provider, field)


def _context(process: Process, exchange: Exchange) -> Context:
    zone = ZoneInfo(process.settings.timezone)
    eraser = exchange.engine.eraser
    return Context(
        settings=process.settings,
        sandbox=process.sandbox,
        store=process.store,
        desk=process.desk,
        market=process.desk.market,
        keeper=Keeper(process.desk),
        kept=process.kept,
        roster=process.roster,
        audit=process.audit,
        jobs=process.jobs,
        exchange=exchange,
        pager=Pager(exchange.cursors),
        books=Books(process.store, process.root),
        standings=Standings(process.store, root=process.root, zone=zone),
        reconciler=process.reconciler,
        breakers=Breakers(process.store, process.root),
        permits=Permits(process.store, process.root),
        webhooks=process.webhooks,
        objections=Objections(process.store, process.root),
        erasures=process.erasures,
        access=Access(eraser.seeker, eraser.readers),
    )


def _openapi() -> OpenAPIConfig:
    schemes: dict[str, SecurityScheme | Reference] = {
        "bearer": SecurityScheme(type="http", scheme="bearer"),
        "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
    }
    return OpenAPIConfig(
        title="Prospecting gateway",
        version=VERSION,
        description="One API in front of every prospecting provider.",
        path="/openapi-of-litestar",
        render_plugins=[],
        components=Components(security_schemes=schemes),
        security=[{"bearer": []}, {"key": []}],
    )
