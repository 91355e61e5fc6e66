"""The embedded store lives exactly as long as its gateway and forgets nothing."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import select
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gateway.store import embedded, server
from gateway.store.connection import Store
from gateway.store.datadir import lock
from gateway.store.embedded import (
    DataDirInUse,
    DataDirUnusable,
    EmbeddedStore,
    NoServerBinary,
    NotRunning,
    StartFailed,
)

# A gateway in miniature: starts its store, then tells each write once it is acknowledged.
GATEWAY = """
import asyncio, pathlib, sys, threading
from gateway.store.connection import Store
from gateway.store.embedded import EmbeddedStore

async def write(url):
    store = await Store.connect(url, timeout=5)
    for number in range(1_000_000):
        await store.call("SET", f"k{number}", number)
        print(number, flush=True)

embedded = EmbeddedStore(pathlib.Path(sys.argv[1]))
if sys.argv[2] == "watchdog":  # what ties the server to us where the kernel cannot
    starter = threading.Thread(target=embedded.start)
    starter.start()
    starter.join()
else:
    embedded.start()
print(embedded.pid, flush=True)
asyncio.run(write(embedded.url))
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def running(data_dir: Path) -> Any:
    store = EmbeddedStore(data_dir)
    store.start()
    yield store
    store.stop()


