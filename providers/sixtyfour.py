"""Sixtyfour: professional and personal addresses from whatever is known of a person; slow, async.

https://docs.sixtyfour.ai/api-reference/endpoint/find-email, read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from providers.base import Adapter, Auth, Charge, Offer, Rate, Resend, decode, glance
from providers.errors import MalformedResponse, OutOfCredits, ProviderError, TaskFailed
from providers.model import EMAILS_FIND, Answer, Email, FindEmail, Kind, Status, Ticket
from providers.native import Asked, NativeApi, Task, rows
from providers.notices import Headers, Notice, Reader, digest_of, objects_in, text_in
from providers.options import flag, web_url, words
from providers.signin import HeaderKey
from providers.values.links import to_domain
from providers.values.names import join_name
from providers.vocabulary import note, to_status

Cents = Annotated[float, Meta(ge=0, le=1e9)]
# [address, status, type]; webhooks leave the type out.
Entry = list[str | None]


class Started(Struct):
    task_id: str


class Job(Struct):
    """`charge_amount` is in cents. `result` may be missing, its members then stand beside it."""

    status: str
    charge_amount: Cents | None = None
    result: Raw | UnsetType = UNSET


class Professional(Struct):
    email: list[Entry]
    cost_cents: Cents | None = None


class Personal(Struct):
    personal_email: list[Entry]
    cost_cents: Cents | None = None


class Fault(Struct):
    error: str = ""
    message: str = ""
    detail: object = ""


# The public page and the provider's own tools disagree on the words; these are all of both.
STATUSES: Mapping[str, Status] = {
    "ok": "valid",
    "unknown": "catch_all",
    "catch_all": "catch_all",
    "risky": "unknown",
    "invalid": "invalid",
}
NOT_FOUND = "NOT_FOUND"
MODES: Mapping[str, Kind] = {"professional": "professional", "personal": "personal"}
MOST_LEADS = 100
KINDS: Mapping[str, Kind] = {"COMPANY": "professional", "PERSONAL": "personal"}
BEST_FIRST: tuple[Status, ...] = ("valid", "catch_all", "unknown", "disposable", "invalid")
DONE = "completed"
ENDED = frozenset({"failed", "cancelled", "terminated", "timed_out"})
# Which of 402 and 403 means an empty account is not documented.
USED_UP = ("credit", "balance", "funds", "billing")


def is_findable(query: FindEmail) -> bool:
    named = query.full_name or query.first_name or query.last_name
    return bool(named or query.linkedin_url)


# Thousandths of a cent.
PRICES: Mapping[Kind, int] = {"professional": 5_000, "personal": 20_000}


def price_in_cents(query: FindEmail) -> int:
    return PRICES[query.kind]


def worst_of_one(asked: Asked) -> int:
    """A mode that nobody knows may cost what the dearest does."""
    kind = MODES.get(asked.text("mode").lower() or "professional", "personal")
    return price_in_cents(FindEmail(kind=kind))


def worst_of_many(asked: Asked) -> int:
    return worst_of_one(asked) * min(MOST_LEADS, max(1, len(asked.items("leads"))))


def charged_for_one(asked: Asked, _status: int, body: Any) -> int:
    """The provider's word, which its tools know and its page does not; else what a hit costs."""
    if (cents := body.get("cost_cents")) is not None:
        units: int = round(cents * 1000)
        return units
    personal = MODES.get(asked.text("mode").lower()) == "personal"
    found = body["personal_email" if personal else "email"]
    return worst_of_one(asked) if any(entry[0] for entry in found) else 0


def charged_for_many(asked: Asked, status: int, body: Any) -> int:
    """An array, or an object that holds it: the documents say only that there are results."""
    results = body if isinstance(body, list) else body["results"]
    return sum(charged_for_one(asked, status, result) for result in results)


def charged_for_job(body: Any) -> int | None:
    word, cents = str(body["status"]).lower(), body.get("charge_amount")
    if word not in ENDED | {DONE}:
        return None
    if cents is None:
        raise TaskFailed(f"the job ended as {word} and told no price", uncertain=True)
    units: int = round(cents * 1000)
    return units


def refusal(title: str, detail: str) -> Mapping[str, object]:
    return {"error": title, "message": detail}


