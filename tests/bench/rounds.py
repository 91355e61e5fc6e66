"""One round: every figure in small turns, so that a drift of the machine meets all alike."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from tests.bench.figures import Round
from tests.bench.stand import ADMIN_KEY, Stand, in_flight
from tests.bench.wire import Wire

WIDTH = 16
TURNS = 10
BEARER = f"Bearer {ADMIN_KEY}"
CACHED = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
FIND = "/v1/emails/find"
# No cache, and no guess by a pattern, which would be a second purchase.
ALONE = {"max_age": 0, "guess": False}


async def run_round(stand: Stand, lookups: int) -> Round:
    """All figures of one round; CPU in microseconds a call, latency in milliseconds."""
    fresh = _fresh_bodies(stand)
    cpu = await _cpu(stand, lookups // TURNS, fresh)
    direct, through, hits = _latencies(stand, lookups // 4, fresh)
    return Round(**cpu, direct_ms=direct, through_ms=through, hit_ms=hits)


def _fresh_bodies(stand: Stand) -> Iterator[dict[str, Any]]:
    """Every lookup is bought: the cache is passed by, and neighbours differ."""
    for person in cycle(stand.people):
        domain = person["company"]["domain"]
        yield {"full_name": person["full_name"], "domain": domain, "routing": ALONE}


async def _cpu(stand: Stand, count: int, fresh: Iterator[dict[str, Any]]) -> dict[str, float]:
    """CPU per call of each, taken in TURNS turns of `count` calls."""
    spent = dict.fromkeys(("rival_us", "uncached_us", "store_us", "echo_us", "cached_us"), 0.0)
    for _ in range(TURNS):
        spent["rival_us"] += await _rival(stand, count)
        bought, store = await _gateway(stand, [next(fresh) for _ in range(count)])
        spent["uncached_us"] += bought
        spent["store_us"] += store
        spent["echo_us"] += await _echo(stand, count)
        spent["cached_us"] += (await _gateway(stand, [CACHED] * count))[0]
    return {name: seconds / (count * TURNS) * 1e6 for name, seconds in spent.items()}


async def _rival(stand: Stand, count: int) -> float:
    stand.rival.say(f"{count} {WIDTH}")
    return float(await asyncio.to_thread(stand.rival.line))


async def _gateway(stand: Stand, bodies: list[dict[str, Any]]) -> tuple[float, float]:
    """CPU seconds of the worker, and of the store beside it."""
    worker, store = _worker(stand), _store(stand)
    await in_flight([lambda body=body: _look_up(stand, body) for body in bodies], WIDTH)
    return _worker(stand) - worker, _store(stand) - store


def _worker(stand: Stand) -> float:
    return stand.gateway.cpu_named("gateway.supervisor.worker")


def _store(stand: Stand) -> float:
    return stand.gateway.cpu_named("valkey")


async def _look_up(stand: Stand, body: dict[str, Any]) -> None:
    headers = {"authorization": BEARER}
    async with stand.session.post(stand.url + FIND, json=body, headers=headers) as reply:
        text = await reply.read()
        if reply.status != 200:
            raise SystemExit(f"the gateway answered {reply.status}: {text[:300]!r}")


async def _echo(stand: Stand, count: int) -> float:
    before = stand.echo.cpu()
    await in_flight([lambda: _ask_echo(stand)] * count, WIDTH)
    return stand.echo.cpu() - before


async def _ask_echo(stand: Stand) -> None:
    async with stand.session.post(stand.echo_url, json=CACHED) as reply:
        await reply.read()


def _latencies(
    stand: Stand, count: int, fresh: Iterator[dict[str, Any]]
) -> tuple[float, float, float]:
    """Medians of one caller, in turn: straight to the provider, through, a cache hit."""
    provider, gateway = Wire(stand.bases["hunter"]), Wire(stand.url)
    hit = gateway.post(FIND, CACHED, authorization=BEARER)
    direct, through, hits = [], [], []
    for _ in range(count):
        body = next(fresh)
        params = {"full_name": body["full_name"], "domain": body["domain"]}
        asked = provider.get("/email-finder", params, x_api_key="sim-hunter-key")
        direct.append(provider.time(asked))
        through.append(gateway.time(gateway.post(FIND, body, authorization=BEARER)))
        hits.append(gateway.time(hit))
    provider.close()
    gateway.close()
    return statistics.median(direct), statistics.median(through), statistics.median(hits)
