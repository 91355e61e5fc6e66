"""Snov.io's API, versions 1 and 2, as its documentation and its own clients describe them."""

from __future__ import annotations

from typing import ClassVar

from providers.simulator.accounts import Account
from providers.simulator.dialect import Call, Dialect, Presented, Route, bearer
from providers.simulator.snov_domains import SnovDomains
from providers.simulator.snov_queues import SnovQueues
from providers.simulator.snov_tasks import SnovTasks
from providers.simulator.stage import Stage
from providers.simulator.wire import Reply, Request, UnreadableBodyError, reply

TITLES: dict[int, str] = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Sorry, but url or entity not found",
    405: "Method not allowed",
    429: "Too many requests",
}
OUT_OF_CREDITS = "Sorry, you ran out of credits, please order more credits"


class Snov(Dialect):
    name: ClassVar[str] = "snov"
    prefix: ClassVar[str] = "/snov"

    def __init__(self, stage: Stage) -> None:
        self._queues = SnovQueues(stage, self.charge)
        self._domains = SnovDomains(stage, self.charge)
        self._later = SnovTasks(stage, self.charge)
        super().__init__(stage)

    def routes(self) -> list[Route]:
        return [
            Route(
                method="POST", path="/v1/oauth/access_token", handler=self._token,
                decisive="access_token", open=True,
            ),
            Route(method="GET", path="/v1/get-balance", handler=self._balance, decisive="balance"),
            *self._queue_routes(),
            *self._domain_routes(),
            *self._task_routes(),
        ]  # fmt: skip

    def _queue_routes(self) -> list[Route]:
        queues = self._queues
        return [
            Route(
                method="POST", path="/v1/get-emails-from-names", handler=queues.read_name,
                decisive="identifier", word="emailStatus", delayed=True,
            ),
            Route(
                method="POST", path="/v1/add-names-to-find-emails", handler=queues.add_name,
                decisive="sent", meter="credits", delayed=True,
            ),
            Route(
                method="POST", path="/v1/get-emails-verification-status",
                handler=queues.read_addresses, decisive="identifier", word="smtpStatus",
                delayed=True,
            ),
            Route(
                method="POST", path="/v1/add-emails-to-verification",
                handler=queues.add_addresses, decisive="sent", meter="credits", delayed=True,
            ),
        ]  # fmt: skip

    def _domain_routes(self) -> list[Route]:
        domains = self._domains
        return [
            Route(
                method="POST", path="/v1/get-domain-emails-count", handler=domains.count,
                decisive="result",
            ),
            Route(
                method="POST", path="/v2/domain-search/start", handler=domains.start,
                decisive="task_hash", meter="credits", delayed=True,
            ),
            Route(
                method="GET", path="/v2/domain-search/result/{task_hash}",
                handler=domains.result, decisive="status", delayed=True,
            ),
        ]  # fmt: skip

    def _task_routes(self) -> list[Route]:
        later = self._later
        starts = {
            "/v2/emails-by-domain-by-name": later.start_names,
            "/v2/email-verification": later.start_addresses,
        }
        return [
            route
            for path, handler in starts.items()
            for route in (
                Route(
                    method="POST", path=f"{path}/start", handler=handler, decisive="task_hash",
                    meter="credits", delayed=True,
                ),
                Route(
                    method="GET", path=f"{path}/result", handler=later.result,
                    decisive="result", word="smtp_status", delayed=True,
                ),
            )
        ]  # fmt: skip

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
        title = TITLES.get(status, "Something went wrong")
        return reply(status, {"errors": {"code": status, "title": title, "source": ""}})

    def refuse_credits(self, account: Account) -> Reply:
        return reply(400, {"success": False, "message": OUT_OF_CREDITS})

    def refuse_unreadable(self, request: Request) -> Reply:
        return reply(400, {"success": False, "errors": ["The body could not be read"]})

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
        data = {
            "balance": f"{left}.00",
            "teamwork": False,
            "unique_recipients_used": 0,
            "limit_resets_in": 29,
            "expires_in": 359,
        }
        return reply(200, {"success": True, "data": data})
