"""Whatever is killed under load, what the providers charged is posted, or in doubt."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gates.arena import (
    GATEWAYS,
    Arena,
    Doubts,
    arena,
    assert_bill_is_in_the_ledger,
    assert_doubts_were_on_the_wire,
    reconciled,
)
from tests.gates.conftest import Campaign


async def kill_stores(site: Arena, times: int) -> None:
    """The gateways live, and know what they asked: no doubt is left."""
    async with site.load():
        for _ in range(times):
            await asyncio.sleep(0.6)
            await site.kill_store()
        await asyncio.sleep(0.6)
    await assert_bill_is_in_the_ledger(site)
    await assert_doubts_were_on_the_wire(site)


async def kill_both(site: Arena, times: int) -> Doubts:
    """What was answered while the store was away is on the disk of the gateway."""
    async with site.load():
        for number in itertools.islice(itertools.cycle(range(GATEWAYS)), times):
            await asyncio.sleep(0.6)
            await site.kill_both(number)
    await assert_bill_is_in_the_ledger(site)
    return await assert_doubts_were_on_the_wire(site)


async def kill_gateways(site: Arena, times: int) -> Doubts:
    async with site.load():
        for number in itertools.islice(itertools.cycle(range(GATEWAYS)), times):
            await asyncio.sleep(0.6)
            await site.kill_gateway(number)
    await assert_bill_is_in_the_ledger(site)
    return await assert_doubts_were_on_the_wire(site)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "provider",
    [
        "hunter",
        pytest.param("snov", marks=pytest.mark.gate_long),
        pytest.param("sixtyfour", marks=pytest.mark.gate_long),
    ],
)
async def test_kills_leave_in_doubt_only_what_was_on_the_wire(
    tmp_path: Path, campaign: Campaign, provider: str
) -> None:
    for number in range(campaign.size(short=1, full=10)):
        async with arena(tmp_path / str(number), people=8000, provider=provider) as site:
            await kill_stores(site, 5)
            await kill_gateways(site, 5)
            doubts = await kill_both(site, 1)
            assert min(doubts.on_the_wire, doubts.in_doubt) > 0
            ended, charged = await reconciled(site), len(await site.charges())
            campaign.tell(
                f"kills with {provider}: 5 stores, 5 gateways, 1 of both, {charged} charged; "
                f"{doubts.on_the_wire} on the wire at a gateway's end, {doubts.in_doubt} "
                f"in doubt ({doubts.unseen} of them not seen by the provider); reconciled: {ended}"
            )


# An answer that the store can't take at once is dropped.
DROPPING = """
import gateway.lookup.counter as c
async def settle(self, settlement, answer, following):
    body = b"" if answer is None else c.cache.pack(answer)
    try:
        return await self._ledger.settle(settlement, answer=body, progress=self._progress())
    except c.StoreDown:
        raise c.Unsettled("dropped") from None
c.Counter.settle = settle
"""
# An answer that the store can't take at once is only in the memory of its process.
UNKEPT = """
import gateway.lookup.spool as s
async def keep(self, kept): pass
s.Spool.keep = keep
"""
# A call whose gateway is gone counts as never made.
DENYING = """
import gateway.store.script as s
read, seen = s._read, "if held == 'dispatched' then"
def read_without(name):
    text = read(name)
    assert name != "moves" or seen in text
    return text.replace(seen, "if false then", 1)
s._read = read_without
"""
# A call that takes its time is in doubt, and its end changes nothing.
DOUBTING = """
import gateway.lookup.leases as c, gateway.store.script as s
c.LEASE_MARGIN = -0.9
read, seen = s._read, "or not (LIVE[held] or held == 'in_doubt')"
def read_without(name):
    text = read(name)
    assert name != "moves" or seen in text
    return text.replace(seen, "or not LIVE[held]", 1)
s._read = read_without
"""


# Nothing in doubt was ever charged.
FORGIVING = """
import gateway.jobs.accounts as a
from gateway.money.reconciliation import Judgement
a.judge = lambda extra, doubts: Judgement([], [doubt.rid for doubt in doubts])
"""


async def kill_gateway_and_reconcile(site: Arena, times: int) -> None:
    await kill_gateways(site, times)
    await reconciled(site)


@pytest.mark.parametrize(
    "code, kill, times, match",
    [
        (DROPPING, kill_stores, 2, "though its gateway lived"),
        (UNKEPT, kill_both, 1, "not on the wire"),
        (DENYING, kill_gateways, 1, "charged, and voided"),
        (DOUBTING, kill_stores, 1, "though its gateway lived"),
        (FORGIVING, kill_gateway_and_reconcile, 1, "the ledger is not the bill"),
    ],
    ids=["dropping", "unkept", "denying", "doubting", "forgiving"],
)
async def test_a_ledger_that_misjudges_kills_is_noticed(
    tmp_path: Path,
    code: str,
    kill: Callable[[Arena, int], Awaitable[Any]],
    times: int,
    match: str,
) -> None:
    async with arena(tmp_path, code, people=1500) as site:
        with pytest.raises(AssertionError, match=match):
            await kill(site, times)
