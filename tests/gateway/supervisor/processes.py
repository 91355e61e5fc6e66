"""Real `prospect` processes for tests, and what is to be seen of them from outside."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.store.connection import Store
from gateway.store.embedded import EmbeddedStore
from gateway.store.server import OPTIONS, ask, find_binary
from gateway.supervisor.preparation import SIMULATORS
from providers.simulator.testing import ControlClient

PROSPECT = Path(sys.executable).with_name("prospect")
ADMIN_KEY = "an-admin-key-of-the-process-tests"
MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
START_SECONDS = 60.0
END_SECONDS = 45.0
KILLED_SECONDS = 2.0
# Not a mutant: what a dead process left is taken over after a second, not after half a minute.
IMPATIENT = """
import gateway.jobs.engine, gateway.jobs.holds, gateway.jobs.sweeper, gateway.lookup.calls
gateway.jobs.holds.RENEW = gateway.jobs.engine.LOOK = gateway.jobs.sweeper.PERIOD = 0.2
gateway.jobs.queue.LEASE = 1000
gateway.lookup.leases.LEASE_MARGIN = gateway.lookup.calls.POLL_SECONDS = 1.0
gateway.lookup.leases.LONGEST_CALL = 1.0
"""
IN_ORDER: Mapping[str, Any] = {"routing": {"order": "listed"}}
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Nothing of ours but what a process needs; `data_dir` is also how it is found again."""
    names = ("PATH", "HOME", "LANG", "PYTHONPATH")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    # What a killed process leaves in its temporary folder goes with the test's.
    places = {"GATEWAY_DATA_DIR": str(data_dir), "TMPDIR": str(data_dir.parent)}
    return kept | places | more


def external(data_dir: Path, store_url: str, **more: str) -> dict[str, str]:
    """The environment of a gateway on an external store."""
    keys = {"GATEWAY_ADMIN_KEY": ADMIN_KEY, "GATEWAY_MASTER_KEY": MASTER_KEY}
    url = {"GATEWAY_STORE_URL": store_url, "GATEWAY_STORE_TIMEOUT_MS": "5000"}
    return environment(data_dir, **keys, **url) | more


def simulated(endpoints: Any, *providers: str) -> dict[str, str]:
    """The variables that make providers of a simulator real ones."""
    found: dict[str, str] = {}
    for name in providers:
        found[f"{name.upper()}_BASE_URL"] = getattr(endpoints, name)
        found |= SECRETS[name]
    return found


SECRETS = {
    "hunter": {"HUNTER_API_KEY": "sim-hunter-key"},
    "snov": {"SNOV_CLIENT_ID": "sim-snov-client", "SNOV_CLIENT_SECRET": "sim-snov-secret"},
    "sixtyfour": {"SIXTYFOUR_API_KEY": "sim-sixtyfour-key"},
    "letrics": {"LETRICS_API_TOKEN": "sim-letrics-token"},
}


def sabotaged(folder: Path, code: str) -> dict[str, str]:
    """Variables that make every Python process of a gateway run `code` first: a mutant."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes whose command or environment names `folder`, and their commands."""
    name, found = os.fsencode(folder), {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            command = (entry / "cmdline").read_bytes()
            if command and (name in command or name in (entry / "environ").read_bytes()):
                found[int(entry.name)] = command.replace(b"\0", b" ").decode()
    return found


def end_all(folder: Path) -> None:
    """Kill, by its id, whatever a failed test left running."""
    for pid in processes_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def until(done: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `done`, a coroutine or not, gives once it is true; it is asked again and again."""
    deadline = time.monotonic() + seconds
    while True:
        found = done()
        if found := await found if inspect.isawaitable(found) else found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        await asyncio.sleep(0.02)


async def assert_all_end(folder: Path, seconds: float = KILLED_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while left := processes_of(folder):
        assert time.monotonic() < deadline, f"still running after {seconds:g} s: {left}"
        await asyncio.sleep(0.02)


class Ended(Exception):
    """A process that ended before it said that it is up."""


@dataclass
class Served:
    """A `prospect serve` or `prospect worker` that has said that it is up."""

    process: asyncio.subprocess.Process
    folder: Path
    banner: str
    errors: Path
    url: str = ""
    key: str = ADMIN_KEY
    seconds: float = 0.0
    """From its start to its banner."""
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def client(self) -> httpx.AsyncClient:
        if not self.clients:
            headers = {"authorization": f"Bearer {self.key}"}
            limits = httpx.Limits(max_connections=None)
            client = httpx.AsyncClient(
                base_url=self.url, headers=headers, timeout=70, limits=limits
            )
            self.clients.append(client)
        return self.clients[0]

    async def find(self, person: Mapping[str, Any] = PERSON, **headers: str) -> httpx.Response:
        """POST /v1/emails/find, of the first provider first; headers with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(
            "/v1/emails/find", json={**IN_ORDER, **person}, headers=named
        )

    def children(self, word: str) -> list[int]:
        """Its processes whose command has `word`: valkey-server, supervisor.worker, simulator."""
        found = processes_of(self.folder)
        return sorted(pid for pid in found if word in found[pid] and pid != self.process.pid)

    @property
    def log(self) -> str:
        return _text_of(self.errors)

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Signal the process and wait; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), END_SECONDS)


