"""Whoever calls a gateway that ends gets its reply or is refused at once, and is never cut off."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.gateway.supervisor.processes import (
    Served,
    environment,
    sabotaged,
    serving,
    simulators_of,
    until,
)

CALLERS = 16
ASKED = b"GET /livez HTTP/1.1\r\nhost: gateway\r\n\r\n"
# What a gateway did before it heard whoever had come, and while its supervisor went on listening.
DEAF = """
import gateway.api.protocol as p, uvicorn.protocols.http.httptools_impl as u
p.ProblemProtocol.shutdown = u.HttpToolsProtocol.shutdown
"""
LISTENING = """
import gateway.supervisor.children as c
c.Crew.ask_to_end = lambda self: [worker.ask_to_end() for worker in self._workers]
"""


async def call_until_refused(url: str, outcomes: Counter[str], *, kept: int = 0) -> None:
    """Ask again and again, by a new connection each time or by so many that are kept."""
    limits = httpx.Limits(max_keepalive_connections=kept)
    async with httpx.AsyncClient(base_url=url, limits=limits) as client:
        while True:
            try:
                outcomes[str((await client.get("/livez")).status_code)] += 1
            except httpx.ConnectError:
                return
            except httpx.TransportError as error:
                outcomes[type(error).__name__] += 1


@asynccontextmanager
async def busy(
    served: Served, seconds: float = 2.0
) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A lookup is in flight, whose provider takes its time."""
    control = await simulators_of(served)
    await control.put("/latency", {"profile": "zero", "call_seconds": seconds})
    waiting = asyncio.create_task(served.find())

    async def is_asked() -> bool:
        return bool((await control.get("/requests"))["counts"])

    await until(is_asked, 10, "a call")
    yield waiting


async def end_among_callers(served: Served) -> None:
    outcomes: Counter[str] = Counter()
    calls = [
        asyncio.create_task(call_until_refused(served.url, outcomes, kept=number % 2))
        for number in range(CALLERS)
    ]
    await until(lambda: outcomes["200"] >= 5 * CALLERS, 10, "replies")
    assert await served.end() == 0
    await asyncio.wait_for(asyncio.gather(*calls), 10)
    assert set(outcomes) == {"200"}, f"cut off: {outcomes}"


async def end_while_busy(served: Served) -> None:
    """New callers are refused while what is in flight is seen through."""
    async with busy(served) as waiting:
        served.process.send_signal(signal.SIGTERM)
        outcomes: Counter[str] = Counter()
        await asyncio.wait_for(call_until_refused(served.url, outcomes), 10)
        assert not waiting.done(), "not refused"
        assert (await waiting).status_code == 200
        assert set(outcomes) <= {"200"}


async def heard_by(reader: asyncio.StreamReader) -> bytes:
    """All that comes; nothing of who hangs up, in whichever way."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""


async def end_before_the_request(served: Served) -> None:
    """Who has connected just before is heard, and told that no more is."""
    host, _, port = served.url.removeprefix("http://").rpartition(":")
    async with busy(served):
        reader, writer = await asyncio.open_connection(host, int(port))
        served.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(call_until_refused(served.url, Counter()), 10)
        writer.write(ASKED)
        reply = await heard_by(reader)
        writer.close()
        assert reply.startswith(b"HTTP/1.1 200"), "not heard"
        assert b"connection: close" in reply.lower()


async def test_nobody_who_calls_at_the_end_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as served:
        await end_among_callers(served)


async def test_callers_are_refused_while_the_rest_is_seen_through(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await end_while_busy(served)


async def test_who_connected_before_the_end_is_heard(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        await end_before_the_request(served)


@pytest.mark.gate
@pytest.mark.parametrize(
    "code, run, match",
    [
        (DEAF, end_before_the_request, "not heard"),
        (LISTENING, end_while_busy, "not refused"),
        (DEAF + LISTENING, end_among_callers, "cut off"),
    ],
    ids=["deaf", "listening", "both"],
)
async def test_gateways_that_cut_callers_off_are_noticed(
    tmp_path: Path, code: str, run: Callable[[Served], Awaitable[None]], match: str
) -> None:
    environ = environment(tmp_path / "data") | sabotaged(tmp_path / "sabotage", code)
    async with serving(tmp_path, environ=environ) as served:
        with pytest.raises(AssertionError, match=match):
            await run(served)
