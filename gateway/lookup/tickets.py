"""Waiting for answers that a provider is still working on."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from msgspec import Struct

from gateway.lookup.identifiers import without_emails
from gateway.lookup.marking import NOBODY, Asked, marks_in_text
from gateway.lookup.planner import Step
from gateway.money.amounts import cost_of
from gateway.vault.credentials import Credential
from providers.base import Offer
from providers.errors import (
    AuthenticationFailed,
    InvalidQuery,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    Suppressed,
    TaskFailed,
    TimedOut,
    Unsupported,
)
from providers.model import (
    QUERIES,
    Answer,
    Checks,
    EnrichPerson,
    FindEmail,
    Query,
    Ticket,
    Verification,
    VerifyEmail,
)

CEILING = 600.0
GROWTH = 1.5
LONGEST_WAIT = 10.0
SLOW_WAIT = 900.0
LIFE = 3600.0
STRIKES = 3
# A greylisted mailbox is asked again after minutes; a provider's task never needs that long.


class OpenTicket(Struct):
    """A ticket as its entry keeps it, with all that another process needs to collect it.

    `due` is when it is to be asked for next, whoever does it; 0 if nobody has said.
    """

    ticket: Ticket
    provider: str
    operation: str
    query: bytes
    slot: str
    price: int
    worst_units: int
    opened_at: float
    due: float = 0.0
    is_bare: bool = False

    @property
    def asked(self) -> Query:
        return msgspec.json.decode(self.query, type=QUERIES[self.operation])

    def bare(self) -> OpenTicket:
        """What is kept of it once somebody it asks about, or has found so far, objected."""
        state = {name: without_emails(text, NOBODY) for name, text in self.ticket.state.items()}
        return msgspec.structs.replace(
            self,
            ticket=msgspec.structs.replace(self.ticket, state=state),
            query=msgspec.json.encode(_impersonal(self.asked)),
            is_bare=True,
        )

    def step(self, credential: Credential, offer: Offer) -> Step:
        """The step that bought it, at its price of then; only its own account can collect it."""
        cost = cost_of(self.worst_units, self.price)
        return Step(self.provider, credential, offer, self.price, self.worst_units, cost)


def _impersonal(query: Query) -> Query:
    """The query without whom it is about; what it costs can still be told."""
    match query:
        case FindEmail():
            return FindEmail(kind=query.kind)
        case VerifyEmail():
            return VerifyEmail(email=NOBODY)
        case EnrichPerson():
            return EnrichPerson(email=NOBODY)
        case _:
            return query


_decoder = msgspec.msgpack.Decoder(OpenTicket)


def pack(ticket: OpenTicket) -> bytes:
    return msgspec.msgpack.encode(ticket)


def unpack(body: bytes) -> OpenTicket:
    return _decoder.decode(body)


def told(kept: OpenTicket, rid: str, asked: Asked, key: bytes) -> dict[str, Any]:
    """What is said to whoever keeps it; `asked` is of whom it was asked."""
    marks = [*asked.persons, *asked.places]
    marks += marks_in_text("\n".join(kept.ticket.state.values()), key)
    return {"rid": rid, "ticket": pack(kept), "bare": pack(kept.bare()), "marks": marks}


def wait_before(ticket: Ticket, learned: float) -> float:
    """Seconds before the next poll: the provider's word, else what was learned of it."""
    if ticket.wait is not None:
        return ticket.wait
    if ticket.slow:
        return SLOW_WAIT
    return min(CEILING, learned) * random.uniform(0.97, 1.03)


def wait_after(error: ProviderError, poll: int) -> float:
    """Seconds until a poll that failed is tried again."""
    if error.retry_after is not None:
        return error.retry_after
    return min(LONGEST_WAIT, 1.0 * GROWTH**poll)


def is_final(error: ProviderError, strikes: int) -> bool:
    """Whether asking again for the ticket can't help: the task, or the ticket, is gone.

    `strikes` polls in a row have failed; a reply that can't be read may have come from a proxy.
    """
    if isinstance(error, OutOfCredits):
        return is_of_the_task(error)
    if isinstance(error, TaskFailed | InvalidQuery | Unsupported | Suppressed):
        return True
    return strikes >= STRIKES and isinstance(error, MalformedResponse | AuthenticationFailed)


def is_of_the_task(error: OutOfCredits) -> bool:
    """Whether the task itself ended for want of credits, and cost nothing.

    A status is the refusal of a poll: an account that is used up goes on with what it has bought.
    """
    return error.status is None


def last_word(query: Query, ticket: Ticket) -> Answer:
    """What is known when a ticket's life is over. Raises TimedOut."""
    if ticket.slow and isinstance(query, VerifyEmail):
        checks = Checks(greylisted=True)
        return Answer(data=Verification(email=query.email, status="unknown", checks=checks))
    raise TimedOut("the provider never finished", uncertain=True)
