"""A provider that tells of its task is asked at once; what it says changes nothing by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from gateway.jobs.queue import Queue
from gateway.lookup import hints, tickets
from gateway.settings import Settings
from tests.gateway.conftest import SECRETS, GatewayFactory
from tests.gateway.lookup.conftest import StartScene, audited, start_scene
from tests.gateway.lookup.scene import SIXTYFOUR_POLL, SIXTYFOUR_START, Scene, cost, until

__all__ = ["audited", "start_scene"]

HOOK = "/v1/admin/credentials/env-sixtyfour/hook"
ONLY = ["sixtyfour"]
HIT = Decimal("0.05")
# Seconds: one that is waited for in memory, one that is laid aside.
WAITS = pytest.mark.parametrize("wait", [25.0, 600.0], ids=["in memory", "laid aside"])
Told = Callable[[float], Awaitable[Scene]]


@pytest.fixture
async def told(
    start_scene: StartScene, start_gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> Told:
    """A scene whose Sixtyfour calls back, signed; by itself nobody asks before `wait` is over."""

    async def start(wait: float) -> Scene:
        door = await start_gateway()
        path = (await door.client.post(HOOK)).json()["data"]["url"].partition("example")[2]
        scene = await start_scene(providers=calling(door.settings, door.url + path))
        assert scene.gateway.settings.providers["sixtyfour"].options
        signing = await secret_of(scene)
        changed = await door.client.patch(HOOK, json={"signing_secret": signing})
        assert changed.json()["data"]["signed"] is True
        monkeypatch.setattr(tickets, "wait_before", lambda _ticket, _learned: wait)
        return scene

    return start


def calling(settings: Settings, url: str, provider: str = "sixtyfour") -> dict[str, Any]:
    held = settings.providers[provider]
    told = msgspec.structs.replace(held, options={"webhook_url": url})
    return {**settings.providers, provider: told}


async def secret_of(scene: Scene) -> str:
    """A signing secret, made at the provider."""
    url = scene.simulator.endpoints.sixtyfour
    key = {"x-api-key": SECRETS["sixtyfour"]["api_key"]}
    async with httpx.AsyncClient(base_url=url, headers=key) as customer:
        reply = await customer.post("/webhooks/signing-secret")
    assert reply.status_code == 201, reply.text
    return str(reply.json()["plaintext"])


async def called_back(scene: Scene) -> None:
    """Every message was sent and taken."""
    deliveries = scene.simulator.app.stage.deliveries
    await asyncio.wait_for(deliveries.idle(), 20)
    assert [one.status for one in deliveries.latest] == [204] * len(deliveries.latest)
    assert deliveries.latest


@WAITS
async def test_a_task_is_asked_for_as_soon_as_it_is_told_of(told: Told, wait: float) -> None:
    scene = await told(wait)
    scene.slow_down("sixtyfour", task=0.5)
    person = scene.person(sixtyfour="valid")
    promised = await scene.find(person, providers=ONLY, prefer="respond-async")
    job = await scene.job(promised)
    assert job["result"]["data"]["email"] == person.email
    assert Decimal(job["cost"]) == scene.billed() == HIT
    assert (scene.requests(SIXTYFOUR_START), scene.requests(SIXTYFOUR_POLL)) == (1, 1)
    await called_back(scene)


async def test_whoever_waits_for_the_exchange_is_answered_by_it(told: Told) -> None:
    scene = await told(25.0)
    scene.slow_down("sixtyfour", task=0.5)
    reply = await scene.find(scene.person(sixtyfour="valid"), providers=ONLY, prefer="wait=20")
    assert (reply.status_code, cost(reply)) == (200, HIT)
    assert scene.requests(SIXTYFOUR_POLL) == 1


@WAITS
async def test_a_hint_that_is_not_true_costs_one_poll(
    told: Told, wait: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is told; the ticket goes on as before."""
    scene = await told(wait)
    scene.fault("sixtyfour", "never_ready", path="/job-status/*")
    promised = await scene.find(
        scene.person(sixtyfour="valid"), providers=ONLY, prefer="respond-async"
    )
    await until(lambda: is_waiting(scene))
    [task] = await tasks_of(scene)
    for _ in range(50):
        await tell(scene, task)
    await until(lambda: has_polled(scene, 1))
    await until(lambda: is_waiting(scene))
    assert scene.requests(SIXTYFOUR_POLL) == 1
    shown = await scene.gateway.client.get(promised.headers["location"])
    assert (shown.json()["data"]["status"], shown.json()["data"]["cost"]) == ("running", "0")
    monkeypatch.setattr(hints, "GAP", 0.0)
    async for key in scene.store.scan("{pgw}:live:told:*"):
        await scene.store.call("DEL", key)
    scene.heal()
    await tell(scene, task)
    assert Decimal((await scene.job(promised))["cost"]) == scene.billed() == HIT
    assert (scene.requests(SIXTYFOUR_START), scene.requests(SIXTYFOUR_POLL)) == (1, 2)


async def tell(scene: Scene, task: str) -> None:
    """As the hook does, once the message is known to be genuine."""
    await scene.store.call("PUBLISH", "{pgw}:live:hints", task)
    await Queue(scene.store, "{pgw}:live:", keep_days=1).hint(task)


async def tasks_of(scene: Scene) -> list[str]:
    keys = [key async for key in scene.store.scan("{pgw}:live:entry:*")]
    kept = [await scene.store.call("HGET", key, "ticket") for key in keys]
    return [tickets.unpack(packed).ticket.state["task_id"] for packed in kept if packed]


async def is_waiting(scene: Scene) -> bool:
    """A ticket is kept, and nobody is about to ask for it."""
    return bool(await tasks_of(scene))


async def has_polled(scene: Scene, times: int) -> bool:
    return scene.requests(SIXTYFOUR_POLL) >= times


@WAITS
async def test_a_task_that_nobody_hears_of_is_not_asked_for(
    told: Told, wait: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: messages come, and those who wait are not told."""
    monkeypatch.setattr(hints.Hints, "tell", lambda _self, _task: None)
    monkeypatch.setattr(Queue, "hint", unheard)
    scene = await told(wait)
    scene.slow_down("sixtyfour", task=0.2)
    await scene.find(scene.person(sixtyfour="valid"), providers=ONLY, prefer="respond-async")
    await called_back(scene)
    assert scene.requests(SIXTYFOUR_POLL) == 0
    assert await is_waiting(scene)


async def unheard(_self: Queue, _task: str) -> bool:
    return False


@WAITS
async def test_an_unsigned_message_hints_as_well(
    start_scene: StartScene,
    start_gateway: GatewayFactory,
    monkeypatch: pytest.MonkeyPatch,
    wait: float,
) -> None:
    """Snov.io signs nothing: what it found is read where it is, and paid as it is billed."""
    door = await start_gateway()
    issued = await door.client.post(HOOK.replace("sixtyfour", "snov"))
    url = door.url + issued.json()["data"]["url"].partition("example")[2]
    scene = await start_scene(providers=calling(door.settings, url, "snov"))
    monkeypatch.setattr(tickets, "wait_before", lambda _ticket, _learned: wait)
    scene.slow_down("snov", task=0.5)
    domain = scene.person(snov="valid").company.domain
    body = {"domain": domain, "routing": {"providers": ["snov"]}}
    promised = await scene.gateway.client.post(
        "/v1/companies/enrich", json=body, headers={"prefer": "respond-async"}
    )
    job = await scene.job(promised)
    assert job["result"]["data"]["domain"] == domain
    assert Decimal(job["cost"]) == scene.billed("snov") > 0
    await called_back(scene)
