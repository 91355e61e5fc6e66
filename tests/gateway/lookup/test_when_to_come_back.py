"""Nobody can be asked: when somebody can, at the earliest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import msgspec
import pytest

from gateway.api.problems import Problem
from gateway.lookup.attempts import Attempt, Tally, attempt, seconds_until_asked
from gateway.lookup.market import Market
from gateway.lookup.planner import Stall
from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import HUNTER_FIND, SNOV_PUSH, Scene, attempts
from tests.gateway.lookup.test_accounts_left_alone import pause, trip
from tests.gateway.lookup.test_pools_of_credentials import add, open_account

Check = Callable[[Scene], Awaitable[None]]


async def find(scene: Scene, *providers: str) -> httpx.Response:
    return await scene.find(scene.person(hunter="valid"), providers=providers or ("hunter",))


async def told(scene: Scene, *providers: str) -> int:
    """Of a lookup that asks nobody."""
    asked = scene.requests(HUNTER_FIND), scene.requests(SNOV_PUSH)
    reply = await find(scene, *providers)
    problem_of(reply, 503, "no_provider_available")
    assert {end for _, end, _ in attempts(reply)} == {"skipped"}
    assert (scene.requests(HUNTER_FIND), scene.requests(SNOV_PUSH)) == asked
    return int(reply.headers["retry-after"])


async def a_used_up_account_says_when(scene: Scene) -> None:
    scene.fault("hunter", "out_of_credits")
    await find(scene)
    assert 290 <= await told(scene) <= 300


async def the_first_of_several_accounts_counts(scene: Scene) -> None:
    """One is used up for five minutes, the other one's key was refused for one."""
    for key in ("one", "two"):
        open_account(scene, key)
        await add(scene, key)
    scene.fault("hunter", "out_of_credits", times=1)
    scene.fault("hunter", "unauthorized")
    assert {reason for _, end, reason in attempts(await find(scene)) if end == "failed"} == {
        "out_of_credits",
        "authentication_failed",
    }
    assert 50 <= await told(scene) <= 60


async def the_first_of_all_providers_counts(scene: Scene) -> None:
    scene.fault("hunter", "out_of_credits")
    await find(scene)
    await trip(scene, "env-snov", 40)
    await pause(scene, "env-sixtyfour", 90)
    assert 290 <= await told(scene, "hunter") <= 300
    assert 80 <= await told(scene, "hunter", "sixtyfour") <= 90
    assert 30 <= await told(scene, "hunter", "snov", "sixtyfour") <= 40


async def test_a_used_up_account_says_when(scene: Scene) -> None:
    await a_used_up_account_says_when(scene)


async def test_the_first_of_several_accounts_counts(start_scene: StartScene) -> None:
    await the_first_of_several_accounts_counts(await start_scene(only=()))


async def test_the_first_of_all_providers_counts(scene: Scene) -> None:
    await the_first_of_all_providers_counts(scene)


@pytest.mark.parametrize(
    "check, bare",
    [
        (a_used_up_account_says_when, False),
        (the_first_of_several_accounts_counts, True),
        (the_first_of_all_providers_counts, False),
    ],
)
async def test_a_bench_that_nobody_tells_of_is_noticed(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch, check: Check, bare: bool
) -> None:
    pick = Market._pick

    def silent(self: Market, *rest: object) -> Stall:
        return msgspec.structs.replace(pick(self, *rest), until=0.0)  # type: ignore[arg-type]

    monkeypatch.setattr(Market, "_pick", silent)
    scene = await start_scene(only=()) if bare else await start_scene()
    with pytest.raises(AssertionError):
        await check(scene)


def one(outcome: str, reason: str | None = None) -> Attempt:
    return attempt("hunter", "emails.find", outcome, reason=reason)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told_of, wait, expected",
    [
        ([one("skipped", "unsupported")], None, 2),
        ([one("skipped", "out_of_credits")], 280.0, 280),
        ([one("skipped", "out_of_credits"), one("skipped", "timed_out")], 280.0, 2),
        ([one("in_doubt")], None, 300),
        ([one("in_doubt"), one("skipped", "circuit_open")], 4.0, 4),
        ([one("in_doubt"), one("skipped", "rate_limited")], 3600.0, 300),
    ],
)
def test_the_earliest_of_all_waits(
    told_of: list[Attempt], wait: float | None, expected: float
) -> None:
    assert seconds_until_asked(told_of, Tally(retry_after=wait)) == expected


@pytest.mark.parametrize("wait, told", [(0.2, "1"), (2.0, "2"), (2.4, "3"), (2.5, "3")])
def test_nobody_is_told_to_come_back_before_it_is_of_use(wait: float, told: str) -> None:
    assert Problem("rate_limited", "", retry_after=wait).headers["retry-after"] == told
