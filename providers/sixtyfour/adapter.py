"""Sixtyfour: professional and personal addresses from whatever is known of a person; slow, async.

https://docs.sixtyfour.ai/api-reference/endpoint/find-email, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar
from urllib.parse import quote

from providers.base import (
    Account,
    Adapter,
    AsyncTransport,
    Auth,
    Charge,
    Offer,
    Rate,
    Reply,
    Resend,
    glance,
)
from providers.batches import Replies, part_of, tickets_for
from providers.errors import OutOfCredits, ProviderError, TaskFailed
from providers.model import EMAILS_FIND, Answer, FindEmail, Query, Ticket
from providers.options import flag, web_url, words
from providers.signin import HeaderKey
from providers.sixtyfour.mapping import to_answer, to_lead, to_share, to_units
from providers.sixtyfour.native import MOST_LEADS, NATIVE, PRICES, price_in_cents
from providers.sixtyfour.wire import DONE, ENDED, USED_UP, Fault, Job, Started


def is_findable(query: FindEmail) -> bool:
    named = query.full_name or query.first_name or query.last_name
    return bool(named or query.linkedin_url)


class Sixtyfour(Adapter):
    name = "sixtyfour"
    title = "Sixtyfour"
    base_url = "https://api.sixtyfour.ai"
    secret_fields = ("api_key",)
    options: ClassVar = {"verify_emails": flag(), "providers": words(), "webhook_url": web_url()}
    # "500 requests per minute".
    rates = (Rate(500, 60),)
    native = NATIVE
    offers: ClassVar[Mapping[str, Offer]] = {
        EMAILS_FIND: Offer(
            ask="find",
            collect="collect_found",
            ticket_suffices=True,
            ask_many="find_many",
            most=MOST_LEADS,
            charge=Charge.PER_HIT,
            unit="cent",
            units=price_in_cents,
            price=Decimal("0.01"),
            source="docs.sixtyfour.ai, credits and pricing",
            read_on="2026-11-21",
            resend=Resend.BEFORE_BYTES_SENT,
            fits=is_findable,
            variants={kind: FindEmail(kind=kind) for kind in PRICES},
        ),
    }

    def __init__(self, account: Account, transport: AsyncTransport):
        super().__init__(account, transport)
        self._replies = Replies[Reply[Job]]()

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        return HeaderKey("x-api-key", secret["api_key"])

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        if status not in (401, 403):
            return None
        fault = glance(body, Fault) or Fault()
        told = f"{fault.error} {fault.message} {fault.detail}".lower()
        return OutOfCredits if any(word in told for word in USED_UP) else None

    async def find(self, query: FindEmail) -> Ticket:
        json = {"lead": to_lead(query), "mode": query.kind.upper(), **self._wishes()}
        reply = await self.call("POST", "/find-email-async", Started, json=json)
        return Ticket(state={"task_id": reply.value.task_id})

    def alike(self, query: Query) -> str | None:
        return query.kind if isinstance(query, FindEmail) else None

    async def find_many(self, queries: Sequence[FindEmail]) -> list[Ticket]:
        leads, mode = [to_lead(query) for query in queries], queries[0].kind.upper()
        json = {"leads": leads, "mode": mode, **self._wishes()}
        reply = await self.call("POST", "/find-email-bulk-async", Started, json=json)
        return tickets_for(len(queries), {"task_id": reply.value.task_id})

    def _wishes(self) -> dict[str, bool | str | list[str]]:
        """Only what is set: Sixtyfour verifies, and orders its own sources, unless told.

        It calls a `webhook_url` once the task is done; whatever it says there is only a hint.
        """
        options, wishes = self.account.options, dict[str, bool | str | list[str]]()
        if "webhook_url" in options:
            wishes["webhook_url"] = options["webhook_url"]
        if "verify_emails" in options:
            wishes["verify_emails"] = options["verify_emails"] == "true"
        if "providers" in options:
            wishes["providers"] = options["providers"].split(",")
        return wishes

    async def collect_found(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        reply = await self._read(ticket)
        job, word = reply.value, reply.value.status.lower()
        at, of = int(ticket.state.get("at", 0)), int(ticket.state.get("of", 1))
        if word in ENDED:
            cents = to_units(job.charge_amount)
            units = None if cents is None else part_of(cents, [False] * of, at)
            raise TaskFailed(f"the job ended as {word}", uncertain=units is None, units=units)
        if word != DONE:
            return ticket
        if "at" in ticket.state:
            return to_share(query, job, at, of)
        return to_answer(query, job, reply.body)

    async def _read(self, ticket: Ticket) -> Reply[Job]:
        """A job of many is read once for all who wait for it."""
        task = ticket.state["task_id"]

        async def ask() -> Reply[Job]:
            return await self.call("GET", "/job-status/" + quote(task, safe=""), Job)

        if "at" not in ticket.state:
            return await ask()
        return await self._replies.read(task, ask, is_over)


def is_over(reply: Reply[Job]) -> bool:
    return reply.value.status.lower() in ENDED | {DONE}
