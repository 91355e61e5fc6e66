"""A burst of bad keys costs next to nothing and tells nothing."""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import chain
from typing import Any

import aiohttp
import pytest

from gateway.api import problems
from gateway.api.problems import Problem
from gateway.store.connection import Store
from gateway.vault import authentication, keys
from gateway.vault.roster import Roster
from providers.simulator.testing import running_simulator
from tests.gateway.conftest import Gateway, make_settings, running_gateway

FIND = "/v1/emails/find"
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
BURST = 10_000
AT_ONCE = 50
REPEATABLE = {"date", "x-request-id"}


@pytest.fixture
async def gateway(store: Store, store_url: str) -> AsyncIterator[Gateway]:
    async with running_gateway(make_settings(store_url, None)) as running:
        yield running


def wrong_checksum(number: int) -> str:
    text = keys.make_key().text
    return text[:-1] + ("0" if text[-1] != "0" else "1") if number % 2 else text[:-3]


def unknown(_number: int) -> str:
    return keys.make_key().text


async def key_reads(store: Store) -> int:
    """How often the store was asked for a key: nothing else is read with HGET, nor by scripts."""
    text = (await store.call("INFO", "commandstats")).decode()
    found = 0
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name in ("cmdstat_hget", "cmdstat_evalsha", "cmdstat_eval"):
            found += int(rest.split("calls=")[1].split(",")[0])
    return found


async def burst(gateway: Gateway, texts: list[str]) -> set[tuple[Any, ...]]:
    """Everything that an answer shows, but for what differs between any two."""
    shown = set()

    async def ask(session: aiohttp.ClientSession, part: list[str]) -> None:
        for text in part:
            shown.add(await refusal(session, "GET", "/v1/providers", text))

    async with aiohttp.ClientSession(gateway.url) as session:
        parts = [texts[start::AT_ONCE] for start in range(AT_ONCE)]
        await asyncio.gather(*[ask(session, part) for part in parts])
    return shown


async def refusal(
    session: aiohttp.ClientSession, method: str, path: str, text: str, **more: Any
) -> tuple[Any, ...]:
    headers = {"authorization": f"Bearer {text}"}
    async with session.request(method, path, headers=headers, **more) as reply:
        body = await reply.json(content_type=None)
        body.pop("request_id")
        names = [(name.lower(), value) for name, value in reply.headers.items()]
        kept = sorted(item for item in names if item[0] not in REPEATABLE)
        return reply.status, str(body), str(kept)


async def check_burst(gateway: Gateway, store: Store, size: int = BURST) -> None:
    texts = [wrong_checksum(number) for number in range(size)]
    before = await key_reads(store)
    shown = await burst(gateway, texts)
    cost = await key_reads(store) - before
    # What the gateway does by itself in that time.
    assert cost < size / 20, f"{cost} store calls"
    assert {status for status, *_ in shown} == {401}
    assert len(shown) == 1


async def test_10000_bad_checksums_cost_no_store_call(gateway: Gateway, store: Store) -> None:
    await check_burst(gateway, store)


async def test_a_store_call_for_each_would_be_noticed(
    gateway: Gateway, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "key_id_of", lambda text: text.split("_")[1])
    with pytest.raises(AssertionError, match="store calls"):
        await check_burst(gateway, store, 1000)


async def dead_keys(gateway: Gateway) -> dict[str, str]:
    expired = await gateway.key(expires_at="2020-01-01T00:00:00Z")
    revoked = await gateway.key()
    await gateway.client.delete(f"/v1/admin/keys/{revoked.split('_')[1]}")
    alive = await gateway.key()
    name, secret = alive.split("_")[1], secrets.token_hex(16)
    forged = f"pgw_{name}_{secret}{keys._checksum(name + secret)}"
    rotated = await gateway.key()
    path = f"/v1/admin/keys/{rotated.split('_')[1]}/rotate"
    await gateway.client.post(path, json={"grace_seconds": 0})
    return {"expired": expired, "revoked": revoked, "forged": forged, "rotated": rotated}


async def check_alike(gateway: Gateway, store: Store, size: int = 200) -> None:
    """The same answer, byte for byte, by the same way: one read of the store for each."""
    texts = await dead_keys(gateway)
    answers, costs = set(), {}
    for kind, text in {**texts, "unknown": ""}.items():
        before = await key_reads(store)
        answers |= await burst(gateway, [text or unknown(0) for _ in range(size)])
        costs[kind] = await key_reads(store) - before
    assert len(answers) == 1, answers
    assert all(size <= cost < size * 1.3 for cost in costs.values()), f"{costs} tell them apart"


