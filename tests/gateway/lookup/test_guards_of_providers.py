"""Limits, pauses and breakers, as a lookup meets them."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
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
    until,
)
from tests.gateway.lookup.test_pools_of_credentials import add, open_account
from tests.gateway.lookup.test_waterfall_outages import lose_replies
from tests.gateway.money.books import open_entries
from tests.gateway.money.conftest import shift

HUNTER = {"providers": ["hunter"]}
BREAKERS = "/v1/admin/providers/hunter/breakers"


async def find(scene: Scene, **more: Any) -> Any:
    return await scene.find(scene.person(hunter="valid", snov="valid"), **(HUNTER | more))


async def test_five_failures_in_a_row_open_the_breaker(start_scene: StartScene) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    replies = [await find(scene) for _ in range(8)]
    assert [attempts(reply)[0][1:] for reply in replies] == [
        *[("failed", "unavailable")] * 5,
        *[("skipped", "circuit_open")] * 3,
    ]
    assert scene.requests(HUNTER_FIND) == 5
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 5
    problem_of(replies[-1], 503, "no_provider_available")
    # Another provider is asked instead, and the answer is marked as incomplete if it has none.
    other = await find(scene, providers=["hunter", "snov"])
    assert outcome(other) == "accepted"
    await shift(scene.store, 5_100)
    scene.heal()
    assert outcome(await find(scene)) == "accepted"
    assert scene.requests(HUNTER_FIND) == 6
    assert {outcome(await find(scene)) for _ in range(3)} == {"accepted"}


async def test_a_probe_that_fails_waits_twice_as_long(start_scene: StartScene) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    for _ in range(5):
        await find(scene)
    await shift(scene.store, 5_100)
    assert attempts(await find(scene)) == [("hunter", "failed", "unavailable")]
    await shift(scene.store, 11_000)
    assert attempts(await find(scene)) == [("hunter", "skipped", "circuit_open")]
    await shift(scene.store, 16_000)
    assert attempts(await find(scene)) == [("hunter", "failed", "unavailable")]
    assert scene.requests(HUNTER_FIND) == 7


async def test_one_call_of_many_finds_out(start_scene: StartScene) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    for _ in range(5):
        await find(scene)
    scene.slow_down("hunter", call=0.3)
    await shift(scene.store, 5_100)
    replies = await asyncio.gather(*(find(scene) for _ in range(30)))
    kinds = sorted(attempts(reply)[0][1] for reply in replies)
    assert kinds == ["failed", *["skipped"] * 29]
    assert scene.requests(HUNTER_FIND) == 6


@pytest.mark.parametrize("status, body", [(429, "rate_limited"), (400, "invalid_query")])
async def test_a_refusal_is_no_failure(scene: Scene, status: int, body: str) -> None:
    scene.fault("hunter", "status", path=HUNTER_FIND, status=status, retry_after=0.001)
    for _ in range(8):
        reply = await find(scene)
        assert attempts(reply)[0][2] == body
        await asyncio.sleep(0.005)
    view = await scene.gateway.client.get(BREAKERS)
    assert {row["state"] for row in view.json()["data"]} == {"closed"}


async def test_a_breaker_can_be_forced(scene: Scene) -> None:
    client = scene.gateway.client
    forced = {"state": "open", "operation": "emails.find"}
    reply = await client.put(BREAKERS, json=forced)
    states = {row["operation"]: (row["state"], row["forced"]) for row in reply.json()["data"]}
    assert states["emails.find"] == ("open", True)
    assert states["emails.verify"] == ("closed", False)
    assert attempts(await find(scene)) == [("hunter", "skipped", "circuit_open")]
    await client.put(BREAKERS, json={"state": "closed"})
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    for _ in range(8):
        assert attempts(await find(scene)) == [("hunter", "failed", "unavailable")]
    scene.heal()
    await client.put(BREAKERS, json={"state": "auto"})
    assert outcome(await find(scene)) == "accepted"
    problem_of(await client.put(BREAKERS, json={"state": "ajar"}), 422, "invalid_query")
    wrong = {"state": "open", "operation": "emails.guess"}
    problem_of(await client.put(BREAKERS, json=wrong), 422, "invalid_query")
    problem_of(await client.get("/v1/admin/providers/nobody/breakers"), 404, "not_found")
    trail = (await client.get("/v1/admin/audit")).json()["data"]
    assert (trail[0]["action"], trail[0]["object_id"]) == ("breaker.forced", "hunter")


async def test_a_provider_that_asks_for_patience_gets_it(start_scene: StartScene) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=429, retry_after=30, times=1)
    assert attempts(await find(scene)) == [("hunter", "failed", "rate_limited")]
    replies = [await find(scene) for _ in range(5)]
    assert {attempts(reply)[0] for reply in replies} == {("hunter", "skipped", "rate_limited")}
    assert 25 <= int(replies[0].headers["retry-after"]) <= 30
    assert scene.requests(HUNTER_FIND) == 1
    await shift(scene.store, 31_000)
    assert outcome(await find(scene)) == "accepted"


async def test_limits_of_an_account_pace_its_requests(start_scene: StartScene) -> None:
    scene = await start_scene(only=())
    open_account(scene, "one")
    await add(scene, "one", limits={"per_second": 5})
    began = asyncio.get_running_loop().time()
    replies = await asyncio.gather(*(find(scene) for _ in range(12)))
    seconds = asyncio.get_running_loop().time() - began
    assert {outcome(reply) for reply in replies} == {"accepted"}
    assert seconds > 2
    assert sum(Decimal(reply.headers["x-gateway-cost"]) for reply in replies) == scene.billed()


async def test_who_cannot_be_served_in_time_is_told_when(start_scene: StartScene) -> None:
    scene = await start_scene(only=())
    open_account(scene, "one")
    await add(scene, "one", limits={"per_minute": 2})
    replies = [await find(scene, timeout=1) for _ in range(3)]
    assert [outcome(reply) for reply in replies[:2]] == ["accepted"] * 2
    assert attempts(replies[2]) == [("hunter", "failed", "rate_limited")]
    assert 50 <= int(replies[2].headers["retry-after"]) <= 61
    assert scene.charges() == 2


async def test_requests_at_once_of_an_account_are_bounded(start_scene: StartScene) -> None:
    scene = await start_scene(only=())
    open_account(scene, "one")
    await add(scene, "one", limits={"concurrency": 2})
    scene.slow_down("hunter", call=0.2)
    replies = await asyncio.gather(*(find(scene) for _ in range(6)))
    assert {outcome(reply) for reply in replies} == {"accepted"}
    assert scene.simulator.app.traffic.peak <= 2


async def test_a_free_read_is_tried_a_second_time(scene: Scene) -> None:
    scene.fault("snov", "close", path=SNOV_READ, times=1)
    reply = await find(scene, providers=["snov"])
    assert outcome(reply) == "accepted"
    scene.fault("snov", "close", path=SNOV_READ)
    before = scene.requests(SNOV_READ)
    for _ in range(20):
        await find(scene, providers=["snov"])
    # Not more than a few saved up, and one in ten; and the breaker ends it.
    assert scene.requests(SNOV_READ) - before <= 20 * 1.2 + 5


async def test_a_provider_shows_how_it_does(start_scene: StartScene) -> None:
    scene = await start_scene(only=())
    open_account(scene, "one")
    await add(scene, "one", limits={"per_second": 50, "concurrency": 9})
    client = scene.gateway.client

    async def shown() -> tuple[dict[str, Any], dict[str, Any]]:
        data = (await client.get("/v1/providers/hunter")).json()["data"]
        [find_offer] = [one for one in data["operations"] if one["operation"] == "emails.find"]
        return data, find_offer

    data, offer = await shown()
    assert (data["breaker"], offer["hit_rate"], offer["latency_ms"]) == ("closed", None, None)
    assert data["limits"] == [{"number": 50, "seconds": 1.0, "paths": []}]
    assert data["concurrency"] == 9
    for hunter in ("valid", "valid", "valid", None):
        person = scene.person(hunter=hunter) if hunter else scene.person()
        await scene.find(person, **HUNTER)
    assert (await shown())[1]["hit_rate"] == 0.75
    assert (await shown())[1]["latency_ms"] >= 0
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    for _ in range(5):
        await find(scene)
    data, offer = await shown()
    assert (data["breaker"], offer["breaker"], offer["hit_rate"]) == ("open", "open", 0.75)


async def test_a_breaker_that_is_held_open_is_shown_whatever_comes_back(scene: Scene) -> None:
    client = scene.gateway.client
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503, times=1)
    await find(scene)
    scene.slow_down("hunter", call=0.3)
    asked = asyncio.create_task(find(scene))
    await scene.simulator.app.traffic.busy.wait()
    await client.put(BREAKERS, json={"state": "open", "operation": "emails.find"})
    assert outcome(await asked) == "accepted"
    shown = (await client.get("/metrics")).text
    assert re.search(r"gateway_breaker_open\{.*emails\.find.*\} 1\.0", shown), shown


async def test_a_probe_that_was_never_sent_leaves_its_turn_to_the_next(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await start_scene(test_clock=True)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    for _ in range(5):
        await find(scene)
    scene.heal()
    await shift(scene.store, 5_100)
    lose_replies(monkeypatch, "admit")
    assert (await find(scene)).status_code == 503

    async def withdrawn() -> bool:
        return await open_entries(scene.store) == []

    await until(withdrawn)
    assert outcome(await find(scene)) == "accepted"


async def test_a_clock_that_is_set_back_keeps_no_breaker_open(start_scene: StartScene) -> None:
    scene = await start_scene(test_clock=True)
    await shift(scene.store, 3_600_000)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=503)
    for _ in range(5):
        await find(scene)
    scene.heal()
    await shift(scene.store, 0)
    view = (await scene.gateway.client.get(BREAKERS)).json()["data"]
    assert "half_open" in {row["state"] for row in view}
    assert outcome(await find(scene)) == "accepted"
