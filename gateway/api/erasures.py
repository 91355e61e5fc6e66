"""A person taken out of everything that is held, for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.api.suppressions import Reason
from gateway.jobs.erasures import Erasure, Status
from gateway.lookup.subject import subject_of
from gateway.vault.roster import to_timestamp
from providers.model import Address, Domain, Link, Text

Req = Request[Any, Any, Any]


class NewErasure(Struct, kw_only=True, forbid_unknown_fields=True):
    """Any of `email`, `linkedin_url`, and `full_name` with `domain`: all of one person."""

    email: Address | None = None
    linkedin_url: Link | None = None
    full_name: Text | None = None
    domain: Domain | None = None
    reason: Reason = ""


class ErasureView(Struct, kw_only=True):
    """`removed` and `left` count things by place. `files`: what became of the store's own files:
    rewritten, off, forbidden (by the store: rewrite them yourself), failed or unknown.
    """

    id: str
    status: Status
    reason: str
    suppression_id: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    passes: int
    removed: dict[str, int]
    left: dict[str, int]
    files: dict[str, str]


class ErasureReply(Struct):
    data: ErasureView
    meta: ReplyMeta


class ErasuresReply(Struct):
    data: list[ErasureView]
    meta: ListMeta


def _iso(millis: int | None) -> str | None:
    return None if millis is None else to_timestamp(datetime.fromtimestamp(millis / 1000, UTC))


def view(found: Erasure) -> ErasureView:
    return ErasureView(
        id=found.id,
        status=found.status,
        reason=found.reason,
        suppression_id=found.suppression,
        created_at=_iso(found.created) or "",
        started_at=_iso(found.started),
        finished_at=_iso(found.finished),
        passes=found.passes,
        removed=found.removed,
        left=found.left,
        files=found.files,
    )


class ErasuresOfPersons(Controller):
    """Carried out in the background, by whichever process works on jobs."""

    tags = ["Objections"]
    opt = {"scope": "admin"}
    path = "/v1/admin/erasures"

    @post(
        status_code=202,
        responses=responses({202: ErasureReply}, (*AUTHENTICATED, *WITH_BODY)),
    )
    async def erase(self, request: Req, data: JSONBody[NewErasure]) -> ErasureReply:
        """The person is suppressed once the reply is there."""
        context = context_of(request)
        subject = subject_of(data.email, data.linkedin_url, data.full_name, data.domain)
        found = await context.erasures.open(subject, context.desk.data_key.value, data.reason)
        await record(request, "erasure.requested", found.id, given_in(data))
        return ErasureReply(view(found), meta_of(request))

    @get(responses=responses({}, (*AUTHENTICATED, "invalid_query")))
    async def list_erasures(
        self, request: Req, limit: Limit = 25, cursor: CursorParam = None
    ) -> ErasuresReply:
        context, caller = context_of(request), caller_of(request.scope)
        offset = context.pager.offset(caller, "admin.erasures", cursor)
        found, more = await context.erasures.page(offset=offset, limit=limit)
        following = context.pager.next(caller, "admin.erasures", offset + limit)
        after = following if more else None
        return ErasuresReply([view(one) for one in found], list_meta_of(request, after))

    @get("/{erasure_id:str}", responses=responses({}, (*AUTHENTICATED, *READ)))
    async def show_erasure(self, request: Req, erasure_id: FromPath[str]) -> ErasureReply:
        found = await context_of(request).erasures.get(erasure_id)
        if found is None:
            raise missing("erasure")
        return ErasureReply(view(found), meta_of(request))
