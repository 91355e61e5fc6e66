"""A gateway of paper: real HTTP on loopback, the contract's replies, every request kept."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvicorn

from tests.gateway.terminal import seen

KEY = "pgw_test_0123456789abcdefghij"


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Told:
    """One reply."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Seen], Awaitable[Told]]


def found(query: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of an accepted `emails.find`."""
    name = query.get("full_name") or f"{query.get('first_name')}.{query.get('last_name')}"
    email = f"{name}@{query.get('domain', 'blue-harbor.example')}".lower().replace(" ", ".")
    data = {"email": email, "status": "valid", "confidence": 97, "kind": "professional"}
    attempt = {"provider": "snov", "operation": "emails.find", "outcome": "empty", "cost": "0.03"}
    last = {"provider": "hunter", "outcome": "accepted", "units": 1, "cost": "0.049"}
    meta = {
        "request_id": "r-1",
        "operation": "emails.find",
        "outcome": "accepted",
        "complete": True,
        "provider": "hunter",
        "cached": False,
        "cost": "0.079",
        "in_doubt": "0",
        "currency": "USD",
        "elapsed_ms": 412,
        "attempts": [attempt, last],
    }
    return {"data": {**data, **changes}, "meta": meta}


def problem(status: int, code: str, **more: Any) -> Told:
    """A refusal as `application/problem+json`."""
    body = {"type": "about:blank", "title": code.replace("_", " ").capitalize(), "status": status}
    headers = {"content-type": "application/problem+json"}
    retry = more.pop("retry_after", None)
    if retry is not None:
        headers["retry-after"] = str(retry)
    return Told(status, {**body, "code": code, "request_id": "r-2", **more}, headers)


class Paper:
    """The server; `answer` decides, `seen` remembers.

    Until `release`, replies after the first `hold_after`, or for the domain `slow`, wait.
    """

    told = Told
    found = staticmethod(found)
    problem = staticmethod(problem)

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answer: Answer = self.accept
        self.hold_after: int | None = None
        self.slow: str | None = None
        self._released = threading.Event()
        self._changed = threading.Condition()
        self.url = ""

    async def accept(self, seen: Seen) -> Told:
        if seen.path == "/livez":
            return Told(200, {"status": "ok"})
        return Told(200, found(seen.body or {}))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        seen = Seen(
            scope["method"],
            scope["path"],
            scope["query_string"].decode(),
            {name.decode(): value.decode() for name, value in scope["headers"]},
            json.loads(body) if body else None,
        )
        told = await self._reply(seen)
        headers = {"content-type": "application/json", **told.headers}
        raw = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": told.status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if told.status == 204 else raw})

    async def _reply(self, seen: Seen) -> Told:
        if seen.path != "/livez":
            with self._changed:
                self.seen.append(seen)
                number = len(self.seen)
                self._changed.notify_all()
            if self._holds(seen, number):
                await asyncio.to_thread(self._released.wait, 60)
        return await self.answer(seen)

    def _holds(self, seen: Seen, number: int) -> bool:
        if self._released.is_set():
            return False
        if self.slow is not None:
            return bool(seen.body["domain"] == self.slow)
        return self.hold_after is not None and number > self.hold_after

    def always(self, told: Told) -> None:
        """The same reply to everything."""

        async def answer(seen: Seen) -> Told:
            return told

        self.answer = answer

    def release(self) -> None:
        self._released.set()

    def wait_for(self, number: int) -> None:
        """Until that many requests have arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.seen) >= number, timeout=60)

    def bodies(self) -> list[Any]:
        return [seen.body for seen in self.seen]

    def asked(self, name: str) -> Counter[str]:
        """How often each value of a body's member was asked for."""
        return Counter(body[name] for body in self.bodies())


@pytest.fixture
def paper() -> Iterator[Paper]:
    app = Paper()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    app.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield app
    app.release()
    server.should_exit = True
    thread.join()
    listener.close()


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Prospect(Protocol):
    def __call__(self, *arguments: str) -> Done: ...


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No address, key or data directory from outside; relative paths are the test's own."""
    for name in ("PROSPECT_URL", "PROSPECT_KEY", "GATEWAY_DATA_DIR", "GATEWAY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def prospect(paper: Paper, capsys: pytest.CaptureFixture[str]) -> Prospect:
    """The command in this process, its output captured."""
    from gateway.cli.program import run

    def call(*arguments: str) -> Done:
        code = run(["--url", paper.url, "--key", KEY, *arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


class Start(Protocol):
    def __call__(
        self, *arguments: str, prelude: str = "", **streams: Any
    ) -> subprocess.Popen[str]: ...


@pytest.fixture
def start(paper: Paper) -> Iterator[Start]:
    """The command as a process of its own; ended with the test if it has not ended itself."""
    running: list[subprocess.Popen[str]] = []

    def launch(*arguments: str, prelude: str = "", **streams: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        program = [sys.executable, "-c", f"{prelude}\nfrom gateway.cli import main; main()"]
        environment = {**os.environ, "PROSPECT_URL": paper.url, "PROSPECT_KEY": KEY}
        process = subprocess.Popen([*program, *arguments], env=environment, text=True, **pipes)
        running.append(process)
        return process

    yield launch
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def on_terminal(start: Start) -> Callable[..., tuple[int, str]]:
    """Exit code and what a person sees: stdin, stdout and stderr on a pseudo-terminal."""

    def show(*arguments: str, prompt: str = "\0", reply: str = "") -> tuple[int, str]:
        def launch(end: int) -> subprocess.Popen[str]:
            ends: dict[str, Any] = {"stdout": end, "stderr": end, "stdin": end}
            return start(*arguments, start_new_session=True, **ends)

        return seen(launch, prompt=prompt, reply=reply)

    return show