def wait_for_end(pid: int, seconds: float) -> bool:
    """Whether the process, which need not be a child, ends in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


async def ask(url: str, *command: str) -> Any:
    store = await Store.connect(url, timeout=5)
    try:
        return await store.call(*command)
    finally:
        await store.close()


@pytest.mark.parametrize("tie", ["kernel", "watchdog"])
def test_a_killed_gateway_takes_the_server_along_and_loses_nothing(
    data_dir: Path, tie: str
) -> None:
    command = [sys.executable, "-c", GATEWAY, str(data_dir), tie]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout
        server_pid = int(gateway.stdout.readline())
        while int(gateway.stdout.readline()) < 100:
            pass
        gateway.kill()
        assert wait_for_end(server_pid, 2)
        acknowledged = 100 + len(gateway.stdout.readlines())

    with pytest.raises(NotRunning):
        EmbeddedStore.attach(data_dir)
    again = EmbeddedStore(data_dir)
    url = again.start()
    assert asyncio.run(ask(url, "DBSIZE")) > acknowledged
    assert asyncio.run(ask(url, "GET", f"k{acknowledged}")) == str(acknowledged).encode()
    again.stop()


async def test_a_server_that_died_alone_is_started_again(running: EmbeddedStore) -> None:
    url, first = running.url, running.pid
    assert not running.poll()
    await ask(url, "SET", "k", "v")
    os.kill(first, 9)
    assert wait_for_end(first, 10)

    assert running.poll()
    assert not running.poll()
    assert running.pid != first
    assert await ask(url, "GET", "k") == b"v"


async def test_a_stopped_store_comes_back_with_its_data(data_dir: Path) -> None:
    for expected in (None, b"v"):
        store = EmbeddedStore(data_dir)
        assert await ask(store.start(), "SET", "k", "v", "GET") == expected
        pid = store.pid
        store.stop()
        assert wait_for_end(pid, 0)
        store.stop()


async def test_a_start_lasts_until_all_is_loaded(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EmbeddedStore(data_dir)
    # A loading server answers once in 1,024 commands.
    fill = "for n = 1, 2500 do redis.call('SET', 'k' .. n, n) end"
    await ask(store.start(), "EVAL", fill, "0")
    store.stop()
    monkeypatch.setitem(server.OPTIONS, "key-load-delay", "200")  # microseconds
    monkeypatch.setitem(server.OPTIONS, "loading-process-events-interval-bytes", "1024")
    assert await ask(store.start(), "DBSIZE") == 2500
    store.stop()


def test_a_second_gateway_is_refused_by_name(running: EmbeddedStore, data_dir: Path) -> None:
    with pytest.raises(DataDirInUse) as caught:
        EmbeddedStore(data_dir).start()
    for word in (str(data_dir), f"process {os.getpid()}", "GATEWAY_DATA_DIR"):
        assert word in str(caught.value)
    assert server.ask(data_dir / "store" / "store.sock") == b"+PONG"


def test_another_process_attaches_to_a_running_store_only(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir)
    for _ in range(2):
        with pytest.raises(NotRunning, match="prospect serve"):
            EmbeddedStore.attach(data_dir)
        url = store.start()
        assert EmbeddedStore.attach(data_dir) == url
        store.stop()


def test_a_copied_directory_does_not_lead_to_the_originals_store(
    running: EmbeddedStore, data_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    (copy / "store").mkdir(parents=True)
    (copy / "store" / "socket").write_bytes((data_dir / "store" / "socket").read_bytes())
    with pytest.raises(NotRunning):
        EmbeddedStore.attach(copy)


async def test_a_long_path_gets_a_short_private_socket(tmp_path: Path) -> None:
    data_dir = tmp_path / ("very-long-" * 12) / "ünd spaces & %41"
    store = EmbeddedStore(data_dir)
    url = store.start()
    folder = Path(url.removeprefix("unix://")).parent
    assert len(str(folder)) < 60
    assert folder.stat().st_mode & 0o777 == 0o700
    assert await ask(EmbeddedStore.attach(data_dir), "PING") == b"PONG"
    store.stop()
    assert not folder.exists()


async def test_odd_characters_in_the_path_do_no_harm(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "ü %41?x#y'\"")
    assert await ask(store.start(), "PING") == b"PONG"
    store.stop()


def test_a_short_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    data_dir = tmp_path / ("very-long-" * 12)
    store = EmbeddedStore(data_dir)
    usual = Path(store.start().removeprefix("unix://")).parent
    store.stop()
    usual.mkdir(mode=0o777)
    usual.chmod(0o777)
    other = Path(store.start().removeprefix("unix://")).parent
    store.stop()
    usual.rmdir()
    assert other != usual


def test_nobody_else_can_reach_it(running: EmbeddedStore, data_dir: Path) -> None:
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "store").stat().st_mode & 0o777 == 0o700
    assert running.url == f"unix://{data_dir}/store/store.sock"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_server_inherits_neither_the_lock_nor_the_terminal(
    running: EmbeddedStore, data_dir: Path
) -> None:
    opened = set()
    for each in Path(f"/proc/{running.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the connection that asked whether it is ready
            opened.add(os.readlink(each))
    assert str(data_dir / "lock") not in opened
    assert str(data_dir / "store" / "server.lock") in opened
    assert os.getsid(running.pid) != os.getsid(0)


def test_the_server_inherits_no_secrets(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HUNTER_API_KEY", "secret-key")
    spy = tmp_path / "redis-server"
    spy.write_text('#!/bin/sh\nexport -p > "$0.environment"\n')
    spy.chmod(0o700)
    with pytest.raises(StartFailed):
        EmbeddedStore(data_dir).start()
    environment = (tmp_path / "redis-server.environment").read_text()
    assert str(tmp_path) in environment
    assert "secret-key" not in environment


def test_a_server_left_over_is_never_joined_by_another(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_dir / "store").mkdir(parents=True)
    left_over = lock(data_dir / "store" / "server.lock")
    monkeypatch.setattr(embedded, "FAREWELL", 0.05)
    store = EmbeddedStore(data_dir)
    with pytest.raises(StartFailed, match="earlier gateway"):
        store.start()
    os.close(left_over)
    store.start()
    store.stop()


def test_a_start_waits_for_the_last_server_to_end(data_dir: Path) -> None:
    (data_dir / "store").mkdir(parents=True)
    left_over = lock(data_dir / "store" / "server.lock")
    store = EmbeddedStore(data_dir)
    threading.Timer(0.1, os.close, [left_over]).start()
    store.start()
    store.stop()


@pytest.mark.parametrize("place", ["a-file", "a-file/below", "/proc/nowhere"])
def test_an_unusable_directory_is_named_with_what_to_do(tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(DataDirUnusable) as caught:
        EmbeddedStore(tmp_path / place).start()
    assert str(tmp_path / place) in str(caught.value)
    assert "GATEWAY_DATA_DIR" in str(caught.value)


def test_ruined_data_stop_the_start_and_free_the_directory(data_dir: Path) -> None:
    (data_dir / "store" / "appendonlydir").mkdir(parents=True)
    manifest = data_dir / "store" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    store = EmbeddedStore(data_dir)
    with pytest.raises(StartFailed, match=r"store\.log says: .*manifest"):
        store.start()
    manifest.unlink()
    store.start()
    store.stop()


def test_a_torn_last_write_does_not_stop_the_start(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir)
    store.start()
    store.stop()
    (log,) = (data_dir / "store" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as torn:
        torn.write(b"*3\r\n$3\r\nSET\r\n$1\r\nk")
    store.start()
    store.stop()


def test_an_installed_server_will_do(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = server.find_binary()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    store = EmbeddedStore(data_dir)
    with pytest.raises(NoServerBinary, match="GATEWAY_STORE_URL"):
        store.start()
    (tmp_path / "redis-server").symlink_to(bundled)
    store.start()
    store.stop()
