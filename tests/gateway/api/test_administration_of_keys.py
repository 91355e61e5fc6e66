"""Teams and keys through the API: what holds at once, in every process, and what is refused."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.store.connection import Store
from gateway.vault.keys import key_id_of
from tests.gateway.api.replies import eventually, pointers, problem_of
from tests.gateway.conftest import Gateway, GatewayFactory

TEAMS, KEYS = "/v1/admin/teams", "/v1/admin/keys"
FIND = "/v1/emails/find"
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
MONTH = {"amount": "5", "period": "month"}


async def test_a_team_lives_and_dies(gateway: Gateway) -> None:
    made = await gateway.client.post(TEAMS, json={"name": "research", "budget": MONTH})
    assert made.status_code == 201
    team = made.json()["data"]
    assert team["name"] == "research"
    assert (team["budget"]["amount"], team["budget"]["period"]) == ("5", "month")
    assert team["created_at"].endswith("Z")
    path = f"{TEAMS}/{team['id']}"
    assert (await gateway.client.get(path)).json()["data"] == team
    change = {"name": "sales", "budget": None, "rate_limit_per_minute": 60, "max_concurrency": 2}
    changed = (await gateway.client.patch(path, json=change)).json()["data"]
    assert {name: changed[name] for name in change} == change
    unchanged = await gateway.client.patch(path, json={})
    assert unchanged.json()["data"] == changed
    gone = await gateway.client.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        problem_of(await gateway.client.request(method, path), 404, "not_found")
    problem_of(await gateway.client.patch(path, json={"name": "x"}), 404, "not_found")


async def test_budgets_come_back_as_they_were_given(gateway: Gateway) -> None:
    month = {**MONTH, "alert_at": [0.8, 0.95]}
    day = {"amount": "0.000001", "period": "day", "alert_at": [0.8, 0.95]}
    cases: list[tuple[Any, Any]] = [
        (None, None),
        (MONTH, month),
        ([MONTH, day], [month, day]),
        ([MONTH], month),
        ([], None),
    ]
    for at, (given, shown) in enumerate(cases):
        made = await gateway.client.post(TEAMS, json={"name": f"n{at}", "budget": given})
        assert made.json()["data"]["budget"] == shown


WRONG_TEAMS: list[tuple[dict[str, Any], str]] = [
    ({}, "/name"),
    ({"name": ""}, "/name"),
    ({"name": "n" * 101}, "/name"),
    ({"name": None}, "/name"),
    ({"name": "n", "colour": "red"}, "/colour"),
    ({"name": "n", "rate_limit_per_minute": 0}, "/rate_limit_per_minute"),
    ({"name": "n", "max_concurrency": "3"}, "/max_concurrency"),
    ({"name": "n", "budget": [MONTH, MONTH]}, "/budget"),
    ({"name": "n", "budget": [MONTH] * 4}, "/budget"),
    ({"name": "n", "budget": {"amount": "5"}}, "/budget/period"),
    ({"name": "n", "budget": {"amount": "-5", "period": "day"}}, "/budget/amount"),
    ({"name": "n", "budget": {"amount": 5, "period": "day"}}, "/budget/amount"),
    ({"name": "n", "budget": {"amount": "1" * 10, "period": "day"}}, "/budget/amount"),
    ({"name": "n", "budget": {"amount": "0.0000001", "period": "day"}}, "/budget/amount"),
    ({"name": "n", "budget": {"amount": "5", "period": "week"}}, "/budget/period"),
    ({"name": "n", "budget": {**MONTH, "alert_at": [1.1]}}, "/budget/alert_at/0"),
    ({"name": "n", "budget": [{**MONTH, "alert_at": [0]}]}, "/budget/0/alert_at/0"),
]


async def test_a_wrong_team_is_422(gateway: Gateway) -> None:
    for body, pointer in WRONG_TEAMS:
        reply = await gateway.client.post(TEAMS, json=body)
        assert pointers(reply) == [pointer], body
    assert len((await gateway.client.get(TEAMS)).json()["data"]) == 1


async def test_a_team_that_is_needed_stays(gateway: Gateway) -> None:
    problem_of(await gateway.client.delete(f"{TEAMS}/default"), 409, "conflict")
    team = await gateway.team()
    key = await gateway.key(team)
    problem_of(await gateway.client.delete(f"{TEAMS}/{team}"), 409, "conflict")
    assert (await gateway.client.delete(f"{KEYS}/{key_id_of(key)}")).status_code == 204
    assert (await gateway.client.delete(f"{TEAMS}/{team}")).status_code == 204


async def test_a_deleted_team_leaves_nothing_behind(gateway: Gateway, store: Store) -> None:
    team = await gateway.team(budget=MONTH, rate_limit_per_minute=5)
    await gateway.client.put(
        f"/v1/admin/routes/emails.find?team_id={team}", json={"order": "cheapest"}
    )
    await gateway.client.delete(f"{TEAMS}/{team}")
    named = {key.decode() async for key in store.scan(f"*{team}*")}
    assert {key for key in named if "audit" not in key} == set()
    assert team.encode() not in b"".join(await store.call("HKEYS", "{pgw}:routes"))


async def test_no_key_outlives_its_team(gateway: Gateway) -> None:
    """A key made while its team is deleted would have no budget: one of the two is refused."""
    for _ in range(10):
        team = await gateway.team()
        made, gone = await asyncio.gather(
            gateway.client.post(KEYS, json={"team_id": team, "name": "k", "scopes": ["lookup"]}),
            gateway.client.delete(f"{TEAMS}/{team}"),
        )
        assert (made.status_code, gone.status_code) in {(201, 409), (422, 204)}


async def test_a_key_is_shown_once(gateway: Gateway, store: Store) -> None:
    body = {"name": "k", "scopes": ["lookup", "jobs"], "budget": MONTH}
    made = await gateway.client.post(KEYS, json=body)
    assert made.status_code == 201
    data = made.json()["data"]
    text = data.pop("key")
    assert re.fullmatch(r"pgw_[0-9a-f]{12}_[0-9A-Za-z]{38}", text)
    assert key_id_of(text) == data["id"]
    shown = await gateway.client.get(f"{KEYS}/{data['id']}")
    assert shown.json()["data"] == data
    listed = await gateway.client.get(KEYS)
    assert listed.json()["data"] == [data]
    secret = text.split("_")[2]
    assert secret not in shown.text + listed.text
    stored = await store.call("HGETALL", f"{{pgw}}:key:{data['id']}")
    assert secret.encode() not in b"".join(stored)


WRONG_KEYS: list[tuple[dict[str, Any], str]] = [
    ({"scopes": ["lookup"]}, "/name"),
    ({"name": "k"}, "/scopes"),
    ({"name": "k", "scopes": []}, "/scopes"),
    ({"name": "k", "scopes": ["lookup", "everything"]}, "/scopes/1"),
    ({"name": "k", "scopes": "lookup"}, "/scopes"),
    ({"name": "k", "scopes": ["lookup"], "team_id": "nobody"}, "/team_id"),
    ({"name": "k", "scopes": ["lookup"], "expires_at": "tomorrow"}, "/expires_at"),
    ({"name": "k", "scopes": ["lookup"], "expires_at": "2030-01-01T00:00:00"}, "/expires_at"),
    ({"name": "k", "scopes": ["lookup"], "expires_at": 1893456000}, "/expires_at"),
    ({"name": "k", "scopes": ["lookup"], "expires_at": "0001-01-01T00:00:00+14:00"},
     "/expires_at"),
    ({"name": "k", "scopes": ["lookup"], "expires_at": "9999-12-31T23:59:59-14:00"},
     "/expires_at"),
    ({"name": "k", "scopes": ["lookup"], "key": "pgw_mine"}, "/key"),
    ({"name": "k\x1b[31m", "scopes": ["lookup"]}, "/name"),
    ({"name": " ", "scopes": ["lookup"]}, "/name"),
]  # fmt: skip


async def test_a_wrong_key_is_422(gateway: Gateway) -> None:
    for body, pointer in WRONG_KEYS:
        assert pointers(await gateway.client.post(KEYS, json=body)) == [pointer], body
    assert (await gateway.client.get(KEYS)).json()["data"] == []


async def test_a_change_of_a_key_is_checked_like_a_new_one(gateway: Gateway) -> None:
    path = f"{KEYS}/{key_id_of(await gateway.key())}"
    before = (await gateway.client.get(path)).json()["data"]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": "a\nb"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"budget": [MONTH, MONTH]}, "/budget"),
        ({"team_id": "default"}, "/team_id"),
    ]
    for change, pointer in wrong:
        assert pointers(await gateway.client.patch(path, json=change)) == [pointer], change
    assert (await gateway.client.get(path)).json()["data"] == before
    twice = await gateway.client.patch(path, json={"scopes": ["usage", "jobs", "usage"]})
    assert twice.json()["data"]["scopes"] == ["usage", "jobs"]


@pytest.mark.parametrize(
    "given, shown",
    [
        ("2031-05-01T12:00:00Z", "2031-05-01T12:00:00Z"),
        ("2031-05-01T14:00:00+02:00", "2031-05-01T12:00:00Z"),
        ("2031-05-01T12:00:00.250Z", "2031-05-01T12:00:00.250000Z"),
        (None, None),
    ],
)
async def test_an_expiry_is_shown_in_utc(gateway: Gateway, given: str, shown: str) -> None:
    body = {"name": "k", "scopes": ["lookup"], "expires_at": given}
    made = (await gateway.client.post(KEYS, json=body)).json()["data"]
    assert made["expires_at"] == shown
    async with gateway.caller(made["key"]) as client:
        assert (await client.get("/v1/providers")).status_code == 200


async def until(client: httpx.AsyncClient, path: str, status: int) -> float:
    """Seconds until `path` answers `status`."""

    async def answers() -> bool:
        return (await client.get(path)).status_code == status

    return await eventually(answers)


async def test_a_change_of_a_key_holds_in_every_process(start_gateway: GatewayFactory) -> None:
    """Scopes, expiry and revocation, seen by another process within a second."""
    here, there = await start_gateway(), await start_gateway()
    key = await here.key("default", "lookup")
    path = f"{KEYS}/{key_id_of(key)}"
    async with there.caller(key) as client:
        assert (await client.get(TEAMS)).status_code == 403
        await here.client.patch(path, json={"scopes": ["admin"]})
        assert await until(client, TEAMS, 200) < 1
        await here.client.patch(path, json={"expires_at": "2020-01-01T00:00:00Z"})
        assert await until(client, TEAMS, 401) < 1
        await here.client.patch(path, json={"expires_at": None})
        assert await until(client, TEAMS, 200) < 1
        assert (await here.client.delete(path)).status_code == 204
        assert await until(client, TEAMS, 401) < 1
        assert (await client.get(TEAMS)).status_code == 401


async def test_a_revoked_key_buys_nothing_even_where_it_is_still_remembered(
    start_gateway: GatewayFactory,
) -> None:
    here, there = await start_gateway(), await start_gateway()
    key = await here.key()
    async with there.caller(key) as client:
        assert (await client.post(FIND, json=PERSON)).status_code == 200
        assert (await here.client.delete(f"{KEYS}/{key_id_of(key)}")).status_code == 204
        other = {**PERSON, "full_name": "Nobody Atall"}
        problem_of(await client.post(FIND, json=other), 401, "unauthenticated")
    assert here.simulator is not None
    assert len(here.simulator.bill.rows) == 1


async def test_a_key_is_rotated_with_an_hour_of_grace_unless_told_otherwise(
    gateway: Gateway,
) -> None:
    key = await gateway.key()
    reply = await gateway.client.post(f"{KEYS}/{key_id_of(key)}/rotate")
    assert reply.status_code == 200, reply.text
    until = datetime.fromisoformat(reply.json()["data"]["old_key_until"])
    assert timedelta(minutes=55) < until - datetime.now(UTC) <= timedelta(hours=1)


async def test_a_change_does_not_bring_a_revoked_key_back(gateway: Gateway) -> None:
    key = ""
    for _ in range(10):
        key = await gateway.key()
        path = f"{KEYS}/{key_id_of(key)}"
        await asyncio.gather(
            gateway.client.patch(path, json={"name": "again"}), gateway.client.delete(path)
        )
        problem_of(await gateway.client.get(path), 404, "not_found")
    async with gateway.caller(key) as client:
        assert (await client.get("/v1/providers")).status_code == 401


async def test_a_keys_budget_and_a_teams_can_be_changed_and_lifted(gateway: Gateway) -> None:
    team = await gateway.team(budget={"amount": "0", "period": "total"})
    key = await gateway.key(team, budget={"amount": "0", "period": "day"})
    async with gateway.caller(key) as client:
        problem_of(await client.post(FIND, json=PERSON), 402, "budget_exhausted")
        await gateway.client.patch(f"{TEAMS}/{team}", json={"budget": None})
        problem = problem_of(await client.post(FIND, json=PERSON), 402, "budget_exhausted")
        assert problem["errors"][0]["budget"] == f"key:{key_id_of(key)}"
        await gateway.client.patch(f"{KEYS}/{key_id_of(key)}", json={"budget": MONTH})
        assert (await client.post(FIND, json=PERSON)).status_code == 200