_job = Task(
    started=lambda body: str(body["task_id"]), result="/job-status/{task}", charged=charged_for_job
)
_paid, _secret = partial(rows, "", unit="cent"), partial(rows, "secret")
# Sixtyfour's own API as it is passed through; at once, a batch takes minutes.
NATIVE = NativeApi(
    paths=(
        *_paid("POST /find-email", worst=worst_of_one, charged=charged_for_one),
        *_paid("POST /find-email-bulk", worst=worst_of_many, charged=charged_for_many),
        *_paid("POST /find-email-async", worst=worst_of_one, task=_job),
        *_paid("POST /find-email-bulk-async", worst=worst_of_many, task=_job),
        *rows("", "GET /job-status/{task_id}", reads=lambda asked: asked.segments["task_id"]),
        *_secret(
            "GET /webhooks/signing-secret", "POST /webhooks/signing-secret",
            "DELETE /webhooks/signing-secret", "POST /webhooks/signing-secret/roll",
        ),
    ),
    accounts=("webhook",),
    refusal=refusal,
    seconds=300.0,
)  # fmt: skip


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

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        return HeaderKey("x-api-key", secret["api_key"])

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        if status != 403:
            return None
        fault = glance(body, Fault) or Fault()
        told = f"{fault.error} {fault.message} {fault.detail}".lower()
        return OutOfCredits if any(word in told for word in USED_UP) else None

    async def find(self, query: FindEmail) -> Ticket:
        json = {"lead": to_lead(query), "mode": query.kind.upper(), **self._wishes()}
        reply = await self.call("POST", "/find-email-async", Started, json=json)
        return Ticket(state={"task_id": reply.value.task_id})

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
        path = "/job-status/" + quote(ticket.state["task_id"], safe="")
        reply = await self.call("GET", path, Job)
        job, word = reply.value, reply.value.status.lower()
        if word in ENDED:
            cents = job.charge_amount
            units = None if cents is None else round(cents * 1000)
            raise TaskFailed(f"the job ended as {word}", uncertain=cents is None, units=units)
        if word != DONE:
            return ticket
        return to_answer(query, job, reply.body)


def to_lead(query: FindEmail) -> dict[str, str]:
    hints = query.hints
    lead = {
        "name": query.full_name or join_name(query.first_name, query.last_name),
        "first_name": query.first_name,
        "last_name": query.last_name,
        "company": query.company,
        "domain": query.domain,
        "linkedin": query.linkedin_url,
        "title": hints.job_title if hints else None,
        "phone": hints.phone if hints else None,
        "location": hints.location if hints else None,
    }
    return {name: value for name, value in lead.items() if value is not None}


def to_answer(query: FindEmail, job: Job, body: bytes) -> Answer:
    result = body if job.result is UNSET else job.result
    found: Professional | Personal
    if query.kind == "personal":
        found = decode(result, Personal)
        entries = found.personal_email
    else:
        found = decode(result, Professional)
        entries = found.email
    cents = job.charge_amount if job.charge_amount is not None else found.cost_cents
    units = None if cents is None else round(cents * 1000)
    return Answer(data=to_email(query, entries), units=units, raw=body)


def to_email(query: FindEmail, entries: list[Entry]) -> Email | None:
    """The best address of the kind asked for."""
    emails = [email for email in (_to_email(query, entry) for entry in entries) if email]
    fitting = [email for email in emails if email.kind == query.kind]
    return min(fitting, key=lambda email: BEST_FIRST.index(email.status), default=None)


def _to_email(query: FindEmail, entry: Entry) -> Email | None:
    if len(entry) not in (2, 3):
        raise MalformedResponse("an address is not a pair or a triple", uncertain=True)
    address, word = entry[0], entry[1]
    if not address or word == NOT_FOUND:
        return None
    kind = to_kind(entry[2] if len(entry) == 3 else None) or query.kind
    return Email(
        email=address,
        status=to_status(STATUSES, word, provider="sixtyfour", field="status"),
        kind=kind,
        first_name=query.first_name,
        last_name=query.last_name,
        full_name=query.full_name or join_name(query.first_name, query.last_name),
        company=query.company,
        domain=(query.domain or to_domain(address)) if kind == "professional" else None,
        linkedin_url=query.linkedin_url,
    )


def to_kind(word: str | None) -> Kind | None:
    if word and word.upper() not in KINDS:
        note("sixtyfour", "type", word)
    return KINDS.get((word or "").upper())


# Seconds that a signature's time may be away from now.
TOLERANCE = 300
LONGEST_SIGNATURE = 4096


def verify_notice(headers: Headers, body: bytes, secrets: Sequence[str], now: float) -> bool:
    """`Sixtyfour-Signature: t=…,v1=…[,v1=…]`: HMAC-SHA256 of time, dot and raw body.

    The key is the whole secret with its prefix. While a secret is rolled there are two signatures,
    of which any suffices.
    """
    given = headers.get("sixtyfour-signature", "")
    if len(given) > LONGEST_SIGNATURE:
        return False
    parts = [part.strip().partition("=") for part in given.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit():
        return False
    if abs(now - int(times[0][:20])) > TOLERANCE:
        return False
    signed = times[0].encode() + b"." + body
    wanted = [hmac.new(one.encode(), signed, hashlib.sha256).hexdigest() for one in secrets]
    held = [value.encode() for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(one.encode(), each) for one in wanted for each in held)


def read_notice(headers: Headers, body: bytes) -> Notice:
    tasks = [task for each in objects_in(body) if (task := text_in([each], "task_id"))]
    event = headers.get("sixtyfour-event-id", "") or digest_of(body)
    return Notice(id=event, tasks=tuple(tasks))


READER = Reader(read_notice, verify_notice)
