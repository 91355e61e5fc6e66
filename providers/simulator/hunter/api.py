"""Hunter: its credentials, its words for refusals, and the sections of its documentation."""

from __future__ import annotations

from typing import ClassVar

from providers.simulator.accounts import Account
from providers.simulator.dialect import Dialect, Presented, Section, bearer
from providers.simulator.hunter.discover import Discover
from providers.simulator.hunter.domains import Domains
from providers.simulator.hunter.enrichment import Enrichment
from providers.simulator.hunter.followups import FollowUps
from providers.simulator.hunter.leads import Leads
from providers.simulator.hunter.lists import Lists
from providers.simulator.hunter.lookups import Lookups
from providers.simulator.hunter.recipients import Recipients
from providers.simulator.hunter.replies import complain, refuse_used_up
from providers.simulator.hunter.sequences import Sequences
from providers.simulator.hunter.team import Team
from providers.simulator.hunter.webhooks import Webhooks
from providers.simulator.wire import Reply, Request

# The two first are refusals of a verification: assumed ids, the status is what counts.
REFUSALS: dict[int, tuple[str, str]] = {
    202: ("verification_in_progress", "The verification is still in progress."),
    222: ("unexpected_smtp_response", "The SMTP server answered unexpectedly. Retry later."),
    401: ("authentication_failed", "No user found for the API key supplied"),
    403: ("too_many_requests", "You have reached the rate limit."),
    404: ("not_found", "The requested resource does not exist."),
    409: ("idempotency_conflict", "A request with this key is still being processed."),
    429: ("too_many_requests", "You have made too many requests. Please slow down."),
}


class Hunter(Dialect):
    name: ClassVar[str] = "hunter"
    prefix: ClassVar[str] = "/hunter/v2"
    sections: ClassVar[tuple[type[Section], ...]] = (
        Lookups, Domains, Enrichment, Discover, Team, Leads, Lists, Sequences, Recipients,
        FollowUps, Webhooks,
    )  # fmt: skip

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
        return refuse_used_up(account)

    def refuse_unreadable(self, request: Request) -> Reply:
        return complain(400, "wrong_params", "The body could not be read.")
