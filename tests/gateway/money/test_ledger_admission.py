"""The first step that can run: cached, in flight, reserved, or what stands in its way."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.money.budgets import put_limits
from gateway.money.ledger import Ledger
from gateway.money.terms import Bid
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    bid,
    buy,
    claim,
    ending,
    entry,
    kept,
    kinds,
    open_entries,
    reserve,
    spent,
)
from tests.gateway.money.conftest import shift

DAY = 24 * 60 * MINUTE


async def test_a_bought_answer_is_served_for_nothing(ledger: Ledger) -> None:
    await buy(ledger, body=b"answer")
    found = await ledger.admit(claim(bid()))
    assert (found.kind, found.blob, found.index) == ("cached", b"answer", 0)
    assert +(await spent(ledger.store)) == {"posted": 100}


@pytest.mark.parametrize(
    "age, max_age, kind",
    [
        (0, 0, "reserved"),
        (MINUTE, 2 * MINUTE, "cached"),
        (3 * MINUTE, 2 * MINUTE, "reserved"),
        (29 * DAY, 30 * DAY, "cached"),
        (31 * DAY, 60 * DAY, "reserved"),
    ],
)
async def test_an_answer_lives_its_life_or_the_callers_max_age(
    ledger: Ledger, age: int, max_age: int, kind: str
) -> None:
    await buy(ledger, body=b"answer")
    await shift(ledger.store, age)
    await asyncio.sleep(0.002)
    assert (await ledger.admit(claim(bid(max_age=max_age)))).kind == kind


async def test_what_was_bought_since_the_lookup_began_is_fresh_for_it(ledger: Ledger) -> None:
    began = (await ledger.admit(claim())).since
    await buy(ledger, body=b"answer")
    assert (await ledger.admit(claim(bid(max_age=0), since=began))).kind == "cached"


async def test_a_failure_is_not_kept(ledger: Ledger) -> None:
    await ledger.settle(ending(await reserve(ledger), "voided", reason="unavailable"))
    assert (await ledger.admit(claim(bid()))).kind == "reserved"


async def test_the_oldest_answers_make_room(ledger: Ledger) -> None:
    for slot in ("one", "two", "three"):
        rid, keepsake = await reserve(ledger, slot=slot), kept(slot)
        keepsake.cap = 2
        await ledger.settle(ending(rid, cache=keepsake), answer=b"a")
    found = [await ledger.admit(claim(bid(slot))) for slot in ("one", "two", "three")]
    assert [one.kind for one in found] == ["reserved", "cached", "cached"]


async def test_fifty_identical_claims_make_one_reservation(ledger: Ledger) -> None:
    found = await asyncio.gather(*[ledger.admit(claim(bid())) for _ in range(50)])
    assert kinds(found) == {"reserved": 1, "joined": 49}
    assert len({one.rid for one in found}) == 1
    assert (await spent(ledger.store))["reserved"] == 100


async def test_the_end_of_a_joined_flight_is_announced_once(ledger: Ledger) -> None:
    heard: list[bytes] = []
    landed = asyncio.Event()

    def hear(rid: bytes) -> None:
        heard.append(rid)
        landed.set()

    await ledger.store.subscribe(f"{ROOT}flights", hear)
    alone, joined = await reserve(ledger, slot="one"), await reserve(ledger, slot="two")
    await ledger.admit(claim(bid("two")))
    for rid in (alone, joined, joined):
        await ledger.settle(ending(rid))
    await landed.wait()
    assert heard == [joined.encode()]


async def test_a_new_call_after_the_old_one_expired_is_a_new_flight(ledger: Ledger) -> None:
    """The flight's key may outlive the entry it names."""
    await ledger.store.call("SET", f"{ROOT}flight:s", "res_long_forgotten")
    assert (await ledger.admit(claim(bid()))).kind == "reserved"


async def expired(ledger: Ledger, *, ticket: bytes = b"", dispatched: bool = True) -> str:
    """A call whose owner has died."""
    rid = await reserve(ledger)
    if dispatched:
        await ledger.dispatch(rid, MINUTE)
    if ticket:
        await ledger.hold(rid, ticket, MINUTE)
    await shift(ledger.store, 2 * MINUTE)
    return rid


