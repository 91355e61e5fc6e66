"""Bringing the ledger in line with the providers: doubts cleared up, or ended by a word."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.ledger import EntryView, show
from gateway.api.lists import ReplyMeta, caller_of, missing
from gateway.api.problems import Problem, invalid
from gateway.money.amounts import MILLI, cost_of
from gateway.money.entries import BOOTSTRAP, Entry
from gateway.money.reconciliation import Report
from gateway.money.terms import Resolution

Req = Request[Any, Any, Any]
Units = Annotated[float, Meta(ge=0, lt=10**9, description="in the provider's own units")]
Note = Annotated[str, Meta(min_length=1, max_length=500)]


class ReconcileBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`accept` lets a store that came back older go on, after journals were read back."""

    accept: bool = False


AS_USUAL = ReconcileBody()


class ResolveBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """`units` is what the provider charged; without it the worst case is posted."""

    state: Literal["posted", "voided"]
    note: Note
    units: Units | None = None


class ReportReply(Struct):
    data: Report | None
    meta: ReplyMeta


class EntryReply(Struct):
    data: EntryView
    meta: ReplyMeta


def _units(entry: Entry, body: ResolveBody) -> int:
    """Thousandths. Raises Problem."""
    if body.state == "voided":
        if body.units:
            raise invalid("/units", "is not for an entry that is voided; leave it out")
        return 0
    if body.units is None:
        return entry.worst_units
    exact = Decimal(str(body.units)) * MILLI
    if exact % 1:
        raise invalid("/units", f"{body.units} has more than 3 decimals")
    return int(exact)


class Reconciliation(Controller):
    """For administrators."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get("/v1/admin/reconcile", responses=responses({}, AUTHENTICATED))
    async def last_report(self, request: Req) -> ReportReply:
        """The latest report of any process; null before the first."""
        return ReportReply(await context_of(request).reconciler.last(), meta_of(request))

    @post(
        "/v1/admin/reconcile",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *WITH_BODY)),
    )
    async def reconcile(
        self, request: Req, data: JSONBody[ReconcileBody] = AS_USUAL
    ) -> ReportReply:
        report = await context_of(request).reconciler.reconcile(accept=data.accept)
        action = "ledger.accepted" if data.accept else "ledger.reconciled"
        await record(request, action, "ledger")
        return ReportReply(report, meta_of(request))

    @post(
        "/v1/admin/ledger/{entry_id:str}/resolve",
        status_code=200,
        responses=responses({}, (*AUTHENTICATED, *READ, *WITH_BODY, "conflict")),
    )
    async def resolve(
        self, request: Req, entry_id: FromPath[str], data: JSONBody[ResolveBody]
    ) -> EntryReply:
        context = context_of(request)
        found = await context.books.named([entry_id])
        if not found:
            raise missing("entry")
        units = _units(found[0], data)
        word = Resolution(
            state=data.state,
            note=data.note,
            by=caller_of(request.scope).key or BOOTSTRAP,
            units=units,
            cost=cost_of(units, found[0].price),
        )
        had = await context.desk.ledger.resolve(entry_id, word)
        if had != "in_doubt":
            raise Problem("conflict", f"The entry is {had}; only one in doubt can be resolved.")
        await record(request, "ledger.resolved", entry_id, given_in(data))
        [entry] = await context.books.named([entry_id])
        return EntryReply(show(entry), meta_of(request))
