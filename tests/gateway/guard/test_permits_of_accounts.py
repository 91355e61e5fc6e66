"""No window of a limit holds more than it may, wherever it begins; little of it is left unused."""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial

import pytest

from gateway.guard.permits import Allowance, Gone, Limit, Permits, Rank, Wait
from gateway.money.ledger import Ledger
from gateway.store.connection import Script, Store
from tests.gateway.money.books import MINUTE, ROOT, bid, claim, ending, entry, reserve
from tests.gateway.money.conftest import clocked, ledger, shift

__all__ = ["clocked", "ledger"]

ALL = ("", "verifier")
# The ms that the script adds to each window: a grant may arrive later than the next.
TRAVEL = 50


def allowance(*limits: Limit, at_once: int = 0) -> Allowance:
    return Allowance("acc", limits, at_once)


async def test_no_window_holds_more_than_it_may(store: Store) -> None:
    permits = [Permits(store, ROOT) for _ in range(4)]
    limits = allowance(Limit("", 10, 0.5), Limit("", 30, 2.0))
    sent: list[int] = []
    until = time.monotonic() + 6

    async def call(one: Permits) -> None:
        while time.monotonic() < until:
            passage = await one.take(limits, ALL, rank=Rank.URGENT, seconds=30)
            sent.append(passage.at)

    await asyncio.gather(*(call(permits[at % 4]) for at in range(40)))
    began = min(sent)
    inside = sorted(at for at in sent if at <= began + 6000)
    for number, span in ((10, 0.5), (30, 2.0)):
        assert all(
            later - earlier >= 1000 * span + TRAVEL
            for earlier, later in zip(inside, inside[number:], strict=False)
        ), (number, span)
    assert len(inside) >= 0.9 * 3 * 30


async def test_each_bucket_has_its_own_limit(store: Store) -> None:
    permits, limits = Permits(store, ROOT), allowance(Limit("", 4, 60), Limit("verifier", 2, 60))
    for _ in range(2):
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    with pytest.raises(Wait) as wait:
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    assert 59 < wait.value.seconds <= 61
    for _ in range(2):
        await permits.take(limits, ("",), rank=Rank.URGENT, seconds=0)
    with pytest.raises(Wait):
        await permits.take(limits, ("",), rank=Rank.URGENT, seconds=0)


async def test_who_can_not_be_in_time_is_told_at_once(clocked: Store) -> None:
    permits, limits = Permits(clocked, ROOT), allowance(Limit("", 1, 10))
    await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    began = time.monotonic()
    with pytest.raises(Wait):
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=5)
    assert time.monotonic() - began < 1
    await shift(clocked, 11_000)
    await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)


async def test_a_clock_that_ran_ahead_and_is_set_back_stops_nobody(clocked: Store) -> None:
    permits, limits = Permits(clocked, ROOT), allowance(Limit("", 2, 10))
    await shift(clocked, 3_600_000)
    for _ in range(2):
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    await shift(clocked, 0)
    with pytest.raises(Wait) as wait:
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    assert 9 < wait.value.seconds <= 11
    await shift(clocked, 11_000)
    for _ in range(2):
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    with pytest.raises(Wait):
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)


async def test_a_request_that_waits_for_a_connection_counts_from_when_it_leaves(
    clocked: Store,
) -> None:
    permits, limits = Permits(clocked, ROOT), allowance(Limit("", 1, 10))
    passage = await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    await shift(clocked, 4_000)
    await permits.depart(limits, passage)
    with pytest.raises(Wait) as wait:
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    assert 9.5 < wait.value.seconds <= 10.1


async def test_interactive_requests_go_before_bulk(store: Store) -> None:
    permits, limits = Permits(store, ROOT), allowance(Limit("", 1, 0.3))
    await permits.take(limits, ALL, rank=Rank.BULK, seconds=0)
    order: list[str] = []

    async def call(name: str, rank: Rank) -> None:
        await permits.take(limits, ALL, rank=rank, seconds=30)
        order.append(name)

    bulk = [asyncio.create_task(call("bulk", Rank.BULK)) for _ in range(3)]
    await asyncio.sleep(0.05)
    quick = [asyncio.create_task(call("quick", Rank.URGENT)) for _ in range(2)]
    await asyncio.gather(*bulk, *quick)
    assert order[:2] == ["quick"] * 2


async def test_polls_have_a_share_though_others_never_stop(store: Store) -> None:
    permits, limits = Permits(store, ROOT), allowance(Limit("", 20, 0.5))
    counts = {"call": 0, "poll": 0, "bulk": 0}
    until = time.monotonic() + 3

    async def call(name: str, rank: Rank, seconds: float) -> None:
        while time.monotonic() < until:
            with contextlib.suppress(Wait):
                await permits.take(limits, ALL, rank=rank, seconds=seconds)
                counts[name] += 1

    calls = [call("call", Rank.URGENT, 20) for _ in range(30)]
    polls = [call("poll", Rank.URGENT, 15) for _ in range(5)]
    others = [call("bulk", Rank.BULK, 1) for _ in range(5)]
    await asyncio.gather(*calls, *polls, *others)
    assert counts["poll"] >= 0.1 * sum(counts.values())


