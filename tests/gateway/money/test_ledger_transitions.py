"""reserved → dispatched → posted, voided or in doubt: each step once, however often it is told."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.money.entries import Books, Filter
from gateway.money.ledger import Ledger
from gateway.money.summaries import Sum, summarise
from gateway.money.windows import windows_at
from gateway.store.connection import Store
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    bid,
    buy,
    claim,
    ending,
    entries,
    entry,
    kept,
    reserve,
    spent,
)
from tests.gateway.money.conftest import shift

UTC = ZoneInfo("UTC")


async def state(ledger: Ledger, rid: str) -> str:
    return (await entry(ledger.store, rid))["state"]


async def settled(ledger: Ledger, rid: str, *endings: Any) -> str:
    for one in endings:
        await ledger.settle(ending(rid, one))
        await audit(ledger.store)
    return await state(ledger, rid)


@pytest.mark.parametrize(
    "endings, final, sums",
    [
        (["posted"], "posted", {"posted": 100}),
        (["posted", "posted"], "posted", {"posted": 100}),
        (["posted", "voided"], "posted", {"posted": 100}),
        (["posted", "in_doubt"], "posted", {"posted": 100}),
        (["voided"], "voided", {}),
        (["voided", "posted"], "voided", {}),
        (["voided", "voided", "in_doubt"], "voided", {}),
        (["in_doubt"], "in_doubt", {"in_doubt": 100}),
        (["in_doubt", "in_doubt"], "in_doubt", {"in_doubt": 100}),
        (["in_doubt", "posted"], "posted", {"posted": 100}),
        (["in_doubt", "voided", "posted"], "voided", {}),
    ],
)
@pytest.mark.parametrize("dispatched", [True, False])
async def test_an_entry_ends_once(
    ledger: Ledger, endings: list[str], final: str, sums: dict[str, int], dispatched: bool
) -> None:
    rid = await reserve(ledger)
    if dispatched:
        await ledger.dispatch(rid, MINUTE)
    assert await settled(ledger, rid, *endings) == final
    for scope in ("team:t", "all"):
        assert +(await spent(ledger.store, scope)) == sums


async def test_a_reservation_repeated_is_the_same_one(ledger: Ledger) -> None:
    asked = claim(bid(cost=70))
    first, again = await ledger.admit(asked), await ledger.admit(asked)
    assert (first.kind, again.kind, first.rid) == ("reserved", "reserved", again.rid)
    assert not again.dispatched
    await ledger.dispatch(first.rid, MINUTE)
    assert (await ledger.admit(asked)).dispatched
    assert (await spent(ledger.store))["reserved"] == 70


async def test_a_direct_bid_is_dispatched_with_its_reservation(ledger: Ledger) -> None:
    rid = await reserve(ledger, direct=True)
    assert await state(ledger, rid) == "dispatched"


async def test_only_a_live_reservation_is_dispatched(ledger: Ledger) -> None:
    rid = await reserve(ledger)
    assert await ledger.dispatch(rid, MINUTE)
    assert await ledger.dispatch(rid, MINUTE)
    await ledger.settle(ending(rid, "voided", cost=0))
    assert not await ledger.dispatch(rid, MINUTE)
    assert not await ledger.dispatch("res_nobody", MINUTE)


@pytest.mark.parametrize("direct", [False, True])
async def test_an_owner_who_is_alive_keeps_its_entry(ledger: Ledger, direct: bool) -> None:
    """As it is: renewed, it is neither dispatched nor more than it was."""
    rid = await reserve(ledger, direct=direct)
    for minutes in (0.75, 1.5, 2.25):
        await shift(ledger.store, round(minutes * MINUTE))
        assert await ledger.renew(rid, MINUTE)
        assert await ledger.sweep(MINUTE) == []
    assert await state(ledger, rid) == ("dispatched" if direct else "reserved")
    assert +(await spent(ledger.store)) == {"reserved": 100}
    await shift(ledger.store, 4 * MINUTE)
    await ledger.sweep(MINUTE)
    assert not await ledger.renew(rid, MINUTE)
    assert not await ledger.renew("res_nobody", MINUTE)


async def test_a_ticket_is_held_only_by_a_dispatched_entry(ledger: Ledger) -> None:
    rid = await reserve(ledger)
    assert not await ledger.hold(rid, b"ticket", MINUTE)
    await ledger.dispatch(rid, MINUTE)
    assert await ledger.hold(rid, b"ticket", MINUTE)
    await ledger.settle(ending(rid))
    assert not await ledger.hold(rid, b"ticket", MINUTE)


async def test_an_owner_who_was_only_slow_takes_its_call_back(ledger: Ledger) -> None:
    rid = await reserve(ledger, direct=True)
    await shift(ledger.store, 2 * MINUTE)
    assert (await ledger.admit(claim(bid()))).kind == "none"
    assert +(await spent(ledger.store)) == {"in_doubt": 100}
    assert await ledger.hold(rid, b"ticket", MINUTE)
    assert +(await spent(ledger.store)) == {"reserved": 100}
    assert (await ledger.admit(claim(bid()))).kind == "joined"
    assert await settled(ledger, rid, "in_doubt") == "in_doubt"
    assert not await ledger.hold(rid, b"ticket", MINUTE)


async def test_an_actual_charge_above_the_reservation_is_posted_in_full(ledger: Ledger) -> None:
    rid = await reserve(ledger, cost=100)
    await ledger.settle(ending(rid, cost=250))
    assert +(await spent(ledger.store)) == {"posted": 250}
    assert (await entry(ledger.store, rid))["overrun"] == "1"


async def test_a_charge_below_the_reservation_gives_the_rest_back(ledger: Ledger) -> None:
    rid = await reserve(ledger, cost=100)
    await ledger.settle(ending(rid, cost=0))
    assert +(await spent(ledger.store)) == {}
    assert await state(ledger, rid) == "posted"


async def test_a_free_call_has_no_doubt_and_touches_no_balance(ledger: Ledger) -> None:
    rid = await reserve(ledger, cost=0)
    await ledger.dispatch(rid, MINUTE)
    await ledger.settle(ending(rid, "in_doubt", cost=0))
    assert await state(ledger, rid) == "voided"
    assert +(await spent(ledger.store)) == {}


async def test_a_settlement_repeated_admits_the_next_step_once(ledger: Ledger) -> None:
    rid = await reserve(ledger, slot="one")
    following = claim(bid("two", cost=40), since=1)
    found = [
        await ledger.settle(ending(rid, next=following, cache=kept("one")), answer=b"a")
        for _ in range(3)
    ]
    assert [one.kind for one in found] == ["reserved"] * 3
    assert len({one.rid for one in found}) == 1
    assert +(await spent(ledger.store)) == {"posted": 100, "reserved": 40}


async def test_a_claim_given_up_before_it_arrived_reserves_nothing(ledger: Ledger) -> None:
    """A slow store may run the claim after the void that withdraws it."""
    late = claim(bid(direct=True))
    await ledger.settle(ending(late.steps[0].rid, "voided", cost=0))
    assert (await ledger.admit(late)).kind == "gone"
    assert +(await spent(ledger.store)) == {}
    assert (await ledger.admit(claim(bid()))).kind == "reserved"


async def test_a_late_settlement_does_not_revive_a_step_that_was_given_up(ledger: Ledger) -> None:
    rid = await reserve(ledger, slot="one")
    late = ending(rid, next=claim(bid("two", direct=True), since=1))
    assert late.next
    await ledger.settle(ending(late.next.steps[0].rid, "voided", cost=0))
    assert (await ledger.settle(late)).kind == "gone"
    assert +(await spent(ledger.store)) == {"posted": 100}


async def test_doubts_that_nobody_resolves_keep_no_other_entry(
    clocked: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.money.entries.CHUNK", 2)
    ledger, books = Ledger(clocked, root=ROOT, zone=UTC), Books(clocked, ROOT)
    for slot in ("one", "two", "three"):
        await ledger.settle(ending(await reserve(ledger, slot=slot), "in_doubt"))
    await buy(ledger, slot="four")
    await shift(clocked, 6 * MINUTE)
    assert await books.retire(5 * MINUTE) == 1
    assert {row["state"] for row in await entries(clocked)} == {"in_doubt"}


async def test_ended_entries_become_sums_of_their_day_and_doubts_stay(clocked: Store) -> None:
    ledger = Ledger(clocked, root=ROOT, zone=UTC)
    books, wanted = Books(clocked, ROOT), Filter(team="t")
    await buy(ledger, slot="one")
    doubted = await reserve(ledger, slot="two")
    await ledger.settle(ending(doubted, "in_doubt"))
    before = await summarise(books, wanted, ("provider", "day"), UTC)
    assert await books.retire(5 * MINUTE) == 0
    await shift(clocked, 6 * MINUTE)
    assert await books.retire(5 * MINUTE) == 1
    assert [row["state"] for row in await entries(clocked)] == ["in_doubt"]
    assert await summarise(books, wanted, ("provider", "day"), UTC) == before
    assert [row.cost for row in before] == [100]
    assert await summarise(books, Filter(team="other"), (), UTC) == [Sum()]
    await ledger.settle(ending(doubted, "voided"))
    await shift(clocked, 12 * MINUTE)
    assert await books.retire(5 * MINUTE) == 1
    assert await clocked.call("ZCARD", f"{ROOT}ledger") == 0
    assert (await summarise(books, wanted, (), UTC))[0].cost == 100


@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Pacific/Auckland", "Pacific/Niue"])
async def test_a_day_that_is_summed_is_one_of_its_zone(clocked: Store, name: str) -> None:
    zone = ZoneInfo(name)
    await buy(Ledger(clocked, root=ROOT, zone=zone))
    books = Books(clocked, ROOT)
    [entry] = [entry async for entry in books.walk()]
    assert await books.retire(0) == 1
    day = windows_at(entry.at, zone)[0]
    for shifted, cost in ((-1, 0), (0, 100), (1, 0)):
        other = windows_at(day.starts + (12 + 24 * shifted) * 60 * MINUTE, zone)[0]
        wanted = Filter(since=other.starts, until=other.ends)
        assert (await summarise(books, wanted, (), zone))[0].cost == cost


async def test_nothing_closed_stays_in_the_list_of_open_ends(
    ledger: Ledger, clocked: Store
) -> None:
    for slot, final in (("one", "posted"), ("two", "voided"), ("three", "in_doubt")):
        await ledger.settle(ending(await reserve(ledger, slot=slot), final))
    assert await clocked.call("ZCARD", f"{ROOT}open") == 0
    assert await clocked.call("ZCARD", f"{ROOT}ledger") == 3
