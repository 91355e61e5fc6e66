"""Hunter's API, version 2, as its documentation describes it."""

from __future__ import annotations

from typing import ClassVar

from providers.simulator.accounts import Account
from providers.simulator.dialect import Dialect, Presented, Route, bearer
from providers.simulator.hunter_lists import HunterLists
from providers.simulator.hunter_lookups import HunterLookups
from providers.simulator.stage import Stage
from providers.simulator.wire import Reply, Request, reply

REFUSALS: dict[int, tuple[str, str]] = {
    401: ("authentication_failed", "No user found for the API key supplied"),
    403: ("too_many_requests", "You have reached the rate limit."),
    404: ("not_found", "The requested resource does not exist."),
    429: ("too_many_requests", "You have made too many requests. Please slow down."),
}
OUT_OF_CREDITS: dict[str, tuple[int, str]] = {
    "too_many_requests": (
        429,
        "You've reached the maximum number of searches per billing period included in your plan.",
    ),
    "payment_required": (
        402,
        "You have used up your monthly quota. Upgrade your plan or buy credits to go on.",
    ),
    "restricted_account": (429, "Your account has been restricted. Please contact support."),
}


def complain(status: int, identifier: str, details: str) -> Reply:
    return reply(status, {"errors": [{"id": identifier, "code": status, "details": details}]})


class Hunter(Dialect):
    name: ClassVar[str] = "hunter"
    prefix: ClassVar[str] = "/hunter/v2"

    def __init__(self, stage: Stage) -> None:
        self._lookups = HunterLookups(stage, complain, self.charge)
        self._lists = HunterLists(stage, complain, self.charge)
        super().__init__(stage)

    def routes(self) -> list[Route]:
        lookups, lists = self._lookups, self._lists
        return [
            Route(
                method="GET", path="/email-finder", handler=lookups.find, meter="searches",
                decisive="email", word="status",
            ),
            Route(
                method="GET", path="/email-verifier", handler=lookups.verify,
                meter="verifications", decisive="status", word="status", delayed=True,
            ),
            Route(
                method="GET", path="/domain-search", handler=lists.search, meter="searches",
                decisive="emails", word="status",
            ),
            Route(
                method="GET", path="/email-count", handler=lists.count, decisive="total",
                open=True,
            ),
            Route(method="GET", path="/account", handler=lists.account, decisive="requests"),
        ]  # fmt: skip

    def credential(self, request: Request) -> Presented | None:
        if key := request.query.get("api_key"):
            return Presented(str(key), "query:api_key")
        if key := request.header(b"x-api-key"):
            return Presented(key, "header:x-api-key")
        if key := request.header(b"authorization"):
            return Presented(bearer(key), "header:authorization")
        return None

    def account_of(self, key: str) -> Account | None:
        if key == "test-api-key":
            return Account(provider=self.name, name="test")
        return super().account_of(key)

    def refuse(self, status: int, request: Request) -> Reply:
        identifier, details = REFUSALS.get(
            status, ("internal_error", "Something went wrong on Hunter's end.")
        )
        return complain(status, identifier, details)

    def refuse_credits(self, account: Account) -> Reply:
        status, details = OUT_OF_CREDITS[account.refusal]
        return complain(status, account.refusal, details)

    def refuse_unreadable(self, request: Request) -> Reply:
        return complain(400, "wrong_params", "The body could not be read.")