async def sweep(ledger: Ledger) -> list[Any]:
    found: list[Any] = await ledger.store.run(Script.load("sweep"), [ROOT], [MINUTE])
    return found


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize(
    "dispatched, state, kind, skipped",
    [(False, "voided", "reserved", []), (True, "in_doubt", "none", ["in_doubt"])],
)
async def test_a_call_without_an_owner_is_void_or_in_doubt(
    ledger: Ledger, swept: bool, dispatched: bool, state: str, kind: str, skipped: list[str]
) -> None:
    rid = await expired(ledger, dispatched=dispatched)
    assert not swept or await sweep(ledger) == []
    found = await ledger.admit(claim(bid()))
    assert (await entry(ledger.store, rid))["state"] == state
    assert (found.kind, [skip.reason for skip in found.skipped]) == (kind, skipped)
    assert await ledger.store.call("ZSCORE", f"{ROOT}open", rid) is None


async def test_what_is_in_doubt_is_not_asked_again_until_resolved(ledger: Ledger) -> None:
    rid = await expired(ledger)
    for _ in range(2):
        assert (await ledger.admit(claim(bid()))).kind == "none"
    assert (await ledger.admit(claim(bid("other")))).kind == "reserved"
    await ledger.settle(ending(rid, "voided", cost=0))
    assert (await ledger.admit(claim(bid()))).kind == "reserved"


async def test_a_ticket_is_handed_to_one_taker(ledger: Ledger) -> None:
    rid = await expired(ledger, ticket=b"\x00ticket\xff")
    found = await asyncio.gather(*[ledger.admit(claim(bid())) for _ in range(10)])
    assert kinds(found) == {"resumed": 1, "joined": 9}
    taker = next(one for one in found if one.kind == "resumed")
    assert (taker.rid, taker.blob, taker.credential, taker.own) == (
        rid, b"\x00ticket\xff", "c", False,
    )  # fmt: skip


async def test_a_lookup_run_again_gets_its_own_ticket_back(ledger: Ledger) -> None:
    rid = await expired(ledger, ticket=b"ticket")
    lookup = (await entry(ledger.store, rid))["lookup"]
    found = await ledger.admit(claim(bid(), lookup=lookup, again=True))
    assert (found.kind, found.own) == ("resumed", True)


async def test_the_sweep_hands_out_each_ticket_once(ledger: Ledger) -> None:
    rid = await expired(ledger, ticket=b"ticket")
    handed = await asyncio.gather(*[sweep(ledger) for _ in range(4)])
    assert [one for one in handed if one] == [[rid.encode(), b"ticket", b"c"]]
    assert (await ledger.admit(claim(bid()))).kind == "joined"


async def test_the_sweep_leaves_what_is_alive_and_what_is_settled(ledger: Ledger) -> None:
    alive, closed = await reserve(ledger, slot="one"), await buy(ledger, slot="two")
    await ledger.store.call("ZADD", f"{ROOT}open", 1, alive, 1, closed, 1, "res_gone")
    assert await sweep(ledger) == []
    assert (await entry(ledger.store, alive))["state"] == "reserved"
    assert (await entry(ledger.store, closed))["state"] == "posted"
    assert await ledger.store.call("ZCARD", f"{ROOT}open") == 1


async def test_a_lookup_run_again_is_told_what_it_bought_and_what_is_in_doubt(
    ledger: Ledger,
) -> None:
    rid, doubt = await buy(ledger, slot="one", body=b"a"), await reserve(ledger, slot="two")
    await ledger.settle(ending(doubt, "in_doubt"))
    lookups = [(await entry(ledger.store, name))["lookup"] for name in (rid, doubt)]
    served = await ledger.admit(claim(bid("one"), lookup=lookups[0], again=True))
    assert (served.kind, served.rid, served.cost, served.units) == ("cached", rid, 100, 1000)
    passed = await ledger.admit(claim(bid("two"), lookup=lookups[1], again=True))
    assert [(skip.rid, skip.cost) for skip in passed.skipped] == [(doubt, 100)]
    stranger = await ledger.admit(claim(bid("two"), bid("one"), again=True))
    assert (stranger.rid, stranger.skipped[0].rid) == ("", "")


