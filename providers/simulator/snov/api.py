"""Snov.io: its tokens, its words for refusals, and the sections of its documentation."""

from __future__ import annotations

from typing import ClassVar

from providers.simulator.accounts import Account
from providers.simulator.dialect import (
    Call,
    Dialect,
    Handlers,
    Presented,
    Section,
    bearer,
)
from providers.simulator.snov.book import Book
from providers.simulator.snov.campaigns import Campaigns
from providers.simulator.snov.database import Database
from providers.simulator.snov.domains import Domains
from providers.simulator.snov.events import Events
from providers.simulator.snov.listings import Listings
from providers.simulator.snov.profiles import Profiles
from providers.simulator.snov.prospects import Prospects
from providers.simulator.snov.queues import Queues
from providers.simulator.snov.replies import refuse_query, refuse_status
from providers.simulator.snov.tasks import TaskPairs
from providers.simulator.snov.webhooks import Webhooks
from providers.simulator.wire import Reply, Request, UnreadableBodyError, reply

OUT_OF_CREDITS = "Sorry, you ran out of credits, please order more credits"


class Access(Section):
    """The token, and the balance, which is a string."""

    def handlers(self) -> Handlers:
        return {
            "POST /v1/oauth/access_token": self._token,
            "GET /v1/get-balance": self._balance,
        }

    def _token(self, call: Call) -> Reply:
        request, tokens = call.request, self.stage.tokens
        tokens.requests += 1
        key = f"{request.text('client_id')}:{request.text('client_secret')}"
        account = self.stage.accounts.get(self.name, key)
        if request.text("grant_type") != "client_credentials":
            return reply(400, {"error": "unsupported_grant_type", "message": "Check grant_type"})
        if account is None:
            message = "Client authentication failed"
            return reply(401, {"error": "invalid_client", "message": message})
        return reply(
            200,
            {
                "access_token": tokens.issue(account),
                "token_type": "Bearer",
                "expires_in": int(tokens.expires_in),
            },
        )

    def _balance(self, call: Call) -> Reply:
        left = call.account.left(self.stage.bill, "credits")
        book = self.stage.book(call.account, lambda: Book(self.world))
        data = {
            "balance": f"{left}.00",
            "teamwork": False,
            "unique_recipients_used": book.contacted,
            "limit_resets_in": 29,
            "expires_in": 359,
        }
        return reply(200, {"success": True, "data": data})


class Snov(Dialect):
    name: ClassVar[str] = "snov"
    prefix: ClassVar[str] = "/snov"
    misused: ClassVar[int] = 405
    sections: ClassVar[tuple[type[Section], ...]] = (
        Access, Queues, Profiles, Domains, Listings, TaskPairs, Database, Campaigns, Events,
        Prospects, Webhooks,
    )  # fmt: skip

    def credential(self, request: Request) -> Presented | None:
        if header := request.header(b"authorization"):
            return Presented(bearer(header), "header:authorization")
        if token := request.query.get("access_token"):
            return Presented(str(token), "query:access_token")
        try:
            token = request.form.get("access_token")
        except UnreadableBodyError:
            return None
        place = "json" if request.is_json else "form"
        return Presented(str(token), f"{place}:access_token") if token else None

    def account_of(self, key: str) -> Account | None:
        return self.stage.tokens.holder(key)

    def refuse(self, status: int, request: Request) -> Reply:
        return refuse_status(status)

    def refuse_credits(self, account: Account) -> Reply:
        return reply(400, {"success": False, "message": OUT_OF_CREDITS})

    def refuse_unreadable(self, request: Request) -> Reply:
        return refuse_query("The body could not be read")
