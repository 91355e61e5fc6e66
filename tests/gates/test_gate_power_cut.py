"""What the embedded store has acknowledged survives that the machine loses its power."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.money.ledger import Ledger, next_id
from gateway.store.connection import Store, StoreDown
from gateway.store.embedded import EmbeddedStore
from gateway.store.server import OPTIONS
from tests.faults.power import Power
from tests.gates.conftest import Campaign
from tests.gateway.money.books import MINUTE, ROOT, audit, bid, claim, ending, entry
from tests.gateway.supervisor.processes import until

TASKS = 16
ORDER = ("dispatched", "posted")


@dataclass
class Bench:
    """A store in a data directory, and the power that it runs on."""

    power: Power
    embedded: EmbeddedStore
    folder: Path
    acknowledged: dict[str, str] = field(default_factory=dict)
    """By reservation, the last state that was told."""
    lost: int = 0

    def cut(self) -> int:
        return self.power.cut(self.embedded.pid, self.folder / "store")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    power = Power(tmp_path / "p")
    monkeypatch.setattr("gateway.store.server.find_binary", lambda: power.binary)
    embedded = EmbeddedStore(tmp_path / "data")
    embedded.start()
    yield Bench(power, embedded, tmp_path / "data")
    embedded.stop()
    power.close()


async def buy(bench: Bench, ledger: Ledger) -> None:
    """Until the power fails."""
    while True:
        step = bid(next_id("slot"), 100, rid=next_id("res"), direct=True, lease=60 * MINUTE)
        await ledger.admit(claim(step))
        bench.acknowledged[step.rid] = "dispatched"
        await ledger.settle(ending(step.rid))
        bench.acknowledged[step.rid] = "posted"


async def run_until_cut(bench: Bench, size: int, *, rewriting: bool) -> int:
    """The bytes that a power cut takes after so many more reservations, under load."""
    store = await Store.connect(bench.embedded.url, timeout=5)
    ledger = Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))
    buyers = [asyncio.create_task(buy(bench, ledger)) for _ in range(TASKS)]
    try:
        enough = len(bench.acknowledged) + size
        await until(lambda: len(bench.acknowledged) >= enough, 60, f"{size} reservations")
        if rewriting:
            await store.call("BGREWRITEAOF")
            await asyncio.sleep(0.02)
        bytes_lost = await asyncio.to_thread(bench.cut)
        ended = await asyncio.gather(*buyers, return_exceptions=True)
        assert all(isinstance(end, StoreDown) for end in ended), ended
    finally:
        await store.close()
    return bytes_lost


async def assert_nothing_is_lost(bench: Bench) -> None:
    store = await Store.connect(bench.embedded.url, timeout=5)
    try:
        found = {rid: await entry(store, rid) for rid in bench.acknowledged}
        await audit(store)
    finally:
        await store.close()
    lost = [
        rid
        for rid, state in bench.acknowledged.items()
        if found[rid].get("state") not in ORDER[ORDER.index(state) :]
    ]
    assert not lost, f"{len(lost)} of {len(found)} acknowledged operations lost"


async def cut_again_and_again(bench: Bench, times: int) -> int:
    rng, bytes_lost = random.Random(4), 0
    for number in range(times):
        size = rng.randint(200, 800)
        bytes_lost += await run_until_cut(bench, size, rewriting=number % 2 == 1)
        assert bench.embedded.poll()
        await assert_nothing_is_lost(bench)
    return bytes_lost


@pytest.mark.timeout(600)
async def test_power_cuts_lose_nothing_that_was_acknowledged(
    bench: Bench, campaign: Campaign
) -> None:
    times = campaign.size(short=4, full=20)
    bytes_lost = await cut_again_and_again(bench, times)
    assert bench.power.seen["flushes"] > 20 * times
    campaign.tell(
        f"power cuts: {times}, {len(bench.acknowledged)} reservations acknowledged, 0 lost; "
        f"{bytes_lost} bytes taken, {dict(bench.power.seen)}"
    )


async def test_a_store_that_flushes_every_second_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OPTIONS, "appendfsync", "everysec")
    bench.cut()
    assert bench.embedded.poll()
    with pytest.raises(AssertionError, match="acknowledged operations lost"):
        await cut_again_and_again(bench, 4)