@pytest.mark.parametrize(
    "limits, cost, patient, kind, reason",
    [
        ({"day": "0.000249"}, 100, False, "none", "over_budget"),
        ({"day": "0.00025"}, 100, False, "reserved", None),
        ({"month": "0.0002"}, 100, False, "none", "over_budget"),
        ({"total": "0.0002"}, 100, False, "none", "over_budget"),
        ({"day": "1", "total": "0.0002"}, 100, False, "none", "over_budget"),
        ({"day": "0.000249"}, 100, True, "wait", None),
        ({"day": "0.000199"}, 100, True, "none", "over_budget"),
        ({"day": "0.000249", "total": "0.0001"}, 100, True, "none", "over_budget"),
        ({"day": "0"}, 0, True, "reserved", None),
    ],
)
async def test_a_step_fits_its_budgets_or_waits_for_reservations(
    ledger: Ledger, limits: dict[str, str], cost: int, patient: bool, kind: str, reason: str | None
) -> None:
    """100 are posted and 50 reserved already."""
    await buy(ledger, cost=100, slot="one")
    await reserve(ledger, cost=50, slot="two")
    await put_limits(ledger.store, "all", limits)
    found = await ledger.admit(claim(bid(cost=cost), patient=patient))
    assert found.kind == kind
    assert [skip.reason for skip in found.skipped] == ([reason] if reason else [])


async def test_an_obstacle_is_the_budget_that_is_spent(ledger: Ledger) -> None:
    await buy(ledger, cost=100, slot="one")
    await reserve(ledger, cost=50, slot="two")
    await put_limits(ledger.store, "team:t", {"day": "0.00022"})
    await put_limits(ledger.store, "all", {"month": "0.00015"})
    found = await ledger.admit(claim(bid()))
    budget = found.skipped[0].budget
    assert budget
    assert (budget.scope, budget.period, budget.spent, budget.reserved, budget.limit) == (
        "all", "month", 100, 50, 150,
    )  # fmt: skip
    assert budget.resets_at > 0


async def test_a_scope_that_refuses_takes_nothing_from_the_others(ledger: Ledger) -> None:
    await put_limits(ledger.store, "all", {"total": "0.00005"})
    assert (await ledger.admit(claim(bid()))).kind == "none"
    assert await open_entries(ledger.store) == []
    assert +(await spent(ledger.store, "team:t")) == +(await spent(ledger.store)) == Counter()


async def test_money_in_doubt_fills_a_budget(ledger: Ledger) -> None:
    await ledger.settle(ending(await reserve(ledger, slot="one"), "in_doubt"))
    await put_limits(ledger.store, "all", {"day": "0.000199"})
    assert (await ledger.admit(claim(bid()))).kind == "none"


@pytest.mark.parametrize(
    "bids, max_cost, spent_before, index",
    [
        ([bid("a", 60), bid("b", 50)], 100, 0, 0),
        ([bid("a", 60), bid("b", 50)], 100, 50, 1),
        ([bid("a", 60), bid("b", 50)], 100, 51, None),
        ([bid("a", 60), bid("b", 0)], 100, 100, 1),
        ([bid("a", 60), bid("b", 0)], 100, 140, 1),
        ([bid("a", 60)], -1, 10**9, 0),
    ],
)
async def test_max_cost_caps_what_the_lookup_has_posted_and_in_doubt(
    ledger: Ledger, bids: list[Bid], max_cost: int, spent_before: int, index: int | None
) -> None:
    found = await ledger.admit(claim(*bids, max_cost=max_cost, spent=spent_before))
    assert found.index == (-1 if index is None else index)
    assert all(skip.budget and skip.budget.scope == "max_cost" for skip in found.skipped)


async def test_a_cached_answer_needs_no_budget(ledger: Ledger) -> None:
    await buy(ledger, body=b"a")
    await put_limits(ledger.store, "all", {"total": "0"})
    assert (await ledger.admit(claim(bid(), max_cost=0))).kind == "cached"


async def test_concurrent_claims_never_exceed_a_budget(ledger: Ledger) -> None:
    await put_limits(ledger.store, "team:t", {"day": "0.00105"})
    claims = [claim(bid(f"s{n}"), patient=False) for n in range(64)]
    found = await asyncio.gather(*[ledger.admit(one) for one in claims])
    assert kinds(found) == {"reserved": 10, "none": 54}


