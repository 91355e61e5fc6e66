"""Who waits for a permit or a connection of this side blames nobody, and doubts no money."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.lookup.settling import health_of
from providers import bounds
from providers import relay as relaying
from providers.base import Account, Adapter, Leave
from providers.errors import TimedOut
from providers.model import VerifyEmail
from providers.registry import create
from providers.relay import Outgoing, relay
from providers.transport import Transport
from tests.gateway.api.replies import eventually
from tests.gateway.native.upstream import Upstream, running_upstream

SECONDS = 60.0
Work = Coroutine[Any, Any, Any]
Way = Callable[[Adapter, Leave | None], Work]


def asked(adapter: Adapter, leave: Leave | None = None) -> Work:
    return adapter.ask(VerifyEmail(email="ada@engine.example"), seconds=SECONDS, leave=leave)


def relayed(adapter: Adapter, leave: Leave | None = None) -> Work:
    return relay(adapter, Outgoing("GET", b"/email-verifier"), seconds=SECONDS, leave=leave)


WAYS = [asked, relayed]


@dataclass
class Clock:
    """Goes as usual, but for what is added to it."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(bounds, "_now", made)
    return made


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """It reads and never answers."""
    async with running_upstream() as running:

        async def say_nothing(_writer: asyncio.StreamWriter) -> None:
            await running.over.wait()

        running.answer = say_nothing
        yield running


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(per_host=1)
    yield made
    await made.aclose()


@pytest.fixture
def adapter(upstream: Upstream, transport: Transport) -> Adapter:
    return create("hunter", Account(upstream.url, {"api_key": "a-key-of-hunter"}), transport)


async def until_sent(upstream: Upstream) -> None:
    async def is_there() -> bool:
        return bool(upstream.heads)

    await eventually(is_there)


async def late(
    way: Way, adapter: Adapter, upstream: Upstream, tick: Callable[[], None]
) -> TimedOut:
    """How a call ends that waits for the connection of another, which is free after `tick`."""
    first = asyncio.create_task(asked(adapter))
    await until_sent(upstream)
    second = asyncio.create_task(way(adapter, None))
    for _ in range(5):
        await asyncio.sleep(0)
    tick()
    first.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(TimedOut) as raised:
            await second
    await asyncio.wait([first])
    return raised.value


@pytest.mark.parametrize("way", WAYS)
async def test_the_clocks_begin_with_the_connection(
    adapter: Adapter, upstream: Upstream, clock: Clock, way: Way
) -> None:
    def tick() -> None:
        clock.ahead = SECONDS - 0.3

    error = await late(way, adapter, upstream, tick)
    assert (error.local, error.uncertain, len(upstream.heads)) == (True, True, 2)
    assert health_of(error) == "neutral"


@pytest.mark.parametrize("way", WAYS)
async def test_a_connection_that_comes_too_late_is_not_used(
    adapter: Adapter, upstream: Upstream, clock: Clock, way: Way
) -> None:
    def tick() -> None:
        clock.ahead = SECONDS

    error = await late(way, adapter, upstream, tick)
    assert (error.local, error.uncertain, len(upstream.heads)) == (True, False, 1)


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_not_sent_leaves_no_doubt(
    adapter: Adapter, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    """Whatever ends it: here that of last resort comes first."""
    first = asyncio.create_task(asked(adapter))
    await until_sent(upstream)
    for module in (bounds, relaying):
        monkeypatch.setattr(module, "BACKSTOP", 0.2 - SECONDS)
    with pytest.raises(TimedOut) as raised:
        await way(adapter, None)
    assert (raised.value.local, raised.value.uncertain) == (True, False)
    first.cancel()
    await asyncio.wait([first])
    assert len(upstream.heads) == 1


class Slow:
    """A permit that takes most of the time."""

    def __init__(self, clock: Clock):
        self._clock = clock

    async def __call__(self, path: str, *, own: bool, seconds: float) -> None:
        self._clock.ahead += SECONDS - 0.3

    async def left(self) -> None:
        return None


async def test_a_permit_that_comes_late_is_held_against_nobody(
    adapter: Adapter, upstream: Upstream, clock: Clock
) -> None:
    with pytest.raises(TimedOut) as raised:
        await asked(adapter, Slow(clock))
    assert (raised.value.local, raised.value.uncertain, len(upstream.heads)) == (True, True, 1)


@pytest.mark.parametrize("way", WAYS)
async def test_who_is_not_answered_in_time_is_held_against_the_host(
    adapter: Adapter, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    for module in (bounds, relaying):
        monkeypatch.setattr(module, "BACKSTOP", 0.2 - SECONDS)
    with pytest.raises(TimedOut) as raised:
        await way(adapter, None)
    assert (raised.value.local, raised.value.uncertain, len(upstream.heads)) == (False, True, 1)
    assert health_of(raised.value) == "fail"
