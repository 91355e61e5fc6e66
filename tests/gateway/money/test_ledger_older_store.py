"""A store that came back older while calls were under way: nobody brings it past that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.guard.permits import Allowance, Limit, Permits, Rank
from gateway.money.ledger import Ledger, Outdated, next_id
from gateway.money.restoration import Restorer
from gateway.money.terms import Resolution
from gateway.money.witness import reach_of
from gateway.store.connection import Store, StoreDown
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    bid,
    claim,
    ending,
    entry,
    reserve,
    spent,
)
from tests.gateway.money.test_ledger_mutants import mutate
from tests.gateway.money.test_ledger_restoration import begin, roll_back, snapshot

Act = Callable[[Ledger, str], Awaitable[object]]
LIMITS = Allowance("c", (Limit("", 5, 60),))


async def hold(ledger: Ledger, slot: str) -> str:
    return await reserve(ledger, 100, slot, rid=next_id("res"), direct=True)


async def permit(ledger: Ledger, rid: str) -> None:
    permits = Permits(ledger.store, ROOT, ledger.mark.seen)
    await permits.take(LIMITS, [""], rank=Rank.URGENT, seconds=0, rid=rid)


ACTS: dict[str, tuple[str, Act]] = {
    "renew": ("reserved", lambda ledger, rid: ledger.renew(rid, 2 * MINUTE)),
    "dispatch": ("reserved", lambda ledger, rid: ledger.dispatch(rid, MINUTE)),
    "permit": ("reserved", permit),
    "hold": ("in_doubt", lambda ledger, rid: ledger.hold(rid, b"ticket", MINUTE)),
    "settle": ("dispatched", lambda ledger, rid: ledger.settle(ending(rid))),
    "sweep": ("expired", lambda ledger, _: ledger.sweep(MINUTE)),
    "resolve": (
        "in_doubt",
        lambda ledger, rid: ledger.resolve(rid, Resolution(state="voided", note="n", by="k")),
    ),
}


async def prepare(ledger: Ledger, state: str) -> str:
    lease = -1 if state in ("in_doubt", "expired") else MINUTE
    found = await ledger.admit(claim(bid("old", direct=state != "reserved", lease=lease)))
    if state == "in_doubt":
        await ledger.sweep(MINUTE)
    return found.rid


async def assert_refused(
    store: Store, folder: Path, name: str, scripts: tuple[str, str] = ("", "")
) -> None:
    state, act = ACTS[name]
    ledger = await begin(store, folder)
    if scripts[0]:
        mutate(ledger, *scripts)
    rid = await prepare(ledger, state)
    backup = await snapshot(store)
    await reserve(ledger, slot="lost")
    await roll_back(store, backup)
    before, reach = await entry(store, rid), await reach_of(store, ROOT)
    with pytest.raises(StoreDown, match="older"):
        await act(ledger, rid)
    assert (await entry(store, rid), await reach_of(store, ROOT)) == (before, reach)
    # Nor does anybody else go on, who has seen nothing of it.
    with pytest.raises(Outdated):
        await (await begin(store, folder / "other")).admit(claim(bid("new")))


@pytest.mark.parametrize("name", ACTS)
async def test_nothing_is_changed_by_who_has_seen_more(
    store: Store, tmp_path: Path, name: str
) -> None:
    await assert_refused(store, tmp_path, name)


@pytest.mark.parametrize("name", [name for name in ACTS if name != "permit"])
async def test_scripts_that_do_not_compare_are_noticed(
    store: Store, tmp_path: Path, name: str
) -> None:
    blind = ("if own > era or", "if true or")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await assert_refused(store, tmp_path, name, blind)


async def lose_one(store: Store, folder: Path, scripts: tuple[str, str] = ("", "")) -> None:
    """A call under way is forgotten, and somebody who knows nothing of it brings the ledger past
    what was seen; then its owner hears from its provider.
    """
    one, two = await begin(store, folder), await begin(store, folder)
    if scripts[0]:
        mutate(one, *scripts)
    older = [await hold(two, f"old{number}") for number in range(3)]
    await hold(two, "under way")
    backup = await snapshot(store)
    lost = await hold(one, "lost")
    await roll_back(store, backup)
    for rid in older:
        await two.settle(ending(rid))
    assert one.mark.seq < two.mark.seq
    await assert_noticed(one, two, lost, folder)


async def assert_noticed(one: Ledger, two: Ledger, lost: str, folder: Path) -> None:
    with pytest.raises(Outdated):
        await one.settle(ending(lost, cost=70))
    for ledger in (one, two):
        with pytest.raises(Outdated):
            await ledger.admit(claim(bid("lost")))
    # Whoever is asked to accept it, be it the one that missed nothing.
    other = Restorer(two, folder)
    assert await other.is_outdated()
    assert await other.accept() == 1
    assert not await other.is_outdated()
    # It is in doubt till it is settled, and not bought again.
    assert (await two.admit(claim(bid("lost")))).kind == "none"
    await one.settle(ending(lost, cost=70))
    assert +(await spent(one.store)) == {"posted": 370, "reserved": 100}
    await audit(one.store)


async def test_a_lost_call_is_missed_by_its_owner(store: Store, tmp_path: Path) -> None:
    await lose_one(store, tmp_path)


UNASKED = ("if not fresh or redis.call('EXISTS'", "if true or redis.call('EXISTS'")
UNTOLD = ("redis.call('SET', root .. 'missed'", "local _ = tostring(root .. 'missed'")


@pytest.mark.parametrize("scripts", [UNASKED, UNTOLD])
async def test_a_lost_call_that_nobody_misses_is_noticed(
    store: Store, tmp_path: Path, scripts: tuple[str, str]
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await lose_one(store, tmp_path, scripts)


async def test_a_lost_ticket_is_missed_by_its_owner(store: Store, tmp_path: Path) -> None:
    ledger = await begin(store, tmp_path)
    backup = await snapshot(store)
    rid = await hold(ledger, "lost")
    await roll_back(store, backup)
    ledger.mark.seq = 0
    with pytest.raises(Outdated):
        await ledger.hold(rid, b"ticket", MINUTE)


async def test_whoever_is_asked_accepts_what_a_sibling_has_seen(
    store: Store, tmp_path: Path
) -> None:
    one, two = await begin(store, tmp_path), await begin(store, tmp_path)
    backup = await snapshot(store)
    await hold(one, "lost")
    await roll_back(store, backup)
    # It has seen nothing, and nobody has asked the store yet.
    assert await Restorer(two, tmp_path).is_outdated()
    assert await Restorer(two, tmp_path).accept() == 1
    assert (await one.admit(claim(bid("new")))).kind == "reserved"


async def test_what_was_never_reserved_is_given_up_in_any_store(
    store: Store, tmp_path: Path
) -> None:
    ledger = await begin(store, tmp_path)
    backup = await snapshot(store)
    rid = await hold(ledger, "lost")
    await roll_back(store, backup)
    assert (await ledger.settle(ending(rid, "voided", cost=0))).kind == "done"


async def test_a_call_from_before_an_acceptance_stops_nobody(store: Store, tmp_path: Path) -> None:
    one, two = await begin(store, tmp_path / "one"), await begin(store, tmp_path / "two")
    backup = await snapshot(store)
    lost = await hold(one, "lost")
    unseen = await hold(one, "unseen")
    await hold(two, "seen")
    await roll_back(store, backup)
    # Another machine's acceptance puts back only what that one knows.
    assert await Restorer(two, tmp_path / "two").accept() == 1
    assert (await one.settle(ending(unseen))).kind == "done"
    assert (await one.admit(claim(bid("new", 0)))).kind == "reserved"
    assert (await one.settle(ending(lost))).kind == "done"
    assert (await one.admit(claim(bid("newer", 0)))).kind == "reserved"
    await Restorer(one, tmp_path / "one").follow()
    assert +(await spent(store)) == {"posted": 200, "in_doubt": 100}
