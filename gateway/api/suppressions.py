"""Who is to be left alone: added, listed, tested and taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.cursors import Cursor, expiry
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.guard.objections import ADMIN, Objection
from gateway.lookup.identity import QueryError
from gateway.lookup.naming import KINDS, Identifier, identify
from gateway.vault.roster import to_timestamp
from providers.model import Address, Domain, Link

Req = Request[Any, Any, Any]
Reason = Annotated[str, Meta(max_length=500, description="in clear: no name belongs here")]
EmailParam = Annotated[str | None, QueryParameter(max_length=320, required=False)]
DomainParam = Annotated[str | None, QueryParameter(max_length=253, required=False)]
ProfileParam = Annotated[str | None, QueryParameter(max_length=2048, required=False)]
LIST, TEST = "admin.suppressions", "admin.suppressions.of"


class NewSuppression(Struct, kw_only=True, forbid_unknown_fields=True):
    """One of `email`, `domain` and `linkedin_url`, in any spelling."""

    email: Address | None = None
    domain: Domain | None = None
    linkedin_url: Link | None = None
    reason: Reason = ""


class SuppressionView(Struct, kw_only=True):
    """`source` is `admin`, `erasure` or the provider that said so. Persons are hashed."""

    id: str
    kind: str
    reason: str
    source: str
    created_at: str
    domain: str | UnsetType = UNSET


class SuppressionReply(Struct):
    data: SuppressionView
    meta: ReplyMeta


class SuppressionsReply(Struct):
    data: list[SuppressionView]
    meta: ListMeta


def view(found: Objection) -> SuppressionView:
    return SuppressionView(
        id=found.id,
        kind=found.kind,
        reason=found.reason,
        source=found.source,
        created_at=to_timestamp(datetime.fromtimestamp(found.created / 1000, UTC)),
        domain=found.domain or UNSET,
    )


def _given(data: NewSuppression) -> Identifier:
    """Raises QueryError."""
    found = identify(data.email, data.domain, data.linkedin_url)
    if found is None:
        raise QueryError("", f"give one of {', '.join(KINDS)}")
    return found


class Suppressions(Controller):
    """In force for every team and process once the reply is there."""

    tags = ["Objections"]
    opt = {"scope": "admin"}

    @post(
        "/v1/admin/suppressions",
        responses=responses(
            {200: SuppressionReply, 201: SuppressionReply}, (*AUTHENTICATED, *WITH_BODY)
        ),
    )
    async def suppress(
        self, request: Req, data: JSONBody[NewSuppression]
    ) -> Response[SuppressionReply]:
        """201 for a new one, 200 if it was there; a new reason takes the place of the old."""
        context, given = context_of(request), _given(data)
        marks = given.marks(context.desk.data_key.value)
        found, new = await context.objections.add(
            given.kind, marks, source=ADMIN, reason=data.reason, domain=given.domain
        )
        await record(request, "suppression.added", found.id, given_in(data))
        reply = SuppressionReply(view(found), meta_of(request))
        return Response(reply, status_code=201 if new else 200)

    @get("/v1/admin/suppressions", responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_suppressions(
        self,
        request: Req,
        limit: Limit = 25,
        cursor: CursorParam = None,
        *,
        email: EmailParam = None,
        domain: DomainParam = None,
        linkedin_url: ProfileParam = None,
    ) -> SuppressionsReply:
        """Newest first; with an identifier only those that stop it, none if it is free."""
        context, given = context_of(request), identify(email, domain, linkedin_url)
        if given is None:
            return await _page(request, limit, cursor)
        marks = given.covering(context.desk.data_key.value)
        found = [view(one) for one in await context.objections.holding(marks)]
        page, after = context.pager.cut(found, caller_of(request.scope), TEST, limit, cursor)
        return SuppressionsReply(page, list_meta_of(request, after, len(found)))

    @get(
        "/v1/admin/suppressions/{suppression_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ)),
    )
    async def show_suppression(
        self, request: Req, suppression_id: FromPath[str]
    ) -> SuppressionReply:
        found = await context_of(request).objections.get(suppression_id)
        if found is None:
            raise missing("suppression")
        return SuppressionReply(view(found), meta_of(request))

    @delete(
        "/v1/admin/suppressions/{suppression_id:str}",
        responses=responses({}, (*AUTHENTICATED, *READ)),
    )
    async def lift_suppression(self, request: Req, suppression_id: FromPath[str]) -> None:
        """What another one holds as well stays suppressed."""
        if not await context_of(request).objections.lift(suppression_id):
            raise missing("suppression")
        await record(request, "suppression.removed", suppression_id)


async def _page(request: Req, limit: int, cursor: str | None) -> SuppressionsReply:
    context, team = context_of(request), caller_of(request.scope).team
    cursors, below, after = context.exchange.cursors, "", None
    if cursor is not None:
        below = cursors.read(cursor, team=team, operation=LIST, query="").after
    found, total = await context.objections.page(below, limit + 1)
    places = list(found)[:limit]
    if len(found) > limit:
        after = cursors.make(Cursor(team, LIST, "", "", "", places[-1], expiry()))
    rows = [view(found[place]) for place in places]
    return SuppressionsReply(rows, list_meta_of(request, after, total))
