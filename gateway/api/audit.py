"""Reading the trail of administration, and writing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.params import QueryParameter
from msgspec import NODEFAULT, UNSET, Struct

from gateway.api.context import context_of, list_meta_of
from gateway.api.cursors import Cursor, expiry
from gateway.api.documents import AUTHENTICATED, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, caller_of
from gateway.vault.audit import AuditEntry

Req = Request[Any, Any, Any]
ObjectId = Annotated[str | None, QueryParameter(max_length=200, required=False)]
LIST = "admin.audit"
BOOTSTRAP = "bootstrap"


class AuditReply(Struct):
    """`object_id` is the id of a team, key or credential, or the operation of a route."""

    data: list[AuditEntry]
    meta: ListMeta


async def record(request: Req, action: str, object_id: str, fields: Sequence[str] = ()) -> None:
    """Add a change that was made; never a value."""
    actor = caller_of(request.scope).key or BOOTSTRAP
    await context_of(request).audit.append(actor, action, object_id, fields)


def given_in(body: Struct) -> list[str]:
    """The names of the members that a body really gave."""
    found = []
    for field in msgspec.structs.fields(body):
        value = getattr(body, field.name)
        default = field.default
        if field.default_factory is not NODEFAULT:
            default = field.default_factory()
        if value is not UNSET and (default is NODEFAULT or value != default):
            found.append(field.name)
    return found


class Audit(Controller):
    """Newest first."""

    tags = ["Administration"]
    opt = {"scope": "admin"}

    @get("/v1/admin/audit", responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_audit(
        self,
        request: Req,
        limit: Limit = 25,
        cursor: CursorParam = None,
        object_id: ObjectId = None,
    ) -> AuditReply:
        context, team = context_of(request), caller_of(request.scope).team
        cursors, about = context.exchange.cursors, object_id or ""
        before = None
        if cursor is not None:
            before = cursors.read(cursor, team=team, operation=LIST, query=about).after
        rows = await context.audit.page(limit + 1, before=before, object_id=object_id)
        after = None
        if len(rows) > limit:
            last = rows[limit - 1].id
            after = cursors.make(Cursor(team, LIST, about, "", "", last, expiry()))
        return AuditReply(rows[:limit], list_meta_of(request, after))
