"""Items on loan: who may write of them, in which order they are lent, and how a job ends.

A check that cannot fail is worse than none: each of the mutants breaks a script and is caught.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.jobs.queue import LEASE, Queue
from gateway.money.terms import Place
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.jobs.lending import (
    MINUTE,
    ROOT,
    claimed,
    events,
    field,
    loaded,
    opened,
    place_of,
    progress,
    queue_of,
    request_of,
    result,
)
from tests.gateway.money.conftest import OFFSET, clocked, shift

__all__ = ["clocked"]

# Between two looks at the clock, in ms.
MOMENT = 200
Check = Callable[[Queue], Awaitable[None]]


async def a_stale_token_writes_nothing(queue: Queue) -> None:
    await opened(queue, 1)
    old = place_of((await claimed(queue))[0])
    await shift(queue.store, MINUTE)
    [heir] = await claimed(queue)
    assert heir.token != old.token
    assert await queue.keep([old]) == [old]
    assert not await queue.park(old, 1, b"late")
    assert not await queue.finish(old, result("failed"))
    assert await queue.finish(place_of(heir), result("accepted"))
    assert not await queue.finish(place_of(heir), result("failed"))
    [found] = await queue.results(heir.job, [0])
    assert found is not None
    assert found.outcome == "accepted"
    job = await loaded(queue, heir.job)
    assert (job.counts.done, job.counts.failed) == (1, 0)


async def an_item_is_lent_once(queue: Queue) -> None:
    await opened(queue, 5)
    found = await claimed(queue)
    assert sorted(one.index for one in found) == list(range(5))
    assert await claimed(queue) == []


async def a_lease_that_is_kept_is_not_lent_again(queue: Queue) -> None:
    await opened(queue, 1)
    held = place_of((await claimed(queue))[0])
    for step in range(1, 6):
        await shift(queue.store, step * (LEASE - 1000))
        assert await queue.keep([held]) == []
        assert await claimed(queue) == []
    await shift(queue.store, 6 * LEASE + MINUTE)
    assert len(await claimed(queue)) == 1


async def deaths_are_counted_until_something_comes_of_it(queue: Queue) -> None:
    await opened(queue, 1)
    for death in range(2):
        [held] = await claimed(queue)
        assert held.deaths == death
        await shift(queue.store, (death + 1) * MINUTE)
    [held] = await claimed(queue)
    assert await queue.park(place_of(held), 0, b"")
    await shift(queue.store, 4 * MINUTE)
    [held] = await claimed(queue)
    assert held.deaths == 2, "it was not even begun"
    assert await queue.park(place_of(held), 0, progress())
    await shift(queue.store, 5 * MINUTE)
    [held] = await claimed(queue)
    assert held.deaths == 0


async def what_was_there_at_many_deaths_waits(queue: Queue) -> None:
    """From the third on, longer each time, and no two alike; nobody's room is taken by it."""
    job = await opened(queue, 20)
    await opened(queue, 1, lane="interactive")
    now = 0
    for death in range(1, 12):
        assert len(await claimed(queue)) == 21
        now += 2 * MINUTE
        await shift(queue.store, now)
        if death < 3:
            continue
        began = await clock(queue)
        assert await claimed(queue, interactive=1, bulk=1) == [], "tried at once"
        waits = [due - began for due in await dues(queue)]
        about = 1000 * min(60, 2 ** (death - 3))
        assert all(about / 2 <= wait <= 1.5 * about + MOMENT for wait in waits)
        assert max(waits) - min(waits) > about / 2 - MOMENT, "they would meet again"
        assert await field(queue.store, job, "flying") == 0
        now += 2 * MINUTE
        await shift(queue.store, now)
    assert {one.deaths for one in await claimed(queue)} == {11}


