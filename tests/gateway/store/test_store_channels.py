"""Messages reach every receiver, also after the connection broke."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.store.connection import Store


async def publish_until_heard(store: Store, channel: str, heard: asyncio.Queue[bytes]) -> bytes:
    while heard.empty():
        await store.call("PUBLISH", channel, "again")
        await asyncio.sleep(0.01)
    return heard.get_nowait()


async def test_messages_reach_the_receivers_of_their_channel(store: Store) -> None:
    heard: dict[str, asyncio.Queue[bytes]] = {name: asyncio.Queue() for name in ("a", "b")}
    for name, queue in heard.items():
        await store.subscribe(name, queue.put_nowait)
    for name in heard:
        assert await store.call("PUBLISH", name, f"to {name}") == 1
    for name, queue in heard.items():
        assert await queue.get() == f"to {name}".encode()
        assert queue.empty()


async def test_a_channel_may_have_several_receivers(store: Store) -> None:
    first, second = asyncio.Queue[bytes](), asyncio.Queue[bytes]()
    await store.subscribe("a", first.put_nowait)
    await store.subscribe("a", second.put_nowait)
    await store.call("PUBLISH", "a", "x")
    assert (await first.get(), await second.get()) == (b"x", b"x")


async def test_a_receiver_that_fails_silences_nobody(store: Store) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    heard = asyncio.Queue[bytes]()
    await store.subscribe("a", lambda payload: [][int(payload)])
    await store.subscribe("a", heard.put_nowait)
    await store.call("PUBLISH", "a", "0")
    await store.call("PUBLISH", "a", "1")
    assert [await heard.get(), await heard.get()] == [b"0", b"1"]
    assert [type(report["exception"]) for report in reports] == [IndexError, IndexError]


async def test_subscriptions_survive_the_loss_of_the_connection(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=5)
    heard: dict[str, asyncio.Queue[bytes]] = {name: asyncio.Queue() for name in ("a", "b")}
    for name, queue in heard.items():
        await store.subscribe(name, queue.put_nowait)
    await store.call("CLIENT", "KILL", "TYPE", "pubsub")
    async with asyncio.timeout(30):
        for name, queue in heard.items():
            assert await publish_until_heard(store, name, queue) == b"again"
    await store.close()


async def test_a_subscription_made_while_the_store_is_away_holds_later(
    serve: Any, tmp_path: Path
) -> None:
    store = await Store.connect(f"unix://{tmp_path}/s", timeout=0.2)
    heard = asyncio.Queue[bytes]()
    await store.subscribe("a", heard.put_nowait)
    serve(folder=tmp_path)
    async with asyncio.timeout(30):
        assert await publish_until_heard(store, "a", heard) == b"again"
    await store.close()