async def test_windows_out_of_date_are_made_anew(ledger: Ledger) -> None:
    await put_limits(ledger.store, "all", {"day": "0.0001"})
    await buy(ledger, slot="one")
    assert (await ledger.admit(claim(bid("two"), patient=False))).kind == "none"
    await shift(ledger.store, DAY)
    assert (await ledger.admit(claim(bid("two"), patient=False))).kind == "reserved"
    await shift(ledger.store, -2 * DAY)
    assert (await ledger.admit(claim(bid("three")))).kind == "reserved"
    await audit(ledger.store)


async def test_a_settlement_at_midnight_posts_yesterday_and_reserves_today(
    ledger: Ledger,
) -> None:
    rid = await reserve(ledger, slot="one")
    await shift(ledger.store, 40 * DAY)
    found = await ledger.settle(ending(rid, next=claim(bid("two"), since=1)))
    assert found.kind == "reserved"
    first, second = [(await entry(ledger.store, name))["balances"] for name in (rid, found.rid)]
    assert set(first.split()) & set(second.split()) == {
        f"{ROOT}bal:{s}:t" for s in ("team:t", "all")
    }


@pytest.mark.parametrize("hours", [-30, 30])
async def test_a_process_whose_clock_is_wrong_uses_the_stores(clocked: Store, hours: int) -> None:
    await shift(clocked, hours * 60 * MINUTE)
    ledger = Ledger(clocked, root=ROOT, zone=ZoneInfo("Pacific/Apia"))
    async with asyncio.timeout(5):
        assert (await ledger.admit(claim(bid()))).kind == "reserved"


async def test_who_objected_is_refused_before_anything_else(ledger: Ledger) -> None:
    rid = await reserve(ledger, slot="one")
    await ledger.settle(ending(rid, "voided", cost=0, objected=True, persons=["p1", "p2"]))
    for persons in (["p1"], ["x", "p2"]):
        found = await ledger.admit(claim(bid("two"), persons=persons))
        assert found.kind == "suppressed"
    assert (await ledger.admit(claim(bid("two"), persons=["x"]))).kind == "reserved"


async def test_an_objection_counts_even_if_the_entry_was_closed_by_another(
    ledger: Ledger,
) -> None:
    rid = await reserve(ledger)
    await ledger.settle(ending(rid, "voided", cost=0))
    await ledger.settle(ending(rid, "voided", cost=0, objected=True, persons=["p"]))
    assert (await ledger.admit(claim(bid(), persons=["p"]))).kind == "suppressed"


async def test_an_answer_about_someone_who_objected_is_never_served(ledger: Ledger) -> None:
    await ledger.settle(ending(await reserve(ledger, slot="one"), cache=kept("one", "m")))
    rid = await reserve(ledger, slot="two")
    await ledger.settle(ending(rid, objected=True, persons=["m"]))
    assert (await ledger.admit(claim(bid("one")))).kind == "suppressed"
    rid = await reserve(ledger, slot="three")
    stopped = ending(rid, cache=kept("three", "m"), persons=["q"], next=claim(bid("x"), since=1))
    assert (await ledger.settle(stopped, answer=b"a")).kind == "suppressed"
    assert (await ledger.admit(claim(bid("four"), persons=["q"]))).kind == "suppressed"
    assert (await ledger.admit(claim(bid("three")))).kind == "reserved"


@pytest.mark.parametrize(
    "live_until, kind", [(None, "revoked"), (1, "revoked"), (2**50, "reserved")]
)
async def test_a_dead_key_buys_nothing(ledger: Ledger, live_until: int | None, kind: str) -> None:
    if live_until is not None:
        await ledger.store.call("HSET", "{pgw}:key:k", "live_until", live_until)
    assert (await ledger.admit(claim(bid(), key="k"))).kind == kind


async def test_a_teams_requests_are_counted_once_per_lookup_and_minute(ledger: Ledger) -> None:
    await ledger.store.call("HSET", "{pgw}:limits:team:t", "per_minute", 2)
    first = await ledger.admit(claim(bid("one")))
    assert first.rate
    assert (first.rate.limit, first.rate.remaining) == (2, 1)
    assert 0 < first.rate.resets <= 60
    assert (await ledger.admit(claim(bid("two"), since=first.since))).kind == "reserved"
    found = [await ledger.admit(claim(bid(slot))) for slot in ("three", "four")]
    assert [one.kind for one in found] == ["reserved", "limited"]
    await shift(ledger.store, MINUTE)
    assert (await ledger.admit(claim(bid("five")))).kind == "reserved"
