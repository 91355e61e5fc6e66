"""Who has connected and is not accepted yet when a server ends is heard like all the others."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from gateway import process
from gateway.api.protocol import ProblemProtocol
from gateway.jobs import engine
from gateway.supervisor import farewell, worker
from gateway.supervisor.children import FAREWELL
from gateway.supervisor.worker import Server

CALLERS = 24
ASKED = b"GET / HTTP/1.1\r\nhost: gateway\r\n\r\n"


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


def make_server(app: Any, at_end: Callable[[], None]) -> Server:
    config = uvicorn.Config(
        app,
        http=ProblemProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = Server(config, at_end)
    server.should_exit = True
    return server


async def untold(server: Server, listener: socket.socket) -> int:
    """Serve to the end; how many of those who were accepted do not know of it."""
    await server.serve([listener])
    left = list(server.server_state.connections)
    for one in left:
        one.transport.abort()
    await asyncio.sleep(0.01)
    return len(left)


@contextmanager
def ended() -> Iterator[tuple[int, list[socket.socket]]]:
    """How a server has ended, and its callers, who keep their connections."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2 * CALLERS)
    callers: list[socket.socket] = []

    def call() -> None:
        """Just before it ends, while it is busy with something else."""
        for _ in range(CALLERS):
            callers.append(socket.create_connection(listener.getsockname()))
            callers[-1].sendall(ASKED)

    server = make_server(answer, call)
    with ExitStack() as stack:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            left = runner.run(untold(server, listener))
        for caller in callers:
            stack.enter_context(caller)
            caller.settimeout(10)
        yield left, callers


def reply(caller: socket.socket) -> str:
    """Its status, or why there is none."""
    try:
        return caller.recv(4096)[9:12].decode()
    except OSError as error:
        return type(error).__name__


@pytest.fixture(autouse=True)
def _nothing_is_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker makes of its collector is not for the process of the tests."""
    for name in ("freeze", "set_threshold"):
        monkeypatch.setattr(f"gc.{name}", lambda *_: None)


def check() -> None:
    with ended() as (left, callers):
        assert Counter(map(reply, callers)) == {"200": CALLERS}
        assert not left, "not told of the end"


async def answer_once(scope: Any, _receive: Any, send: Any) -> None:
    """With more than anybody takes who does not read; the second call is never done."""
    if scope["path"] == "/first":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(16 * 1024 * 1024)})
        return
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await answer(scope, _receive, send)


def test_who_reads_nothing_keeps_no_server_from_its_end() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(answer_once, lambda: None)
    with socket.create_connection(listener.getsockname()) as caller:
        for path in (b"/first", b"/second"):
            caller.sendall(ASKED.replace(b"/ ", path + b" ", 1))

        def serve() -> None:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(server.serve([listener]))

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        serving.join(4)
        assert not serving.is_alive()


def test_all_patience_together_is_no_more_than_is_promised() -> None:
    """Half a minute; two seconds of it are for the store and the simulators."""
    beside = max(worker.DRAIN, engine.DRAIN)
    assert beside + engine.SETTLE + process.DRAIN + 2 <= 30 < FAREWELL


def test_who_waits_to_be_accepted_is_heard() -> None:
    check()


@pytest.mark.parametrize("turns", [0, 2])
def test_a_server_that_does_not_wait_for_them_is_noticed(
    monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    async def accept_some(_sockets: Sequence[socket.socket]) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    monkeypatch.setattr(farewell, "accept_all", accept_some)
    with pytest.raises(AssertionError):
        check()
