"""Lists of leads, and the custom fields that leads have."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from gateway.api.accounts.replies import (
    ASKED,
    WRITTEN,
    Changed,
    ChangedReply,
    CustomFieldReply,
    CustomFieldsReply,
    LeadsListReply,
    LeadsListsReply,
)
from gateway.api.accounts.visits import BOTH, READS, WRITES, Visit
from gateway.api.documents import responses
from gateway.api.lists import CursorParam, Limit
from gateway.lookup.drafts import clean
from providers.accounts.drafts import CustomFieldDraft, ListDraft

Req = Request[Any, Any, Any]
LISTS = "/v1/providers/{name:str}/lists"
FIELDS = "/v1/providers/{name:str}/custom-fields"


class Lists(Controller):
    """Lists and custom fields."""

    tags = ["Provider accounts"]
    opt = BOTH

    @get(LISTS, opt=READS, responses=responses({}, ASKED))
    async def list_lists(
        self, request: Req, name: FromPath[str], limit: Limit = 25, cursor: CursorParam = None
    ) -> LeadsListsReply:
        visit = Visit(request, name, "lists.list")
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_lists(page), limit, cursor
        )
        return LeadsListsReply(rows, meta)

    @get(LISTS + "/{list_id:str}", opt=READS, responses=responses({}, ASKED))
    async def show_list(
        self, request: Req, name: FromPath[str], list_id: FromPath[str]
    ) -> LeadsListReply:
        visit = Visit(request, name, "lists.get")
        found = await visit.run(lambda accounts: accounts.get_list(list_id))
        return LeadsListReply(found.data, visit.meta)

    @get(FIELDS, opt=READS, responses=responses({}, ASKED))
    async def list_custom_fields(
        self, request: Req, name: FromPath[str], limit: Limit = 25, cursor: CursorParam = None
    ) -> CustomFieldsReply:
        visit = Visit(request, name, "custom_fields.list")
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_custom_fields(page), limit, cursor
        )
        return CustomFieldsReply(rows, meta)

    @get(FIELDS + "/{field_id:str}", opt=READS, responses=responses({}, ASKED))
    async def show_custom_field(
        self, request: Req, name: FromPath[str], field_id: FromPath[str]
    ) -> CustomFieldReply:
        visit = Visit(request, name, "custom_fields.get")
        found = await visit.run(lambda accounts: accounts.get_custom_field(field_id))
        return CustomFieldReply(found.data, visit.meta)

    @post(LISTS, opt=WRITES, responses=responses({}, WRITTEN))
    async def create_list(
        self, request: Req, name: FromPath[str], data: JSONBody[ListDraft]
    ) -> LeadsListReply:
        visit = Visit(request, name, "lists.create", ListDraft.__struct_fields__)
        draft = clean(data)
        made = await visit.run(lambda accounts: accounts.create_list(draft))
        return LeadsListReply(made.data, visit.meta)

    @patch(LISTS + "/{list_id:str}", opt=WRITES, responses=responses({}, WRITTEN))
    async def rename_list(
        self,
        request: Req,
        name: FromPath[str],
        list_id: FromPath[str],
        data: JSONBody[ListDraft],
    ) -> ChangedReply:
        visit = Visit(request, name, "lists.update", ListDraft.__struct_fields__)
        draft = clean(data)
        await visit.run(lambda accounts: accounts.rename_list(list_id, draft))
        return ChangedReply(Changed(list_id), visit.meta)

    @delete(LISTS + "/{list_id:str}", opt=WRITES, responses=responses({}, ASKED))
    async def delete_list(self, request: Req, name: FromPath[str], list_id: FromPath[str]) -> None:
        visit = Visit(request, name, "lists.delete")
        await visit.run(lambda accounts: accounts.delete_list(list_id))

    @post(FIELDS, opt=WRITES, responses=responses({}, WRITTEN))
    async def create_custom_field(
        self, request: Req, name: FromPath[str], data: JSONBody[CustomFieldDraft]
    ) -> CustomFieldReply:
        visit = Visit(request, name, "custom_fields.create", CustomFieldDraft.__struct_fields__)
        draft = clean(data)
        made = await visit.run(lambda accounts: accounts.create_custom_field(draft))
        return CustomFieldReply(made.data, visit.meta)

    @patch(FIELDS + "/{field_id:str}", opt=WRITES, responses=responses({}, WRITTEN))
    async def rename_custom_field(
        self,
        request: Req,
        name: FromPath[str],
        field_id: FromPath[str],
        data: JSONBody[CustomFieldDraft],
    ) -> ChangedReply:
        visit = Visit(request, name, "custom_fields.update", CustomFieldDraft.__struct_fields__)
        draft = clean(data)
        await visit.run(lambda accounts: accounts.rename_custom_field(field_id, draft))
        return ChangedReply(Changed(field_id), visit.meta)

    @delete(FIELDS + "/{field_id:str}", opt=WRITES, responses=responses({}, ASKED))
    async def delete_custom_field(
        self, request: Req, name: FromPath[str], field_id: FromPath[str]
    ) -> None:
        visit = Visit(request, name, "custom_fields.delete")
        await visit.run(lambda accounts: accounts.delete_custom_field(field_id))
