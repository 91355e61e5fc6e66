"""The simulator as a process: it says where it is and never outlives its parent."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import httpx
import pytest

from providers.simulator.testing import simulator_process

SERVE = (sys.executable, "-m", "providers.simulator", "serve", "--people", "50")


async def test_a_killed_simulator_still_has_its_bill(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    bill = tmp_path / "bill.jsonl"
    async with simulator_process(people=50, bill=bill) as (endpoints, control):
        answer = await client.get(
            endpoints.hunter + "/email-finder",
            params={"domain": "blue-harbor.example", "full_name": "Ada Lovelace"},
            headers={"x-api-key": "sim-hunter-key"},
        )
        assert answer.status_code == 200
        rows = (await control.bill())["rows"]
    async with simulator_process(people=50, bill=bill) as (_, control):
        assert (await control.bill())["rows"] == rows
    assert len(rows) == 1


async def start(*options: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *SERVE, *options, stdin=pipe, stdout=pipe, stderr=pipe
    )


async def test_it_says_where_in_one_line_and_ends_on_a_signal() -> None:
    process = await start()
    async with asyncio.timeout(30):
        assert process.stdout is not None
        line = json.loads(await process.stdout.readline())
        assert line["hunter"] == f"http://127.0.0.1:{line['port']}/hunter/v2"
        assert set(line) == {"port", "hunter", "snov", "sixtyfour", "letrics", "control"}
        process.terminate()
        rest, errors = await process.communicate()
    assert (rest, errors) == (b"", b"")


async def test_it_ends_when_its_input_closes() -> None:
    process = await start("--parent-pipe")
    async with asyncio.timeout(30):
        assert process.stdout is not None
        await process.stdout.readline()
        await process.communicate(b"")
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel signal is Linux'")
async def test_it_dies_with_its_parent() -> None:
    """The pipe is at its end only when both processes, which share it, are gone."""
    command = [*SERVE, "--die-with-parent"]
    code = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(60)"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        assert parent.stdout is not None
        assert json.loads(await parent.stdout.readline())["port"]
        parent.kill()
        assert await parent.stdout.read() == b""
        await parent.wait()


async def test_a_busy_port_is_one_message() -> None:
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = str(taken.sockets[0].getsockname()[1])
    process = await start("--port", port)
    _, errors = await process.communicate()
    taken.close()
    assert process.returncode == 1
    assert errors.decode().startswith(f"cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize("options", [["--help"], ["serve", "--help"]])
async def test_help_has_an_example(options: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "providers.simulator", *options, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert b"curl 'http://127.0.0.1:9000/hunter/v2/email-finder" in out
