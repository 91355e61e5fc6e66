"""The ledger as its keepers read it, and as a team reads its own part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Request, Response, get
from msgspec import UNSET, Struct, UnsetType

from gateway.api.context import Context, context_of
from gateway.api.cursors import fingerprint
from gateway.api.documents import AUTHENTICATED, responses
from gateway.api.ledger_query import (
    CredentialParam,
    FromParam,
    GroupParam,
    KeyParam,
    OperationParam,
    PageParam,
    ProviderParam,
    StateParam,
    TagParam,
    TeamParam,
    ToParam,
    filter_of,
    groups_of,
)
from gateway.api.lists import CursorParam, caller_of
from gateway.api.problems import request_id_of
from gateway.api.tables import to_stream, wants_csv
from gateway.money.amounts import to_money, to_units
from gateway.money.entries import AnyState, Entry, Filter
from gateway.money.summaries import Group, Sum, summarise
from gateway.vault.roster import to_timestamp

Req = Request[Any, Any, Any]
PAGE = 25
UNREADABLE = (*AUTHENTICATED, "invalid_query")


class EntryView(Struct, kw_only=True):
    """`units` and `cost` are posted, `reserved` is the worst case that was set aside.

    `overrun`: the provider charged more than that. `unpriced`: nobody knows what a unit costs.
    `restored` was put back from a journal. `outcome` is null while it is open. `note` and
    `resolved_by` (a key's id) are of whoever ended a doubt.
    """

    id: str
    state: AnyState
    team: str
    key: str
    provider: str
    credential: str
    operation: str
    tag: str
    units: float
    unit: str
    cost: str
    reserved: str
    price: str
    at: str
    dispatched_at: str | None
    closed_at: str | None
    outcome: str | None
    reason: str | None
    overrun: bool
    unpriced: bool
    restored: bool
    note: str | None
    resolved_by: str | None


class SumView(Struct, kw_only=True):
    """`calls` were sent; `reserved` and `in_doubt` are money held, `cost` is money posted."""

    team: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    day: str | UnsetType = UNSET
    tag: str | UnsetType = UNSET
    calls: int
    units: float
    cost: str
    reserved: str
    in_doubt: str


class MoneyMeta(Struct, kw_only=True):
    """`next_cursor` is null at the end; `sandbox` is there only if true."""

    request_id: str
    currency: str
    next_cursor: str | None
    total: int | UnsetType = UNSET
    sandbox: bool | UnsetType = UNSET


class LedgerReply(Struct):
    data: list[EntryView]
    meta: MoneyMeta


class SummaryReply(Struct):
    data: list[SumView]
    meta: MoneyMeta


def _precise(millis: int) -> str | None:
    """To the millisecond, so that texts are in the order of times; None for what never was."""
    return to_timestamp(datetime.fromtimestamp(millis / 1000, UTC)) if millis else None


def show(entry: Entry) -> EntryView:
    return EntryView(
        id=entry.id,
        state=entry.state,
        team=entry.team,
        key=entry.key,
        provider=entry.provider,
        credential=entry.credential,
        operation=entry.operation,
        tag=entry.tag,
        units=to_units(entry.units),
        unit=entry.unit,
        cost=to_money(entry.cost),
        reserved=to_money(entry.worst_cost),
        price=to_money(entry.price),
        at=_precise(entry.at) or "",
        dispatched_at=_precise(entry.dispatched_at),
        closed_at=_precise(entry.closed_at),
        outcome=entry.outcome or None,
        reason=entry.reason or None,
        overrun=entry.overrun,
        unpriced=entry.unpriced,
        restored=entry.restored,
        note=entry.note or None,
        resolved_by=entry.resolved_by or None,
    )


def show_sum(row: Sum) -> SumView:
    members = msgspec.structs.asdict(row)
    members |= {name: to_money(members[name]) for name in ("cost", "reserved", "in_doubt")}
    members["units"] = to_units(row.units)
    return SumView(**members)


ENTRY_COLUMNS = (*EntryView.__struct_fields__, "currency")
SUM_COLUMNS = ("calls", "units", "cost", "reserved", "in_doubt")


def _meta(request: Req, **members: Any) -> MoneyMeta:
    context = context_of(request)
    return MoneyMeta(
        request_id=request_id_of(request.scope),
        currency=context.settings.currency,
        sandbox=context.sandbox or UNSET,
        **members,
    )


def _json(body: Struct) -> Response[Any]:
    headers = {"vary": "Accept"}
    content = msgspec.json.encode(body)
    return Response(content, media_type="application/json", headers=headers)


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.settings.timezone)


async def _entry_rows(
    context: Context, wanted: Filter, below: int | None, limit: int | None
) -> AsyncIterator[Sequence[object]]:
    left = limit
    async for entry in context.books.walk(wanted, below):
        if left is not None:
            if left == 0:
                return
            left -= 1
        yield (*msgspec.structs.astuple(show(entry)), context.settings.currency)


async def _sum_rows(
    context: Context, groups: tuple[Group, ...], sums: Sequence[Sum]
) -> AsyncIterator[Sequence[object]]:
    for row in sums:
        shown = show_sum(row)
        cells = [getattr(shown, name) for name in (*groups, *SUM_COLUMNS)]
        yield (*cells, context.settings.currency)


async def _summary(
    request: Req,
    wanted: Filter,
    group_by: str | None,
    limit: int | None,
    cursor: str | None,
) -> Response[Any]:
    """All rows unless pages are asked for: they are parts of one sum."""
    context, groups = context_of(request), groups_of(group_by)
    sums = await summarise(context.books, wanted, groups, _zone(context))
    if wants_csv(request):
        columns = (*groups, *SUM_COLUMNS, "currency")
        return await to_stream(columns, _sum_rows(context, groups, sums), "usage")
    page, after = sums, None
    if limit is not None or cursor is not None:
        name = "ledger.summary " + fingerprint(repr((wanted, groups)).encode())
        caller = caller_of(request.scope)
        page, after = context.pager.cut(sums, caller, name, limit or PAGE, cursor)
    meta = _meta(request, next_cursor=after, total=len(sums))
    return _json(SummaryReply([show_sum(row) for row in page], meta))


class LedgerEntries(Controller):
    """The whole ledger, for administrators."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get("/v1/admin/ledger", responses=responses({200: LedgerReply}, UNREADABLE))
    async def list_entries(
        self,
        request: Req,
        *,
        limit: PageParam = None,
        cursor: CursorParam = None,
        team: TeamParam = None,
        key: KeyParam = None,
        provider: ProviderParam = None,
        credential: CredentialParam = None,
        operation: OperationParam = None,
        entry_state: StateParam = None,
        tag: TagParam = None,
        since: FromParam = None,
        until: ToParam = None,
    ) -> Response[Any]:
        context, caller = context_of(request), caller_of(request.scope)
        wanted = filter_of(request, _zone(context))
        name = "admin.ledger " + fingerprint(repr(wanted).encode())
        below = context.pager.offset(caller, name, cursor) if cursor else None
        if wants_csv(request):
            rows = _entry_rows(context, wanted, below, limit)
            return await to_stream(ENTRY_COLUMNS, rows, "ledger")
        page, rest = await context.books.page(wanted, below, limit or PAGE)
        after = None if rest is None else context.pager.next(caller, name, rest)
        body = LedgerReply([show(entry) for entry in page], _meta(request, next_cursor=after))
        return _json(body)

    @get("/v1/admin/ledger/summary", responses=responses({200: SummaryReply}, UNREADABLE))
    async def summarise_entries(
        self,
        request: Req,
        *,
        limit: PageParam = None,
        cursor: CursorParam = None,
        group_by: GroupParam = None,
        team: TeamParam = None,
        key: KeyParam = None,
        provider: ProviderParam = None,
        credential: CredentialParam = None,
        operation: OperationParam = None,
        entry_state: StateParam = None,
        tag: TagParam = None,
        since: FromParam = None,
        until: ToParam = None,
    ) -> Response[Any]:
        wanted = filter_of(request, _zone(context_of(request)))
        return await _summary(request, wanted, group_by, limit, cursor)


class Usage(Controller):
    """A team's own part of the ledger, whatever is asked."""

    tags = ["Usage"]
    opt = {"scope": "usage"}

    @get("/v1/usage", responses=responses({200: SummaryReply}, UNREADABLE))
    async def usage(
        self,
        request: Req,
        *,
        limit: PageParam = None,
        cursor: CursorParam = None,
        group_by: GroupParam = None,
        key: KeyParam = None,
        provider: ProviderParam = None,
        credential: CredentialParam = None,
        operation: OperationParam = None,
        entry_state: StateParam = None,
        tag: TagParam = None,
        since: FromParam = None,
        until: ToParam = None,
    ) -> Response[Any]:
        wanted = filter_of(request, _zone(context_of(request)))
        wanted = msgspec.structs.replace(wanted, team=caller_of(request.scope).team)
        return await _summary(request, wanted, group_by, limit, cursor)
