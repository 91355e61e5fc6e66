"""A caller who waits for a ticket gets its answer though the key is changed meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from gateway.lookup import tickets
from gateway.lookup.calls import Dialler
from providers.simulator.accounts import Account
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    SIXTYFOUR_POLL,
    SIXTYFOUR_START,
    Scene,
    attempts,
    cost,
    until,
)
from tests.gateway.lookup.test_pools_of_credentials import CREDENTIALS, show

OLD, NEW = "old-key", "new-key"
OFTEN = 3 * tickets.STRIKES


async def polled(scene: Scene, times: int) -> None:
    async def is_often() -> bool:
        return scene.requests(SIXTYFOUR_POLL) >= times

    await until(is_often)


async def begin(scene: Scene) -> str:
    """The id of an account at Sixtyfour whose tasks do not end."""
    account = Account(provider="sixtyfour", name="own")
    scene.simulator.app.stage.accounts.put(OLD, account)
    body = {"provider": "sixtyfour", "name": "own", "secret": {"api_key": OLD}}
    made = await scene.gateway.client.post(CREDENTIALS, json=body)
    scene.fault("sixtyfour", "never_ready", path="/job-status/*")
    return str(made.json()["data"]["id"])


async def roll(scene: Scene) -> None:
    """The key, at the provider; its task ends."""
    accounts = scene.simulator.app.stage.accounts
    account = accounts.named("sixtyfour", "own")
    assert account is not None
    accounts.drop("sixtyfour", OLD)
    accounts.put(NEW, account)
    scene.heal()
    await polled(scene, scene.requests(SIXTYFOUR_POLL) + OFTEN)


async def the_caller_is_answered(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tickets, "wait_after", lambda _error, _poll: 0.02)
    name = await begin(scene)
    asked = asyncio.create_task(scene.find(scene.person(sixtyfour="valid")))
    await polled(scene, 1)
    await roll(scene)
    shown = await show(scene, name)
    assert (shown["status"], shown["reason"]) == ("benched", "authentication_failed")
    await scene.gateway.client.patch(f"{CREDENTIALS}/{name}", json={"secret": {"api_key": NEW}})
    # Whoever goes on with the old key is soon at its end.
    patch.setattr(tickets, "LIFE", 0)
    reply = await asked
    assert reply.status_code == 200, reply.text
    assert ("sixtyfour", "accepted", None) in attempts(reply)
    assert cost(reply) == scene.billed()
    assert scene.requests(SIXTYFOUR_START) == 1
    assert (await show(scene, name))["status"] == "ok"


async def test_who_waits_is_answered_with_the_key_that_is_put_in(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await the_caller_is_answered(await start_scene(only=()), monkeypatch)


async def test_a_poll_with_the_key_of_before_is_noticed(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dialler, "_renew", lambda *_: None)
    with pytest.raises(AssertionError):
        await the_caller_is_answered(await start_scene(only=()), monkeypatch)
