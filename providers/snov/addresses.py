"""Snov.io's finder and verifier by name and address, in their v1 and v2 editions.

The v1 methods never start work when read: read first (free), push (paid) what is not there, then
read again. Their v2 successors start a task.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from providers.base import Reply, decode, glance
from providers.batches import tickets_for
from providers.errors import MalformedResponse, ProviderError, Suppressed, Unavailable
from providers.model import Answer, FindEmail, Query, Ticket, VerifyEmail
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
    SmtpStatus,
    VerifiedAddress,
    VerifierEntry,
)

# The longest that a verification is documented to take. That an address which was pushed is no
# longer not_verified by then is assumed: until then it may wait in the queue under that word.
QUEUED = 3600.0
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
            return await self.start("/v2/emails-by-domain-by-name", {"rows": [_row(query)]})
        path = "/v1/add-names-to-find-emails"
        reply = await self.call("POST", path, Pushed, form=_names(query))
        if not reply.value.sent:
            raise Unavailable("the name was not queued")
        return Ticket(state={})

    def alike(self, query: Query) -> str | None:
        """v1 takes many addresses, but one name only.

        Where a plan limits addresses by the hour each has a request, and so a permit, of its own.
        """
        if isinstance(query, VerifyEmail):
            is_counted = "plan" in self.account.options and not self.is_v2
            return None if is_counted else "addresses"
        is_named = isinstance(query, FindEmail) and bool(named(query) and query.domain)
        return "names" if is_named and self.is_v2 else None

    async def push_many_names(self, queries: Sequence[FindEmail]) -> list[Ticket]:
        rows = {"rows": [_row(query) for query in queries]}
        started = await self.start("/v2/emails-by-domain-by-name", rows)
        return tickets_for(len(queries), started.state)

    async def collect_names(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        if "task_hash" in ticket.state:
            task = await self.task(ticket)
            if isinstance(task, Ticket):
                return task
            items = _own_items(query, decode(task.value, list[FoundForPerson]), ticket)
            found = [one for item in items for one in item.result]
            heed(found)
            return Answer(data=to_email_v2(query, found), raw=_raw(task, items, ticket))
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

    def was_never_queued(self, seconds: float) -> bool:
        """Whether an address without a verdict `seconds` after a push was never pushed.

        Of v2 there is nothing to read.
        """
        return not self.is_v2 and seconds >= QUEUED

    async def verify(self, query: VerifyEmail) -> Ticket:
        if self.is_v2:
            return await self.start("/v2/email-verification", {"emails": [query.email]})
        path, form = "/v1/add-emails-to-verification", {"emails[]": query.email}
        reply = await self.send("POST", path, form=form)
        queued = _queued(reply.body, query.email)
        if isinstance(queued, ProviderError):
            raise queued
        return queued

    async def verify_many(
        self, queries: Sequence[VerifyEmail]
    ) -> list[Ticket] | list[Ticket | ProviderError]:
        addresses = [query.email for query in queries]
        if self.is_v2:
            started = await self.start("/v2/email-verification", {"emails": addresses})
            return tickets_for(len(queries), started.state)
        form = {"emails[]": addresses}
        reply = await self.send("POST", "/v1/add-emails-to-verification", form=form)
        return [_queued(reply.body, address) for address in addresses]

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


def _row(query: FindEmail) -> dict[str, str | None]:
    first, last = named(query) or ("", "")
    return {"first_name": first, "last_name": last, "domain": query.domain}


def _own_items(
    query: FindEmail, items: list[FoundForPerson], ticket: Ticket
) -> list[FoundForPerson]:
    """Assumed: a task of many answers in the order of its rows, whose names it repeats."""
    if "at" not in ticket.state:
        return items
    if len(items) != int(ticket.state["of"]):
        raise MalformedResponse("there are not as many results as rows", uncertain=True)
    own, asked = items[int(ticket.state["at"])], " ".join(named(query) or ())
    if own.people.casefold().split() != asked.casefold().split():
        raise MalformedResponse("a result is of another person", uncertain=True)
    return [own]


def _raw(task: Reply[Raw], own: Sequence[Struct], ticket: Ticket) -> bytes:
    """What a task of many says of others is none of this answer's."""
    return msgspec.json.encode(own) if "at" in ticket.state else task.body


def _queued(body: bytes, address: str) -> Ticket | ProviderError:
    """No body of this reply is published; `sent` beside the address is the likely one."""
    pushed = glance(_of_address(body, address), PushedAddress)
    if pushed is not None and not pushed.sent:
        return Unavailable("the address was not queued")
    return Ticket(state={})


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
    checked = glance(entry.data, SmtpStatus)
    if checked is not None and checked.smtpStatus == "greylisted":
        return Ticket(state=ticket.state, slow=True)
    # After a push not_verified is true for as long as the address waits in the queue.
    if entry.status.identifier.lower() != "complete":
        return ticket
    found = decode(entry.data, VerifiedAddress)
    return Answer(data=to_verification(email, found), units=_units(ticket), raw=body)


def _checked(email: str, task: Reply[Raw], ticket: Ticket) -> Answer | Ticket:
    items = decode(task.value, list[CheckedItem])
    if "at" in ticket.state:
        items = [item for item in items if item.email.casefold() == email.casefold()]
        if not items:
            raise MalformedResponse("there is no result for the address", uncertain=True)
    if not items:
        return Answer(data=None, raw=task.body)
    heed([items[0].result])
    if items[0].result.unknown_status_reason == "greylist":
        return Ticket(state=ticket.state, slow=True)
    data = to_verification_v2(email, items[0].result)
    return Answer(data=data, raw=_raw(task, items[:1], ticket))


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
