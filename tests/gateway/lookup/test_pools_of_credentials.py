"""Several accounts at one provider: chosen by weight, benched when refused, tried again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.store.connection import Store
from gateway.vault import bench
from providers.simulator.accounts import Account
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import HUNTER_FIND, Scene, attempts, cost, outcome

CREDENTIALS = "/v1/admin/credentials"
REFUSED = ("hunter", "failed", "authentication_failed")


def open_account(scene: Scene, key: str, **members: Any) -> Account:
    """An account of Hunter's."""
    account = Account(provider="hunter", name=key, **members)
    account.allowance.update({"searches": 1000, "verifications": 1000})
    scene.simulator.app.stage.accounts.put(key, account)
    return account


async def add(scene: Scene, key: str, **members: Any) -> str:
    """The id of a stored credential."""
    body = {"provider": "hunter", "name": key, "secret": {"api_key": key}, **members}
    reply = await scene.gateway.client.post(CREDENTIALS, json=body)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


async def show(scene: Scene, name: str) -> dict[str, Any]:
    reply = await scene.gateway.client.get(f"{CREDENTIALS}/{name}")
    shown: dict[str, Any] = reply.json()["data"]
    return shown


def payers(scene: Scene) -> list[str]:
    return [row.account for row in scene.simulator.bill.select("hunter")]


@pytest.fixture
async def pool(start_scene: StartScene) -> tuple[Scene, dict[str, str]]:
    """A gateway with two accounts at Hunter and nobody else."""
    scene = await start_scene(only=())
    for key in ("one", "two"):
        open_account(scene, key)
    return scene, {"one": await add(scene, "one"), "two": await add(scene, "two", weight=3)}


async def test_accounts_share_the_calls_by_weight(pool: tuple[Scene, dict[str, str]]) -> None:
    """So many that chance alone has it otherwise once in eight million times."""
    scene, _ = pool
    for _ in range(96):
        await scene.find(scene.person(hunter="valid"))
    found = payers(scene)
    assert len(found) == 96
    assert 0 < found.count("one") < found.count("two")


async def test_a_refused_account_is_benched_and_the_next_is_used_at_once(
    pool: tuple[Scene, dict[str, str]],
) -> None:
    scene, ids = pool
    scene.simulator.app.stage.accounts.named("hunter", "two").enabled = False  # type: ignore[union-attr]
    replies = [await scene.find(scene.person(hunter="valid")) for _ in range(20)]
    assert [outcome(reply) for reply in replies] == ["accepted"] * 20
    assert sum(REFUSED in attempts(reply) for reply in replies) == 1
    assert sum(map(cost, replies)) == scene.billed()
    assert set(payers(scene)) == {"one"}
    assert scene.requests(HUNTER_FIND) == 21
    shown = await show(scene, ids["two"])
    assert (shown["status"], shown["reason"]) == ("benched", "authentication_failed")
    assert shown["benched_until"] > shown["created_at"]
    assert (await show(scene, ids["one"]))["status"] == "ok"


async def test_a_crowd_finds_the_other_account(pool: tuple[Scene, dict[str, str]]) -> None:
    scene, _ = pool
    scene.simulator.app.stage.accounts.named("hunter", "two").enabled = False  # type: ignore[union-attr]
    scene.slow_down("hunter", call=0.05)
    for _ in range(3):
        person = scene.person(hunter="valid")
        replies = await asyncio.gather(*[scene.find(person) for _ in range(20)])
        assert {outcome(reply) for reply in replies} == {"accepted"}
    assert scene.charges() == 3


async def test_when_all_are_benched_nobody_is_asked(pool: tuple[Scene, dict[str, str]]) -> None:
    scene, _ = pool
    scene.fault("hunter", "out_of_credits")
    first = await scene.find(scene.person(hunter="valid"))
    asked_both = [one for one in attempts(first) if one[0] == "hunter"]
    assert asked_both == [("hunter", "failed", "out_of_credits")] * 2
    asked = scene.requests(HUNTER_FIND)
    second = await scene.find(scene.person(hunter="valid"))
    problem_of(second, 503, "no_provider_available")
    assert ("hunter", "skipped", "out_of_credits") in attempts(second)
    assert scene.requests(HUNTER_FIND) == asked


async def test_a_bench_holds_in_every_process(
    pool: tuple[Scene, dict[str, str]], start_scene: StartScene
) -> None:
    scene, ids = pool
    other = await start_scene(only=())
    scene.fault("hunter", "unauthorized")
    await scene.find(scene.person(hunter="valid"))

    async def told() -> bool:
        return {(await show(other, name))["status"] for name in ids.values()} == {"benched"}

    assert await eventually(told) < 2