async def test_unknown_expired_and_revoked_look_the_same(gateway: Gateway, store: Store) -> None:
    await check_alike(gateway, store)


def remembering() -> Any:
    """An Authenticator's `_find` that never asks twice about the same text."""
    seen, known = authentication.Authenticator._find, {}

    async def remember(self: Any, name: str, digest: str, dies: Any) -> Any:
        if digest not in known:
            known[digest] = await seen(self, name, digest, dies)
        return known[digest]

    return remember


async def test_a_dead_key_that_is_remembered_would_be_noticed(
    gateway: Gateway, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication.Authenticator, "_find", remembering())
    with pytest.raises(AssertionError, match="apart"):
        await check_alike(gateway, store)


async def check_late(gateway: Gateway, roster: Roster) -> None:
    """A key that dies between the door and the purchase is refused as one never heard of."""
    text = await gateway.key()
    key = await roster.key(text.split("_")[1])
    assert key is not None
    async with aiohttp.ClientSession(gateway.url) as session:
        asked = session, "POST", FIND
        async with gateway.caller(text) as client:
            assert (await client.post(FIND, json=PERSON)).status_code == 200
        await roster.revoke_key(key)
        shown = [await refusal(*asked, dead, json=PERSON) for dead in (text, unknown(0))]
    assert shown[0] == shown[1]


async def test_a_key_that_dies_on_its_way_looks_the_same(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that it is still remembered at the door, however slow the machine.
    monkeypatch.setattr(authentication, "FRESH", 60.0)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator())
        settings = make_settings(store_url, simulator)
        gateway = await stack.enter_async_context(running_gateway(settings, simulator))
        await check_late(gateway, Roster(store))
        monkeypatch.setattr(problems, "unauthenticated", lambda: Problem("forbidden", "no"))
        with pytest.raises(AssertionError):
            await check_late(gateway, Roster(store))


async def timings(gateway: Gateway, size: int) -> dict[str, list[float]]:
    """Sorted seconds of each kind of dead key; they take turns in a new order each time."""
    texts = {**await dead_keys(gateway), "unknown": ""}
    found: dict[str, list[float]] = {kind: [] for kind in texts}
    order = random.Random(7)
    async with aiohttp.ClientSession(gateway.url) as session:
        turns = (order.sample(sorted(texts), len(texts)) for _ in range(size))
        for kind in chain.from_iterable(turns):
            headers = {"authorization": f"Bearer {texts[kind] or unknown(0)}"}
            began = time.perf_counter()
            async with session.get("/v1/providers", headers=headers) as reply:
                await reply.read()
            found[kind].append(time.perf_counter() - began)
            assert reply.status == 401
    return {kind: sorted(seconds) for kind, seconds in found.items()}


def slower(several: list[float], others: list[float]) -> float:
    """How often one of `several` takes longer than one of `others`; half of it is chance."""
    below = sum(bisect_left(others, one) + bisect_right(others, one) for one in several)
    return below / 2 / len(several) / len(others)


async def check_times(gateway: Gateway, size: int = 300) -> None:
    """Who guesses from the time is right as often as by chance; medians differ by noise only."""
    found = await timings(gateway, size)
    quarters = statistics.quantiles(chain.from_iterable(found.values()), n=4)
    for kind, seconds in found.items():
        others = found["unknown"]
        told = slower(seconds, others)
        apart = abs(statistics.median(seconds) - statistics.median(others))
        assert 0.35 < told < 0.65, f"{kind} is told from unknown by its time: {told:.2f}"
        assert apart < quarters[2] - quarters[0], f"{kind} is told from unknown by its median"


async def test_unknown_expired_and_revoked_take_the_same_time(gateway: Gateway) -> None:
    await check_times(gateway)


async def stretch(self: Any, name: str, digest: str, _: Any) -> Any:
    """What those do who think that every secret needs a slow hash: only known ids cost it."""
    if await self._roster.key(name):
        hashlib.pbkdf2_hmac("sha256", digest.encode(), b"salt", 50_000)


@pytest.mark.parametrize("make", [lambda: stretch, remembering])
async def test_a_difference_in_time_is_noticed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setattr(authentication.Authenticator, "_find", make())
    with pytest.raises(AssertionError, match="told from unknown"):
        await check_times(gateway, 60)
