"""Units of accounts, requests per minute and lookups at once, as callers meet them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene, body_of, outcome
from tests.gateway.lookup.test_pools_of_credentials import add, open_account, payers

HUNTER = {"providers": ["hunter"]}


@pytest.fixture
async def bare(start_scene: StartScene) -> Scene:
    """A gateway that has no account yet."""
    return await start_scene(only=())


async def test_an_accounts_units_end_its_calls_and_say_so(bare: Scene) -> None:
    open_account(bare, "one")
    name = await add(bare, "one", limits={"units_day": 2})
    replies = [await bare.find(bare.person(hunter="valid"), **HUNTER) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 402]
    fault = problem_of(replies[-1], 402, "budget_exhausted")["errors"][0]
    assert fault["budget"] == f"credential:{name}"
    assert (fault["period"], fault["limit"], fault["spent"], fault["reserved"]) == (
        *("day", "2", "2"),
        "0",
    )
    assert fault["resets_at"].endswith("Z")
    assert bare.charges() == 2


async def test_a_used_up_account_hands_over_to_the_next_of_its_pool(bare: Scene) -> None:
    for key in ("one", "two"):
        open_account(bare, key)
    await add(bare, "one", limits={"units_month": 2}, weight=1000)
    await add(bare, "two", limits={"units_total": 3}, weight=0)
    replies = [await bare.find(bare.person(hunter="valid"), **HUNTER) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [402]
    assert sorted(payers(bare)) == ["one"] * 2 + ["two"] * 3


async def test_units_hold_though_many_ask_at_once(bare: Scene) -> None:
    open_account(bare, "one")
    await add(bare, "one", limits={"units_total": 5})
    people = [bare.person(hunter="valid") for _ in range(30)]
    replies = await asyncio.gather(*(bare.find(person, **HUNTER) for person in people))
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [402] * 25
    assert bare.charges() == 5


async def test_a_keys_own_pace_holds_beside_its_teams(scene: Scene) -> None:
    key = await scene.gateway.key("default", rate_limit_per_minute=2)
    async with scene.gateway.caller(key) as client:
        replies = [await client.post("/v1/emails/find", json=ask(scene)) for _ in range(3)]
        me = (await client.get("/v1/me")).json()["data"]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[0].headers["ratelimit"].startswith('"key";r=1;')
    problem = problem_of(replies[-1], 429, "rate_limited")
    assert problem["detail"] == "The key's requests per minute are used up."
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    assert (me["rate_limit"]["scope"], me["rate_limit"]["remaining"]) == ("key", 0)


def ask(scene: Scene) -> dict[str, Any]:
    return {**body_of(scene.person(hunter="valid")), "routing": HUNTER}


async def test_lookups_at_once_of_a_team_are_bounded(scene: Scene) -> None:
    team = await scene.gateway.team(max_concurrency=2)
    scene.slow_down("hunter", call=0.5)
    async with scene.gateway.caller(await scene.gateway.key(team, "lookup")) as client:
        asked = [client.post("/v1/emails/find", json=ask(scene)) for _ in range(4)]
        replies = await asyncio.gather(*asked)
        me = (await client.get("/v1/me")).json()["data"]
        later = await client.post("/v1/emails/find", json=ask(scene))
    assert sorted(reply.status_code for reply in replies) == [200, 200, 429, 429]
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert problem_of(refused, 429, "rate_limited")["detail"] == (
        "The team's lookups at once are used up."
    )
    assert me["concurrency"] == [{"scope": "team", "limit": 2, "running": 0}]
    assert outcome(later) == "accepted"
