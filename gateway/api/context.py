"""What handlers reach: the process they run in, and how lists and lookups are served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request
from msgspec import UNSET

from gateway.api.exchange import Exchange
from gateway.api.lists import ListMeta, Pager, ReplyMeta
from gateway.api.problems import request_id_of
from gateway.guard.breakers import Breakers
from gateway.guard.objections import Objections
from gateway.guard.permits import Permits
from gateway.jobs.access import Access
from gateway.jobs.erasures import Erasures
from gateway.jobs.queue import Queue
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.webhooks import Webhooks
from gateway.lookup.accounts import Keeper
from gateway.lookup.desk import Desk
from gateway.lookup.market import Market
from gateway.money.entries import Books
from gateway.money.standing import Standings
from gateway.settings import Settings
from gateway.store.connection import Store
from gateway.vault.audit import AuditTrail
from gateway.vault.credentials import CredentialStore
from gateway.vault.roster import Roster


@dataclass(frozen=True, kw_only=True)
class Context:
    """One per application."""

    settings: Settings
    sandbox: bool
    store: Store
    desk: Desk
    market: Market
    keeper: Keeper
    kept: CredentialStore
    roster: Roster
    audit: AuditTrail
    jobs: Queue
    exchange: Exchange
    pager: Pager
    books: Books
    standings: Standings
    reconciler: Reconciler
    breakers: Breakers
    permits: Permits
    webhooks: Webhooks
    objections: Objections
    erasures: Erasures
    access: Access


def context_of(request: Request[Any, Any, Any]) -> Context:
    found: Context = request.app.state["context"]
    return found


def meta_of(request: Request[Any, Any, Any], notice: str | None = None) -> ReplyMeta:
    """The `meta` of a reply about one thing."""
    sandbox = context_of(request).sandbox
    return ReplyMeta(request_id=request_id_of(request.scope), notice=notice, sandbox=sandbox)


def list_meta_of(
    request: Request[Any, Any, Any], after: str | None, total: int | None = None
) -> ListMeta:
    """The `meta` of a page; `after` is the cursor of the next."""
    return ListMeta(
        request_id=request_id_of(request.scope),
        next_cursor=after,
        total=UNSET if total is None else total,
        sandbox=context_of(request).sandbox or UNSET,
    )
