"""Leads: listed by filters, made, changed and deleted."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Request, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.response.base import ASGIResponse
from msgspec import UNSET

from gateway.api.accounts.filters import filters_of
from gateway.api.accounts.replies import (
    ASKED,
    WRITTEN,
    Changed,
    ChangedReply,
    LeadReply,
    LeadsReply,
)
from gateway.api.accounts.visits import BOTH, READS, WRITES, Visit
from gateway.api.documents import responses
from gateway.api.encoded import Encoded
from gateway.api.lists import CursorParam, Limit
from gateway.api.problems import invalid
from gateway.lookup.drafts import clean
from providers.accounts.drafts import LeadDraft, LeadFilters

Req = Request[Any, Any, Any]
PATH = "/v1/providers/{name:str}/leads"
DRAFT, FILTERS = LeadDraft.__struct_fields__, LeadFilters.__struct_fields__


def _drafted(data: LeadDraft) -> LeadDraft:
    """One that says whose it is. Raises QueryError, Problem."""
    if data.email is UNSET:
        raise invalid("/email", "is missing")
    return clean(data)


class Leads(Controller):
    """Those who objected are taken out; nothing is sent twice."""

    tags = ["Provider accounts"]
    opt = BOTH

    @get(PATH, opt=READS, responses=responses({}, ASKED))
    async def list_leads(
        self, request: Req, name: FromPath[str], limit: Limit = 25, cursor: CursorParam = None
    ) -> LeadsReply:
        visit = Visit(request, name, "leads.list", FILTERS)
        filters = filters_of(request)
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_leads(filters, page),
            limit,
            cursor,
            query=[filters],
            about=[filters],
        )
        return LeadsReply(rows, meta)

    @get(PATH + "/{lead_id:str}", opt=READS, responses=responses({}, ASKED))
    async def show_lead(
        self, request: Req, name: FromPath[str], lead_id: FromPath[str]
    ) -> LeadReply:
        visit = Visit(request, name, "leads.get")
        found = await visit.run(lambda accounts: accounts.get_lead(lead_id))
        await visit.keeper.check(found.data)
        return LeadReply(found.data, visit.meta)

    @post(PATH, opt=WRITES, responses=responses({}, WRITTEN))
    async def create_lead(
        self, request: Req, name: FromPath[str], data: JSONBody[LeadDraft]
    ) -> LeadReply:
        visit = Visit(request, name, "leads.create", DRAFT)
        draft = _drafted(data)
        made = await visit.run(lambda accounts: accounts.create_lead(draft), about=[draft])
        return LeadReply(made.data, visit.meta)

    @put(PATH, opt=WRITES, responses=responses({200: LeadReply, 201: LeadReply}, WRITTEN))
    async def put_lead(
        self, request: Req, name: FromPath[str], data: JSONBody[LeadDraft]
    ) -> ASGIResponse:
        """201 if there was none of this address, else 200."""
        visit = Visit(request, name, "leads.upsert", DRAFT)
        draft = _drafted(data)
        done = await visit.run(lambda accounts: accounts.upsert_lead(draft), about=[draft])
        body = msgspec.json.encode(LeadReply(done.data, visit.meta))
        return Encoded(body, status_code=201 if done.created else 200)

    @patch(PATH + "/{lead_id:str}", opt=WRITES, responses=responses({}, WRITTEN))
    async def change_lead(
        self,
        request: Req,
        name: FromPath[str],
        lead_id: FromPath[str],
        data: JSONBody[LeadDraft],
    ) -> ChangedReply:
        visit = Visit(request, name, "leads.update", DRAFT)
        draft = clean(data)
        await _check_person(visit, lead_id, draft)
        await visit.run(
            lambda accounts: accounts.update_lead(lead_id, draft),
            about=[draft],
        )
        return ChangedReply(Changed(lead_id), visit.meta)

    @delete(PATH + "/{lead_id:str}", opt=WRITES, responses=responses({}, ASKED))
    async def delete_lead(self, request: Req, name: FromPath[str], lead_id: FromPath[str]) -> None:
        visit = Visit(request, name, "leads.delete")
        await visit.run(lambda accounts: accounts.delete_lead(lead_id))


async def _check_person(visit: Visit, lead_id: str, draft: LeadDraft) -> None:
    """Who is behind an id is not known here: it is read, if anybody ever objected."""
    if not await visit.keeper.anyone_objected():
        return
    await visit.keeper.check(draft)
    found = await visit.run(lambda accounts: accounts.get_lead(lead_id), action="leads.get")
    await visit.keeper.check(found.data)
