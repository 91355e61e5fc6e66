"""Recipients of a campaign, and who gets no mail at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from gateway.api.accounts.replies import (
    ASKED,
    WRITTEN,
    AddedReply,
    BlockedMeta,
    BlockedReply,
    CancelledReply,
    RecipientReply,
    RecipientsReply,
)
from gateway.api.accounts.visits import BOTH, READS, WRITES, Visit
from gateway.api.audit import record
from gateway.api.context import context_of
from gateway.api.documents import responses
from gateway.api.lists import CursorParam, Limit, caller_of
from gateway.api.problems import invalid
from gateway.lookup.drafts import clean
from gateway.lookup.endings import Objected
from gateway.lookup.naming import identify
from providers.accounts.base import Accounts
from providers.accounts.drafts import (
    BlockDraft,
    CancelDraft,
    RecipientChange,
    RecipientsDraft,
)
from providers.accounts.objects import Done, Lead

Req = Request[Any, Any, Any]
PATH = "/v1/providers/{name:str}/campaigns/{campaign_id:str}/recipients"
BLOCKED = "/v1/providers/{name:str}/do-not-email"
BLOCKED_REASON = "put on the do-not-email list"


class Recipients(Controller):
    """An objection stops mail, and never what stops it."""

    tags = ["Provider accounts"]
    opt = BOTH

    @get(PATH, opt=READS, responses=responses({}, ASKED))
    async def list_recipients(
        self,
        request: Req,
        name: FromPath[str],
        campaign_id: FromPath[str],
        limit: Limit = 25,
        cursor: CursorParam = None,
    ) -> RecipientsReply:
        visit = Visit(request, name, "recipients.list")
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_recipients(campaign_id, page),
            limit,
            cursor,
            query=[campaign_id],
        )
        return RecipientsReply(rows, meta)

    @post(PATH, opt=WRITES, responses=responses({}, WRITTEN))
    async def add_recipients(
        self,
        request: Req,
        name: FromPath[str],
        campaign_id: FromPath[str],
        data: JSONBody[RecipientsDraft],
    ) -> AddedReply:
        visit = Visit(request, name, "recipients.add", RecipientsDraft.__struct_fields__)
        draft = clean(data)
        if not draft.emails and not draft.lead_ids:
            raise invalid("", "give emails or lead_ids")
        await visit.refuse_objectors(draft.emails, "emails")
        await _check_leads(visit, [str(lead) for lead in draft.lead_ids])
        done = await visit.run(
            lambda accounts: accounts.add_recipients(campaign_id, draft),
            about=draft.emails,
        )
        return AddedReply(done.data, visit.meta)

    @delete(PATH, status_code=200, opt=WRITES, responses=responses({}, WRITTEN))
    async def cancel_recipients(
        self,
        request: Req,
        name: FromPath[str],
        campaign_id: FromPath[str],
        data: JSONBody[CancelDraft],
    ) -> CancelledReply:
        """What is scheduled for them is not sent; open to those who objected."""
        visit = Visit(request, name, "recipients.cancel", CancelDraft.__struct_fields__)
        emails = clean(data).emails
        done = await visit.run(lambda accounts: accounts.cancel_recipients(campaign_id, emails))
        return CancelledReply(done.data, visit.meta)

    @patch(PATH, opt=WRITES, responses=responses({}, WRITTEN))
    async def change_recipient(
        self,
        request: Req,
        name: FromPath[str],
        campaign_id: FromPath[str],
        data: JSONBody[RecipientChange],
    ) -> RecipientReply:
        """Nobody who objected is made active again."""
        visit = Visit(request, name, "recipients.change", RecipientChange.__struct_fields__)
        change = clean(data)
        about = [change.email] if change.status == "active" else []
        done = await visit.run(
            lambda accounts: accounts.change_recipient(campaign_id, change), about=about
        )
        return RecipientReply(done.data, visit.meta)


class DoNotEmail(Controller):
    """Who gets no mail at all."""

    tags = ["Provider accounts"]
    opt = WRITES

    @post(BLOCKED, responses=responses({}, WRITTEN))
    async def block(
        self, request: Req, name: FromPath[str], data: JSONBody[BlockDraft]
    ) -> BlockedReply:
        """Addresses and domains that get no mail any more; open to those who objected.

        Addresses are suppressed here from now on, for every team; domains if the key has `admin`.
        """
        visit = Visit(request, name, "do_not_email.add", BlockDraft.__struct_fields__)
        draft = clean(data)
        done = await visit.run(lambda accounts: accounts.block(draft))
        may_all = "admin" in caller_of(request.scope).scopes
        suppressed = [item for item in draft.items if may_all or "@" in item]
        for item in suppressed:
            await _suppress(request, name, item)
        meta = BlockedMeta(**msgspec.structs.asdict(visit.meta), suppressed=suppressed)
        return BlockedReply(done.data, meta)


async def _suppress(request: Req, provider: str, item: str) -> None:
    """Who is on a do-not-email list has objected."""
    context, is_address = context_of(request), "@" in item
    given = identify(item if is_address else None, None if is_address else item)
    assert given is not None
    marks = given.marks(context.desk.data_key.value)
    found, new = await context.objections.add(
        given.kind, marks, source=provider, reason=BLOCKED_REASON, domain=given.domain
    )
    if new:
        await record(request, "suppression.added", found.id)


async def _check_leads(visit: Visit, leads: list[str]) -> None:
    """Who is behind an id is not known here: it is read, if anybody ever objected."""
    if not leads or not await visit.keeper.anyone_objected():
        return
    for at, lead in enumerate(leads):
        found = await visit.run(_reading(lead), action="leads.get")
        try:
            await visit.keeper.check(found.data)
        except Objected:
            visit.refuse([at], "lead_ids")


def _reading(lead: str) -> Callable[[Accounts], Awaitable[Done[Lead]]]:
    return lambda accounts: accounts.get_lead(lead)