@asynccontextmanager
async def running(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None, up: str = "curl "
) -> AsyncIterator[Served]:
    """`prospect *arguments` in `folder`; whatever it started is gone afterwards."""
    environ = environ or environment(folder / "data")
    began = time.monotonic()
    process, errors = await start(folder, *arguments, environ=environ)
    served = Served(process, folder, "", errors)
    try:
        try:
            served.banner = await _read_banner(process, up)
        except Ended as ended:
            pytest.fail(f"it ended instead of serving:\n{ended}{served.log}")
        served.seconds = time.monotonic() - began
        _address(served, environ)
        yield served
        await served.end()
    finally:
        for client in served.clients:
            await client.aclose()
        if process.returncode is None:
            process.kill()
        await process.wait()


def _text_of(errors: Path) -> str:
    return errors.read_text()


def _new_file(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"errors-{time.monotonic_ns()}"


async def start(
    folder: Path, *arguments: str, environ: Mapping[str, str]
) -> tuple[asyncio.subprocess.Process, Path]:
    """`prospect *arguments` in `folder`, and the file that its standard error goes to."""
    errors = _new_file(folder)
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", 'exec "$0" "$@" 2>>"$ERRORS"', str(PROSPECT), *arguments),
        cwd=folder,
        env={**environ, "ERRORS": str(errors)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,
    )
    return process, errors


async def _read_banner(process: asyncio.subprocess.Process, up: str) -> str:
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(START_SECONDS):
        while line := (await process.stdout.readline()).decode():
            text += line
            if line.startswith(up):
                return text
    raise Ended(text)


def _address(served: Served, environ: Mapping[str, str]) -> None:
    if address := re.search(r"^Serving on (http://\S+)", served.banner, re.MULTILINE):
        served.url = address[1]
        kept = Path(environ["GATEWAY_DATA_DIR"], "admin.key")
        served.key = environ.get("GATEWAY_ADMIN_KEY") or kept.read_text().strip()


def serving(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> contextlib.AbstractAsyncContextManager[Served]:
    """`prospect serve` on a free port."""
    return running(folder, "serve", "--port", "0", *arguments, environ=environ)


@contextmanager
def running_store(folder: Path, **options: str) -> Iterator[str]:
    """The URL of an external store: the bundled server with `options` over the safe ones."""
    folder.mkdir(parents=True, exist_ok=True)
    address = folder / "external.sock"
    chosen = OPTIONS | {name.replace("_", "-"): value for name, value in options.items()}
    command = [str(find_binary()), "--dir", str(folder), "--unixsocket", str(address)]
    command += [word for name, value in chosen.items() for word in (f"--{name}", value)]
    with (folder / "external.log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ask(address).startswith((b"+PONG", b"-NOAUTH")):
            assert server.poll() is None, (folder / "external.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        yield f"unix://{address}"
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def simulators_of(served: Served) -> ControlClient:
    """The control API of the sandbox's simulators, which workers beside are told of."""
    url = EmbeddedStore.attach(served.folder / "data")
    store = await Store.connect(url, timeout=5)
    try:
        addresses = json.loads(await store.call("GET", SIMULATORS))
    finally:
        await store.close()
    return ControlClient(addresses["control"])


def bill_of(data_dir: Path) -> list[dict[str, Any]]:
    """What the sandbox's simulators charged so far; they keep it beside the store."""
    bill = data_dir / "sandbox-bill.jsonl"
    whole, _, _torn = (bill.read_text() if bill.exists() else "").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]
