"""Rows that were only held back: lent again as new ones are, when their team's turn comes.

Each of the mutants breaks a script and is caught.
"""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.jobs.queue import Queue
from gateway.jobs.records import Claimed
from tests.gateway.jobs.lending import (
    MANY,
    MINUTE,
    ROOT,
    claimed,
    loaded,
    opened,
    place_of,
    progress,
    result,
)
from tests.gateway.jobs.test_queue_scripts import Check, mutate, queue
from tests.gateway.money.conftest import clocked, shift

__all__ = ["clocked", "queue"]


async def held_back(queue: Queue, found: list[Claimed], *, seconds: float = 1) -> None:
    for one in found:
        assert await queue.park(place_of(one), seconds, progress(posted=3), in_line=True)


async def they_take_no_seat_before_their_turn(queue: Queue) -> None:
    await opened(queue, 4)
    await held_back(queue, await claimed(queue))
    assert await claimed(queue) == [], "before they are due"
    await opened(queue, 4, team="u")
    await shift(queue.store, MINUTE)
    found = await queue.claim(interactive=0, bulk=MANY, fresh=3, at_work={"t": 3})
    assert Counter(one.team for one in found) == {"u": 3}, "it has more at work"
    found = await claimed(queue)
    assert Counter(one.team for one in found) == {"t": 4, "u": 1}
    assert {one.deaths for one in found} == {0}
    assert await claimed(queue) == []
    for one in found:
        assert await queue.finish(place_of(one), result("accepted"))
    job = await loaded(queue, next(one.job for one in found if one.team == "t"))
    assert (job.status, job.counts.done) == ("completed", 4)


async def they_are_lent_once(queue: Queue) -> None:
    """Though another's come first among those that are due."""
    await opened(queue, 2, team="t")
    await opened(queue, 2, team="u")
    found = await claimed(queue, fresh=2)
    assert {one.team for one in found} == {"t", "u"}
    for one in found:
        await held_back(queue, [one], seconds=1 if one.team == "t" else 2)
    await shift(queue.store, MINUTE)
    first = await queue.claim(interactive=0, bulk=1, fresh=1, at_work={"t": 5})
    assert [one.team for one in first] == ["u"]
    rest = [*first, *await claimed(queue)]
    assert len({(one.job, one.index) for one in rest}) == len(rest) == 4
    parked = [f"{ROOT}job:{one.job}:parked" for one in rest]
    assert await queue.store.call("EXISTS", *parked) == 0, "they would be cancelled while on loan"


async def those_of_the_older_job_come_first(queue: Queue) -> None:
    older = await opened(queue, 1)
    await held_back(queue, await claimed(queue))
    await shift(queue.store, MINUTE)
    await opened(queue, 5)
    await shift(queue.store, 2 * MINUTE)
    [first] = await claimed(queue, fresh=1)
    assert first.job == older


async def a_clock_that_is_set_back_forgets_none(queue: Queue) -> None:
    """Their turn has come, and then the store's clock says that it has not."""
    await opened(queue, 1)
    await held_back(queue, await claimed(queue), seconds=60)
    await shift(queue.store, MINUTE + 500)
    assert await claimed(queue, fresh=0) == [], "there is no seat"
    await shift(queue.store, 0)
    early = await claimed(queue)
    await shift(queue.store, 2 * MINUTE)
    assert len(early or await claimed(queue)) == 1


async def cancelled_ones_are_gone_at_once(queue: Queue) -> None:
    job = await opened(queue, 3)
    found = await claimed(queue)
    await held_back(queue, found[:2])
    assert await queue.cancel(job, "t")
    assert await queue.store.call("EXISTS", f"{ROOT}job:{job}:again") == 0
    # Laid aside by a process that did not know it yet: it learns so when it asks for its work.
    await held_back(queue, found[2:])
    await shift(queue.store, MINUTE)
    [last] = await claimed(queue)
    assert (last.index, (await loaded(queue, job)).status) == (found[2].index, "cancelled")
    assert await queue.finish(place_of(last), result("cancelled"))
    ended = await loaded(queue, job)
    assert (ended.status, ended.counts.cancelled, bool(ended.finished_at)) == (
        "cancelled",
        3,
        True,
    )
    assert await queue.store.call("PTTL", f"{ROOT}job:{job}") > 0


DUE = "redis.call('ZREM', root .. 'due:' .. lane, job .. ' ' .. held)"
MUTANTS: list[tuple[Check, str, str]] = [
    (they_take_no_seat_before_their_turn, "if ARGV[6] == '1' then", "if false then"),
    (they_take_no_seat_before_their_turn, "or not died and back_in_line(lane, job, index)", ""),
    (they_take_no_seat_before_their_turn, "redis.call('ZREM', key .. ':again', held)", ""),
    (they_take_no_seat_before_their_turn, "'-inf', now, 'LIMIT', 0, 1)[1]", "'(0', now)[1]"),
    (they_are_lent_once, DUE, ""),
    (they_are_lent_once, "redis.call('SREM', key .. ':parked', held)", ""),
    (those_of_the_older_job_come_first, "job, j[3])", "job, now)"),
    (a_clock_that_is_set_back_forgets_none, "redis.call('ZADD', key .. ':again', 0, index)", ""),
    (cancelled_ones_are_gone_at_once, "key .. ':parked', key .. ':again')", "key .. ':parked')"),
    (cancelled_ones_are_gone_at_once, "if j[1] == 'cancelled' then return false end", ""),
]


@pytest.mark.parametrize("check", dict.fromkeys(mutant[0] for mutant in MUTANTS))
async def test_the_scripts_as_they_are_pass(queue: Queue, check: Check) -> None:
    await check(queue)


@pytest.mark.parametrize("check, old, new", MUTANTS)
async def test_a_broken_script_is_caught(queue: Queue, check: Check, old: str, new: str) -> None:
    mutate(queue, old, new)
    with pytest.raises((AssertionError, ValueError)):
        await check(queue)
