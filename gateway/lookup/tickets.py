"""Waiting for answers that a provider is still working on."""

from __future__ import annotations

import random
import time
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
    RateLimited,
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
# After what a person may have to mend, and at least after what asks for patience.
REFUSED_WAIT, LEAST_WAIT = 60.0, 1.0
REFUSED = (AuthenticationFailed, OutOfCredits, MalformedResponse)
# A greylisted mailbox is asked again after minutes; a provider's task never needs that long.
SLOW_WAIT = 900.0
LIFE = 3600.0
# Polls in a row that fail after its life, and seconds after it in which one has to get through.
STRIKES, RESPITE = 3, 24 * 3600.0
# Replies in a row that nobody can read, over a quarter of an hour: the next one will be no better.
UNREADABLE = 20


class OpenTicket(Struct):
    """A ticket as its entry keeps it, with all that another process needs to collect it.

    `due` is when it is to be asked for next, whoever does it; 0 if nobody has said. `strikes`
    polls in a row have failed. `until` is when it is given up though none gets through to its
    provider; 0 while its life is not over.
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
    strikes: int = 0
    until: float = 0.0

    @property
    def left(self) -> float:
        """Seconds of its life; 0 once that is over."""
        return max(0.0, self.opened_at + LIFE - time.time())

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
    is_refused = isinstance(error, REFUSED)
    if error.retry_after is not None and not is_refused:
        return max(LEAST_WAIT, error.retry_after)
    longest = REFUSED_WAIT if is_refused else LONGEST_WAIT
    return max(error.retry_after or 0.0, min(longest, GROWTH ** min(poll, 20)))


def retry_in(kept: OpenTicket, error: ProviderError) -> float | None:
    """Seconds until the poll that failed is made again; None if it was the last.

    A life ends early with UNREADABLE replies. One that is over ends with STRIKES more; one that
    was too early for its provider is none of them.
    """
    now = time.time()
    kept.strikes += 1
    if isinstance(error, MalformedResponse) and kept.strikes >= UNREADABLE:
        return None
    if kept.left:
        return min(kept.left, wait_after(error, kept.strikes))
    if not kept.until:
        kept.strikes, kept.until = 1, now + RESPITE
    is_struck = kept.strikes >= STRIKES and not isinstance(error, RateLimited)
    if is_struck or now >= kept.until:
        return None
    return min(kept.until - now, wait_after(error, kept.strikes))


def is_final(error: ProviderError) -> bool:
    """Whether asking again for the ticket can't help: the task, or the ticket, is gone.

    A key may be mended, and a reply that can't be read may have come from a proxy.
    """
    if isinstance(error, OutOfCredits):
        return is_of_the_task(error)
    return isinstance(error, TaskFailed | InvalidQuery | Unsupported | Suppressed)


def is_of_the_task(error: OutOfCredits) -> bool:
    """Whether the task itself ended for want of credits, and cost nothing.

    A status is the refusal of a poll: an account that is used up goes on with what it has bought.
    """
    return error.status is None


def last_word(query: Query, ticket: Ticket, error: ProviderError | None = None) -> Answer:
    """What is known when a ticket's life is over, and its last poll met with `error`.

    Raises TimedOut, AuthenticationFailed, MalformedResponse.
    """
    if ticket.slow and isinstance(query, VerifyEmail):
        checks = Checks(greylisted=True)
        return Answer(data=Verification(email=query.email, status="unknown", checks=checks))
    if isinstance(error, AuthenticationFailed | MalformedResponse):
        raise error
    raise TimedOut("the provider never finished", uncertain=True)
