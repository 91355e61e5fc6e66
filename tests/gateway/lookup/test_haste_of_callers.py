"""Callers with little time: whom they may ask, and what is thought of whoever did not reply."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from gateway.lookup import calls, lookup
from gateway.lookup.bids import Bids
from gateway.lookup.bookshelf import Bookshelf
from gateway.lookup.departures import Departure
from gateway.lookup.planning.estimation import UNLEARNED_REPLY, reply_seconds_of
from gateway.lookup.planning.lessons import Book
from gateway.lookup.planning.teaching import teach
from gateway.lookup.planning.terms import Prior, State
from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    SNOV_PUSH,
    SNOV_READ,
    Scene,
    attempts,
    cost,
    outcome,
)
from tests.gateway.lookup.supposing import ROOT, known
from tests.gateway.lookup.test_pools_of_credentials import add, open_account

Check = Callable[[Scene], Awaitable[None]]
BREAKERS = "/v1/admin/providers/hunter/breakers"
HURRIED = ("hunter", "skipped", "timed_out")


SHELVES: list[Bookshelf] = []


@pytest.fixture(autouse=True)
def _shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the test's gateways."""
    SHELVES.clear()
    opened = Bookshelf.open

    async def noted(self: Bookshelf) -> None:
        SHELVES.append(self)
        await opened(self)

    monkeypatch.setattr(Bookshelf, "open", noted)


async def takes(scene: Scene, provider: str, seconds: float) -> None:
    """What all processes have learned of its replies."""
    total = round(seconds * 1000 * 40)
    await scene.store.call("HSET", f"{ROOT}{provider}", "@reply", f"40 {total} 0 0 0")
    for shelf in SHELVES:
        await shelf._read("emails.find")


async def find(scene: Scene, *providers: str, **routing: Any) -> Any:
    person = scene.person(hunter="valid", snov="valid", sixtyfour="valid")
    return await scene.find(person, providers=providers or ("hunter",), order="listed", **routing)


async def breaker(scene: Scene, operation: str = "emails.find") -> tuple[str, int]:
    rows = (await scene.gateway.client.get(BREAKERS)).json()["data"]
    [row] = [row for row in rows if row["operation"] == operation]
    return row["state"], row["fails"]


async def who_needs_longer_is_passed_over(scene: Scene) -> None:
    await takes(scene, "hunter", 1.5)
    reply = await find(scene, "hunter", "sixtyfour", timeout=2)
    assert attempts(reply) == [HURRIED, ("sixtyfour", "accepted", None)]
    alone = await find(scene, timeout=1)
    problem_of(alone, 503, "no_provider_available")
    assert attempts(alone) == [HURRIED]
    assert "routing.timeout" in alone.json()["detail"]
    assert int(alone.headers["retry-after"]) >= 1
    assert scene.requests(HUNTER_FIND) == 0


async def nobody_has_time_and_nobody_suffers(scene: Scene) -> None:
    """A caller's short timeout costs nothing, and closes the provider to no one."""
    scene.fault("hunter", "hang", path=HUNTER_FIND)
    for _ in range(6):
        reply = await find(scene, timeout=0.05)
        assert attempts(reply) == [HURRIED]
    assert await breaker(scene) == ("closed", 0)
    scene.heal()
    assert outcome(await find(scene)) == "accepted"


async def too_little_time_is_no_failure(scene: Scene) -> None:
    """Without a timeout everybody is asked, whoever is slow; what that comes to says nothing."""
    await takes(scene, "hunter", 5)
    scene.fault("hunter", "hang", path=HUNTER_FIND)
    replies = await asyncio.gather(*(find(scene, prefer="wait=1") for _ in range(6)))
    for reply in replies:
        body = (await scene.job(reply))["result"] if reply.status_code == 202 else reply.json()
        assert body["attempts"][0]["outcome"] == "in_doubt", body
    assert scene.requests(HUNTER_FIND) == 6
    assert await breaker(scene) == ("closed", 0)


async def a_permit_leaves_the_provider_its_time(scene: Scene) -> None:
    """Who waits for the gateway's own permit for too long is not sent, and owes nothing."""
    open_account(scene, "one")
    await add(scene, "one", limits={"per_second": 1})
    scene.slow_down("hunter", call=0.4)
    await takes(scene, "hunter", 0.5)
    replies = await asyncio.gather(*(find(scene, timeout=1.3) for _ in range(2)))
    found = sorted(attempts(reply)[0] for reply in replies)
    assert found == [("hunter", "accepted", None), ("hunter", "failed", "rate_limited")]
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1
    assert await breaker(scene) == ("closed", 0)


