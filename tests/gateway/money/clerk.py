"""A process that buys at random until it has done enough, or is killed."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.money.journal import Journal
from gateway.money.ledger import PROCESS, Ledger, next_id
from gateway.money.terms import Admission
from gateway.store.connection import Store
from tests.gateway.money.books import MINUTE, ROOT, bid, claim, ending

TASKS = 20


async def work(ledger: Ledger, name: str, rounds: int, counter: Any) -> None:
    rng = random.Random(name)
    for at in range(rounds):
        steps = [one_bid(rng, f"{name}-{at}-{step}") for step in range(rng.randint(1, 3))]
        found = await ledger.admit(claim(*steps, team=rng.choice("tuv")))
        while found.kind == "reserved":
            found = await end(ledger, rng, steps, found)
        counter(found)


def one_bid(rng: random.Random, slot: str) -> Any:
    cost = rng.randint(0, 500)
    return bid(slot, cost, rid=next_id("res"), direct=rng.random() < 0.5)


async def end(ledger: Ledger, rng: random.Random, steps: list[Any], found: Admission) -> Admission:
    """One call, and the step after it; one in ten is left open."""
    if rng.random() < 0.1:
        return Admission("none")
    if not found.dispatched and rng.random() < 0.8:
        assert await ledger.dispatch(found.rid, MINUTE)
    state = rng.choice(("posted", "posted", "voided", "in_doubt"))
    cost = steps[found.index].cost + rng.choice((0, 0, -1, 7)) if state == "posted" else 0
    last = ending(found.rid, state, max(0, cost))
    rest = steps[found.index + 1 :]
    if rest:
        last.next = claim()
        last.next.steps = rest
    return await ledger.settle(last)


async def main(url: str, folder: str, name: str, rounds: str) -> None:
    store = await Store.connect(url, timeout=30)
    journal = Journal(Path(folder), root=ROOT, process=PROCESS)
    journal.open()
    ledger = Ledger(store, root=ROOT, zone=ZoneInfo("UTC"), journal=journal)
    seen = 0

    def count(_: Admission) -> None:
        nonlocal seen
        seen += 1
        if seen == 150:
            sys.stdout.write("busy\n")
            sys.stdout.flush()

    each = max(1, int(rounds) // TASKS)
    await asyncio.gather(*(work(ledger, f"{name}.{at}", each, count) for at in range(TASKS)))
    await journal.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
