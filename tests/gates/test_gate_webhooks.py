"""Every event reaches every receiver under one id, whoever is killed, dead or slow."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from gateway.jobs import signing
from gateway.settings import WebhookSettings
from gateway.store import script
from gateway.store.connection import Store
from gateway.vault.endpoints import Endpoint, EndpointStore
from gateway.vault.sealing import Sealer
from tests.gates.conftest import Campaign
from tests.gateway.conftest import make_settings, running_gateway
from tests.gateway.supervisor.processes import (
    Served,
    external,
    running_store,
    sabotaged,
    serving,
    until,
)
from tests.gateway.webhooks.conftest import ALL, LOOPBACK, ROOT, Post
from tests.gateway.webhooks.receiver import Message, Receiver, receiving

WORKER = "supervisor.worker"
EVENT = "job.completed"
# Not a mutant: what a killed process was sending is sent again after seconds, and one that was
# killed is replaced at once however often it is.
BRIEF = """
import gateway.jobs.outbox, gateway.supervisor.children
gateway.jobs.outbox.LEASE_MARGIN = 200
gateway.supervisor.children.LONGEST_PAUSE = 0.1
"""
# Each attempt is another message.
FICKLE = """
import gateway.jobs.courier as c
sign = c.headers_of
n = 0
def sign_anew(name, *rest):
    global n
    n += 1
    return sign(f"{name}.{n}", *rest)
c.headers_of = sign_anew
"""
# What is being sent is kept nowhere.
CARELESS = """
import gateway.store.script as s
read, kept = s._read, "redis.call('ZADD', place(root, 'busy', target), now + lease, id)"
def read_without(name):
    text = read(name)
    assert name != "claim_deliveries" or kept in text
    return text.replace(kept, "", 1)
s._read = read_without
"""


@dataclass
class Scene:
    """A gateway's processes, a receiver with several endpoints, and the secret of each."""

    served: Served
    store: Store
    receiver: Receiver
    secrets: dict[str, str] = field(default_factory=dict)

    async def subscribe(self, number: int) -> None:
        for at in range(number):
            body = {"url": f"{self.receiver.url}/{at}", "events": [EVENT]}
            reply = await self.served.client.post(ALL, json=body)
            assert reply.status_code == 201, reply.text
            self.secrets[f"/hook/{at}"] = reply.json()["data"]["secret"]

    async def emit(self, number: int) -> None:
        for at in range(number):
            row = ("event", EVENT, "team", "default", "data", f'{{"id": {at}}}')
            await self.store.call("XADD", f"{ROOT}outbox", "*", *row)

    async def kill(self, after: int) -> None:
        """Kill the process that delivers, in the middle of a delivery."""
        already = len(self.receiver.messages)

        def busy() -> bool:
            return len(self.receiver.messages) >= already + after and self.receiver.busy > 0

        await until(busy, 30, "a delivery under way")
        [pid] = self.served.children(WORKER)
        os.kill(pid, signal.SIGKILL)

    def by_receiver(self) -> dict[tuple[str, int], list[Message]]:
        found = defaultdict(list)
        for message in self.receiver.messages:
            found[message.path, message.json["data"]["id"]].append(message)
        return found


@asynccontextmanager
async def scene(folder: Path, code: str = "") -> AsyncIterator[Scene]:
    config = folder / "gateway.toml"
    config.write_text("[webhooks]\ntimeout = 1\n")
    more = {"GATEWAY_CONFIG": str(config), "GATEWAY_WEBHOOK_ALLOW_CIDRS": "127.0.0.0/8"}
    with running_store(folder / "store") as url:
        environ = external(folder / "data", url, **more)
        environ |= sabotaged(folder / "first", BRIEF + code)
        store = await Store.connect(url, timeout=5)
        async with receiving(seconds=0.03) as receiver, serving(folder, environ=environ) as served:
            yield Scene(served, store, receiver)
        await store.close()


async def assert_delivered(
    scene: Scene, *, events: int, kills: int, endpoints: int = 2, seconds: float = 60
) -> None:
    await scene.subscribe(endpoints)
    await scene.emit(events)
    for _ in range(kills):
        await scene.kill(after=15)
    wanted = events * endpoints
    await until(lambda: len(scene.by_receiver()) == wanted, seconds, "every event everywhere")
    names = set()
    for (path, _), messages in scene.by_receiver().items():
        ids = {message.id for message in messages}
        assert len(ids) == 1, f"one event under the ids {ids}"
        names |= ids
        for message in messages:
            message.verify(scene.secrets[path])
    assert len(names) == wanted
    assert len(scene.receiver.messages) > wanted, "nothing was under way at any kill"


@pytest.mark.timeout(900)
async def test_every_event_is_delivered_under_one_id_across_kills(
    tmp_path: Path, campaign: Campaign
) -> None:
    """A thousand payloads and more, and every signature is good."""
    async with scene(tmp_path) as running:
        kills = campaign.size(short=10, full=100)
        events = campaign.size(short=500, full=5000)
        seconds = campaign.size(short=60, full=300)
        await assert_delivered(running, events=events, kills=kills, seconds=seconds)
        sent = len(running.receiver.messages)
        campaign.tell(f"webhooks: {2 * events} events delivered by {sent} messages, {kills} kills")