async def what_waits_after_many_deaths_is_cancelled_at_once(queue: Queue) -> None:
    job, other = await opened(queue, 1), await opened(queue, 1)
    for death in range(3):
        assert len(await claimed(queue)) == 2
        await shift(queue.store, (death + 1) * MINUTE)
    assert await queue.cancel(other, "t") is True
    [held] = await claimed(queue)
    assert (held.job, held.deaths) == (other, 3), "nobody would run it"
    assert await queue.cancel(job, "t") is True
    found = await loaded(queue, job)
    assert found.finished_at
    assert found.counts.cancelled == 1
    await shift(queue.store, 3 * MINUTE + 2 * LEASE // 3)
    assert await claimed(queue) == []


async def what_is_laid_aside_comes_back_when_it_is_due(queue: Queue) -> None:
    await opened(queue, 1)
    [held] = await claimed(queue)
    assert await queue.park(place_of(held), 120, progress(7))
    assert await claimed(queue) == []
    await shift(queue.store, 3 * MINUTE)
    [again] = await claimed(queue)
    assert await queue.park(place_of(again), 0, b"")
    await shift(queue.store, 4 * MINUTE)
    [again] = await claimed(queue)
    work = await queue.work(again)
    assert work is not None
    assert work.progress == progress(7)
    assert await claimed(queue) == []


async def a_job_ends_once_and_tells_of_it_once(queue: Queue) -> None:
    job = await opened(queue, 3, broken=[1])
    held = await claimed(queue)
    assert [one.index for one in held] == [0, 2]
    assert await events(queue.store) == []
    for one in held:
        assert await queue.finish(place_of(one), result("failed", 5))
        assert not await queue.finish(place_of(one), result("failed", 5))
    assert [row["event"] for row in await events(queue.store)] == ["job.completed"]
    found = await loaded(queue, job)
    assert found.finished_at
    assert (found.status, found.counts.failed, found.cost) == ("failed", 3, "0.00001")
    assert await queue.store.call("PTTL", f"{ROOT}job:{job}:in") > 0


async def what_is_cancelled_is_not_lent(queue: Queue) -> None:
    job = await opened(queue, 5)
    first, second = await claimed(queue, fresh=2)
    assert await queue.park(place_of(first), 0, progress(40))
    assert await queue.cancel(job, "other") is None
    assert await queue.cancel(job, "t") is True
    await shift(queue.store, 1000)
    assert await claimed(queue) == []
    found = await loaded(queue, job)
    assert not found.finished_at
    assert (found.status, found.counts.cancelled) == ("cancelled", 4)
    assert await queue.finish(place_of(second), result("accepted", 2))
    found = await loaded(queue, job)
    assert found.finished_at
    assert (found.status, found.counts.done, found.cost) == ("cancelled", 1, "0.000042")
    assert await queue.cancel(job, "t") is False
    assert len(await events(queue.store)) == 1


async def a_job_that_was_cancelled_stays_so_when_it_is_shown(queue: Queue) -> None:
    """Its request's own process shows it late; somebody was told of it, and cancelled it."""
    place = Place("job_x")
    held = await queue.adopt(place, request_of(), b"{}")
    assert held is not None
    assert await queue.cancel("job_x", "t") is True
    assert await queue.adopt(held, request_of(), b"{}") == held
    found = await loaded(queue, "job_x")
    assert found.status == "cancelled"
    assert await queue.adopt(place, request_of(), b"{}") is None


async def teams_take_turns(queue: Queue) -> None:
    for team, rows in (("a", 60), ("b", 60), ("c", 6)):
        await opened(queue, rows, team=team)
    teams: Counter[str] = Counter()
    for _ in range(10):
        teams.update(one.team for one in await claimed(queue, fresh=3))
    assert teams == {"a": 12, "b": 12, "c": 6}
    await opened(queue, 60, team="d")
    late: Counter[str] = Counter()
    for _ in range(9):
        late.update(one.team for one in await claimed(queue, fresh=1))
    assert late == {"a": 3, "b": 3, "d": 3}, "whoever comes late is owed nothing"


async def who_keeps_the_process_busy_waits(queue: Queue) -> None:
    await opened(queue, 20, team="a")
    await opened(queue, 20, team="b")
    found = await queue.claim(interactive=0, bulk=9, fresh=4, at_work={"a": 3})
    assert Counter(one.team for one in found) == {"b": 3, "a": 1}
    for team in ("a", "b"):
        await opened(queue, 4, team=team, lane="interactive")
    found = await queue.claim(interactive=4, bulk=0, fresh=0, at_work={"a": 9})
    assert Counter(one.team for one in found) == {"a": 2, "b": 2}, "bulk alone is counted"


async def lanes_are_apart(queue: Queue) -> None:
    await opened(queue, 20)
    bulk = await claimed(queue, fresh=10)
    for one in bulk[:5]:
        assert await queue.park(place_of(one), 0, progress())
    await opened(queue, 2, lane="interactive")
    await shift(queue.store, MINUTE)
    # Five are due, five are orphans, ten are new: none of them is in the way of the others.
    found = await claimed(queue, interactive=5, bulk=0, fresh=9)
    assert [one.lane for one in found] == ["interactive"] * 2
    found = await claimed(queue, interactive=0, bulk=12, fresh=1)
    assert Counter(one.deaths for one in found) == {0: 6, 1: 5}
    assert len(await claimed(queue, interactive=0, bulk=5, fresh=9)) == 5


async def rows_that_cannot_be_asked_are_stepped_over(queue: Queue) -> None:
    job = await opened(queue, 4500, broken=[at for at in range(4500) if at not in (2100, 4400)])
    found: list[int] = []
    for _ in range(5):
        found += [one.index for one in await claimed(queue, fresh=1)]
    assert found == [2100, 4400]
    assert await claimed(queue) == []
    assert await field(queue.store, job, "next") == 4500


async def a_key_opens_one_job(queue: Queue) -> None:
    marked: dict[str, Any] = {"mark": "m", "fingerprint": "f", "mark_life": MINUTE}
    first = await opened(queue, 2, **marked)
    assert await opened(queue, 2, **marked) == first
    assert len(await claimed(queue)) == 2


async def clock(queue: Queue) -> int:
    """What the store takes for the time, in ms."""
    seconds, micros = await queue.store.call("TIME")
    return int(seconds) * 1000 + int(micros) // 1000 + int(await queue.store.call("GET", OFFSET))


async def dues(queue: Queue) -> list[int]:
    """When each item that is laid aside is due."""
    found: list[int] = []
    for lane in ("interactive", "bulk"):
        rows = await queue.store.call("ZRANGE", f"{ROOT}due:{lane}", 0, -1, "WITHSCORES")
        found += [int(due) for due in rows[1::2]]
    return found


def key(job: str) -> str:
    return f"{ROOT}job:{job}"


OWNS = "return token ~= '' and redis.call('HGET', root .. 'owners', member) == token"
PARKED = "redis.call('ZREM', root .. 'due:' .. lane, member)"
ADOPT = "if redis.call('EXISTS', key) == 1 then\n  if not"
MUTANTS: list[tuple[Check, str, str]] = [
    (
        who_keeps_the_process_busy_waits,
        "tonumber(ARGV[6]), {})",
        "tonumber(ARGV[6]), bulk_at_work)",
    ),
    (a_stale_token_writes_nothing, OWNS, "return token ~= ''"),
    (a_stale_token_writes_nothing, "redis.call('HDEL', root .. 'owners', member)", ""),
    (an_item_is_lent_once, "redis.call('HINCRBY', key, 'next', 1) - 1", "0"),
    (a_lease_that_is_kept_is_not_lent_again, "'XX', ends, member) end", "'XX', 1, member) end"),
    (an_item_is_lent_once, "now + lease)", "now)"),
    (
        deaths_are_counted_until_something_comes_of_it,
        "redis.call('HINCRBY', root .. 'job:' .. job .. ':deaths', index, 1)",
        "0",
    ),
    (deaths_are_counted_until_something_comes_of_it, "if ARGV[5] ~= '' then", "if true then"),
    (
        deaths_are_counted_until_something_comes_of_it,
        "redis.call('HDEL', key .. ':deaths', index)\nend",
        "end",
    ),
    (what_was_there_at_many_deaths_waits, "if deaths < suspected or is_cancelled", "if true"),
    (what_was_there_at_many_deaths_waits, "first * 2 ^ (deaths - suspected)", "first"),
    (what_was_there_at_many_deaths_waits, "math.min(longest, ", "math.max(first, "),
    (what_was_there_at_many_deaths_waits, "(0.5 + share)", "1"),
    (what_was_there_at_many_deaths_waits, "'LIMIT', 0, most", "'LIMIT', 0, room"),
    (
        what_waits_after_many_deaths_is_cancelled_at_once,
        "if deaths < suspected or is_cancelled",
        "if deaths < suspected",
    ),
    (
        what_waits_after_many_deaths_is_cancelled_at_once,
        "redis.call('SADD', root .. 'job:' .. job .. ':parked', index)",
        "",
    ),
    (what_is_laid_aside_comes_back_when_it_is_due, "now_ms() + tonumber(ARGV[4])", "now_ms()"),
    (what_is_laid_aside_comes_back_when_it_is_due, "if ARGV[5] ~= '' then", "if true then"),
    (what_is_laid_aside_comes_back_when_it_is_due, PARKED, ""),
    (a_job_ends_once_and_tells_of_it_once, "if j[10] or done + cancelled < total", "if done < 1"),
    (a_job_ends_once_and_tells_of_it_once, "outlive(root, job, math", "tostring(math"),
    (
        a_job_ends_once_and_tells_of_it_once,
        "redis.call('HEXISTS', key .. ':out', index) == 0",
        "1",
    ),
    (
        what_is_cancelled_is_not_lent,
        "redis.call('ZREM', root .. 'due:' .. j[4]",
        "string.len('ZREM'",
    ),
    (what_is_cancelled_is_not_lent, "- tonumber(c[3] or 0)", ""),
    (what_is_cancelled_is_not_lent, "tally.posted", "tally.in_doubt"),
    (what_is_cancelled_is_not_lent, "if j[1] ~= team or j[3]", "if j[3]"),
    (a_job_that_was_cancelled_stays_so_when_it_is_shown, ADOPT, "if false then\n  if not"),
    (teams_take_turns, "redis.call('ZINCRBY', turns, 1, team)", ""),
    (
        teams_take_turns,
        "redis.call('ZADD', turns, least[2] or 0, team)",
        "redis.call('ZADD', turns, 0, team)",
    ),
    (who_keeps_the_process_busy_waits, "(at_work[team] or 0) < (at_work[found] or 0)", "false"),
    (who_keeps_the_process_busy_waits, "at_work[team] = (at_work[team] or 0) + 1", ""),
    (
        lanes_are_apart,
        "local index_of = root .. from .. ':' .. lane",
        "local index_of = root .. from .. ':bulk'",
    ),
    (lanes_are_apart, "new(name, math.min(room, fresh),", "new(name, fresh,"),
    (rows_that_cannot_be_asked_are_stepped_over, "local PATIENCE = 2000", "local PATIENCE = 20"),
    (
        rows_that_cannot_be_asked_are_stepped_over,
        "elseif job and skipped < PATIENCE then",
        "elseif job then",
    ),
    (a_key_opens_one_job, "redis.call('EXISTS', root .. 'job:' .. m[2]) == 1", "false"),
]


def mutate(queue: Queue, old: str, new: str) -> None:
    """Replace `old` in every script of the queue that has it."""
    hits = 0
    for name, script in queue._scripts.items():
        assert script.shifted
        hits += script.shifted.source.count(old)
        shifted = Script.of(name, script.shifted.source.replace(old, new))
        queue._scripts[name] = Script.of(name, script.source.replace(old, new), shifted=shifted)
    assert hits, "the mutant no longer fits the scripts"


@pytest.fixture
async def queue(clocked: Store) -> Queue:
    return queue_of(clocked)


@pytest.mark.parametrize("check", dict.fromkeys(mutant[0] for mutant in MUTANTS))
async def test_the_scripts_as_they_are_pass(queue: Queue, check: Check) -> None:
    await check(queue)


@pytest.mark.parametrize("check, old, new", MUTANTS)
async def test_a_broken_script_is_caught(queue: Queue, check: Check, old: str, new: str) -> None:
    mutate(queue, old, new)
    with pytest.raises((AssertionError, ValueError)):
        await check(queue)
