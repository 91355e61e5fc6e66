"""What providers did not send changes nothing: not the store, not money, not who is asked when."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

from gateway.jobs import reception
from gateway.settings import Secret, Settings
from gateway.store.connection import Store
from gateway.vault.hooks import Hook, HookStore
from providers.notices import Reader
from providers.registry import READERS
from providers.sixtyfour.notices import read_notice
from tests.gateway.conftest import SECRETS, Gateway, make_settings, running_gateway
from tests.gateway.webhooks.conftest import LOOPBACK, ROOT, Post
from tests.gateway.webhooks.receiver import Receiver, receiving

SECRET = "sk_whsec_known"
SIXTYFOUR = "/v1/admin/credentials/env-sixtyfour/hook"
TASK = msgspec.json.encode({"task_id": "t-1", "status": "completed", "result": {"email": []}})
REPLY = msgspec.json.encode(
    {
        "event_object": "campaign_reply",
        "event_action": "received",
        "data": {"recipient_email": "ada@blue-harbor.example"},
    }
)
# Written whatever comes in, once after each start.
RESTLESS = (b"{pgw}:live:reconcil",)


@dataclass
class Door:
    """A gateway with hooks, whoever waits for tasks, and a team that hears of campaigns."""

    gateway: Gateway
    store: Store
    receiver: Receiver
    stranger: httpx.AsyncClient
    paths: dict[str, str] = field(default_factory=dict)
    hints: list[bytes] = field(default_factory=list)

    async def send(self, path: str, body: bytes, signature: str = "") -> int:
        headers = {"sixtyfour-signature": signature} if signature else {}
        return (await self.stranger.post(path, content=body, headers=headers)).status_code

    async def state(self) -> dict[bytes, Any]:
        """All that the store holds."""
        keys = [key async for key in self.store.scan("*") if not key.startswith(RESTLESS)]
        values = await asyncio.gather(*(self._value(key) for key in keys))
        return dict(zip(keys, values, strict=True))

    async def _value(self, key: bytes) -> Any:
        match await self.store.call("TYPE", key):
            case b"hash":
                flat = await self.store.call("HGETALL", key)
                return dict(zip(flat[::2], flat[1::2], strict=True))
            case b"set":
                return set(await self.store.call("SMEMBERS", key))
            case b"zset":
                return await self.store.call("ZRANGE", key, 0, -1, "WITHSCORES")
            case b"stream":
                return await self.store.call("XRANGE", key, "-", "+")
        return await self.store.call("GET", key)


def with_accounts(settings: Settings) -> Settings:
    """Accounts whose providers can't be reached: nothing is bought here."""
    secrets = {
        name: {member: Secret(text) for member, text in SECRETS[name].items()} for name in SECRETS
    }
    providers = {
        name: msgspec.structs.replace(one, base_url="http://127.0.0.1:9", secret=secrets[name])
        for name, one in settings.providers.items()
    }
    return msgspec.structs.replace(settings, providers=providers)


@asynccontextmanager
async def a_door(store: Store, store_url: str) -> AsyncIterator[Door]:
    address = "https://gateway.example"
    settings = make_settings(store_url, None, webhook_allow_cidrs=LOOPBACK, public_url=address)
    async with (
        receiving() as receiver,
        running_gateway(with_accounts(settings)) as gateway,
        httpx.AsyncClient(base_url=gateway.url) as stranger,
    ):
        door = Door(gateway, store, receiver, stranger)
        await Post(gateway, store).endpoint(receiver.url)
        for provider in ("sixtyfour", "snov", "hunter"):
            reply = await gateway.client.post(f"/v1/admin/credentials/env-{provider}/hook")
            door.paths[provider] = reply.json()["data"]["url"].removeprefix(address)
        signed = await gateway.client.patch(SIXTYFOUR, json={"signing_secret": SECRET})
        assert signed.status_code == 200, signed.text
        # Something that money is reserved and released for.
        await gateway.post("/v1/emails/find", {"full_name": "A B", "domain": "x.org"})
        await store.subscribe(f"{ROOT}hints", door.hints.append)
        yield door


def sign(secret: str, body: bytes, at: float, *, dot: bytes = b".") -> str:
    moment = str(int(at))
    digest = hmac.new(secret.encode(), moment.encode() + dot + body, hashlib.sha256)
    return f"t={moment},v1={digest.hexdigest()}"


