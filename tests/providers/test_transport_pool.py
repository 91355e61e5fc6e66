"""Connections of this side that are all in use say nothing about a provider."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.lookup.settling import health_of
from providers.base import broken
from providers.transport import Transport
from tests.providers.test_transport_classification import ask, hang, serving

SOON = 0.05


async def hung(made: Transport, url: str) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(ask(made, "GET", url + "/broken"))


async def test_who_finds_no_connection_in_time_holds_it_against_nobody() -> None:
    made = Transport(per_host=1)
    async with serving(hang) as server:
        first = await hung(made, server.base_url)
        await server.broken.wait()
        with pytest.raises(httpx.PoolTimeout) as caught:
            await ask(made, "POST", server.base_url + "/fine", SOON)
        error = broken(caught.value, True)
        assert (error.reason, error.local, error.uncertain) == ("timed_out", True, False)
        assert health_of(error) == "neutral"
        assert server.seen == ["GET /broken"]
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (await ask(made, "GET", server.base_url + "/fine")).status_code == 200
        assert (await ask(made, "GET", server.base_url + "/fine")).status_code == 200
        await made.aclose()


async def test_a_host_that_hangs_is_held_against_it() -> None:
    made = Transport()
    async with serving(hang) as server:
        with pytest.raises(httpx.ReadTimeout) as caught:
            await ask(made, "GET", server.base_url + "/broken", SOON)
        assert health_of(broken(caught.value, True)) == "fail"
        await made.aclose()


async def test_the_wait_for_a_connection_ends_when_one_is_free() -> None:
    made = Transport(per_host=2)
    async with serving(hang) as server:
        held = [await hung(made, server.base_url) for _ in range(2)]
        await server.broken.wait()
        waiting = [
            asyncio.create_task(ask(made, "GET", server.base_url + "/fine")) for _ in range(20)
        ]
        for task in held:
            task.cancel()
        found = await asyncio.gather(*waiting)
        assert [reply.status_code for reply in found] == [200] * 20
        await asyncio.gather(*held, return_exceptions=True)
        await made.aclose()


async def test_the_gate_sees_an_engine_that_waits_by_itself() -> None:
    """The mutant: aiohttp says of its own pool what it says of a host that does not connect."""
    made = Transport()
    made._engine().connector._limit_per_host = 1  # type: ignore[union-attr]
    async with serving(hang) as server:
        first = await hung(made, server.base_url)
        await server.broken.wait()
        with pytest.raises(httpx.ConnectTimeout) as caught:
            await ask(made, "GET", server.base_url + "/fine", SOON)
        assert health_of(broken(caught.value, True)) == "fail"
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await made.aclose()
