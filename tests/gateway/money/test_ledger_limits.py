"""Units of accounts, pace of teams and keys, shares to tell of, and stores that forgot."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.lookup.planning.lessons import ENOUGH, Lesson
from gateway.money.budgets import put_limits, put_pace
from gateway.money.ledger import Ledger, Outdated, new_id
from gateway.money.terms import NO_LIMIT, Admission, Claim
from gateway.store.connection import Store
from tests.gateway.money.books import MINUTE, ROOT, balances, bid, claim, ending, reserve
from tests.gateway.money.conftest import shift

DAILY = (2500, NO_LIMIT, NO_LIMIT)


async def test_units_of_an_account_are_reserved_with_the_money(ledger: Ledger) -> None:
    for slot in "ab":
        await reserve(ledger, 0, slot, free=False, limits=DAILY)
    found = await ledger.admit(claim(bid("c", 0, free=False, limits=DAILY), patient=False))
    [skip] = found.skipped
    assert (found.kind, skip.reason, skip.budget and skip.budget.scope) == (
        *("none", "over_budget"),
        "credential:c",
    )
    assert skip.budget
    assert (skip.budget.limit, skip.budget.reserved, skip.budget.period) == (2500, 2000, "day")


async def test_a_patient_claim_waits_for_reserved_units(ledger: Ledger) -> None:
    rids = [await reserve(ledger, 0, slot, free=False, limits=DAILY) for slot in "ab"]
    waiting = claim(bid("c", 0, free=False, limits=DAILY))
    assert (await ledger.admit(waiting)).kind == "wait"
    await ledger.settle(ending(rids[0], "voided", 0))
    assert (await ledger.admit(waiting)).kind == "reserved"


async def test_a_used_up_account_gives_way_to_another_of_its_provider(ledger: Ledger) -> None:
    await ledger.settle(ending(await reserve(ledger, 0, "a", free=False), units=2000))
    asked = claim(bid("b", 0, free=False, limits=DAILY, spare=True))
    assert (await ledger.admit(asked)).kind == "account"
    asked.steps[0].spare = False
    assert (await ledger.admit(asked)).kind == "none"
    assert (await ledger.admit(claim(bid("b", 0, free=False, credential="d")))).kind == "reserved"


async def test_units_follow_the_entry_into_doubt_and_out_of_it(ledger: Ledger) -> None:
    rid = await reserve(ledger, 100, "a")
    await ledger.settle(ending(rid, "in_doubt"))
    [day] = [row for key, row in (await balances(ledger.store, "units")).items() if ":d:" in key]
    assert (day["reserved"], day["in_doubt"]) == (0, 1000)
    await ledger.settle(ending(rid, units=700))
    [day] = [row for key, row in (await balances(ledger.store, "units")).items() if ":d:" in key]
    assert (day["in_doubt"], day["posted"]) == (0, 700)


def ask(key: str = "", slot: str = "s", **more: Any) -> Any:
    scopes = ["team:t", "all", *([f"key:{key}"] if key else [])]
    return claim(bid(slot, 0), key=key, scopes=scopes, lookup=new_id("lkp"), **more)


async def test_requests_per_minute_hold_for_the_key_and_the_team(ledger: Ledger) -> None:
    await put_pace(ledger.store, "team:t", per_minute=3, at_once=None)
    await put_pace(ledger.store, "key:k", per_minute=2, at_once=None)
    await ledger.store.call("HSET", "{pgw}:key:k", "live_until", 2**52)
    for left in (1, 0):
        found = await ledger.admit(ask("k"))
        assert found.rate
        assert (found.rate.scope, found.rate.remaining) == ("key:k", left)
    assert (await ledger.admit(ask("k"))).kind == "limited"
    # What was refused for the key is not counted for the team.
    found = await ledger.admit(ask())
    assert (found.kind, found.rate and found.rate.remaining) == ("joined", 0)
    assert (await ledger.admit(ask())).kind == "limited"
    await shift(ledger.store, MINUTE)
    assert (await ledger.admit(ask())).kind != "limited"


async def test_lookups_at_once_are_bounded_until_released_or_forgotten(ledger: Ledger) -> None:
    await put_pace(ledger.store, "team:t", per_minute=None, at_once=2)
    first, second, third = ask(), ask(), ask()
    assert [(await ledger.admit(one)).held for one in (first, second)] == [True, True]
    assert (await ledger.admit(third)).kind == "busy"
    await ledger.release(["team:t"], first.lookup)
    assert (await ledger.admit(third)).kind != "busy"
    assert (await ledger.admit(ask())).kind == "busy"
    await shift(ledger.store, 2 * MINUTE)
    assert (await ledger.admit(ask())).kind != "busy"


async def told(store: Store) -> list[tuple[str, str, float]]:
    rows = await store.call("XRANGE", f"{ROOT}outbox", "-", "+")
    found = []
    for _, flat in rows:
        row = dict(zip(flat[::2], flat[1::2], strict=True))
        assert (row[b"event"], row[b"team"]) == (b"budget.threshold", b"t")
        data = msgspec.json.decode(row[b"data"])
        found.append((data["scope"], data["period"], data["share"] / 1_000_000))
    return found


async def test_each_share_of_a_budget_is_told_once(ledger: Ledger) -> None:
    await put_limits(ledger.store, "team:t", {"day": "0.001"}, [("day", [0.5, 0.8])])
    await put_limits(ledger.store, "all", {"total": "0.002"}, [("total", [0.5])])
    for number in range(9):
        await ledger.settle(ending(await reserve(ledger, 100, f"s{number}")))
    assert await told(ledger.store) == [("team:t", "day", 0.5), ("team:t", "day", 0.8)]
    await ledger.settle(ending(await reserve(ledger, 100, "last")))
    assert (await told(ledger.store))[2:] == [("all", "total", 0.5)]


async def test_a_raised_limit_is_told_of_anew(ledger: Ledger) -> None:
    await put_limits(ledger.store, "team:t", {"day": "0.0002"}, [("day", [0.5])])
    await ledger.settle(ending(await reserve(ledger, 100, "a")))
    await put_limits(ledger.store, "team:t", {"day": "0.0004"}, [("day", [0.5])])
    await ledger.settle(ending(await reserve(ledger, 50, "b"), cost=50))
    assert len(await told(ledger.store)) == 1
    await ledger.settle(ending(await reserve(ledger, 50, "c"), cost=50))
    assert len(await told(ledger.store)) == 2


async def test_an_older_store_is_refused_in_the_same_script(ledger: Ledger) -> None:
    await reserve(ledger, 100, "a")
    before = await ledger.store.call("GET", f"{ROOT}seq")
    await ledger.settle(ending(await reserve(ledger, 100, "b")))
    await ledger.store.call("SET", f"{ROOT}seq", before)
    with pytest.raises(Outdated):
        await ledger.admit(claim(bid("c")))
    assert ledger.mark.outdated
    assert await ledger.store.call("GET", f"{ROOT}seq") == before


async def test_what_an_end_told_is_not_lost_to_the_clock(ledger: Ledger) -> None:
    """At midnight the next step is admitted by a second script, which knows nothing of the end."""
    rid = await reserve(ledger, 100, "a")
    await shift(ledger.store, 24 * 60 * MINUTE)
    last = ending(rid)
    last.next = claim(bid("b", 100))
    unlike = Lesson(book="b", path="", deltas=(1, 0, 0, 0, 0), residual=1000, variance=1)
    last.lessons = [unlike] * ENOUGH
    asked, admit = [], ledger.admit

    async def admitted(given: Claim) -> Admission:
        asked.append(given)
        return await admit(given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "admit", admitted)
        found = await ledger.settle(last)
    assert asked == [last.next]
    assert (found.kind, found.drifted) == ("reserved", True)
    assert 0 < found.closed < found.seq


async def test_every_change_of_the_ledger_moves_its_sequence(ledger: Ledger) -> None:
    seen = []
    rid = await reserve(ledger, 100, "a")
    seen.append(int(await ledger.store.call("GET", f"{ROOT}seq")))
    await ledger.dispatch(rid, MINUTE)
    seen.append(int(await ledger.store.call("GET", f"{ROOT}seq")))
    found = await ledger.settle(ending(rid))
    seen.append(int(await ledger.store.call("GET", f"{ROOT}seq")))
    assert seen == [1, 2, 3] == [1, 2, found.closed]
    assert (await ledger.settle(ending(rid))).closed == 0
    assert ledger.mark.seq == 3
