"""Whatever is killed, nothing is left behind and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.supervisor.processes import (
    END_SECONDS,
    KILLED_SECONDS,
    PERSON,
    Served,
    assert_all_end,
    bill_of,
    environment,
    processes_of,
    sabotaged,
    serving,
    start,
    until,
)

WORKER, STORE, SIMULATOR = "supervisor.worker", "valkey-server", "providers.simulator"


async def acknowledged(served: Served) -> dict[str, Any]:
    """What a gateway was asked to keep: an answer that was paid for, and a team."""
    answer = await served.find()
    assert answer.status_code == 200, answer.text
    assert answer.json()["meta"]["cost"] == "0.049"
    team = await served.client.post("/v1/admin/teams", json={"name": "research"})
    assert team.status_code == 201, team.text
    return {"email": answer.json()["data"]["email"], "team": team.json()["data"]}


async def assert_found_again(served: Served, kept: dict[str, Any]) -> None:
    answer = await served.find()
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["email"] == kept["email"]
    assert answer.json()["meta"]["cost"] == "0"
    team = await served.client.get(f"/v1/admin/teams/{kept['team']['id']}")
    assert team.json().get("data") == kept["team"], team.text
    assert len(bill_of(served.folder / "data")) == 1


async def is_ready(served: Served) -> bool:
    return (await served.client.get("/readyz")).status_code == 200


async def kill(served: Served) -> None:
    served.process.kill()
    await served.process.wait()


async def test_kill_9_leaves_no_process_and_loses_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as served:
        kept = await acknowledged(served)
        for word, number in ((WORKER, 2), (STORE, 1), (SIMULATOR, 1)):
            assert len(served.children(word)) == number, word
        await kill(served)
        await assert_all_end(tmp_path)
    async with serving(tmp_path) as again:
        await assert_found_again(again, kept)


# Nothing ties the store to the gateway.
UNTIED = """
import gateway.store.server as s
s.TETHER = ["/bin/sh", "-c", 'exec "$@"']
"""
# Neither the kernel nor the pipe ends workers and simulators with their parent.
DEAF = """
import ctypes, os, types
ctypes.CDLL = lambda *_, **__: types.SimpleNamespace(prctl=lambda *_: 0)
os._exit = lambda _: None
"""
FORGETFUL = """
import gateway.store.server as s
s.OPTIONS["appendonly"] = "no"
"""


@pytest.mark.parametrize(
    "code, orphan",
    [(UNTIED, STORE), (DEAF, rf"{WORKER}.*{SIMULATOR}|{SIMULATOR}.*{WORKER}")],
    ids=["store", "workers"],
)
async def test_an_orphan_is_noticed(code: str, orphan: str, tmp_path: Path) -> None:
    """Mutants: the store goes on after its gateway; the workers and the simulators do."""
    environ = environment(tmp_path / "data") | sabotaged(tmp_path / "sabotage", code)
    async with serving(tmp_path, environ=environ) as served:
        await kill(served)
        with pytest.raises(AssertionError, match=rf"still running.*({orphan})"):
            await assert_all_end(tmp_path, 0.5)


@pytest.mark.gate
async def test_a_forgetful_store_is_noticed(tmp_path: Path) -> None:
    """Mutant: what was acknowledged was only in memory."""
    risk = {"GATEWAY_STORE_ACCEPT_RISK": "persistence"}
    environ = environment(tmp_path / "data", **risk) | sabotaged(tmp_path / "sabotage", FORGETFUL)
    async with serving(tmp_path, environ=environ) as served:
        kept = await acknowledged(served)
        await kill(served)
        await assert_all_end(tmp_path)
    async with serving(tmp_path, environ=environ) as again:
        with pytest.raises(AssertionError, match=r"'0\.049' == '0'"):
            await assert_found_again(again, kept)


async def test_a_store_that_is_killed_comes_back_and_service_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        kept = await acknowledged(served)
        (first,) = served.children(STORE)
        os.kill(first, signal.SIGKILL)

        fresh = await until(lambda: set(served.children(STORE)) - {first}, 10, "a new store")
        assert len(fresh) == 1
        await until(lambda: is_ready(served), 10, "readiness")
        await assert_found_again(served, kept)
        assert "store.restarted" in served.log
        assert served.process.returncode is None


async def test_a_worker_that_is_killed_is_replaced_while_the_port_is_served(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, "--workers", "2") as served:
        kept = await acknowledged(served)
        first, second = served.children(WORKER)
        os.kill(first, signal.SIGKILL)
        await served.clients.pop().aclose()  # connections of the dead worker
        await assert_found_again(served, kept)

        def both() -> bool:
            now = served.children(WORKER)
            return len(now) == 2 and first not in now and second in now

        await until(both, 10, "a new worker")
        await until(lambda: "worker.replaced" in served.log, 10, "a line in the log")
        await assert_found_again(served, kept)


async def test_simulators_that_are_killed_end_the_gateway_with_a_message(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        (simulator,) = served.children(SIMULATOR)
        os.kill(simulator, signal.SIGKILL)
        assert await asyncio.wait_for(served.process.wait(), 20) == 2
        assert "prospect serve: the simulated providers ended; start again" in served.log
        await assert_all_end(tmp_path)


async def assert_ends_cleanly(served: Served, send: Callable[[], None], *, wait: int = 20) -> None:
    """A lookup in flight is answered, the exit code is 0, and nothing is left."""
    question = {**PERSON, "routing": {"providers": ["snov"]}}
    lookup = asyncio.create_task(served.find(question, prefer=f"wait={wait}"))
    await until(lambda: bill_of(served.folder / "data"), 20, "a lookup in flight")
    assert not lookup.done()
    send()
    (answer,) = await asyncio.gather(lookup, return_exceptions=True)
    assert isinstance(answer, httpx.Response), f"no answer: {answer!r}"
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["provenance"]["provider"] == "snov"
    assert await asyncio.wait_for(served.process.wait(), END_SECONDS) == 0
    assert "Traceback" not in served.log
    await assert_all_end(served.folder, 0.5)


async def test_sigterm_ends_all_once_lookups_in_flight_are_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await assert_ends_cleanly(served, served.process.terminate)


async def test_ctrl_c_reaches_the_whole_group_and_does_the_same(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await assert_ends_cleanly(served, lambda: os.killpg(served.process.pid, signal.SIGINT))


async def test_a_service_manager_may_end_store_and_workers_at_once(tmp_path: Path) -> None:
    """systemd signals every process of a unit: what is in flight still needs the store."""

    def end_them() -> None:
        simulators = served.children(SIMULATOR)
        for pid in processes_of(tmp_path).keys() - simulators:
            os.kill(pid, signal.SIGTERM)

    async with serving(tmp_path) as served:
        await assert_ends_cleanly(served, end_them)


# Everything is in the group that a terminal's Ctrl-C reaches.
TOGETHER = """
import subprocess
class Popen(subprocess.Popen):
    def __init__(self, *arguments, process_group=None, **options):
        super().__init__(*arguments, **options)