async def test_a_benched_account_is_tried_again_each_time_later(
    pool: tuple[Scene, dict[str, str]], monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setitem(bench.WAITS, "authentication_failed", (40, 160))
    scene, ids = pool
    await scene.gateway.client.patch(f"{CREDENTIALS}/{ids['two']}", json={"enabled": False})
    scene.fault("hunter", "unauthorized")
    waits = []
    for strikes in range(1, 5):

        async def struck(strikes: int = strikes) -> bool:
            await scene.find(scene.person(hunter="valid"))
            row = await store.call("HGET", "{pgw}:live:bench", ids["one"])
            return int(row.split()[2]) == strikes

        await eventually(struck)
        row = await store.call("HGET", "{pgw}:live:bench", ids["one"])
        seconds, micros = await store.call("TIME")
        waits.append(int(row.split()[1]) - (int(seconds) * 1000 + int(micros) // 1000))
    for left, wait in zip(waits, (40, 80, 160, 160), strict=True):
        assert left <= wait
    scene.heal()

    async def answered() -> bool:
        return outcome(await scene.find(scene.person(hunter="valid"))) == "accepted"

    await eventually(answered)
    assert await store.call("HLEN", "{pgw}:live:bench") == 0


@pytest.mark.parametrize("how", ["check", "secret"])
async def test_an_administrator_ends_a_bench(pool: tuple[Scene, dict[str, str]], how: str) -> None:
    scene, ids = pool
    scene.fault("hunter", "unauthorized")
    await scene.find(scene.person(hunter="valid"))
    path = f"{CREDENTIALS}/{ids['one']}"
    checked = await scene.gateway.client.post(f"{path}/check")
    assert checked.json()["data"] == {
        "ok": False,
        "checked": True,
        "reason": "authentication_failed",
    }
    assert (await show(scene, ids["one"]))["status"] == "benched"
    scene.heal()
    if how == "check":
        checked = await scene.gateway.client.post(f"{path}/check")
        told = checked.json()["data"]
        assert (told["ok"], told["checked"]) == (True, True)
        assert told["balance"]["searches_available"] == 1000
    else:
        await scene.gateway.client.patch(path, json={"secret": {"api_key": "one"}})
    assert (await show(scene, ids["one"]))["status"] == "ok"
    assert outcome(await scene.find(scene.person(hunter="valid"))) == "accepted"
    assert payers(scene) == ["one"]


async def test_a_check_says_what_it_could_not_find_out(scene: Scene) -> None:
    found = {}
    for provider in ("hunter", "snov", "sixtyfour", "letrics"):
        reply = await scene.gateway.client.post(f"{CREDENTIALS}/env-{provider}/check")
        assert reply.status_code == 200
        found[provider] = reply.json()["data"]
    assert found["hunter"]["ok"] is found["snov"]["ok"] is True
    assert found["snov"]["balance"]["credits"] > 0
    for provider in ("sixtyfour", "letrics"):
        assert found[provider] == {"ok": None, "checked": False, "reason": "no_free_call"}
    assert scene.charges() == 0
    scene.fault("hunter", "status", status=500)
    reply = await scene.gateway.client.post(f"{CREDENTIALS}/env-hunter/check")
    assert reply.json()["data"] == {"ok": None, "checked": False, "reason": "unavailable"}
    assert (await show(scene, "env-hunter"))["status"] == "ok"


async def test_a_credential_with_open_tickets_stays(start_scene: StartScene) -> None:
    scene = await start_scene(only=())
    body = {"provider": "sixtyfour", "name": "s", "secret": {"api_key": "sim-sixtyfour-key"}}
    made = await scene.gateway.client.post(CREDENTIALS, json=body)
    path = f"{CREDENTIALS}/{made.json()['data']['id']}"
    scene.slow_down("sixtyfour", task=1.0)
    reply = await scene.find(scene.person(sixtyfour="valid"), prefer="respond-async")

    async def refused() -> bool:
        # Benching stops no polls, and deleting waits for them.
        found = await scene.store.call("ZRANGE", "{pgw}:live:open", 0, -1)
        tickets = [
            await scene.store.call("HGET", b"{pgw}:live:entry:" + rid, "ticket") for rid in found
        ]
        return any(tickets)

    await eventually(refused)
    problem_of(await scene.gateway.client.delete(path), 409, "conflict")
    assert (await scene.gateway.client.get(path)).status_code == 200
    scene.fault("sixtyfour", "unauthorized", path="/find-email-async")
    await scene.find(scene.person(sixtyfour="valid"))
    assert (await scene.gateway.client.get(path)).json()["data"]["status"] == "benched"
    job = await scene.job(reply)
    assert job["result"]["meta"]["outcome"] == "accepted"
    assert (await scene.gateway.client.delete(path)).status_code == 204
