"""What is passed on is covered by money until it is sent, however long it waits to leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from gateway.lookup import departures, sending
from gateway.money.ledger import Ledger
from providers.base import BACKSTOP
from providers.errors import Unavailable
from providers.registry import ADAPTERS
from providers.relay import LEAVE_SECONDS
from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.waits import Waits, waiting
from tests.gateway.money.conftest import clocked, ledger
from tests.gateway.native.conftest import StartNative
from tests.gateway.native.harness import Native
from tests.gateway.native.test_native_guards import ask, states

__all__ = ["clocked", "ledger"]

DOOR = "/email-finder"
LONGEST = ADAPTERS["hunter"].native.seconds + LEAVE_SECONDS + BACKSTOP
Check = Callable[[Native, Waits], Awaitable[None]]


@pytest.fixture
def waits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Waits:
    return waiting(ledger, monkeypatch)


async def paced(start_native: StartNative) -> Native:
    native = await start_native(only=(), test_clock=True)
    await native.add("hunter", "key-of-hunter", limits={"per_minute": 6000})
    return native


async def what_waits_is_covered(native: Native, waits: Waits) -> None:
    """It may leave at once, and has to wait for a connection, and for its reply."""
    waits.before = {DOOR: [partial(waits.pass_by, LONGEST)]}
    assert (await ask(native)).status_code == 200
    await native.until_settled()
    assert waits.seen[DOOR] == ["dispatched"]
    assert await waits.states("hunter") == ["posted"]


async def what_is_closed_is_not_sent(native: Native, waits: Waits) -> None:
    waits.permits = [waits.expire]
    problem_of(await ask(native), 429, "rate_limited")
    await native.until_settled()
    assert (native.visits(), await waits.states("hunter")) == (0, ["voided"])
    assert await states(native) == {}
    assert (await ask(native)).status_code == 200


@pytest.mark.parametrize("check", [what_waits_is_covered, what_is_closed_is_not_sent])
async def test_money_covers_what_is_passed_on(
    waits: Waits, start_native: StartNative, check: Check
) -> None:
    await check(await paced(start_native), waits)


def blamed() -> Unavailable:
    return Unavailable("the reservation is gone")


MUTANTS: dict[str, tuple[Check, object, str, Any]] = {
    "no time for permits": (what_waits_is_covered, sending, "LEAVE_SECONDS", 0.0),
    "its account's fault": (what_is_closed_is_not_sent, departures, "ran_out", blamed),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_money_that_does_not_cover_is_noticed(
    waits: Waits, start_native: StartNative, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    check, place, member, mutant = MUTANTS[name]
    monkeypatch.setattr(place, member, mutant)
    native = await paced(start_native)
    with pytest.raises(AssertionError):
        await check(native, waits)
