"""A store that is gone or slow is down at once, and is back without a restart of ours."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from gateway.store import link
from gateway.store.condition import LULL
from gateway.store.connection import Store, StoreDown, StoreRefused

AT_ONCE = 20  # seconds; far beyond the timeouts here, so that a busy machine decides nothing


async def back(store: Store) -> None:
    async with asyncio.timeout(AT_ONCE):
        while True:
            with contextlib.suppress(StoreDown):
                assert await store.call("PING") == b"PONG"
                return
            await asyncio.sleep(LULL)


async def test_a_killed_store_is_down_and_back_when_it_is_back(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=5)
    assert await store.call("ECHO", "before") == b"before"
    server.kill()
    async with asyncio.timeout(AT_ONCE):
        for _ in range(8):
            with pytest.raises(StoreDown):
                await store.call("ECHO", "meanwhile")
    serve(folder=server.folder)
    assert [await store.call("ECHO", n) for n in range(8)] == [b"%d" % n for n in range(8)]
    await store.close()


async def test_links_that_idled_through_a_restart_are_not_trusted(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=5, pool=4)
    calls = []
    for _ in range(4):  # each turn of the loop takes a link of its own
        calls.append(asyncio.create_task(store.call("PING")))
        await asyncio.sleep(0)
    await asyncio.gather(*calls)
    server.kill()
    serve(folder=server.folder)
    assert [await store.call("ECHO", n) for n in range(8)] == [b"%d" % n for n in range(8)]
    await store.close()


async def test_a_frozen_store_is_down_and_its_late_replies_reach_nobody(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=0.2)
    await store.call("PING")
    server.freeze()
    async with asyncio.timeout(AT_ONCE):
        for _ in range(2):
            lost = await asyncio.gather(
                *[store.call("ECHO", f"lost {n}") for n in range(600)], return_exceptions=True
            )
            assert all(isinstance(end, StoreDown) for end in lost)
    server.thaw()
    patient = await Store.connect(server.url, timeout=30)
    await patient.call("PING")
    await back(store)
    replies = await asyncio.gather(*[store.call("ECHO", n) for n in range(600)])
    assert replies == [b"%d" % n for n in range(600)]
    await store.close()
    await patient.close()


async def test_calls_that_wait_for_a_link_do_not_wait_twice(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=0.5, pool=1)
    await store.call("PING")
    server.freeze()
    calls = []
    for _ in range(20):
        calls.append(asyncio.create_task(store.call("PING")))
        await asyncio.sleep(0)
    sent, *waiting = calls
    with pytest.raises(StoreDown):
        await sent
    assert [type(call.exception()) for call in waiting] == [StoreDown] * 19
    await store.close()


async def test_a_caller_who_waited_in_vain_does_not_wait_for_its_next_call(serve: Any) -> None:
    server = serve()
    store = await Store.connect(server.url, timeout=0.2)
    await store.call("PING")
    server.freeze()
    with pytest.raises(StoreDown, match="did not answer within"):
        await store.call("PING")
    with pytest.raises(StoreDown, match="a moment ago"):
        await store.call("PING")
    server.thaw()
    await back(store)
    await store.close()


async def test_nobody_waits_for_the_login_of_a_store_that_was_up(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anything sent that its caller was told is lost."""
    monkeypatch.setattr(link, "CONNECT_TIMEOUT", 2.0 * AT_ONCE)
    server = serve("--requirepass", "open-sesame")
    path = server.url.removeprefix("unix://")
    store = await Store.connect(f"unix://:open-sesame@{path}", timeout=0.2, pool=2)
    await store.call("SET", "n", 0)
    server.freeze()
    async with asyncio.timeout(AT_ONCE):
        for _ in range(5):
            with pytest.raises(StoreDown):
                await store.call("INCR", "n")
            await asyncio.sleep(LULL)
    server.thaw()
    await back(store)
    # The first was in the frozen server's socket.
    assert await store.call("GET", "n") == b"1"
    await store.close()


async def test_a_lost_call_is_not_sent_again(serve: Any) -> None:
    server = serve("--appendonly", "yes", "--appendfsync", "always")
    store = await Store.connect(server.url, timeout=0.2)
    await store.call("SET", "n", 0)
    server.freeze()
    with pytest.raises(StoreDown):
        await store.call("INCR", "n")
    server.thaw()
    patient = await Store.connect(server.url, timeout=30)
    # The frozen server still had the command in its socket, in front of this one.
    assert await patient.call("ECHO", "x") == b"x"
    await back(store)
    assert await store.call("GET", "n") == b"1"
    await store.close()
    await patient.close()


async def test_a_store_that_was_never_there_is_down_at_first_use(tmp_path: Path) -> None:
    store = await Store.connect(f"unix://{tmp_path}/none")
    with pytest.raises(StoreDown, match="none"):
        await store.call("PING")
    await store.close()


async def test_a_store_that_takes_no_writes_refuses_them_only(serve: Any) -> None:
    store = await Store.connect(serve("--maxmemory", "1").url, timeout=5)
    with pytest.raises(StoreRefused, match="maxmemory"):
        await store.call("SET", "k", "v")
    assert await store.call("GET", "k") is None
    await store.close()


async def test_a_password_is_used_and_never_told(serve: Any) -> None:
    server = serve("--requirepass", "open-sesame")
    path = server.url.removeprefix("unix://")
    store = await Store.connect(f"unix://:open-sesame@{path}", timeout=5)
    assert await store.call("PING") == b"PONG"
    await store.close()
    for wrong in (
        f"unix://:closed-sesame@{path}",
        server.url,
        "redis://:closed-sesame@127.0.0.1:1",
    ):
        store = await Store.connect(wrong, timeout=5)
        with pytest.raises(StoreDown) as caught:
            await store.call("PING")
        assert "sesame" not in repr(caught.value)
        await store.close()


async def test_a_url_of_another_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="redis://, rediss://, unix://"):
        await Store.connect("http://127.0.0.1")
