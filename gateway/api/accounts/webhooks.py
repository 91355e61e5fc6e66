"""The account itself, and the webhooks that it has at its provider."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from gateway.api.accounts.replies import (
    ASKED,
    WRITTEN,
    AccountReply,
    WebhookReply,
    WebhooksReply,
)
from gateway.api.accounts.visits import BOTH, READS, WRITES, Visit
from gateway.api.documents import responses
from gateway.api.lists import CursorParam, Limit
from gateway.api.problems import invalid
from gateway.lookup.drafts import clean
from providers.accounts.drafts import WebhookChange, WebhookDraft

Req = Request[Any, Any, Any]
PATH = "/v1/providers/{name:str}/webhooks"
CHANGE = WebhookChange.__struct_fields__


class Account(Controller):
    """Plan and balance."""

    tags = ["Provider accounts"]
    opt = READS

    @get("/v1/providers/{name:str}/account", responses=responses({}, ASKED))
    async def show_account(self, request: Req, name: FromPath[str]) -> AccountReply:
        visit = Visit(request, name, "account.read")
        found = await visit.run(lambda accounts: accounts.read_account())
        return AccountReply(found.data, visit.meta)


class Webhooks(Controller):
    """Who is told of what."""

    tags = ["Provider accounts"]
    opt = BOTH

    @get(PATH, opt=READS, responses=responses({}, ASKED))
    async def list_webhooks(
        self, request: Req, name: FromPath[str], limit: Limit = 25, cursor: CursorParam = None
    ) -> WebhooksReply:
        visit = Visit(request, name, "webhooks.list")
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_webhooks(page), limit, cursor
        )
        return WebhooksReply(rows, meta)

    @get(PATH + "/{webhook_id:str}", opt=READS, responses=responses({}, ASKED))
    async def show_webhook(
        self, request: Req, name: FromPath[str], webhook_id: FromPath[str]
    ) -> WebhookReply:
        visit = Visit(request, name, "webhooks.get")
        found = await visit.run(lambda accounts: accounts.get_webhook(webhook_id))
        return WebhookReply(found.data, visit.meta)

    @post(PATH, opt=WRITES, responses=responses({}, WRITTEN))
    async def create_webhook(
        self, request: Req, name: FromPath[str], data: JSONBody[WebhookDraft]
    ) -> WebhookReply:
        visit = Visit(request, name, "webhooks.create", WebhookDraft.__struct_fields__)
        draft = clean(data)
        made = await visit.run(lambda accounts: accounts.create_webhook(draft))
        return WebhookReply(made.data, visit.meta)

    @patch(PATH + "/{webhook_id:str}", opt=WRITES, responses=responses({}, WRITTEN))
    async def change_webhook(
        self,
        request: Req,
        name: FromPath[str],
        webhook_id: FromPath[str],
        data: JSONBody[WebhookChange],
    ) -> WebhookReply:
        visit = Visit(request, name, "webhooks.update", CHANGE)
        change = clean(data)
        if all(getattr(change, member) is UNSET for member in CHANGE):
            raise invalid("", f"give one of {', '.join(CHANGE)}")
        done = await visit.run(lambda accounts: accounts.change_webhook(webhook_id, change))
        return WebhookReply(done.data, visit.meta)

    @delete(PATH + "/{webhook_id:str}", opt=WRITES, responses=responses({}, ASKED))
    async def delete_webhook(
        self, request: Req, name: FromPath[str], webhook_id: FromPath[str]
    ) -> None:
        visit = Visit(request, name, "webhooks.delete")
        await visit.run(lambda accounts: accounts.delete_webhook(webhook_id))
