"""Scripts run by their hash, once, on the store's clock."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from gateway.store import script as scripts
from gateway.store.connection import ResponseError, Script, Store

COUNT = Script.of("count", "return redis.call('INCR', KEYS[1])")


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A script of a file, which returns its clock."""
    for file in scripts.FOLDER.glob("clock*.lua"):
        shutil.copy(file, tmp_path)
    (tmp_path / "now.lua").write_text("return {now_ms(), redis.call('TIME')[1]}")
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)
    return Script.load("now")


async def test_a_script_gets_its_keys_and_arguments(store: Store) -> None:
    script = Script.of("echo", "return {KEYS[1], ARGV[1], ARGV[2]}")
    assert await store.run(script, ["{pgw}:k"], ["é", 7]) == [b"{pgw}:k", "é".encode(), b"7"]


async def test_a_store_that_forgot_the_script_runs_it_once_for_each_caller(store: Store) -> None:
    for _ in range(3):
        await store.call("SCRIPT", "FLUSH")
        await asyncio.gather(*[store.run(COUNT, ["n"], []) for _ in range(64)])
    assert await store.call("GET", "n") == b"192"


async def test_a_script_that_fails_is_not_run_again(store: Store) -> None:
    script = Script.of("fail", "redis.call('INCR', KEYS[1]) return redis.error_reply('NO luck')")
    with pytest.raises(ResponseError, match="NO luck"):
        await store.run(script, ["n"], [])
    assert await store.call("GET", "n") == b"1"


async def test_the_clock_is_the_stores_in_milliseconds(store: Store, clock: Script) -> None:
    now, seconds = await store.run(clock, [], [])
    assert now // 1000 - int(seconds) in {0, 1}


async def test_a_script_gets_what_it_uses(store: Store, tmp_path: Path, clock: Script) -> None:
    (tmp_path / "twice.lua").write_text("local function twice(n) return n * 2 end\n")
    (tmp_path / "late.lua").write_text("-- uses: twice\nreturn twice(now_ms())")
    doubled = await store.run(Script.load("late"), [], [])
    now, _ = await store.run(clock, [], [])
    assert doubled <= now * 2 <= doubled + 60_000


@pytest.mark.parametrize("name", [file.stem for file in scripts.FOLDER.glob("*.lua")])
async def test_every_script_of_the_gateway_compiles(store: Store, name: str) -> None:
    script = Script.load(name)
    assert script.shifted
    for each in (script, script.shifted):
        assert await store.call("SCRIPT", "LOAD", each.source) == each.sha.encode()


@pytest.mark.parametrize("test_clock, offset", [(True, 86_400_000), (False, 0)])
async def test_only_a_test_clock_can_be_shifted(
    store: Store, store_url: str, clock: Script, test_clock: bool, offset: int
) -> None:
    await store.call("SET", "{pgw}:clock_offset", 86_400_000)
    shifted = await Store.connect(store_url, timeout=5, test_clock=test_clock)
    now, seconds = await shifted.run(clock, [], [])
    assert (now - offset) // 1000 - int(seconds) in {0, 1}
    await shifted.close()
