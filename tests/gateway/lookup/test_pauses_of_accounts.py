"""How long a provider may have its account left alone, and who ends that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    SNOV_READ,
    Scene,
    attempts,
    outcome,
)
from tests.gateway.lookup.test_guards_of_providers import BREAKERS, find
from tests.gateway.money.conftest import shift

CHECK = "/v1/admin/credentials/env-hunter/check"
DAY = 24 * 3600
SKIPPED = [("hunter", "skipped", "rate_limited")]


async def throttled(scene: Scene, retry_after: Any, **more: Any) -> Any:
    """The reply while the provider says so."""
    scene.fault("hunter", "status", path=HUNTER_FIND, status=429, retry_after=retry_after, **more)
    reply = await find(scene)
    scene.heal()
    assert attempts(reply) == [("hunter", "failed", "rate_limited")]
    return reply


@pytest.mark.parametrize("words", ["1" + "0" * 20, "9" * 400, "1763740000"])
async def test_nobody_is_left_alone_for_longer_than_a_day(
    start_scene: StartScene, words: str
) -> None:
    scene = await start_scene(test_clock=True)
    reply = await throttled(scene, words)
    problem_of(reply, 503, "no_provider_available")
    assert int(reply.headers["retry-after"]) == DAY
    assert attempts(await find(scene)) == SKIPPED
    await shift(scene.store, DAY * 1000 + 1000)
    assert outcome(await find(scene)) == "accepted"


@pytest.mark.parametrize("words", ["²", "-5", "soon", ""])
async def test_what_is_no_time_is_as_if_nothing_was_said(
    start_scene: StartScene, words: str
) -> None:
    scene = await start_scene(test_clock=True)
    problem_of(await throttled(scene, words), 503, "no_provider_available")
    assert attempts(await find(scene)) == SKIPPED
    await shift(scene.store, 2_100)
    assert outcome(await find(scene)) == "accepted"


async def test_a_good_check_ends_a_pause(scene: Scene) -> None:
    await throttled(scene, 3600)
    scene.fault("hunter", "status", path="/account", status=503)
    checked = await scene.gateway.client.post(CHECK)
    assert not checked.json()["data"]["checked"]
    assert attempts(await find(scene)) == SKIPPED
    scene.heal()
    checked = await scene.gateway.client.post(CHECK)
    assert checked.json()["data"]["ok"]
    assert outcome(await find(scene)) == "accepted"


@pytest.mark.parametrize("state", ["closed", "auto"])
async def test_who_wants_an_account_asked_ends_its_pause(scene: Scene, state: str) -> None:
    await throttled(scene, 3600)
    await scene.gateway.client.put(BREAKERS, json={"state": "open", "operation": "emails.verify"})
    assert attempts(await find(scene)) == SKIPPED
    await scene.gateway.client.put(BREAKERS, json={"state": state, "operation": "emails.find"})
    assert outcome(await find(scene)) == "accepted"


async def test_who_can_serve_nobody_is_left_alone_as_long_as_it_says(
    start_scene: StartScene,
) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503, retry_after=30, times=1)
    assert attempts(await find(scene)) == [("hunter", "failed", "unavailable")]
    replies = [await find(scene) for _ in range(3)]
    assert [attempts(reply) for reply in replies] == [SKIPPED] * 3
    assert 25 <= int(replies[0].headers["retry-after"]) <= 30
    assert scene.requests(HUNTER_FIND) == 1
    await shift(scene.store, 31_000)
    assert outcome(await find(scene)) == "accepted"


async def test_only_a_503_is_believed(scene: Scene) -> None:
    scene.fault("hunter", "status", path=HUNTER_FIND, status=500, retry_after=30, times=1)
    assert attempts(await find(scene)) == [("hunter", "failed", "unavailable")]
    assert outcome(await find(scene)) == "accepted"


async def test_a_free_read_is_not_tried_again_before_its_time(scene: Scene) -> None:
    scene.fault("snov", "status", path=SNOV_READ, status=503, retry_after=30, times=1)
    assert attempts(await find(scene, providers=["snov"])) == [("snov", "failed", "unavailable")]
    assert scene.requests(SNOV_READ) == 1


@pytest.mark.parametrize("status, reason", [(429, "rate_limited"), (503, "unavailable")])
async def test_a_sign_in_has_its_account_left_alone(
    start_scene: StartScene, status: int, reason: str
) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("snov", "status", path="*/oauth/*", status=status, retry_after=30, times=1)
    assert attempts(await find(scene, providers=["snov"])) == [("snov", "failed", reason)]
    reply = await find(scene, providers=["snov"])
    assert attempts(reply) == [("snov", "skipped", "rate_limited")]
    assert 25 <= int(reply.headers["retry-after"]) <= 30
