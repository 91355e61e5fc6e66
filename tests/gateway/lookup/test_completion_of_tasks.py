"""Polls come when answers are likely, about as seldom as if the times were known beforehand."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import pytest

from gateway.lookup.completion import (
    EDGES,
    NOTHING,
    Completions,
    bin_of,
    next_wait,
    plan,
    to_counts,
)
from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from tests.gateway.money.books import ROOT, ending, reserve
from tests.gateway.money.conftest import clocked, ledger

__all__ = ["clocked", "ledger"]

Sampler = Callable[[random.Random], float]
Polls = Callable[[tuple[int, ...], float], float]


def lognormal(median: float, spread: float) -> Sampler:
    return lambda rng: median * math.exp(spread * rng.gauss(0, 1))


def bimodal(rng: random.Random) -> float:
    return lognormal(2, 0.2)(rng) if rng.random() < 0.7 else lognormal(60, 0.5)(rng)


WORLDS: dict[str, Sampler] = {
    "narrow": lognormal(5, 0.5),
    "wide": lognormal(20, 1.0),
    "heavy": lambda rng: 3 * rng.paretovariate(1.5),
    "bimodal": bimodal,
}


def poll(counts: tuple[int, ...], took: float, wait: Polls) -> tuple[int, float, float]:
    """How many polls it takes, the moment of the last, and of the one before it."""
    now, before, polls = 0.0, 0.0, 0
    while now < took:
        before, now, polls = now, now + wait(counts, now), polls + 1
    return polls, now, before


def counted(times: list[float]) -> tuple[int, ...]:
    found = [0] * len(EDGES)
    for took in times:
        found[bin_of(took)] += 1
    return tuple(found)


def run(sampler: Sampler, size: int, wait: Polls, seed: int = 1) -> tuple[float, float]:
    """Polls beside those of a plan that knows the distribution; the median relative delay."""
    rng = random.Random(seed)
    truth = counted([sampler(random.Random(99 + at)) for at in range(20_000)])
    counts, learned, known, delays = [0] * len(EDGES), 0, 0, []
    seen = tuple(counts)
    for at in range(size):
        took = sampler(rng)
        if at % 50 == 0:
            seen = tuple(counts)
        polls, last, before = poll(seen, took, wait)
        counts[bin_of((before + last) / 2)] += 1
        if at >= 300:
            learned += polls
            known += poll(truth, took, next_wait)[0]
            delays.append((last - took) / took)
    return learned / known, statistics.median(delays)


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_learned_is_nearly_as_good_as_what_is_known(world: str) -> None:
    ratio, delay = run(WORLDS[world], 1200, next_wait)
    assert ratio <= 1.5
    assert delay <= 0.25


def test_a_plan_that_never_learns_is_noticed() -> None:
    ratio, _ = run(WORLDS["narrow"], 800, lambda _counts, now: max(0.05, now * 0.1))
    assert ratio > 1.5


def test_before_anything_is_known_every_order_of_magnitude_is_polled() -> None:
    polls, now, _ = poll(NOTHING, 250.0, next_wait)
    assert polls <= 20
    assert now <= 250 * 1.5


def test_what_is_late_beyond_all_that_was_seen_is_still_asked_for() -> None:
    waits = [next_wait(counted([5.0] * 100), elapsed) for elapsed in (10, 100, 1000, 10_000)]
    assert all(0 < wait < 20_000 for wait in waits)
    assert waits == sorted(waits)


def test_a_plan_goes_forward() -> None:
    choice = plan(counted([2.0] * 50 + [60.0] * 50))
    assert all(until >= first for first, until in enumerate(choice[:-1]))


async def test_times_are_counted_where_all_processes_see_them(
    ledger: Ledger, store: Store
) -> None:
    for number, seconds in enumerate((3.0, 3.0, 40.0)):
        rid = await reserve(ledger, 100, f"s{number}")
        await ledger.settle(ending(rid, took=bin_of(seconds)))
        await ledger.settle(ending(rid, took=bin_of(seconds)))
    flat = await store.call("HGETALL", f"{ROOT}times:hunter:emails.find")
    found = {int(at): int(n) for at, n in zip(flat[::2], flat[1::2], strict=True)}
    assert to_counts(found) == counted([3.0, 3.0, 40.0])
    seen = await Completions(store, ROOT).wait("hunter", "emails.find", 0.0)
    assert seen == next_wait(counted([3.0, 3.0, 40.0]), 0.0)
