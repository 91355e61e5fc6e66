"""A ticket is kept before each poll, held while it waits, and ends within its life."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pytest

from gateway.guard.permits import Allowance
from gateway.jobs.rereading import _collect as look_again
from gateway.lookup import tickets
from gateway.lookup.called import Called
from gateway.lookup.calls import Call, Dialler
from gateway.lookup.market import Market
from gateway.lookup.marking import Asked
from gateway.lookup.planner import Step
from gateway.lookup.spool import Spool
from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from gateway.vault.credentials import Credential
from gateway.vault.datakey import DataKey
from gateway.vault.sealing import Sealer
from providers.base import Rate
from providers.errors import (
    AuthenticationFailed,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    RateLimited,
    Suppressed,
    TaskFailed,
    Unavailable,
)
from providers.model import Answer, Query, Ticket, Verification, VerifyEmail
from providers.registry import ADAPTERS
from tests.gateway.money.books import MINUTE, ROOT, entry, reserve

QUERY = VerifyEmail(email="ada@a.example")
PRICE, WORST = 30_000, 1000
CREDENTIAL = Credential(id="c", provider="snov", name="c", base_url="http://x")


class Scripted:
    """Answers each poll with the next of `replies`, the last one for ever."""

    rates: ClassVar[Sequence[Rate]] = ()

    @staticmethod
    def rates_of_plan(_options: object) -> Sequence[Rate]:
        return ()

    def __init__(self, *replies: Answer | Ticket | Exception):
        self.replies = list(replies)
        self.polls = 0

    async def collect(
        self, query: Query, ticket: Ticket, *, seconds: float, leave: object = None
    ) -> Answer | Ticket:
        self.polls += 1
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
async def ledger(store: Store) -> Ledger:
    return Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "CEILING", 0.001)
    monkeypatch.setattr(tickets, "wait_after", lambda _error, _poll: 0.001)


SPOOL = Spool(Path("nowhere"), Sealer([bytes(32)]))


class Unlimited(Market):
    """Accounts that may be asked as often as one likes."""

    def __init__(self) -> None: ...

    def allowance(self, credential: Credential) -> Allowance:
        return Allowance(credential.id)

    def credential(self, name: str) -> Credential | None:
        return None

    async def heard(self, credential: Credential, error: ProviderError | None) -> None: ...


def dialler(ledger: Ledger, market: Market, adapter_of: Any = None) -> Dialler:
    return Dialler(ledger, market, SPOOL, DataKey(), adapter_of=adapter_of)


async def opened(
    ledger: Ledger, adapter: Any, *, worst: int = WORST, age: float = 0.0
) -> tuple[Call, tickets.OpenTicket]:
    rid = await reserve(ledger, cost=PRICE, slot="s")
    await ledger.dispatch(rid, MINUTE)
    offer = ADAPTERS["snov"].offers["emails.verify"]
    step = Step("snov", CREDENTIAL, offer, 1, worst, PRICE)
    call = Call(
        step=step, adapter=adapter, operation="emails.verify", query=QUERY, after=None,
        slot="s", rid=rid, seconds=1.0, asked=Asked([], [], "email"),
    )  # fmt: skip
    kept = tickets.OpenTicket(
        Ticket(state={"n": "1"}), "snov", "emails.verify", msgspec.json.encode(QUERY), "s",
        PRICE, worst, time.time() - age,
    )  # fmt: skip
    return call, kept


async def collect(
    ledger: Ledger, adapter: Any, *, worst: int = WORST, age: float = 0.0
) -> tuple[str, Called]:
    call, kept = await opened(ledger, adapter, worst=worst, age=age)
    return call.rid, await dialler(ledger, Unlimited()).resume(call, kept)


VERDICT = Answer(data=Verification(email=QUERY.email, status="valid"))
WAITING = Ticket(state={"n": "2"})


@pytest.mark.parametrize(
    "replies, worst, state, cost, polls",
    [
        ([VERDICT], WORST, "posted", PRICE, 1),
        ([WAITING, WAITING, VERDICT], WORST, "posted", PRICE, 3),
        ([VERDICT], 0, "posted", 0, 1),
        ([Unavailable(), RateLimited(), VERDICT], WORST, "posted", PRICE, 3),
        ([MalformedResponse(), MalformedResponse(), VERDICT], WORST, "posted", PRICE, 3),
        ([*[MalformedResponse()] * 5, VERDICT], WORST, "posted", PRICE, 6),
        ([*[AuthenticationFailed()] * 5, VERDICT], WORST, "posted", PRICE, 6),
        ([KeyError("x"), VERDICT], WORST, "posted", PRICE, 2),
        ([*[IndexError()] * 5, VERDICT], WORST, "posted", PRICE, 6),
        ([TaskFailed()], WORST, "posted", PRICE, 1),
        ([TaskFailed(units=0)], WORST, "posted", 0, 1),
        ([TaskFailed(units=500)], WORST, "posted", PRICE // 2, 1),
        ([OutOfCredits()], WORST, "voided", 0, 1),
        ([OutOfCredits(status=402), OutOfCredits(status=403), VERDICT], WORST, "posted", PRICE, 3),
        ([Suppressed()], WORST, "posted", PRICE, 1),
        ([Suppressed()], 0, "voided", 0, 1),
    ],
)
async def test_a_ticket_ends_once_at_the_price_it_was_bought_for(
    ledger: Ledger, replies: list[Any], worst: int, state: str, cost: int, polls: int
) -> None:
    """Snov.io charges per call; what was only read (worst 0) is free whatever happens."""
    adapter = Scripted(*replies)
    _, called = await collect(ledger, adapter, worst=worst)
    assert (called.state, called.cost, adapter.polls) == (state, cost, polls)


@pytest.mark.parametrize("worst, cost", [(WORST, PRICE), (0, 0)])
async def test_what_was_only_read_is_free_when_a_doubt_is_looked_into(
    ledger: Ledger, worst: int, cost: int
) -> None:
    found = await look_again(*await opened(ledger, Scripted(VERDICT), worst=worst))
    assert found.called
    assert (found.called.state, found.called.cost) == ("posted", cost)


async def test_a_ticket_is_kept_as_the_provider_last_gave_it(ledger: Ledger) -> None:
    class Peeping(Scripted):
        async def collect(
            self, query: Query, ticket: Ticket, *, seconds: float, leave: object = None
        ) -> Any:
            row = await ledger.store.call("HGET", f"{ROOT}entry:{names[0]}", "ticket")
            seen.append(tickets.unpack(row).ticket.state["n"])
            return await super().collect(query, ticket, seconds=seconds)

    names: list[str] = []
    seen: list[str] = []
    hold = ledger.hold

    async def noting(rid: str, ticket: bytes, lease: int, **more: Any) -> bool:
        names.append(rid)
        return await hold(rid, ticket, lease, **more)

    ledger.hold = noting  # type: ignore[method-assign]
    await collect(ledger, Peeping(WAITING, VERDICT))
    assert seen == ["1", "2"]


async def test_a_long_wait_is_slept_in_naps_that_renew_the_lease(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.calls.LONGEST_NAP", 0.02)
    leases: list[int] = []
    hold = ledger.hold

    async def noting(rid: str, ticket: bytes, lease: int, **more: Any) -> bool:
        leases.append(lease)
        return await hold(rid, ticket, lease, **more)

    ledger.hold = noting  # type: ignore[method-assign]
    adapter = Scripted(Ticket(state={}, wait=0.1), VERDICT)
    await collect(ledger, adapter)
    assert (adapter.polls, len(leases)) == (2, 6)
    assert max(leases) <= MINUTE


async def test_a_greylisted_mailbox_is_unknown_when_its_hour_is_over(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "SLOW_WAIT", 900)
    adapter = Scripted(Ticket(state={}, slow=True))
    rid, called = await collect(ledger, adapter, age=tickets.LIFE - 0.05)
    assert called.answer
    assert isinstance(called.answer.data, Verification)
    assert called.answer.data.status == "unknown"
    assert called.answer.data.checks.greylisted is True
    assert (called.state, called.cost) == ("posted", PRICE)
    assert (await entry(ledger.store, rid))["state"] == "dispatched"


async def test_a_task_that_never_ends_has_timed_out(ledger: Ledger) -> None:
    _, called = await collect(ledger, Scripted(WAITING), age=tickets.LIFE - 0.05)
    assert called.error
    assert (called.error.reason, called.state, called.cost) == ("timed_out", "posted", PRICE)
