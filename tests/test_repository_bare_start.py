"""A fresh clone, Python and make are enough to serve, and the printed `curl` works as pasted."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sys
import time
import urllib.request
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
# What a machine behind a proxy or a mirror needs to reach its package index.
NETWORK = re.compile(
    r"(PIP|UV)_.*INDEX.*|PIP_CERT|SSL_CERT_.*|REQUESTS_CA_BUNDLE|.*_proxy|.*_PROXY"
)
SECONDS_TO_SERVE = 60


class Machine(NamedTuple):
    """A clone and the whole environment of the processes in it."""

    clone: Path
    environment: dict[str, str]

    async def run(self, *command: str) -> str:
        process = await self.start(*command)
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def start(self, *command: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=self.clone,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
        )


@pytest.fixture
async def machine(tmp_path: Path) -> Machine:
    """The committed state, an empty HOME, the system's commands and, if newer, this Python."""
    home, last_resort, clone = (tmp_path / name for name in ("home", "bin", "clone"))
    home.mkdir()
    last_resort.mkdir()
    interpreter = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    (last_resort / interpreter.name).symlink_to(interpreter)
    environment = {name: value for name, value in os.environ.items() if NETWORK.fullmatch(name)}
    environment |= {"HOME": str(home), "PATH": f"/usr/bin:/bin:{last_resort}"}
    clone.mkdir()
    await Machine(clone, dict(os.environ)).run("git", "clone", "--quiet", f"file://{ROOT}", ".")
    return Machine(clone, environment)


@asynccontextmanager
async def serving(machine: Machine, port: int) -> AsyncIterator[str]:
    """Run `make run` up to Ctrl-C and give the `curl` command that it prints."""
    process = await machine.start("make", "run", f"PORT={port}")
    try:
        yield await printed_curl(process)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGINT)
        output, _ = await asyncio.wait_for(process.communicate(), 40)
    assert b"Traceback" not in output
    assert b"make: ***" not in output


async def printed_curl(process: Process) -> str:
    assert process.stdout
    seen: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(SECONDS_TO_SERVE):
            return await read_command(process.stdout, seen)
    pytest.fail("no curl line in:\n" + "".join(seen))


async def read_command(output: asyncio.StreamReader, seen: list[str]) -> str:
    """The line that begins with `curl`, to its last continuation."""
    command = ""
    while line := (await output.readline()).decode():
        seen.append(line)
        if command or line.lstrip().startswith("curl "):
            command += line
        if command and not line.rstrip("\n").endswith("\\"):
            return command
    raise TimeoutError


async def paste(machine: Machine, command: str) -> dict[str, Any]:
    """The JSON that the command answers with, through sh and curl where there is one."""
    if shutil.which("curl", path=machine.environment["PATH"]):
        output = await machine.run("sh", "-c", command)
    else:
        output = await asyncio.to_thread(send, shlex.split(command))
    reply: dict[str, Any] = json.loads(output[output.index('{"') :])
    return reply


def send(command: list[str]) -> str:
    """What curl would do with the options that the gateway prints."""
    url = next(word for word in command if word.startswith("http://"))
    options = list(pairwise(command))
    body = [value for name, value in options if name in {"-d", "--data", "--json"}]
    headers = dict(value.split(": ", 1) for name, value in options if name in {"-H", "--header"})
    request = urllib.request.Request(
        url, "".join(body).encode() or None, {"Content-Type": "application/json"} | headers
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def assert_accepted(reply: dict[str, Any]) -> None:
    assert reply["meta"]["outcome"] == "accepted", reply
    assert reply["meta"]["sandbox"] is True
    assert reply["data"]["email"]


MEANT = {"data": {"email": "a@b.example"}, "meta": {"outcome": "accepted", "sandbox": True}}


@pytest.mark.parametrize(
    "broken",
    [
        {"meta": {"outcome": "weak", "sandbox": True}},
        {"meta": {"outcome": "accepted", "sandbox": False}},
        {"data": {"email": None}},
    ],
    ids=["weak", "not_the_sandbox", "no_address"],
)
def test_an_answer_that_is_not_meant_is_caught(broken: dict[str, Any]) -> None:
    assert_accepted(MEANT)
    with pytest.raises(AssertionError):
        assert_accepted(MEANT | broken)


@pytest.mark.parametrize("printed", ["Serving on http://127.0.0.1:1\n", "curl -s \\\n"])
async def test_a_start_that_prints_no_whole_curl_is_caught(printed: str) -> None:
    output = asyncio.StreamReader()
    output.feed_data(printed.encode())
    output.feed_eof()
    with pytest.raises(TimeoutError):
        await read_command(output, [])


@pytest.mark.gate
@pytest.mark.timeout(900)
async def test_a_bare_machine_serves_an_accepted_answer_on_both_starts(machine: Machine) -> None:
    await machine.run("make", ".venv/.runtime")
    port = free_port()
    for start in ("first", "second"):
        began = time.monotonic()
        async with serving(machine, port) as command:
            reply = await paste(machine, command)
            assert time.monotonic() - began < SECONDS_TO_SERVE, start
            assert_accepted(reply)
            again = await paste(machine, command)
            assert again["data"]["email"] == reply["data"]["email"]
