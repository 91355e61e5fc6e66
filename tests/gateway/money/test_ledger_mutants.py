"""A check that cannot fail is worse than none: each of these breaks the scripts and is caught."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase

from gateway.money.budgets import put_limits
from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    bid,
    claim,
    ending,
    kept,
    kinds,
    reserve,
    spent,
)
from tests.gateway.money.conftest import shift
from tests.gateway.money.test_ledger_machine import LedgerMachine, run_machine

Check = Callable[[Ledger], Awaitable[None]]


async def one_flight_at_a_time(ledger: Ledger) -> None:
    found = await asyncio.gather(*[ledger.admit(claim(bid())) for _ in range(20)])
    assert kinds(found) == {"reserved": 1, "joined": 19}


async def no_budget_is_exceeded(ledger: Ledger) -> None:
    await put_limits(ledger.store, "all", {"day": "0.00035"})
    claims = [claim(bid(f"s{n}"), patient=False) for n in range(20)]
    found = await asyncio.gather(*[ledger.admit(one) for one in claims])
    assert kinds(found) == {"reserved": 3, "none": 17}


async def a_settlement_counts_once(ledger: Ledger) -> None:
    rid = await reserve(ledger)
    for _ in range(3):
        await ledger.settle(ending(rid))
    assert +(await spent(ledger.store)) == {"posted": 100}
    await audit(ledger.store)


async def every_scope_is_charged(ledger: Ledger) -> None:
    await ledger.settle(ending(await reserve(ledger)))
    assert await spent(ledger.store, "team:t") == await spent(ledger.store, "all")


async def an_objection_is_final(ledger: Ledger) -> None:
    rid = await reserve(ledger, slot="one")
    await ledger.settle(ending(rid, "voided", cost=0, objected=True, persons=["p"]))
    assert (await ledger.admit(claim(bid("two"), persons=["p"]))).kind == "suppressed"


async def an_objection_stops_cached_answers(ledger: Ledger) -> None:
    await ledger.settle(ending(await reserve(ledger, slot="one"), cache=kept("one", "m")))
    rid = await reserve(ledger, slot="two")
    await ledger.settle(ending(rid, objected=True, persons=["m"]))
    assert (await ledger.admit(claim(bid("one")))).kind == "suppressed"


async def a_ticket_has_one_taker(ledger: Ledger) -> None:
    rid = await reserve(ledger, direct=True)
    await ledger.hold(rid, b"ticket", MINUTE)
    await shift(ledger.store, 2 * MINUTE)
    found = [await ledger.admit(claim(bid())) for _ in range(2)]
    assert [one.kind for one in found] == ["resumed", "joined"]


async def a_withdrawn_claim_reserves_nothing(ledger: Ledger) -> None:
    late = claim(bid())
    await ledger.settle(ending(late.steps[0].rid, "voided", cost=0))
    await ledger.admit(late)
    assert +(await spent(ledger.store)) == {}


async def silence_is_a_doubt(ledger: Ledger) -> None:
    await reserve(ledger, direct=True)
    await shift(ledger.store, 2 * MINUTE)
    await ledger.admit(claim(bid()))
    assert +(await spent(ledger.store)) == {"in_doubt": 100}


GUARD = "if not held or held == state or not (LIVE[held] or held == 'in_doubt') then"
MUTANTS: list[tuple[Check, str, str]] = [
    (one_flight_at_a_time, "cached(a, s, now) or flight(a, s, now)", "cached(a, s, now)"),
    (one_flight_at_a_time, "redis.call('SET', a.root .. 'flight:' .. s.slot, s.rid)", ""),
    (no_budget_is_exceeded, "if not budget and not meter then", "if true then"),
    (no_budget_is_exceeded, "spent + reserved + amount <= limit", "spent + amount <= limit"),
    (no_budget_is_exceeded, "redis.call('HINCRBY', key, 'reserved', s.cost)", "local _ = key"),
    (a_settlement_counts_once, GUARD, "if not held or not worst then"),
    (every_scope_is_charged, "return keys\nend", "return { keys[1], keys[2], keys[3] }\nend"),
    (an_objection_is_final, "if objected(a.root, a.persons)", "if false"),
    (an_objection_is_final, "elseif a.objected and #a.persons > 0", "elseif false"),
    (an_objection_stops_cached_answers, "if objected(a.root, words(c[4]))", "if false"),
    (
        a_ticket_has_one_taker,
        "redis.call('HSET', key, 'until', now + s.lease)\n    redis.call('ZADD'",
        "redis.call('ZADD'",
    ),
    (a_withdrawn_claim_reserves_nothing, "redis.call('EXISTS', a.root .. 'entry:' .. s.rid)", "0"),
    (silence_is_a_doubt, "if held == 'dispatched' then", "if false then"),
]


def mutate(ledger: Ledger, old: str, new: str) -> None:
    """Replace `old` in every script of the ledger that has it."""
    hits = 0
    for name, script in ledger._scripts.items():
        assert script.shifted
        hits += script.shifted.source.count(old)
        shifted = Script.of(name, script.shifted.source.replace(old, new))
        ledger._scripts[name] = Script.of(name, script.source.replace(old, new), shifted=shifted)
    assert hits, "the mutant no longer fits the scripts"


def ledger_of(store: Store) -> Ledger:
    return Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))


@pytest.mark.parametrize("check", dict.fromkeys(mutant[0] for mutant in MUTANTS))
async def test_the_scripts_as_they_are_pass(clocked: Store, check: Check) -> None:
    await check(ledger_of(clocked))


@pytest.mark.parametrize("check, old, new", MUTANTS)
async def test_a_broken_script_is_caught(clocked: Store, check: Check, old: str, new: str) -> None:
    ledger = ledger_of(clocked)
    mutate(ledger, old, new)
    with pytest.raises(AssertionError):
        await check(ledger)


@pytest.mark.parametrize(
    "old, new",
    [
        (GUARD, "if not held or not worst then"),
        ("'state', state, 'units'", "'state', held, 'units'"),
        ("if not budget and not meter then", "if true then"),
        ("if tonumber(e[2]) > now then", "if true then"),
        ("return keys\nend", "return { keys[1], keys[2], keys[3] }\nend"),
        ("'day', 'month', 'total')", "'fortnight', 'month', 'total')"),
        ("redis.call('HSET', key, 'overrun', 1)", "local _ = key"),
        ("local meter = exhausted(a, s)", "local meter = nil"),
        ("move(e[8], from, units, 'posted', ending.units)", "move(e[8], from, units)"),
        ("if held ~= 'in_doubt' then return held or '' end", ""),
    ],
)
def test_the_machine_catches_a_broken_script(store_url: str, old: str, new: str) -> None:
    class Broken(LedgerMachine):
        url = store_url

        def make_ledger(self) -> Ledger:
            ledger = super().make_ledger()
            mutate(ledger, old, new)
            return ledger

    with pytest.raises(AssertionError):
        run_machine(
            Broken,
            examples=150,
            phases=[Phase.generate],
            derandomize=True,
            report_multiple_bugs=False,
        )
