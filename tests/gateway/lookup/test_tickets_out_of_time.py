"""A ticket whose polls fail, or that is too old: how long it is asked for, when, and by whom."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import msgspec
import pytest

from gateway.lookup import tickets
from gateway.lookup.tickets import wait_after
from gateway.money.ledger import Ledger
from gateway.vault.credentials import Credential
from providers.errors import (
    AuthenticationFailed,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    RateLimited,
    TimedOut,
    Unavailable,
)
from providers.model import Answer, Ticket
from tests.gateway.lookup.test_tickets_of_providers import (
    CREDENTIAL,
    PRICE,
    VERDICT,
    WAITING,
    Scripted,
    Unlimited,
    collect,
    dialler,
    ledger,
    opened,
    quick,
)
from tests.gateway.money.books import ROOT

__all__ = ["ledger", "quick"]


@pytest.mark.parametrize("reply", [WAITING, Ticket(state={}), VERDICT])
async def test_a_ticket_older_than_its_life_is_asked_for_once(
    ledger: Ledger, reply: Answer | Ticket
) -> None:
    adapter = Scripted(reply)
    rid, called = await collect(ledger, adapter, age=2 * tickets.LIFE)
    assert (adapter.polls, called.state, called.cost) == (1, "posted", PRICE)
    assert (called.answer is None) == isinstance(reply, Ticket)
    assert called.error is None or called.error.reason == "timed_out"
    kept = tickets.unpack(await ledger.store.call("HGET", f"{ROOT}entry:{rid}", "ticket"))
    assert kept.ticket.state == {"n": "1"}


@pytest.mark.parametrize(
    "error, reason",
    [
        (AuthenticationFailed(), "authentication_failed"),
        (MalformedResponse(), "malformed_response"),
        (IndexError(), "malformed_response"),
        (OutOfCredits(status=402), "timed_out"),
        (Unavailable(), "timed_out"),
    ],
)
async def test_a_life_that_is_over_ends_with_a_few_failures(
    ledger: Ledger, error: Exception, reason: str
) -> None:
    adapter = Scripted(error)
    _, called = await collect(ledger, adapter, age=2 * tickets.LIFE)
    assert called.error
    assert (called.error.reason, called.state, called.cost) == (reason, "posted", PRICE)
    assert adapter.polls == tickets.STRIKES


@pytest.mark.parametrize("before, polls", [(0, tickets.UNREADABLE), (1, tickets.UNREADABLE + 1)])
async def test_what_nobody_can_read_is_given_up_within_its_life(
    ledger: Ledger, before: int, polls: int
) -> None:
    """One that can be read in between begins the count anew."""
    adapter = Scripted(*[WAITING] * before, MalformedResponse())
    _, called = await collect(ledger, adapter)
    assert called.error
    assert (called.error.reason, called.state) == ("malformed_response", "posted")
    assert adapter.polls == polls


@pytest.mark.parametrize("error", [AuthenticationFailed(), Unavailable(), RateLimited()])
async def test_a_failure_or_two_do_not_hide_what_is_there_after_all(
    ledger: Ledger, error: Exception
) -> None:
    adapter = Scripted(error, error, VERDICT)
    _, called = await collect(ledger, adapter, age=2 * tickets.LIFE)
    assert (called.answer, called.state, adapter.polls) == (VERDICT, "posted", 3)


async def test_what_is_not_let_through_is_not_asked_for_yet(ledger: Ledger) -> None:
    """After an outage many tickets wait for the permits of one account."""
    adapter = Scripted(*[RateLimited()] * 9, VERDICT)
    _, called = await collect(ledger, adapter, age=2 * tickets.LIFE)
    assert (called.answer, adapter.polls) == (VERDICT, 10)


async def test_what_is_never_let_through_is_given_up_in_the_end(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "RESPITE", 0.05)
    _, called = await collect(ledger, Scripted(RateLimited()), age=2 * tickets.LIFE)
    assert called.error
    assert (called.error.reason, called.state) == ("timed_out", "posted")


async def test_who_takes_it_over_gives_it_no_second_respite(ledger: Ledger) -> None:
    call, kept = await opened(ledger, adapter := Scripted(RateLimited()), age=2 * tickets.LIFE)
    kept.until = time.time() - 1
    called = await dialler(ledger, Unlimited()).resume(call, tickets.unpack(tickets.pack(kept)))
    assert called.error
    assert (called.error.reason, adapter.polls) == ("timed_out", 1)


async def test_each_poll_is_made_with_the_account_as_it_is_then(ledger: Ledger) -> None:
    """What it was is still asked if it is gone; what it hears is of the account that was asked."""

    class Changing(Unlimited):
        heard_of: ClassVar[list[Credential]] = []

        def credential(self, name: str) -> Credential | None:
            return next(accounts)

        async def heard(self, credential: Credential, error: ProviderError | None) -> None:
            self.heard_of.append(credential)

    new = msgspec.structs.replace(CREDENTIAL, secret={"client_secret": "new"})
    refusal = AuthenticationFailed()
    adapters = {id(CREDENTIAL): Scripted(refusal), id(new): Scripted(refusal, refusal, VERDICT)}
    accounts = iter([CREDENTIAL, new, None, new])
    call, kept = await opened(ledger, adapters[id(CREDENTIAL)])
    dialled = dialler(ledger, Changing(), lambda account: adapters[id(account)])
    called = await dialled.resume(call, kept)
    assert called.answer is VERDICT
    assert [adapter.polls for adapter in adapters.values()] == [1, 3]
    assert Changing.heard_of == [CREDENTIAL, new, new]
    assert call.step.credential is new


@pytest.mark.parametrize(
    "replies, age", [([AuthenticationFailed(), VERDICT], 0.0), ([VERDICT], 2 * tickets.LIFE)]
)
async def test_what_is_found_after_a_gap_tells_nothing_of_its_provider(
    ledger: Ledger, replies: list[Any], age: float
) -> None:
    call, kept = await opened(ledger, Scripted(*replies), age=age)
    await dialler(ledger, Unlimited()).resume(call, kept)
    assert call.took == 0.0


@pytest.mark.parametrize(
    "error, longest",
    [
        (AuthenticationFailed(), 60.0),
        (MalformedResponse(), 60.0),
        (OutOfCredits(status=402), 60.0),
        (Unavailable(), 10.0),
        (TimedOut(), 10.0),
        (RateLimited(), 10.0),
    ],
)
def test_waits_between_failing_polls_grow_and_are_bounded(
    error: ProviderError, longest: float
) -> None:
    waits = [wait_after(error, strikes) for strikes in range(1, 5000)]
    assert waits == sorted(waits)
    assert waits[0] >= tickets.LEAST_WAIT
    assert waits[-1] == longest


@pytest.mark.parametrize("told, waited", [(0.0, 1.0), (0.01, 1.0), (7.0, 7.0), (90.0, 90.0)])
def test_a_provider_that_asks_for_patience_gets_it_and_no_hot_loop(
    told: float, waited: float
) -> None:
    assert wait_after(RateLimited(retry_after=told), 1) == waited
    assert wait_after(AuthenticationFailed(retry_after=told), 20) == max(60.0, told)
