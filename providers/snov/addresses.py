"""Snov.io's finder and verifier by name and address, in their v1 and v2 editions.

The v1 methods never start work when read: read first (free), push (paid) what is not there, then
read again. Their v2 successors start a task.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from providers.base import Reply, decode, glance
from providers.errors import Suppressed, Unavailable
from providers.model import Answer, FindEmail, Ticket, VerifyEmail
from providers.snov.account import SnovAccount
from providers.snov.mapping import (
    named,
    to_email,
    to_email_v2,
    to_verification,
    to_verification_v2,
)
from providers.snov.wire import (
    CheckedAddress,
    CheckedItem,
    FinderReply,
    FoundForPerson,
    FoundPerson,
    Pushed,
    PushedAddress,
    VerifiedAddress,
    VerifierEntry,
)

# A search that runs already, without a push of ours: waiting for it is free.
PEEKED = Ticket(state={"pushed": "before"})


class Addresses(SnovAccount):
    async def read_names(self, query: FindEmail) -> Answer | Ticket | None:
        if self.is_v2:
            return None
        reply = await self._read_names(query)
        # Here not_found only says that nobody has pushed this name yet.
        return None if _word(reply) == "not_found" else _found(query, reply, PEEKED)

    async def push_names(self, query: FindEmail) -> Ticket:
        if self.is_v2:
            first, last = named(query) or ("", "")
            row = {"first_name": first, "last_name": last, "domain": query.domain}
            return await self.start("/v2/emails-by-domain-by-name", {"rows": [row]})
        path = "/v1/add-names-to-find-emails"
        reply = await self.call("POST", path, Pushed, form=_names(query))
        if not reply.value.sent:
            raise Unavailable("the name was not queued")
        return Ticket(state={})

    async def collect_names(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        if "task_hash" in ticket.state:
            task = await self.task(ticket)
            if isinstance(task, Ticket):
                return task
            items = decode(task.value, list[FoundForPerson])
            found = [one for item in items for one in item.result]
            heed(found)
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
        if self.is_v2:
            return None
        entry, body = await self._read_address(query.email)
        if entry.status.identifier == "not_verified":
            return None
        return _verdict(query.email, entry, body, PEEKED)

    async def verify(self, query: VerifyEmail) -> Ticket:
        if self.is_v2:
            return await self.start("/v2/email-verification", {"emails": [query.email]})
        path, form = "/v1/add-emails-to-verification", {"emails[]": query.email}
        reply = await self.send("POST", path, form=form)
        # No body of this reply is published; `sent` beside the address is the likely one.
        pushed = glance(_of_address(reply.body, query.email), PushedAddress)
        if pushed is not None and not pushed.sent:
            raise Unavailable("the address was not queued")
        return Ticket(state={})

    async def collect_verdict(self, query: VerifyEmail, ticket: Ticket) -> Answer | Ticket:
        if "task_hash" in ticket.state:
            task = await self.task(ticket)
            if isinstance(task, Ticket):
                return task
            return _checked(query.email, task, ticket)
        entry, body = await self._read_address(query.email)
        return _verdict(query.email, entry, body, ticket)

    async def _read_address(self, email: str) -> tuple[VerifierEntry, bytes]:
        path, form = "/v1/get-emails-verification-status", {"emails[]": email}
        reply = await self.send("POST", path, form=form)
        return decode(_of_address(reply.body, email), VerifierEntry), reply.body


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


def _checked(email: str, task: Reply[Raw], ticket: Ticket) -> Answer | Ticket:
    items = decode(task.value, list[CheckedItem])
    if not items:
        return Answer(data=None, raw=task.body)
    heed([items[0].result])
    if items[0].result.unknown_status_reason == "greylist":
        return Ticket(state=ticket.state, slow=True)
    return Answer(data=to_verification_v2(email, items[0].result), raw=task.body)


def heed(found: Sequence[CheckedAddress]) -> None:
    """Raise Suppressed if whose the address is had it hidden.

    The word is documented of the verifier; that the finder would say it, too, is assumed.
    """
    if any(one.unknown_status_reason == "hidden_by_owner" for one in found):
        raise Suppressed("the owner of the address had it hidden")


def _units(ticket: Ticket) -> int | None:
    """Nothing for what was read without a push of ours, else what the charge model says."""
    return 0 if ticket.state == PEEKED.state else None


def _of_address(body: bytes, email: str) -> bytes:
    """The member of a reply keyed by address, whatever the case of its key."""
    for key, value in decode(body, dict[str, Raw]).items():
        if key.lower() == email.lower():
            return bytes(value)
    return b""
