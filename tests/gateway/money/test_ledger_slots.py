"""One question that several accounts may have been asked: the step looks at the slots of all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from tests.gateway.money.books import MINUTE, audit, bid, buy, claim, ending, kept, reserve, spent
from tests.gateway.money.test_ledger_mutants import ledger_of, mutate

Check = Callable[[Ledger], Awaitable[None]]
OWN, OTHER = "own", "other"


async def what_failed_with_another_is_not_asked_again(ledger: Ledger) -> None:
    first = claim(bid(OTHER, direct=True))
    rid = (await ledger.admit(first)).rid
    await ledger.settle(ending(rid, outcome="failed", ends=True))
    found = await ledger.admit(
        claim(bid(OWN, others=[OTHER]), lookup=first.lookup, again=True, booked=[])
    )
    assert (found.kind, [skip.reason for skip in found.skipped]) == ("none", ["failed"])
    assert +(await spent(ledger.store)) == {"posted": 100}


async def its_own_ticket_comes_before_a_doubt(ledger: Ledger) -> None:
    first = claim(bid(OTHER, direct=True))
    rid = (await ledger.admit(first)).rid
    await ledger.hold(rid, b"ticket", MINUTE)
    await ledger.settle(ending(await reserve(ledger, slot=OWN, direct=True), "in_doubt"))
    found = await ledger.admit(
        claim(bid(OWN, others=[OTHER]), lookup=first.lookup, again=True, booked=[])
    )
    assert (found.kind, found.rid, found.blob, found.skipped) == ("resumed", rid, b"ticket", [])


async def its_own_account_comes_first(ledger: Ledger) -> None:
    await buy(ledger, slot=OTHER, body=b"other")
    await buy(ledger, slot=OWN, body=b"own")
    found = await ledger.admit(claim(bid(OWN, others=[OTHER])))
    assert (found.kind, found.blob) == ("cached", b"own")


async def who_does_not_look_there_does_not_see_it(ledger: Ledger) -> None:
    """It buys for itself, into its own slot."""
    await buy(ledger, slot=OTHER, body=b"other")
    found = await ledger.admit(claim(bid(OWN, direct=True)))
    await ledger.settle(ending(found.rid, cache=kept(OWN)), answer=b"own")
    found = await ledger.admit(claim(bid(OTHER, others=[])))
    assert (found.kind, found.blob) == ("cached", b"other")


MUTANTS: list[tuple[Check, str, str]] = [
    (what_failed_with_another_is_not_asked_again, "s.slot, unpack(s.others))", "s.slot)"),
    (its_own_ticket_comes_before_a_doubt, "if found and not found.skip", "if found"),
    (its_own_account_comes_first, "seek(a, s, now, s.slot)", "nil"),
    (who_does_not_look_there_does_not_see_it, "'flight:' .. s.slot, s.rid", "'flight:', s.rid"),
]
CHECKS = [row[0] for row in MUTANTS]


@pytest.mark.parametrize("check", CHECKS)
async def test_slots(clocked: Store, check: Check) -> None:
    await check(ledger_of(clocked))
    await audit(clocked)


@pytest.mark.parametrize("check, old, new", MUTANTS[:3])
async def test_a_script_that_does_not_look_everywhere_is_caught(
    clocked: Store, check: Check, old: str, new: str
) -> None:
    ledger = ledger_of(clocked)
    mutate(ledger, old, new)
    with pytest.raises(AssertionError):
        await check(ledger)
