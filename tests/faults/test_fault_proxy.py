"""The fault proxy does what it is told and nothing else, before a store and before HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gateway.store.connection import Store, StoreDown
from tests.faults.proxy import FaultProxy, Faults, resp_end
from tests.gateway.supervisor.processes import until

TIMEOUT = 0.15


@asynccontextmanager
async def through(
    url: str, faults: Faults | None = None
) -> AsyncIterator[tuple[FaultProxy, Store]]:
    """A store behind a proxy, by one connection."""
    async with FaultProxy(url, faults, framing=resp_end) as proxy:
        store = await Store.connect(proxy.url, timeout=TIMEOUT, pool=1)
        try:
            yield proxy, store
        finally:
            await store.close()


async def count_up(store: Store, times: int) -> list[int | None]:
    """What each of so many INCR answered; None if it was not heard of."""
    heard: list[int | None] = []
    for _ in range(times):
        try:
            heard.append(int(await store.call("INCR", "n")))
        except StoreDown:
            heard.append(None)
    return heard


async def until_equal(store: Store, key: str, value: bytes) -> None:
    async def is_equal() -> bool:
        return bool(await store.call("GET", key) == value)

    await until(is_equal, 5, f"{key} {value!r}")


async def test_without_faults_everything_passes(store: Store, store_url: str) -> None:
    async with through(store_url) as (proxy, behind):
        assert await count_up(behind, 20) == list(range(1, 21))
        replies = await asyncio.gather(*(behind.call("ECHO", "x" * 100_000) for _ in range(20)))
    assert {len(reply) for reply in replies} == {100_000}
    assert +proxy.seen == {"connections": 1, "replies": 40}


@pytest.fixture(autouse=True)
def _no_lull(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is made, however soon after a silence."""
    monkeypatch.setattr("gateway.store.condition.LULL", 0)


@pytest.mark.parametrize("silent", [0, 1])
async def test_a_dropped_reply_is_of_a_call_that_happened(
    store: Store, store_url: str, silent: int
) -> None:
    faults = Faults(drop_replies=0.2, silent=silent)
    async with through(store_url, faults) as (proxy, behind):
        heard = await count_up(behind, 30)
    assert heard.count(None) == proxy.seen["dropped"] > 0
    assert proxy.seen["silent"] == (proxy.seen["dropped"] if silent else 0)
    assert await store.call("GET", "n") == b"30"


async def test_replies_that_travel_together_are_dropped_one_by_one(
    store: Store, store_url: str
) -> None:
    async with through(store_url, Faults(drop_replies=0.2)) as (proxy, behind):
        calls = [behind.call("INCR", "n") for _ in range(50)]
        heard = await asyncio.gather(*calls, return_exceptions=True)
    assert proxy.seen["dropped"] == 1
    assert 0 < sum(isinstance(reply, int) for reply in heard) < 50
    assert await store.call("GET", "n") == b"50"


async def test_a_lost_request_has_not_happened(store: Store, store_url: str) -> None:
    async with through(store_url, Faults(lose_requests=0.3)) as (proxy, behind):
        heard = await count_up(behind, 30)
    lost = proxy.seen["lost"]
    assert heard.count(None) == lost > 0
    assert int(await store.call("GET", "n")) == 30 - lost


async def test_a_late_request_happens_after_its_repeat(store: Store, store_url: str) -> None:
    async with through(store_url, Faults(late_requests=1, lateness=0.5)) as (proxy, behind):
        with pytest.raises(StoreDown):
            await behind.call("APPEND", "text", "late")
        assert await store.call("GET", "text") is None
        proxy.faults = Faults(lateness=0.5)
        await behind.call("APPEND", "text", "early ")
        await until_equal(store, "text", b"early late")


async def test_a_torn_reply_is_no_reply(store: Store, store_url: str) -> None:
    async with through(store_url, Faults(tear_replies=1)) as (proxy, behind):
        with pytest.raises(StoreDown):
            await behind.call("INCR", "n")
        assert proxy.seen["torn"] == 1
    assert await store.call("GET", "n") == b"1"


async def test_what_is_frozen_moves_again_once_thawed(store: Store, store_url: str) -> None:
    async with through(store_url) as (proxy, behind):
        proxy.freeze()
        with pytest.raises(StoreDown, match="did not answer"):
            await behind.call("INCR", "n")
        proxy.thaw()
        assert await behind.call("INCR", "n") in (1, 2)


async def test_a_cut_breaks_what_is_under_way(store: Store, store_url: str) -> None:
    async with through(store_url, Faults(delay=0.05)) as (proxy, behind):
        under_way = asyncio.ensure_future(behind.call("INCR", "n"))
        await until_equal(store, "n", b"1")
        proxy.cut()
        with pytest.raises(StoreDown, match="lost"):
            await under_way
        assert await behind.call("INCR", "n") == 2


async def test_connections_are_refused_while_told(store: Store, store_url: str) -> None:
    async with through(store_url, Faults(refuse=True)) as (proxy, behind):
        with pytest.raises(StoreDown):
            await behind.call("INCR", "n")
        proxy.faults = Faults()
        assert await behind.call("INCR", "n") == 1
        assert proxy.seen["refused"] == 1


async def test_the_same_seed_strikes_the_same(store: Store, store_url: str) -> None:
    runs = []
    for _ in range(2):
        async with through(store_url, Faults(drop_replies=0.2)) as (_, behind):
            await store.call("SET", "n", 0)
            runs.append(await count_up(behind, 40))
    assert runs[0] == runs[1]


@pytest.mark.parametrize(
    "data, end",
    [
        (b"+OK\r\n:1\r\n", 5),
        (b"-ERR no\r\n", 9),
        (b"$5\r\nhe\r\no\r\n:1\r\n", 11),
        (b"$-1\r\n", 5),
        (b"*2\r\n$1\r\na\r\n*1\r\n:7\r\n+x\r\n", 19),
        (b"*-1\r\n", 5),
        (b"*0\r\n", 4),
        (b"", None),
        (b"+OK\r", None),
        (b"$5\r\nhell", None),
        (b"*2\r\n:1\r\n", None),
    ],
)
def test_replies_of_a_store_are_told_apart(data: bytes, end: int | None) -> None:
    assert resp_end(data) == end


@asynccontextmanager
async def http_server(seen: list[bytes]) -> AsyncIterator[str]:
    """Answers every request in two pieces."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            while await reader.readline() != b"\r\n":
                pass
            seen.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(b"half")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base"


async def fetch(session: aiohttp.ClientSession, url: str) -> str:
    try:
        async with session.post(url) as reply:
            return await reply.text()
    except aiohttp.ClientError:
        return ""


async def test_an_exchange_of_http_is_dropped_as_a_whole_or_passes() -> None:
    seen: list[bytes] = []
    async with http_server(seen) as url, FaultProxy(url, Faults(drop_replies=0.3)) as proxy:
        assert proxy.url.endswith("/base")
        async with aiohttp.ClientSession() as session:
            texts = [await fetch(session, proxy.url) for _ in range(20)]
    assert len(seen) == proxy.seen["replies"] == 20
    assert texts.count("") == proxy.seen["dropped"] > 0
    assert texts.count("halfhalf") == 20 - proxy.seen["dropped"]
