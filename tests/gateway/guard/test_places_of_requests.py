"""Who is under way holds a place for as long as that takes; who is gone holds none."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.guard.permits import Allowance, Limit, Permits, Rank, Wait
from gateway.lookup import departures
from gateway.lookup.departures import Departure
from gateway.store.connection import Store
from tests.gateway.api.replies import eventually
from tests.gateway.money.books import MINUTE, ROOT
from tests.gateway.money.conftest import clocked, shift

__all__ = ["clocked"]

ONE_AT_ONCE = Allowance("acc", at_once=1)
FLYING = f"{ROOT}permits:acc:flying"


async def take(permits: Permits, limits: Allowance, seconds: float = 0) -> None:
    await permits.take(limits, ("",), rank=Rank.URGENT, seconds=seconds)


async def test_who_is_under_way_for_long_counts_all_the_while(
    clocked: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departures, "BEAT", 0.01)
    permits = Permits(clocked, ROOT)
    leave = Departure(permits, ONE_AT_ONCE, (), rank=Rank.URGENT)
    await leave("/", own=True, seconds=1)
    for minutes in range(1, 6):
        ahead = minutes * MINUTE
        await shift(clocked, ahead)

        async def held(ahead: int = ahead) -> bool:
            rows = await clocked.call("ZRANGE", FLYING, 0, -1, "WITHSCORES")
            return float(rows[1]) > time.time() * 1000 + ahead + 80_000

        await eventually(held)
        with pytest.raises(Wait):
            await take(permits, ONE_AT_ONCE)
    await leave.arrived()
    await take(permits, ONE_AT_ONCE)


async def test_who_gives_up_as_it_is_let_go_leaves_its_place(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    permits, run = Permits(store, ROOT), store.run

    async def run_and_hang_up(*told: Any) -> Any:
        found = await run(*told)
        going.cancel()
        await asyncio.sleep(0)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(store, "run", run_and_hang_up)
        going = asyncio.create_task(take(permits, ONE_AT_ONCE))
        await asyncio.gather(going, return_exceptions=True)
    assert going.cancelled()
    await take(permits, ONE_AT_ONCE)


async def test_a_killed_waiter_is_not_waited_for(
    clocked: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    permits, limits = Permits(clocked, ROOT), Allowance("acc", (Limit("", 1, 20),))
    await take(permits, limits)

    async def killed(*_: Any) -> None:
        return

    with monkeypatch.context() as patch:
        patch.setattr(permits, "_forget", killed)
        waiting = asyncio.create_task(take(permits, limits, 60))

        async def lined_up() -> bool:
            return bool(await clocked.call("ZCARD", f"{ROOT}permits:acc:queue"))

        await eventually(lined_up)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    for ahead, least, most in ((0, 35, 41), (5_000, 13, 16)):
        await shift(clocked, ahead)
        with pytest.raises(Wait) as wait:
            await permits.take(limits, ("",), rank=Rank.BULK, seconds=0)
        assert least < wait.value.seconds < most
