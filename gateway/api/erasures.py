"""A person taken out of everything that is held, for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from gateway.api.audit import given_in, record
from gateway.api.context import context_of, list_meta_of, meta_of
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import CursorParam, Limit, ListMeta, ReplyMeta, caller_of, missing
from gateway.api.problems import request_id_of
from gateway.api.suppressions import Reason
from gateway.jobs.erasures import Erasure, Status
from gateway.jobs.holdings import Place
from gateway.jobs.traces import Trace
from gateway.lookup.subject import Subject, subject_of
from gateway.vault.roster import to_timestamp
from providers.model import Address, Domain, Link, Text

Req = Request[Any, Any, Any]


class Whom(Struct, kw_only=True, forbid_unknown_fields=True):
    """Any of `email`, `linkedin_url`, and `full_name` with `domain`: all of one person."""

    email: Address | None = None
    linkedin_url: Link | None = None
    full_name: Text | None = None
    domain: Domain | None = None

    def subject(self) -> Subject:
        """Raises QueryError."""
        return subject_of(self.email, self.linkedin_url, self.full_name, self.domain)


class NewErasure(Whom, kw_only=True, forbid_unknown_fields=True):
    """Of whom, and why."""

    reason: Reason = ""


class TraceView(Struct, kw_only=True):
    """One thing that is held of a person: where, since when and until when (null: for good, or not
    known), from which provider, for which team's request, seen on which pages, and what it says.
    """

    place: Place
    reference: str
    provider: str
    operation: str
    team: str
    obtained_at: str | None
    expires_at: str | None
    sources: list[str]
    data: msgspec.Raw


class TracesReply(Struct):
    data: list[TraceView]
    meta: ListMeta


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
        found = await context.erasures.open(
            data.subject(), context.desk.data_key.value, data.reason
        )
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


class Traces(Controller):
    """Why is what held of a person: for whoever asks to know, before or instead of an erasure."""

    tags = ["Objections"]
    opt = {"scope": "admin"}

    @post(
        "/v1/admin/traces",
        status_code=200,
        responses=responses({200: TracesReply}, (*AUTHENTICATED, *WITH_BODY)),
    )
    async def trace(self, request: Req, data: JSONBody[Whom]) -> TracesReply:
        """Everything is searched, so it takes a while in a large store; nothing is changed."""
        found = await context_of(request).access.traces(data.subject())
        await record(request, "person.traced", request_id_of(request.scope), given_in(data))
        rows = [trace_view(one) for one in found]
        return TracesReply(rows, list_meta_of(request, None, len(rows)))


def trace_view(found: Trace) -> TraceView:
    return TraceView(
        place=found.place,
        reference=found.reference,
        provider=found.provider,
        operation=found.operation,
        team=found.team,
        obtained_at=_iso(found.obtained),
        expires_at=_iso(found.until),
        sources=found.sources,
        data=msgspec.Raw(msgspec.json.encode(found.data)),
    )