@pytest.mark.parametrize(
    "mutant, noticed, seconds",
    [(FICKLE, "under the ids", 30), (CARELESS, "every event everywhere", 4)],
)
async def test_what_is_lost_or_renamed_at_a_kill_is_noticed(
    tmp_path: Path, mutant: str, noticed: str, seconds: float
) -> None:
    async with scene(tmp_path, mutant) as running:
        with pytest.raises(AssertionError, match=noticed):
            await assert_delivered(running, events=30, kills=1, seconds=seconds)


async def test_a_wrong_signature_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_sign", lambda secret, signed: f"v1,{'A' * 43}=")
    settings = make_settings(store_url, None, webhook_allow_cidrs=LOOPBACK)
    async with receiving() as receiver, running_gateway(settings) as gateway:
        post = Post(gateway, store)
        _, secret = await post.endpoint(receiver.url)
        await post.emit(EVENT, {"id": 1})
        [message] = await receiver.wait(1)
        with pytest.raises(WebhookVerificationError):
            message.verify(secret)


# A receiver that is dead for hours, on a clock that is moved.


async def idle(post: Post, endpoint: str) -> bool:
    """Nothing is due at this moment, and nothing is being sent."""
    seconds, micros = await post.store.call("TIME")
    offset = int(await post.store.call("GET", "{pgw}:clock_offset") or 0)
    now = int(seconds) * 1000 + int(micros) // 1000 + offset
    rows = await post.store.call("XLEN", f"{ROOT}outbox")
    due = await post.store.call("ZCOUNT", f"{ROOT}deliveries:due:{endpoint}", "-inf", now)
    busy = await post.store.call("ZCARD", f"{ROOT}deliveries:busy:{endpoint}")
    return not (rows or due or busy)


async def assert_survives_a_dead_receiver(
    store: Store, store_url: str, *, events: int, settings: WebhookSettings
) -> None:
    made = make_settings(
        store_url, None, webhook_allow_cidrs=LOOPBACK, webhooks=settings, test_clock=True
    )
    async with running_gateway(made) as gateway:
        post, ids = Post(gateway, store), set()
        async with receiving() as placeholder:
            name, _ = await post.endpoint(placeholder.url)
        for number in range(events):
            await post.emit(EVENT, {"id": number})
        for _ in range(6 * 2):
            await until(lambda: idle(post, name), 30, "attempts at a dead receiver")
            await post.shift(30 * 60)
        async with receiving(port=placeholder.port) as receiver:
            for _ in range(12):
                await until(lambda: idle(post, name), 30, "attempts at a living receiver")
                await post.shift(3600)
            ids = {message.id for message in receiver.messages}
            found = sorted(message.json["data"]["id"] for message in receiver.messages)
        assert found == list(range(events)), f"{len(found)} of {events} delivered"
        assert len(ids) == events
        shown = await gateway.client.get(f"{ALL}/{name}")
        assert shown.json()["data"]["enabled"] is True


async def test_after_six_hours_of_a_dead_receiver_all_is_delivered(
    store: Store, store_url: str, campaign: Campaign
) -> None:
    events = campaign.size(short=40, full=1000)
    settings = WebhookSettings()
    await assert_survives_a_dead_receiver(store, store_url, events=events, settings=settings)


async def test_who_gives_up_too_soon_is_noticed(store: Store, store_url: str) -> None:
    settings = WebhookSettings(retries=(5, 300, 1800))
    with pytest.raises(AssertionError, match="0 of 5 delivered"):
        await assert_survives_a_dead_receiver(store, store_url, events=5, settings=settings)


# A receiver that takes ten seconds for each message.


async def assert_delays_nobody(
    store: Store, store_url: str, *, others: int, seconds: float
) -> None:
    made = make_settings(
        store_url, None, webhook_allow_cidrs=LOOPBACK, webhooks=WebhookSettings(at_once=16)
    )
    endpoints = EndpointStore(store, Sealer([bytes(range(32))]), ROOT)
    async with (
        receiving(seconds=10.0) as slow,
        receiving() as swift,
        running_gateway(made) as gateway,
    ):
        post = Post(gateway, store)
        await post.endpoint(slow.url, EVENT)
        for number in range(100):
            await post.emit(EVENT, {"id": number})
        await slow.wait(1)
        for number in range(others):
            url = f"{swift.url}/{number}"
            await endpoints.add(
                Endpoint(id=f"e{number}", team=f"t{number}", url=url, events=(EVENT,))
            )
            for at in range(2):
                await post.emit(EVENT, {"id": at}, team=f"t{number}")
        await until(lambda: len(swift.messages) == 2 * others, seconds, "whoever is not slow")
        assert slow.answered == 0


@pytest.fixture
def _no_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow receiver need not be waited for at the end."""
    monkeypatch.setattr("gateway.jobs.courier.DRAIN", 0.0)


@pytest.mark.usefixtures("_no_drain")
async def test_a_slow_receiver_delays_no_other(store: Store, store_url: str) -> None:
    await assert_delays_nobody(store, store_url, others=50, seconds=9)


@pytest.mark.usefixtures("_no_drain")
async def test_a_receiver_that_takes_every_turn_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: as many as there are may be sent to one receiver at once."""
    read, limit = script._read, "return math.min(slots, each) - "

    def read_unlimited(name: str) -> str:
        text = read(name)
        assert name != "deliveries" or limit in text
        return text.replace(limit, "return 1000 - ", 1)

    monkeypatch.setattr(script, "_read", read_unlimited)
    with pytest.raises(AssertionError, match="whoever is not slow"):
        await assert_delays_nobody(store, store_url, others=5, seconds=3)
