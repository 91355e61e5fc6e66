"""Snov.io: addresses by name and domain, their verification, company data.

https://snov.io/api, read 2026-11-21. The v1 finder and verifier never start work when read: read
first (free), push (paid) what is not there, then read again. Their v2 successors start a task;
the account option `finder` = `v2` chooses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import Raw

from providers.base import Adapter, Auth, Charge, Offer, Reply, Resend, decode, glance
from providers.errors import (
    InvalidQuery,
    OutOfCredits,
    ProviderError,
    RateLimited,
    TaskFailed,
    Unavailable,
)
from providers.model import (
    COMPANIES_ENRICH,
    EMAILS_FIND,
    EMAILS_VERIFY,
    Answer,
    EnrichCompany,
    FindEmail,
    Ticket,
    VerifyEmail,
)
from providers.signin import ClientCredentials
from providers.snov.mapping import (
    named,
    to_company,
    to_email,
    to_email_v2,
    to_verification,
    to_verification_v2,
)
from providers.snov.wire import (
    BalanceReply,
    CheckedItem,
    CompanyInfo,
    FinderReply,
    FoundForPerson,
    FoundPerson,
    Pushed,
    PushedAddress,
    Refused,
    Started,
    StartedSearch,
    TaskReply,
    VerifiedAddress,
    VerifierEntry,
)

# Snov.io has no codes: out of credits is a 400, throttling a 200 or a 400, told apart by prose.
TEXTS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("ran out of credits", OutOfCredits),
    ("not enough credits", OutOfCredits),
    ("too many prospects processing", RateLimited),
    ("too many requests", RateLimited),
)

# A search that runs already, without a push of ours: waiting for it is free.
PEEKED = Ticket(state={"pushed": "before"})


def is_findable(query: FindEmail) -> bool:
    return bool(named(query) and query.domain and query.kind == "professional")


def has_domain(query: EnrichCompany) -> bool:
    return bool(query.domain)


_offer = partial(
    Offer,
    charge=Charge.PER_CALL,
    unit="credit",
    units=1000,
    price=Decimal("0.03"),
    source="public plan price per credit",
    read_on="2026-11-21",
    resend=Resend.BEFORE_BYTES_SENT,
)


class Snov(Adapter):
    name = "snov"
    base_url = "https://api.snov.io"
    secret_fields = ("client_id", "client_secret")
    offers: ClassVar[Mapping[str, Offer]] = {
        EMAILS_FIND: _offer(
            peek="read_found", ask="find", collect="collect_found", fits=is_findable
        ),
        # An address that was never pushed is not_verified; a name that was not is not_found, as
        # is one that was pushed and not found.
        EMAILS_VERIFY: _offer(
            peek="read_verdict", peek_denies=True, ask="verify", collect="collect_verdict"
        ),
        COMPANIES_ENRICH: _offer(
            ask="enrich", collect="collect_company", charge=Charge.PER_HIT, fits=has_domain
        ),
    }

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        url = self.account.base_url + "/v1/oauth/access_token"
        return ClientCredentials(url, {name: secret[name] for name in self.secret_fields})

    async def reading(self) -> Mapping[str, float]:
        reply = await self.call("GET", "/v1/get-balance", BalanceReply)
        return {"credit": -reply.value.data.balance}

    async def balance(self) -> Mapping[str, float]:
        reply = await self.call("GET", "/v1/get-balance", BalanceReply)
        if reply.value.data.balance <= 0:
            raise OutOfCredits("no credits are left")
        return {"credits": reply.value.data.balance}

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        refused = glance(body, Refused)
        if refused is None or (status < 400 and refused.success):
            return None
        told = str((refused.errors, refused.message, refused.result)).lower()
        for text, error in TEXTS:
            if text in told:
                return error
        is_miss = refused.status is not None
        return InvalidQuery if status < 400 and not is_miss else None

    @property
    def _is_v2(self) -> bool:
        return self.account.options.get("finder") == "v2"

    async def read_found(self, query: FindEmail) -> Answer | Ticket | None:
        if self._is_v2:
            return None
        reply = await self._read_names(query)
        # Here not_found only says that nobody has pushed this name yet.
        return None if _word(reply) == "not_found" else _found(query, reply, PEEKED)

    async def find(self, query: FindEmail) -> Ticket:
        if self._is_v2:
            first, last = named(query) or ("", "")
            row = {"first_name": first, "last_name": last, "domain": query.domain}
            return await self._start("/v2/emails-by-domain-by-name", {"rows": [row]})
        path = "/v1/add-names-to-find-emails"
        reply = await self.call("POST", path, Pushed, form=_names(query))
        if not reply.value.sent:
            raise Unavailable("the name was not queued")
        return Ticket(state={})

    async def collect_found(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        if "task_hash" in ticket.state:
            task = await self._task(ticket)
            if isinstance(task, Ticket):
                return task
            found = [
                one for item in decode(task.value, list[FoundForPerson]) for one in item.result
            ]
            return Answer(data=to_email_v2(query, found), raw=task.body)
        reply = await self._read_names(query)
        # Whether a read right behind the push may still say not_found is not documented; the one
        # recorded client saw in_progress until the end. So here it is a final miss.
        if _word(reply) == "not_found":
            return Answer(data=None, units=_units(ticket), raw=reply.body)
        return _found(query, reply, ticket)

    async def _read_names(self, query: FindEmail) -> Reply[FinderReply]:
        path = "/v1/get-emails-from-names"
        return await self.call("POST", path, FinderReply, form=_names(query))

    async def read_verdict(self, query: VerifyEmail) -> Answer | Ticket | None:
        if self._is_v2:
            return None
        entry, body = await self._read_address(query.email)
        if entry.status.identifier == "not_verified":
            return None
        return _verdict(query.email, entry, body, PEEKED)

    async def verify(self, query: VerifyEmail) -> Ticket:
        if self._is_v2:
            return await self._start("/v2/email-verification", {"emails": [query.email]})
        path, form = "/v1/add-emails-to-verification", {"emails[]": query.email}
        reply = await self.send("POST", path, form=form)
        # No body of this reply is published; `sent` beside the address is the likely one.
        pushed = glance(_of_address(reply.body, query.email), PushedAddress)
        if pushed is not None and not pushed.sent:
            raise Unavailable("the address was not queued")
        return Ticket(state={})

    async def collect_verdict(self, query: VerifyEmail, ticket: Ticket) -> Answer | Ticket:
        if "task_hash" in ticket.state:
            task = await self._task(ticket)
            if isinstance(task, Ticket):
                return task
            items = decode(task.value, list[CheckedItem])
            data = to_verification_v2(query.email, items[0].result) if items else None
            return Answer(data=data, raw=task.body)
        entry, body = await self._read_address(query.email)
        return _verdict(query.email, entry, body, ticket)

    async def _read_address(self, email: str) -> tuple[VerifierEntry, bytes]:
        path, form = "/v1/get-emails-verification-status", {"emails[]": email}
        reply = await self.send("POST", path, form=form)
        return decode(_of_address(reply.body, email), VerifierEntry), reply.body

    async def enrich(self, query: EnrichCompany) -> Ticket:
        json = {"domain": query.domain}
        reply = await self.call("POST", "/v2/domain-search/start", StartedSearch, json=json)
        return Ticket(state={"search_hash": reply.value.meta.task_hash})

    async def collect_company(self, query: EnrichCompany, ticket: Ticket) -> Answer | Ticket:
        path = "/v2/domain-search/result/" + quote(ticket.state["search_hash"], safe="")
        reply = await self.call("GET", path, TaskReply)
        if not _is_done(reply.value):
            return ticket
        if glance(reply.value.data, list[Any]) is not None:
            return Answer(data=None, raw=reply.body)
        found = decode(reply.value.data, CompanyInfo)
        return Answer(data=to_company(query.domain or "", found), raw=reply.body)

    async def _start(self, family: str, json: Mapping[str, Any]) -> Ticket:
        reply = await self.call("POST", family + "/start", Started, json=json)
        return Ticket(state={"family": family, "task_hash": reply.value.data.task_hash})

    async def _task(self, ticket: Ticket) -> Reply[Raw] | Ticket:
        params = {"task_hash": ticket.state["task_hash"]}
        reply = await self.call(
            "GET", ticket.state["family"] + "/result", TaskReply, params=params
        )
        if not _is_done(reply.value):
            return ticket
        return Reply(reply.value.data, reply.body, reply.status, reply.headers)


def _names(query: FindEmail) -> dict[str, str | None]:
    first, last = named(query) or (None, None)
    return {"firstName": first, "lastName": last, "domain": query.domain}


def _word(reply: Reply[FinderReply]) -> str:
    return reply.value.status.identifier.lower().replace(" ", "_")


def _found(query: FindEmail, reply: Reply[FinderReply], ticket: Ticket) -> Answer | Ticket:
    if _word(reply) != "complete":
        return ticket
    person = decode(reply.value.data, FoundPerson)
    return Answer(data=to_email(query, person), units=_units(ticket), raw=reply.body)


def _verdict(email: str, entry: VerifierEntry, body: bytes, ticket: Ticket) -> Answer | Ticket:
    checked = glance(entry.data, VerifiedAddress)
    if checked is not None and checked.smtpStatus == "greylisted":
        return Ticket(state=ticket.state, slow=True)
    # After a push not_verified is true for as long as the address waits in the queue.
    if entry.status.identifier.lower() != "complete":
        return ticket
    found = decode(entry.data, VerifiedAddress)
    return Answer(data=to_verification(email, found), units=_units(ticket), raw=body)


def _units(ticket: Ticket) -> int | None:
    """Nothing for what was read without a push of ours, else what the charge model says."""
    return 0 if ticket.state == PEEKED.state else None


def _of_address(body: bytes, email: str) -> bytes:
    """The member of a reply keyed by address, whatever the case of its key."""
    for key, value in decode(body, dict[str, Raw]).items():
        if key.lower() == email.lower():
            return bytes(value)
    return b""


def _is_done(task: TaskReply) -> bool:
    """Only what is known to be final ends the polling. Raises OutOfCredits."""
    word = task.status.lower().replace(" ", "_")
    if word == "not_enough_credits":
        raise OutOfCredits("the task ended without credits")
    if word in ("failed", "error"):
        raise TaskFailed("the task failed", uncertain=True)
    return word in ("completed", "complete")