async def test_a_pause_of_the_providers_holds(clocked: Store) -> None:
    permits, limits = Permits(clocked, ROOT), allowance(Limit("", 100, 1))
    await permits.pause(limits, 5)
    with pytest.raises(Wait) as wait:
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=1)
    assert 4 < wait.value.seconds <= 5
    await shift(clocked, 5_100)
    await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)


async def test_a_pause_is_lengthened_and_never_shortened(clocked: Store) -> None:
    permits, limits = Permits(clocked, ROOT), allowance(Limit("", 100, 1))
    for seconds, longest in ((60, 60), (2, 60), (90, 90), (0, 90)):
        await permits.pause(limits, seconds)
        with pytest.raises(Wait) as wait:
            await permits.take(limits, ALL, rank=Rank.URGENT, seconds=1)
        assert longest - 1 < wait.value.seconds <= longest
    await permits.lift(limits)
    await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)


async def test_requests_at_once_are_bounded_until_they_are_back(store: Store) -> None:
    permits, limits = Permits(store, ROOT), allowance(at_once=2)
    held = [await permits.take(limits, ALL, rank=Rank.BULK, seconds=0) for _ in range(2)]
    with pytest.raises(Wait):
        await permits.take(limits, ALL, rank=Rank.BULK, seconds=0)
    await permits.leave(limits, held[0])
    await permits.take(limits, ALL, rank=Rank.BULK, seconds=1)


async def test_a_paid_request_is_dispatched_in_the_same_step(ledger: Ledger) -> None:
    permits, limits = Permits(ledger.store, ROOT), allowance(Limit("", 1, 60))
    rid = await reserve(ledger)
    passage = await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0, rid=rid, lease=MINUTE)
    assert passage.sequence == 2
    assert (await entry(ledger.store, rid))["state"] == "dispatched"
    other = await reserve(ledger, slot="other")
    with pytest.raises(Wait):
        await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0, rid=other)
    assert (await entry(ledger.store, other))["state"] == "reserved"
    free = allowance()
    with pytest.raises(Gone):
        await permits.take(free, ALL, rank=Rank.URGENT, seconds=0, rid="res_none")


class Looks:
    """How often somebody who waits has looked whether it may go."""

    def __init__(self) -> None:
        self._made: asyncio.Queue[None] = asyncio.Queue()

    def __call__(self) -> None:
        self._made.put_nowait(None)

    async def another(self) -> None:
        """One that begins from now on; the next may be under way."""
        while not self._made.empty():
            self._made.get_nowait()
        for _ in range(2):
            await self._made.get()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.guard.permits.LONGEST_NAP", 0.01)


async def wait_for_leases(ledger: Ledger, permits: Permits, *, buys: bool) -> None:
    """Three times as long as it is left alone; then it may go."""
    limits, looks = allowance(Limit("", 1, 60)), Looks()
    rid, store = await reserve(ledger), ledger.store
    take = partial(permits.take, limits, ALL, rank=Rank.URGENT, rid=rid, lease=MINUTE, buys=buys)
    await permits.pause(limits, 190)
    waits = asyncio.create_task(take(seconds=600, check=looks))
    for minutes in (0.75, 1.5, 2.25, 3):
        await looks.another()
        await shift(store, round(minutes * MINUTE))
        assert (await ledger.admit(claim(bid()))).kind == "joined"
        assert await ledger.sweep(MINUTE) == []
        assert (await entry(store, rid))["state"] == "reserved"
    await looks.another()
    await shift(store, 200_000)
    assert bool((await waits).sequence) == buys
    assert (await entry(store, rid))["state"] == ("dispatched" if buys else "reserved")
    await ledger.settle(ending(rid, "voided", cost=0))
    with pytest.raises(Gone):
        await take(seconds=0)


@pytest.mark.parametrize("buys", [False, True])
async def test_whoever_waits_keeps_its_reservation(
    impatient: None, ledger: Ledger, buys: bool
) -> None:
    await wait_for_leases(ledger, Permits(ledger.store, ROOT), buys=buys)


@pytest.mark.parametrize(
    "old, new",
    [
        ("renew(root, rid, now + lease)", "redis.call('HGET', root .. 'entry:' .. rid, 'state')"),
        ("if not state then", "if false then"),
        ("if buys and state", "if state"),
        ("redis.call('HSET', key, 'until', ends)", ""),
        ("if not LIVE[state] then return nil end", ""),
    ],
)
async def test_permits_that_let_a_reservation_go_are_noticed(
    impatient: None, ledger: Ledger, old: str, new: str
) -> None:
    permits = Permits(ledger.store, ROOT)
    whole = permits._script.shifted
    assert whole is not None
    assert old in whole.source, "the mutant no longer fits the script"
    shifted = Script.of("permit", whole.source.replace(old, new))
    permits._script = Script.of("permit", permits._script.source, shifted=shifted)
    with pytest.raises((AssertionError, pytest.fail.Exception, Wait)):
        await wait_for_leases(ledger, permits, buys=False)


async def test_who_hangs_up_while_waiting_is_not_waited_for(store: Store) -> None:
    permits, limits = Permits(store, ROOT), allowance(Limit("", 1, 0.5))
    await permits.take(limits, ALL, rank=Rank.URGENT, seconds=0)
    waiting = asyncio.create_task(permits.take(limits, ALL, rank=Rank.URGENT, seconds=30))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await permits.take(limits, ALL, rank=Rank.BULK, seconds=0.7)
