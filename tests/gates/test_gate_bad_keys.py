"""A burst of bad keys costs next to nothing and tells nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.store.connection import Store
from gateway.vault import authentication, keys
from tests.gateway.conftest import Gateway, make_settings, running_gateway

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

    async def ask(part: list[str]) -> None:
        for text in part:
            headers = {"authorization": f"Bearer {text}"}
            reply = await gateway.client.get("/v1/providers", headers=headers)
            body = reply.json()
            body.pop("request_id")
            kept = sorted(item for item in reply.headers.items() if item[0] not in REPEATABLE)
            shown.add((reply.status_code, str(body), str(kept)))

    await asyncio.gather(*[ask(texts[start::AT_ONCE]) for start in range(AT_ONCE)])
    return shown


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


async def test_a_dead_key_that_is_remembered_would_be_noticed(
    gateway: Gateway, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = authentication.Authenticator._find
    known: dict[str, Any] = {}

    async def remember(self: Any, name: str, digest: str) -> Any:
        if digest not in known:
            known[digest] = await seen(self, name, digest)
        return known[digest]

    monkeypatch.setattr(authentication.Authenticator, "_find", remember)
    with pytest.raises(AssertionError, match="apart"):
        await check_alike(gateway, store)