def forgeries(paths: dict[str, str], rounds: int) -> list[tuple[str, bytes, str]]:
    """Path, body and signature of messages that are not what they say."""
    now, found = time.time(), []
    for number in range(rounds):
        ours = paths["sixtyfour"]
        body = TASK.replace(b"t-1", f"t-{number}".encode())
        good = sign(SECRET, body, now)
        found += [
            (ours, body, ""),
            (ours, body, "v1=" + good.partition("v1=")[2]),
            (ours, body, good.partition(",")[0]),
            (ours, body, good[:-1]),
            (ours, body, good.replace("v1=", "v0=")),
            (ours, body + b" ", good),
            (ours, body, sign("sk_whsec_other", body, now)),
            (ours, body, sign(SECRET.removeprefix("sk_whsec_"), body, now)),
            (ours, body, sign(SECRET, body, now, dot=b"")),
            (ours, body, sign(SECRET, body, now - 400)),
            (ours, body, sign(SECRET, body, now + 400)),
            (ours[:-1], body, good),
            (ours + "A", body, good),
            (ours.swapcase().replace("/HOOKS/SIXTYFOUR", "/hooks/sixtyfour"), body, good),
            (ours.replace("sixtyfour", "snov"), REPLY, ""),
            (ours.replace("sixtyfour", "hunter"), REPLY, ""),
            (paths["snov"].replace("snov", "hunter"), REPLY, ""),
            (paths["snov"].replace("snov", "letrics"), REPLY, ""),
            (paths["snov"][:-2] + "AA", REPLY, ""),
            ("/hooks/snov/" + "A" * 43, REPLY, ""),
        ]
    return found


async def assert_nothing_comes_of_forgeries(door: Door, *, rounds: int) -> None:
    before = await door.state()
    assert any(key.startswith(f"{ROOT}entry:".encode()) for key in before)
    tried = forgeries(door.paths, rounds)
    statuses = await asyncio.gather(*(door.send(*each) for each in tried))
    taken = [each for each, status in zip(tried, statuses, strict=True) if status < 400]
    assert not taken, f"{len(taken)} of {len(tried)} were taken in"
    assert set(statuses) == {401, 404}
    after = await door.state()
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    assert not changed, f"{changed} changed"
    assert not door.hints
    assert not door.receiver.messages


async def test_a_hundred_forged_messages_change_nothing(store: Store, store_url: str) -> None:
    async with a_door(store, store_url) as door:
        assert len(forgeries(door.paths, 5)) == 100
        await assert_nothing_comes_of_forgeries(door, rounds=5)
        # What is real does come through.
        good = sign(SECRET, TASK, time.time())
        assert await door.send(door.paths["sixtyfour"], TASK, good) == 204
        assert await door.send(door.paths["snov"], REPLY) == 204
        [message] = await door.receiver.wait(1)
        assert message.json["data"]["type"] == "replied"
        assert door.hints == [b"t-1"]


async def test_a_message_without_a_signature_is_a_hint_and_no_more(
    store: Store, store_url: str
) -> None:
    """Of an account whose secret is not known, a hundred of them: money stays as it is."""
    async with a_door(store, store_url) as door:
        await door.gateway.client.patch(SIXTYFOUR, json={"signing_secret": None})
        before = await door.state()
        bodies = [TASK.replace(b"t-1", f"t-{number}".encode()) for number in range(100)]
        path = door.paths["sixtyfour"]
        assert set(await asyncio.gather(*(door.send(path, body) for body in bodies))) == {204}
        assert await door.state() == before
        assert len(door.hints) == 100


def _believing(_headers: Any, _body: bytes, _secrets: Sequence[str], _now: float) -> bool:
    return True


async def _of_anyone(self: HookStore, provider: str, _token: str) -> Hook | None:
    return await self.get(f"env-{provider}")


async def _of_any_provider(self: HookStore, _provider: str, token: str) -> Hook | None:
    for provider in ("sixtyfour", "snov", "hunter"):
        if found := await FIND(self, provider, token):
            return found
    return None


FIND = HookStore.find


@pytest.mark.parametrize("mutant", [_of_anyone, _of_any_provider])
async def test_an_address_that_is_not_checked_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, mutant: Any
) -> None:
    async with a_door(store, store_url) as door:
        monkeypatch.setattr(HookStore, "find", mutant)
        with pytest.raises(AssertionError, match="were taken in"):
            await assert_nothing_comes_of_forgeries(door, rounds=1)


async def test_a_signature_that_is_not_checked_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    believing = Reader(read_notice, _believing)
    monkeypatch.setattr(reception, "READERS", {**READERS, "sixtyfour": believing})
    async with a_door(store, store_url) as door:
        with pytest.raises(AssertionError, match="were taken in"):
            await assert_nothing_comes_of_forgeries(door, rounds=1)
