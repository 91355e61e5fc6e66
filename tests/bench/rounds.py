"""One round: every figure once, in turn, so that a drift of the machine meets all alike."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

from tests.bench.figures import Round
from tests.bench.stand import ADMIN_KEY, Stand, in_flight

WIDTH = 16
HEADERS = {"authorization": f"Bearer {ADMIN_KEY}"}
CACHED = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}


async def run_round(stand: Stand, lookups: int) -> Round:
    """All figures of one round; seconds become microseconds and milliseconds."""
    fresh = _fresh_bodies(stand)
    rival = await _rival_cpu(stand, lookups)
    worker, store = await _gateway_cpu(stand, lookups, lambda: next(fresh))
    echo = await _echo_cpu(stand, lookups)
    cached, _ = await _gateway_cpu(stand, lookups, lambda: CACHED)
    direct, through, hits = await _latencies(stand, lookups // 4, fresh)
    return Round(
        rival_us=rival,
        uncached_us=worker,
        store_us=store,
        echo_us=echo,
        cached_us=cached,
        direct_ms=direct,
        through_ms=through,
        hit_ms=hits,
    )


def _fresh_bodies(stand: Stand) -> Any:
    """Every lookup is bought: the cache is passed by, and neighbours differ."""
    routing = {"max_age": 0}
    for person in cycle(stand.people):
        yield {
            "full_name": person["full_name"],
            "domain": person["company"]["domain"],
            "routing": routing,
        }


async def _rival_cpu(stand: Stand, count: int) -> float:
    stand.rival.say(f"{count} {WIDTH}")
    line = await asyncio.to_thread(stand.rival.line)
    return float(line) / count * 1e6


async def _gateway_cpu(
    stand: Stand, count: int, body: Callable[[], dict[str, Any]]
) -> tuple[float, float]:
    """CPU per lookup of the worker, and of the store beside it."""
    await _look_up(stand, body())
    worker, store = _worker(stand), _store(stand)
    await in_flight([lambda: _look_up(stand, body())] * count, WIDTH)
    per = 1e6 / count
    return (_worker(stand) - worker) * per, (_store(stand) - store) * per


def _worker(stand: Stand) -> float:
    return stand.gateway.cpu_named("gateway.supervisor.worker")


def _store(stand: Stand) -> float:
    return stand.gateway.cpu_named("valkey")


async def _look_up(stand: Stand, body: dict[str, Any]) -> None:
    url = f"{stand.url}/v1/emails/find"
    async with stand.session.post(url, json=body, headers=HEADERS) as reply:
        text = await reply.read()
        if reply.status != 200:
            raise SystemExit(f"the gateway answered {reply.status}: {text[:300]!r}")


async def _echo_cpu(stand: Stand, count: int) -> float:
    before = stand.echo.cpu()
    await in_flight([lambda: _echo(stand)] * count, WIDTH)
    return (stand.echo.cpu() - before) / count * 1e6


async def _echo(stand: Stand) -> None:
    async with stand.session.post(stand.echo_url, json=CACHED) as reply:
        await reply.read()


async def _direct(stand: Stand, body: dict[str, Any]) -> None:
    params = {"full_name": body["full_name"], "domain": body["domain"]}
    url = f"{stand.bases['hunter']}/email-finder"
    headers = {"X-API-KEY": "sim-hunter-key"}
    async with stand.session.get(url, params=params, headers=headers) as reply:
        await reply.read()


async def _latencies(stand: Stand, count: int, fresh: Any) -> tuple[float, float, float]:
    """Medians of one caller: straight to the provider, through the gateway, a cache hit."""
    direct, through, hits = [], [], []
    for _ in range(count):
        direct.append(await _timed(_direct(stand, next(fresh))))
        through.append(await _timed(_look_up(stand, next(fresh))))
        hits.append(await _timed(_look_up(stand, CACHED)))
    return (statistics.median(direct), statistics.median(through), statistics.median(hits))


async def _timed(work: Any) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000
