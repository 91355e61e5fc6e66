"""A start that cannot succeed ends at once, says in one message what to do, and leaves nothing."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.gateway.supervisor.processes import (
    ADMIN_KEY,
    END_SECONDS,
    MASTER_KEY,
    PROSPECT,
    assert_all_end,
    environment,
    external,
    processes_of,
    running_store,
    sabotaged,
    serving,
)

OTHER_KEY = base64.b64encode(bytes(32)).decode()
SECRET = "a-secret-that-must-not-be-shown"


@dataclass
class Start:
    """One start that is refused: with which environment and arguments, and what it says."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    code: int = 2

    def run(self, sabotage: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environ = environment(self.folder / "data") | self.environ | dict(sabotage or {})
        return subprocess.run(
            [str(PROSPECT), "serve", "--port", "0", *self.arguments],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=END_SECONDS,
            check=False,
        )


async def assert_refused(start: Start, ended: subprocess.CompletedProcess[str]) -> None:
    """Exit code, one message that says what to do, no secret, nothing left running."""
    message = ended.stderr
    assert ended.returncode == start.code, message
    assert ended.stdout == ""
    assert message.startswith("prospect serve: "), message
    assert message.count("prospect serve: ") == 1
    assert "Traceback" not in message
    assert len(message.splitlines()) <= 3, message
    for word in start.words:
        assert word in message, message
    for secret in (SECRET, MASTER_KEY, OTHER_KEY, ADMIN_KEY):
        assert secret not in message
    await assert_all_end(start.folder)


def toml(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "my.toml").write_text(text)
    return ("--config", "my.toml")


def wrong_key(folder: Path, _: ExitStack) -> Start:
    arguments = toml(folder, 'data_dri = "x"\n')
    words = ("data_dri", "my.toml", "unknown key", "data_dir?")
    return Start(folder, arguments=arguments, words=words)


def wrong_type(folder: Path, _: ExitStack) -> Start:
    arguments = toml(folder, 'store_timeout_ms = "soon"\n')
    words = ("store_timeout_ms", "'soon'", "my.toml", "expected")
    return Start(folder, arguments=arguments, words=words)


def two_mistakes(folder: Path, _: ExitStack) -> Start:
    arguments = toml(folder, 'currency = "shells"\nnonsense = 1\n')
    return Start(folder, arguments=arguments, words=("currency", "'shells'", "nonsense"))


def no_such_file(folder: Path, _: ExitStack) -> Start:
    return Start(folder, arguments=("--config", "gone.toml"), words=("gone.toml", "no such file"))


def unknown_variable(folder: Path, _: ExitStack) -> Start:
    words = ("GATEWAY_DATADIR", "unknown variable", "GATEWAY_DATA_DIR?")
    return Start(folder, {"GATEWAY_DATADIR": SECRET}, words=words)


def wrong_secret(folder: Path, _: ExitStack) -> Start:
    words = ("GATEWAY_MASTER_KEY", "32 bytes in base64", "openssl rand -base64 32")
    return Start(folder, {"GATEWAY_MASTER_KEY": SECRET}, words=words)


def unreachable_store(folder: Path, _: ExitStack) -> Start:
    environ = external(folder / "data", f"unix://{folder}/nobody.sock")
    words = ("unreachable", f"{folder}/nobody.sock", "start the store", "GATEWAY_STORE_URL")
    return Start(folder, environ, words=words, code=4)


def refused_port_of_store(folder: Path, stack: ExitStack) -> Start:
    silent = stack.enter_context(socket.socket())
    silent.bind(("127.0.0.1", 0))
    url = f"redis://:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/0"
    words = ("unreachable", "GATEWAY_STORE_URL")
    return Start(folder, external(folder / "data", url), words=words, code=4)


def forgetful_store(folder: Path, stack: ExitStack) -> Start:
    url = stack.enter_context(running_store(folder / "s", appendfsync="everysec"))
    words = ("fsync", "`appendfsync everysec`", "`appendfsync always`", "power cut")
    return Start(folder, external(folder / "data", url), words=words)


def evicting_store(folder: Path, stack: ExitStack) -> Start:
    options = {"appendonly": "no", "maxmemory_policy": "allkeys-lru"}
    url = stack.enter_context(running_store(folder / "s", **options))
    words = ("persistence", "`appendonly yes`", "eviction", "`maxmemory-policy noeviction`")
    return Start(folder, external(folder / "data", url), words=words)


def wrong_password(folder: Path, stack: ExitStack) -> Start:
    url = stack.enter_context(running_store(folder / "s", requirepass="another"))
    url = url.replace("unix://", f"unix://:{SECRET}@")
    words = ("store", "password", "GATEWAY_STORE_URL")
    return Start(folder, external(folder / "data", url), words=words, code=4)


def no_admin_key(folder: Path, stack: ExitStack) -> Start:
    url = stack.enter_context(running_store(folder / "s"))
    environ = external(folder / "data", url)
    del environ["GATEWAY_ADMIN_KEY"]
    return Start(folder, environ, words=("no admin key", "GATEWAY_ADMIN_KEY", "python3 -c"))


def no_master_key(folder: Path, _: ExitStack) -> Start:
    environ = external(folder / "data", "redis://127.0.0.1:1")
    del environ["GATEWAY_MASTER_KEY"]
    words = ("GATEWAY_MASTER_KEY", "required with GATEWAY_STORE_URL", "openssl rand -base64 32")
    return Start(folder, environ, words=words)


def busy_port(folder: Path, stack: ExitStack) -> Start:
    other = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = other.getsockname()[1]
    words = (f"port {port}", "in use", "--port")
    return Start(folder, arguments=("--port", str(port)), words=words)


def unknown_host(folder: Path, _: ExitStack) -> Start:
    words = ("can't listen on host.invalid:0",)
    return Start(folder, arguments=("--host", "host.invalid"), words=words)


def file_as_directory(folder: Path, _: ExitStack) -> Start:
    (folder / "data").touch()
    return Start(folder, words=(str(folder / "data"), "data directory", "GATEWAY_DATA_DIR"))


def forbidden_directory(folder: Path, _: ExitStack) -> Start:
    """Not even root writes to /proc."""
    environ = {"GATEWAY_DATA_DIR": "/proc/nowhere"} if os.geteuid() == 0 else {}
    (folder / "data").mkdir(mode=0o500)
    return Start(folder, environ, words=("data directory", "GATEWAY_DATA_DIR"))


def torn_master_key(folder: Path, _: ExitStack) -> Start:
    (folder / "data").mkdir()
    (folder / "data" / "master.key").write_text("")
    words = ("master.key", "32 bytes in base64", "put back", "GATEWAY_MASTER_KEY")
    return Start(folder, words=words)


Make = Callable[[Path, ExitStack], Start]
REFUSALS: list[Make] = [
    wrong_key,
    wrong_type,
    two_mistakes,
    no_such_file,
    unknown_variable,
    wrong_secret,
    unreachable_store,
    refused_port_of_store,
    forgetful_store,
    evicting_store,
    wrong_password,
    no_admin_key,
    no_master_key,
    busy_port,
    unknown_host,
    file_as_directory,
    forbidden_directory,
    torn_master_key,
]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize("make", REFUSALS, ids=lambda make: make.__name__)
async def test_a_start_is_refused(make: Make, tmp_path: Path, stack: ExitStack) -> None:
    folder = tmp_path / "g"
    folder.mkdir()
    start = make(folder, stack)
    ended = start.run()
    for pid, command in processes_of(folder / "s").items():
        assert "valkey-server" in command, pid
    stack.close()
    await assert_refused(start, ended)


async def test_a_second_gateway_and_another_master_key_are_refused(tmp_path: Path) -> None:
    """The first one goes on serving; later its data open with its own key only."""
    data = str(tmp_path / "data")
    async with serving(tmp_path) as first:
        second = Start(tmp_path, words=("in use by process", str(first.process.pid), data))
        before = processes_of(tmp_path)
        ended = second.run()
        assert processes_of(tmp_path) == before
        assert (await first.client.get("/readyz")).status_code == 200
    await assert_refused(second, ended)

    words = ("master key", "is not configured", "GATEWAY_MASTER_KEY")
    stranger = Start(tmp_path, {"GATEWAY_MASTER_KEY": OTHER_KEY}, words=words)
    await assert_refused(stranger, stranger.run())


TRACEBACK = "import gateway.supervisor.command as c; c.REFUSALS = ()"
SHOUTING = """
import os, sys
if "serve" in sys.argv: sys.stderr.write("prospect serve: " + os.environ["GATEWAY_DATADIR"])
"""
ORPHAN = """
import gateway.store.server as s
from gateway.supervisor.preparation import StartRefused
import gateway.supervisor.command as c
s.TETHER = ["/bin/sh", "-c", 'exec "$@"']
s.Server.stop = lambda self: None
def refuse(settings): raise StartRefused("data directory: GATEWAY_DATA_DIR")
c.check_store = refuse
"""


@pytest.mark.parametrize(
    "make, code, complaint",
    [
        (wrong_key, TRACEBACK, "Traceback"),
        (unknown_variable, SHOUTING, SECRET),
        (forbidden_directory, ORPHAN, r"still running.*valkey-server"),
    ],
    ids=["traceback", "secret", "orphan"],
)
async def test_a_refusal_done_wrong_is_noticed(
    make: Make, code: str, complaint: str, tmp_path: Path, stack: ExitStack
) -> None:
    """Mutants: a traceback instead of a message, a secret in it, a store left behind."""
    start = make(tmp_path, stack)
    if code == ORPHAN:
        start = Start(tmp_path, {"GATEWAY_DATA_DIR": str(tmp_path / "d")}, words=start.words)
    ended = start.run(sabotaged(tmp_path / "sabotage", code))
    with pytest.raises(AssertionError, match=complaint):
        await assert_refused(start, ended)
