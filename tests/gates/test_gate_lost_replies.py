"""Whatever is lost between gateway and store, no operation counts twice and none is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from gateway.money.ledger import Ledger, next_id
from gateway.money.terms import Admission, Bid
from gateway.store.connection import Store, StoreDown
from tests.faults.proxy import FaultProxy, Faults, resp_end
from tests.gates.arena import (
    Arena,
    arena,
    assert_bill_is_in_the_ledger,
    assert_doubts_were_on_the_wire,
    reconciled,
)
from tests.gates.conftest import Campaign
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    bid,
    claim,
    ending,
    entries,
    entry,
    spent,
)
from tests.gateway.money.test_ledger_mutants import GUARD, mutate
from tests.gateway.supervisor.processes import until

T = TypeVar("T")
# A twentieth of the replies is lost; and some requests, or they come when nobody waits for them.
LOSSES = Faults(
    drop_replies=0.05, silent=0.2, lose_requests=0.005, late_requests=0.005, lateness=0.2
)
LEDGERS, TASKS = 4, 10
HOUR = 60 * MINUTE


@dataclass
class Known:
    """What a client was told of one entry."""

    worst: int
    changes: int
    """How often the ledger changed for it: by its reservation, its dispatch and its end."""
    state: str = "reserved"
    cost: int = 0


class Client:
    """Asks until it is answered, and remembers what it was told."""

    def __init__(self, ledger: Ledger, rng: random.Random):
        self.ledger = ledger
        self.rng = rng
        self.known: dict[str, Known] = {}
        self.operations = self.repeats = 0

    async def sure(self, call: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        self.operations += 1
        while True:
            try:
                return await call(*arguments)
            except StoreDown:
                self.repeats += 1
                await asyncio.sleep(0.01)

    async def work(self, size: int) -> None:
        while self.operations < size:
            step = self.step()
            found = await self.sure(self.ledger.admit, claim(step))
            while found.kind == "reserved":
                step, found = await self.go_on(step, found)
            assert found.kind == "done", found

    def step(self) -> Bid:
        cost, direct = self.rng.randint(1, 500), self.rng.random() < 0.5
        return bid(next_id("slot"), cost, rid=next_id("res"), direct=direct, lease=HOUR)

    async def go_on(self, step: Bid, found: Admission) -> tuple[Bid, Admission]:
        """One call from its reservation to its end, and perhaps to the next reservation."""
        assert found.rid == step.rid
        known = self.known[step.rid] = Known(step.cost, 2 if found.dispatched else 3)
        if not found.dispatched:
            granted = await self.sure(self.ledger.dispatch, step.rid, HOUR)
            assert granted, f"{step.rid} is gone, told {known}"
        if self.rng.random() < 0.4:
            kept = await self.sure(self.ledger.hold, step.rid, b"ticket", HOUR)
            assert kept, f"{step.rid} is closed, told {known}"
        known.state = self.rng.choice(("posted", "posted", "voided", "in_doubt"))
        known.cost = self.rng.randint(0, step.cost) if known.state == "posted" else 0
        told = ending(step.rid, known.state, known.cost)
        following = self.step()
        if self.rng.random() < 0.5:
            told.next = claim(following)
        return following, await self.sure(self.ledger.settle, told)


async def load(url: str, size: int, change: Callable[[Ledger], None]) -> list[Client]:
    """So many operations by several ledgers at once, through the proxy at `url`."""
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(LEDGERS):
            store = await Store.connect(url, timeout=0.25)
            stack.push_async_callback(store.close)
            ledger = Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))
            change(ledger)
            names = [f"{number}.{task}" for task in range(TASKS)]
            clients += [Client(ledger, random.Random(name)) for name in names]
        async with asyncio.timeout(600):
            await asyncio.gather(*(client.work(size // len(clients)) for client in clients))
        return clients


async def assert_books_agree(store: Store, clients: list[Client]) -> None:
    """The ledger has what the clients were told, each once, and nothing else."""
    told = {rid: known for client in clients for rid, known in client.known.items()}
    sums: Counter[str] = Counter()
    for rid, known in told.items():
        row = await entry(store, rid)
        found = (row["state"], int(row.get("cost", 0)))
        assert found == (known.state, known.cost), f"{rid} is {found}, told {known}"
        sums[known.state] += {"posted": known.cost, "in_doubt": known.worst}.get(known.state, 0)
    assert len(await entries(store)) == len(told), "entries that nobody knows of"
    assert +(await spent(store)) == +sums, "balances differ"
    changes = sum(known.changes for known in told.values())
    assert int(await store.call("GET", f"{ROOT}seq")) == changes, "changed too often"
    await audit(store)


async def run(
    store: Store, url: str, size: int, change: Callable[[Ledger], None] = lambda _: None
) -> tuple[FaultProxy, list[Client]]:
    async with FaultProxy(url, LOSSES, framing=resp_end) as proxy:
        clients = await load(proxy.url, size, change)
    await assert_books_agree(store, clients)
    return proxy, clients


@pytest.mark.timeout(900)
async def test_lost_replies_apply_nothing_twice_and_lose_nothing(
    store: Store, store_url: str, campaign: Campaign
) -> None:
    size = campaign.size(short=10_000, full=50_000)
    proxy, clients = await run(store, store_url, size)
    operations = sum(client.operations for client in clients)
    repeats = sum(client.repeats for client in clients)
    assert operations >= size
    assert proxy.seen["dropped"] > 0.03 * size
    campaign.tell(
        f"lost replies: {operations} operations, {repeats} repeats, 0 applied twice, 0 lost; "
        f"the proxy: {dict(+proxy.seen)}"
    )


def settle_twice(ledger: Ledger) -> None:
    mutate(ledger, GUARD, "if not held or not worst then")


def reserve_twice(ledger: Ledger) -> None:
    mutate(
        ledger,
        "if rid == s.rid and LIVE[state] then",
        "if rid == s.rid then return nil end\n  if false then",
    )
    mutate(ledger, "redis.call('EXISTS', a.root .. 'entry:' .. s.rid) == 1", "false")


def give_up(ledger: Ledger) -> None:
    settle = ledger.settle

    async def once(*arguments: Any, **options: Any) -> Admission:
        try:
            return await settle(*arguments, **options)
        except StoreDown:
            return Admission("done")

    ledger.settle = once  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "change, match",
    [
        (settle_twice, "balances differ"),
        (reserve_twice, "balances differ|told Known"),
        (give_up, "told Known|nobody knows of"),
    ],
)
async def test_what_counts_twice_or_not_at_all_is_noticed(
    store: Store, store_url: str, change: Callable[[Ledger], None], match: str
) -> None:
    with pytest.raises(AssertionError, match=match):
        await run(store, store_url, 2000, change)


async def lose_replies_of_gateways(site: Arena, calls: int) -> None:
    """Gateways know what they have asked for, whatever they were not told: no doubt is left."""
    async with site.load():
        site.proxy.faults = LOSSES
        await until(lambda: len(site.asked) >= calls, 300, f"{calls} lookups")
        site.proxy.faults = Faults()
    await assert_bill_is_in_the_ledger(site)
    await assert_doubts_were_on_the_wire(site)
    await reconciled(site)


@pytest.mark.timeout(600)
async def test_gateways_that_lose_replies_post_what_was_charged(
    tmp_path: Path, campaign: Campaign
) -> None:
    people = campaign.size(short=2000, full=8000)
    async with arena(tmp_path, people=people) as site:
        await lose_replies_of_gateways(site, campaign.size(short=300, full=3000))
        assert site.proxy.seen["dropped"] > 10
        bought = len(await site.charges())
        campaign.tell(
            f"lost replies of gateways: {bought} calls charged, {dict(+site.proxy.seen)}"
        )


# A reservation whose reply was lost is left to itself.
CARELESS = """
import gateway.lookup.counter as c
c.Counter.regret = lambda self, index: None
"""


async def test_reservations_that_nobody_withdraws_are_noticed(tmp_path: Path) -> None:
    async with arena(tmp_path, CARELESS, people=3000) as site:
        with pytest.raises(AssertionError, match="though its gateway lived"):
            await lose_replies_of_gateways(site, 200)