async def a_free_read_that_takes_all_the_time_is_followed_by_no_push(scene: Scene) -> None:
    await find(scene, "snov")
    asked = scene.requests(SNOV_READ), scene.requests(SNOV_PUSH)
    await takes(scene, "snov", 1.2)
    scene.slow_down("snov", call=1.6)
    reply = await find(scene, "snov", timeout=2)
    assert attempts(reply) == [("snov", "failed", "timed_out")]
    assert (scene.requests(SNOV_READ), scene.requests(SNOV_PUSH)) == (asked[0] + 1, asked[1])


CHECKS: list[Check] = [
    who_needs_longer_is_passed_over,
    nobody_has_time_and_nobody_suffers,
    a_free_read_that_takes_all_the_time_is_followed_by_no_push,
]


@pytest.mark.parametrize("check", CHECKS)
async def test_a_step_has_the_time_that_it_usually_needs(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check", CHECKS[:2])
async def test_steps_that_start_whatever_the_time_are_noticed(
    scene: Scene, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bids, "_is_hurried", lambda *_: False)
    with pytest.raises(AssertionError):
        await check(scene)


async def test_a_push_in_whatever_time_is_left_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls.Call, "least_left", 0.0)
    with pytest.raises(AssertionError):
        await a_free_read_that_takes_all_the_time_is_followed_by_no_push(scene)


@pytest.fixture
def soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange's wait bounds a call."""
    monkeypatch.setattr(lookup, "LONGEST_CALL", 0.1)


@pytest.mark.usefixtures("soon_over")
async def test_who_had_too_little_time_has_not_failed(scene: Scene) -> None:
    await too_little_time_is_no_failure(scene)


@pytest.mark.usefixtures("soon_over")
async def test_a_breaker_that_hears_of_too_little_time_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "timed", lambda *_: contextlib.nullcontext())
    with pytest.raises(AssertionError):
        await too_little_time_is_no_failure(scene)


async def test_who_had_its_time_and_did_not_reply_has_failed(scene: Scene) -> None:
    scene.fault("hunter", "hang", path=HUNTER_FIND)
    for _ in range(5):
        assert attempts(await find(scene, timeout=0.5)) == [("hunter", "in_doubt", "timed_out")]
    assert await breaker(scene) == ("open", 5)


async def test_what_is_kept_is_served_whatever_the_time(scene: Scene) -> None:
    person = scene.person(hunter="valid")
    await scene.find(person, providers=["hunter"])
    await takes(scene, "hunter", 30)
    reply = await scene.find(person, providers=["hunter"], timeout=0.5)
    assert (outcome(reply), cost(reply)) == ("accepted", Decimal(0))


async def test_who_has_time_asks_whoever_is_slow(scene: Scene) -> None:
    """And so it is found out that a provider is not slow any more."""
    await takes(scene, "hunter", 70)
    assert outcome(await find(scene)) == "accepted"
    [calls, millis, *_] = (await known(scene, "hunter"))["@reply"]
    assert (calls, millis < 40 * 70_000) == (40, True)


async def test_a_permit_leaves_the_provider_its_time(start_scene: StartScene) -> None:
    await a_permit_leaves_the_provider_its_time(await start_scene(only=()))


async def test_a_permit_that_comes_too_late_is_noticed(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Departure.__init__

    def careless(*args: Any, usual: float, **more: Any) -> None:
        begin(*args, **more)

    monkeypatch.setattr(Departure, "__init__", careless)
    with pytest.raises(AssertionError):
        await a_permit_leaves_the_provider_its_time(await start_scene(only=()))


async def test_neither_tasks_nor_permits_count_as_time_of_a_reply(start_scene: StartScene) -> None:
    scene = await start_scene(only=("sixtyfour",))
    open_account(scene, "one")
    await add(scene, "one", limits={"per_second": 1})
    scene.slow_down("sixtyfour", call=0.05, task=0.8)
    scene.slow_down("hunter", call=0.05)
    for provider in ("sixtyfour", "hunter"):
        await asyncio.gather(*(find(scene, provider) for _ in range(2)))
        cells = await known(scene, provider)
        assert cells["@pace"][1] >= 800, provider
        assert 100 <= cells["@reply"][1] < 800, provider


def test_the_newest_replies_are_what_counts() -> None:
    book, state = Book(), State()
    assert reply_seconds_of(book.cells) == UNLEARNED_REPLY

    def learn(millis: int, times: int) -> float:
        for _ in range(times):
            lesson = teach(
                "b", "com", state, "valid", cells=book.cells, prior=Prior(), replied=millis
            )
            book.learn(lesson)
        return reply_seconds_of(book.cells)

    assert learn(8000, 1) == 8
    assert learn(8000, 500) == pytest.approx(8, rel=0.01)
    assert learn(200, 32) < 4
    assert learn(200, 200) == pytest.approx(0.2, rel=0.2)
