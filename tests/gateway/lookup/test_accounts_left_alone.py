"""One account of several that is paused, or fails all the time: another one of them is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from gateway.store.script import Script
from providers.simulator.population import Person
from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import HUNTER_FIND, Scene, attempts, cost, outcome
from tests.gateway.lookup.test_pools_of_credentials import add, open_account, payers
from tests.gateway.money.books import entries

Ids = dict[str, str]
Check = Callable[[Scene, Ids], Awaitable[None]]
ROOT = "{pgw}:live:"
# Of two accounts of one weight, each is drawn at least once; all but once in 2 ** 23.
OFTEN = 24


async def accounts(start_scene: StartScene) -> tuple[Scene, Ids]:
    scene = await start_scene(only=())
    for key in ("one", "two"):
        open_account(scene, key)
    return scene, {"one": await add(scene, "one"), "two": await add(scene, "two")}


async def at(scene: Scene, seconds: float) -> int:
    now, _ = await scene.store.call("TIME")
    return round((int(now) + seconds) * 1000)


async def pause(scene: Scene, account: str, seconds: float) -> None:
    key = f"{ROOT}permits:{account}:paused"
    await scene.store.call("SET", key, await at(scene, seconds))


async def trip(scene: Scene, account: str, seconds: float) -> None:
    key = f"{ROOT}breaker:{account}:emails.find"
    await scene.store.call("HSET", key, "until", await at(scene, seconds), "fails", 5)


async def ask(scene: Scene, person: Person | None = None) -> httpx.Response:
    return await scene.find(person or scene.person(hunter="valid"), providers=["hunter"])


async def check_all_of(scene: Scene, ids: Ids, key: str) -> None:
    """Whatever is asked, the one account is, and the ledger says so."""
    replies = [await ask(scene) for _ in range(OFTEN)]
    assert [attempts(reply) for reply in replies] == [[("hunter", "accepted", None)]] * OFTEN
    assert payers(scene)[-OFTEN:] == [key] * OFTEN
    assert sum(map(cost, replies)) == scene.billed()
    posted = [row for row in await entries(scene.store) if row["state"] == "posted"]
    assert [row["credential"] for row in posted] == [ids[key]] * OFTEN


async def who_is_to_be_patient_has_another(scene: Scene, ids: Ids) -> None:
    """An account that has used up its hour, by its provider's word."""
    scene.fault("hunter", "status", path=HUNTER_FIND, status=429, retry_after=3600, times=1)
    first = await ask(scene)
    assert attempts(first) == [("hunter", "failed", "rate_limited")]
    [refused] = [row for row in await entries(scene.store) if row["state"] == "voided"]
    other = next(key for key, name in ids.items() if name != refused["credential"])
    await check_all_of(scene, ids, other)
    assert scene.requests(HUNTER_FIND) == 1 + OFTEN


async def who_fails_all_the_time_has_another(scene: Scene, ids: Ids) -> None:
    await trip(scene, ids["two"], 50)
    await check_all_of(scene, ids, "one")


async def when_all_are_left_alone_the_earliest_counts(scene: Scene, ids: Ids) -> None:
    await pause(scene, ids["one"], 3600)
    await trip(scene, ids["two"], 40)
    for _ in range(OFTEN):
        reply = await ask(scene)
        problem_of(reply, 503, "no_provider_available")
        [(provider, end, _)] = attempts(reply)
        assert (provider, end) == ("hunter", "skipped")
        assert 30 <= int(reply.headers["retry-after"]) <= 40
    assert scene.requests(HUNTER_FIND) == 0


async def what_is_in_doubt_is_bought_from_no_other(scene: Scene, ids: Ids) -> None:
    scene.fault("hunter", "charge_without_reply", path=HUNTER_FIND)
    person = scene.person(hunter="valid")
    assert attempts(await ask(scene, person)) == [("hunter", "in_doubt", "unavailable")]
    scene.heal()
    [entry] = [row for row in await entries(scene.store) if row["state"] == "in_doubt"]
    await pause(scene, entry["credential"], 3600)
    for _ in range(OFTEN):
        assert attempts(await ask(scene, person)) == [("hunter", "in_doubt", None)]
    assert scene.requests(HUNTER_FIND) == 1


SPARE = ("if back and s.spare then", "if false then")
DOUBT = ("if state == 'in_doubt' then return doubt(a, s, rid, e) end", "")
CHECKS: list[tuple[Check, tuple[str, str]]] = [
    (who_is_to_be_patient_has_another, SPARE),
    (who_fails_all_the_time_has_another, SPARE),
    (
        when_all_are_left_alone_the_earliest_counts,
        ("index = s.index, wait = back.wait } end", "index = s.index } end"),
    ),
    (what_is_in_doubt_is_bought_from_no_other, DOUBT),
]


@pytest.mark.parametrize("check", [row[0] for row in CHECKS])
async def test_another_account_is_asked(start_scene: StartScene, check: Check) -> None:
    await check(*await accounts(start_scene))


@pytest.mark.parametrize("check, change", CHECKS)
async def test_accounts_that_wait_for_each_other_are_noticed(
    start_scene: StartScene,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
    change: tuple[str, str],
) -> None:
    load = Script.load

    def broken(name: str) -> Script:
        return Script.of(name, load(name).source.replace(*change))

    assert change[0] in load("admit").source
    monkeypatch.setattr(Script, "load", broken)
    scene, ids = await accounts(start_scene)
    with pytest.raises(AssertionError):
        await check(scene, ids)


async def test_one_that_is_well_is_preferred_and_not_needed(start_scene: StartScene) -> None:
    """Whose time is over is asked as before."""
    scene, ids = await accounts(start_scene)
    await pause(scene, ids["two"], -1)
    await trip(scene, ids["two"], -1)
    replies = [await ask(scene) for _ in range(OFTEN)]
    assert {outcome(reply) for reply in replies} == {"accepted"}
    assert "two" in payers(scene)