subprocess.Popen = Popen
"""
HASTY = """
import gateway.supervisor.children as c
c.Child.ask_to_end = lambda self: self._process.kill()
"""


@pytest.mark.gate
@pytest.mark.parametrize("code", [TOGETHER, HASTY], ids=["together", "hasty"])
async def test_an_end_that_drops_lookups_is_noticed(code: str, tmp_path: Path) -> None:
    """Mutants: Ctrl-C reaches the simulators; workers are killed instead of asked."""
    environ = environment(tmp_path / "data") | sabotaged(tmp_path / "sabotage", code)
    async with serving(tmp_path, environ=environ) as served:
        group = served.process.pid
        with pytest.raises(AssertionError, match=r"no answer|assert (202|50\d) == 200"):
            await assert_ends_cleanly(served, lambda: os.killpg(group, signal.SIGINT), wait=3)
        await kill(served)


@pytest.mark.gate
async def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await ask_nobody(served)
        served.process.send_signal(signal.SIGINT)
        await until(lambda: "Ctrl-C again" in served.log, 10, "a word to who waits")
        assert served.process.returncode is None
        served.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(served.process.wait(), 10) == 0
        await assert_all_end(tmp_path, 0.5)


async def ask_nobody(served: Served) -> None:
    """Leave a job in flight that cannot finish: its provider does not run any more."""
    question = {**PERSON, "routing": {"providers": ["snov"]}}
    assert (await served.find(question, prefer="respond-async")).status_code == 202
    await until(lambda: bill_of(served.folder / "data"), 20, "a lookup in flight")
    (simulator,) = served.children(SIMULATOR)
    os.kill(simulator, signal.SIGSTOP)


async def test_an_end_while_it_starts_is_clean(tmp_path: Path) -> None:
    process, errors = await start(
        tmp_path, "serve", "--port", "0", environ=environment(tmp_path / "data")
    )
    await until(lambda: is_starting(tmp_path), 20, "a store")
    os.killpg(process.pid, signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
    assert errors.read_text() == ""
    await assert_all_end(tmp_path, KILLED_SECONDS)


def is_starting(folder: Path) -> bool:
    return any(STORE in command for command in processes_of(folder).values())
