"""What became of addresses: reported by those who wrote to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from litestar import Controller, Request, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from gateway.api.context import context_of, meta_of
from gateway.api.documents import AUTHENTICATED, WITH_BODY, responses
from gateway.api.lists import ReplyMeta, caller_of
from gateway.api.problems import invalid
from gateway.lookup.bouncing import to_millis
from gateway.lookup.endings import Objected
from gateway.lookup.naming import Identifier
from gateway.lookup.planning.outcomes import Outcome
from gateway.lookup.spelling import clean_email, clean_moment
from gateway.lookup.withholding import struck
from gateway.vault.roster import to_timestamp
from providers.model import Address, Text

Req = Request[Any, Any, Any]
# Clocks differ.
AHEAD = timedelta(days=1)


class NewOutcome(Struct, kw_only=True, forbid_unknown_fields=True):
    """Of one address; `at` is when it came to be so, now if it is left out."""

    email: Address
    outcome: Outcome
    at: Annotated[Text, Meta(description="ISO 8601")] | None = None


class OutcomeView(Struct, kw_only=True):
    """`counted` is whether any provider has given the team this address, and so whether it
    teaches anything; of one address the latest outcome counts, once.
    """

    outcome: Outcome
    at: str
    counted: bool


class OutcomeReply(Struct):
    data: OutcomeView
    meta: ReplyMeta


class Outcomes(Controller):
    """They make the estimates of how often a provider's addresses bounce."""

    tags = ["Outcomes"]
    opt = {"scope": "lookup"}

    @post(
        "/v1/outcomes",
        status_code=200,
        responses=responses({200: OutcomeReply}, (*AUTHENTICATED, *WITH_BODY, "suppressed")),
    )
    async def report(self, request: Req, data: JSONBody[NewOutcome]) -> OutcomeReply:
        """Report what became of an address; saying it again changes nothing."""
        desk, email = context_of(request).desk, clean_email(data.email, "/email")
        moment = _moment(data.at)
        marks = Identifier("email", email).covering(desk.data_key.value)
        if await struck(desk.store, desk.root, marks):
            raise Objected
        team, at = caller_of(request.scope).team, to_millis(moment)
        counted = await desk.bounces.note(email, team, data.outcome, at)
        view = OutcomeView(outcome=data.outcome, at=moment, counted=counted)
        return OutcomeReply(view, meta_of(request))


def _moment(given: str | None) -> str:
    """Raises QueryError, Problem."""
    now = datetime.now(UTC)
    moment = to_timestamp(now) if given is None else clean_moment(given, "/at")
    if datetime.fromisoformat(moment) > now + AHEAD:
        raise invalid("/at", "is more than a day ahead")
    return moment
