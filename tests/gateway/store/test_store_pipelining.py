"""Calls of one turn of the loop travel together, and every reply finds its own caller."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from dirty_equals import IsInstance

from gateway.store.connection import ResponseError, Store, StoreDown


async def count(store: Store, fact: str) -> int:
    facts = (await store.call("INFO", "stats")).decode()
    return int(facts.split(f"{fact}:")[1].split()[0])


async def test_calls_of_one_turn_travel_in_one_pipeline(serve: Any) -> None:
    server = serve()
    watcher, store = (
        await Store.connect(server.url, timeout=5),
        await Store.connect(server.url, timeout=5),
    )
    reads = await count(watcher, "total_reads_processed")
    links = await count(watcher, "total_connections_received")

    await asyncio.gather(*[store.call("SET", f"k{n}", n) for n in range(100)])

    # The two that the watcher itself sent are not the store's.
    assert await count(watcher, "total_reads_processed") - reads - 2 == 1
    assert await count(watcher, "total_connections_received") - links == 1
    assert await store.call("DBSIZE") == 100
    await store.close()
    await watcher.close()


async def test_a_long_turn_is_split_over_the_links(serve: Any) -> None:
    server = serve()
    watcher, store = (
        await Store.connect(server.url, timeout=5),
        await Store.connect(server.url, timeout=5),
    )
    links = await count(watcher, "total_connections_received")
    for calls, used in ((512, 1), (513, 2), (9999, 4)):
        await asyncio.gather(*[store.call("SET", "k", n) for n in range(calls)])
        assert await count(watcher, "total_connections_received") - links == used
    await store.close()
    await watcher.close()


@pytest.mark.parametrize("calls", [1, 512, 513, 3000])
async def test_every_caller_gets_its_own_reply(store: Store, calls: int) -> None:
    replies = await asyncio.gather(*[store.call("ECHO", n) for n in range(calls)])
    assert replies == [str(n).encode() for n in range(calls)]


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_values_of_any_size_pass(store: Store, size: int) -> None:
    value = random.Random(size).randbytes(size)
    replies = await asyncio.gather(*[store.call("ECHO", value) for _ in range(4)])
    assert replies == [value] * 4


async def test_an_error_reply_hurts_its_caller_alone(store: Store) -> None:
    await store.call("SET", "text", "x")
    # Not to be taken for BUSY, which refuses everything.
    busygroup = "return redis.error_reply('BUSYGROUP exists')"
    commands = (("ECHO", 1), ("INCR", "text"), ("ECHO", 2), ("EVAL", busygroup, 0))
    ends = await asyncio.gather(*[store.call(*c) for c in commands], return_exceptions=True)
    assert ends == [b"1", IsInstance(ResponseError), b"2", IsInstance(ResponseError)]


@pytest.mark.parametrize("argument", [None, True, [1], object()])
async def test_an_argument_that_cannot_be_sent_hurts_its_caller_alone(
    store: Store, argument: Any
) -> None:
    calls = [store.call("ECHO", each) for each in (argument, "x")]
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert ends == [IsInstance(TypeError), b"x"]


@pytest.mark.parametrize("pool", [1, 4])
async def test_cancelled_callers_never_leave_a_reply_for_another(
    store_url: str, pool: int
) -> None:
    store = await Store.connect(store_url, timeout=5, pool=pool)
    chance = random.Random(pool)

    async def call_and_compare(number: int) -> bool:
        await asyncio.sleep(0)
        return bool(await store.call("ECHO", number) == str(number).encode())

    async def cancel_sometime(task: asyncio.Task[bool]) -> None:
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        task.cancel()

    ends: list[bool | BaseException] = []
    for start in range(0, 2000, 50):
        tasks = [asyncio.create_task(call_and_compare(start + n)) for n in range(50)]
        await asyncio.gather(*[cancel_sometime(task) for task in tasks[::2]])
        ends += await asyncio.gather(*tasks, return_exceptions=True)

    cancelled = [end for end in ends if isinstance(end, asyncio.CancelledError)]
    assert len(cancelled) > 500
    assert [end for end in ends if end not in cancelled and end is not True] == []
    await store.close()


async def test_a_call_cancelled_before_it_was_sent_never_happens(store: Store) -> None:
    call = asyncio.create_task(store.call("INCR", "n"))
    await asyncio.sleep(0)  # issued, and the turn of the loop is not over
    call.cancel()
    assert await store.call("GET", "n") is None
    assert call.cancelled()


async def test_closing_fails_whoever_waits_and_whoever_comes(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=60, pool=1)
    await store.call("PING")
    server.freeze()
    sent = asyncio.create_task(store.call("PING"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    queued = asyncio.create_task(store.call("PING"))
    await asyncio.sleep(0)

    await store.close()

    for waiting in (sent, queued, store.call("PING")):
        with pytest.raises(StoreDown, match="closed"):
            await waiting


async def test_scan_yields_every_matching_key(store: Store) -> None:
    await asyncio.gather(*[store.call("SET", f"{{pgw}}:a:{n}", n) for n in range(1200)])
    await store.call("SET", "{pgw}:b", 0)
    found = {key async for key in store.scan("{pgw}:a:*")}
    assert found == {f"{{pgw}}:a:{n}".encode() for n in range(1200)}
