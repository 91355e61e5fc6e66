"""Which account is used: named, or the team's of the highest weight; never another team's."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.lookup import accounts
from gateway.lookup.departures import Departure
from gateway.vault import bench
from providers.simulator.accounts import Account
from tests.gateway.accounts.conftest import Desk
from tests.gateway.api.replies import pointers, problem_of
from tests.gateway.conftest import GatewayFactory

HUNTER = "/hunter/account"


def open_account(desk: Desk, key: str) -> None:
    desk.simulator.app.stage.accounts.put(key, Account(provider="hunter", name=key))


async def add(desk: Desk, key: str, **members: Any) -> str:
    """The id of a stored credential."""
    open_account(desk, key)
    body = {"provider": "hunter", "name": key, "secret": {"api_key": key}, **members}
    reply = await desk.gateway.client.post("/v1/admin/credentials", json=body)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


@pytest.fixture
async def pool(desk: Desk, start_gateway: GatewayFactory) -> tuple[Desk, dict[str, str]]:
    """Three accounts at Hunter, one of them the team's `other` alone."""
    desk.gateway = await start_gateway(only=())
    other = await desk.gateway.team("other")
    ids = {
        "light": await add(desk, "light", weight=1),
        "heavy": await add(desk, "heavy", weight=5),
        "theirs": await add(desk, "theirs", weight=100, team_ids=[other]),
        "off": await add(desk, "off", weight=100, enabled=False),
    }
    desk.gateway.keys["other"] = await desk.gateway.key(other, "accounts:read")
    return desk, ids


async def used(desk: Desk, path: str = HUNTER, **more: Any) -> str:
    reply = await desk.send("GET", path, **more)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["meta"]["credential"])


async def test_the_heaviest_of_the_teams_own_is_the_default(
    pool: tuple[Desk, dict[str, str]],
) -> None:
    desk, ids = pool
    assert {await used(desk) for _ in range(5)} == {ids["heavy"]}
    async with desk.gateway.caller(desk.gateway.keys["other"]) as client:
        assert await used(desk, client=client) == ids["theirs"]


async def test_an_account_is_named_by_id_or_name_in_query_or_header(
    pool: tuple[Desk, dict[str, str]],
) -> None:
    desk, ids = pool
    for name in (ids["light"], "light"):
        assert await used(desk, f"{HUNTER}?credential={name}") == ids["light"]
        assert await used(desk, headers={"X-Gateway-Credential": name}) == ids["light"]
    both = {"headers": {"x-gateway-credential": "light"}}
    assert await used(desk, f"{HUNTER}?credential=light", **both) == ids["light"]
    reply = await desk.send("GET", f"{HUNTER}?credential=heavy", **both)
    assert pointers(reply) == ["/credential"]


async def test_what_is_not_the_teams_is_404(pool: tuple[Desk, dict[str, str]]) -> None:
    desk, ids = pool
    for name in (ids["theirs"], "theirs", ids["off"], "off", "nobody", "cred_0"):
        problem_of(await desk.send("GET", f"{HUNTER}?credential={name}"), 404, "not_found")
    assert not await desk.entries()


async def test_without_an_account_no_provider_is_configured(
    desk: Desk, start_gateway: GatewayFactory
) -> None:
    desk.gateway = await start_gateway(only=("snov",))
    problem_of(await desk.send("GET", HUNTER), 503, "no_provider_configured")


async def test_a_page_stays_with_the_account_that_the_list_began_with(
    pool: tuple[Desk, dict[str, str]],
) -> None:
    desk, ids = pool
    first = await desk.send("GET", "/hunter/leads?limit=5&credential=light")
    cursor = first.json()["meta"]["next_cursor"]
    path = f"/hunter/leads?limit=5&cursor={cursor}"
    assert await used(desk, path) == ids["light"]
    assert await used(desk, f"{path}&credential=light") == ids["light"]
    assert await used(desk, f"{path}&credential={ids['light']}") == ids["light"]
    assert pointers(await desk.send("GET", f"{path}&credential=heavy")) == ["/cursor"]
    change = {"enabled": False}
    await desk.gateway.client.patch(f"/v1/admin/credentials/{ids['light']}", json=change)
    assert pointers(await desk.send("GET", path)) == ["/cursor"]


async def test_a_cursor_is_of_one_team_list_and_query(pool: tuple[Desk, dict[str, str]]) -> None:
    desk, _ = pool
    first = await desk.send("GET", "/hunter/leads?limit=5&company=a")
    cursor = first.json()["meta"]["next_cursor"]
    for path in (
        f"/hunter/leads?limit=5&cursor={cursor}",
        f"/hunter/leads?limit=6&company=a&cursor={cursor}",
        f"/hunter/lists?limit=5&cursor={cursor}",
        f"/hunter/leads?limit=5&company=a&cursor={cursor}x",
        "/hunter/leads?limit=5&company=a&cursor=x",
    ):
        assert pointers(await desk.send("GET", path)) == ["/cursor"], path
    async with desk.gateway.caller(desk.gateway.keys["other"]) as client:
        path = f"/hunter/leads?limit=5&company=a&cursor={cursor}"
        assert pointers(await desk.send("GET", path, client=client)) == ["/cursor"]


async def test_a_refused_account_is_benched_and_the_next_is_used(
    pool: tuple[Desk, dict[str, str]],
) -> None:
    desk, ids = pool
    desk.simulator.app.stage.accounts.named("hunter", "heavy").enabled = False  # type: ignore[union-attr]
    problem_of(await desk.send("GET", HUNTER), 502, "all_providers_failed")
    assert await used(desk) == ids["light"]
    shown = await desk.gateway.client.get(f"/v1/admin/credentials/{ids['heavy']}")
    assert shown.json()["data"]["status"] == "benched"
    desk.simulator.app.stage.accounts.named("hunter", "light").enabled = False  # type: ignore[union-attr]
    problem_of(await desk.send("GET", HUNTER), 502, "all_providers_failed")
    reply = await desk.send("GET", HUNTER)
    problem_of(reply, 503, "no_provider_available")
    assert 0 < int(reply.headers["retry-after"]) <= bench.WAITS["authentication_failed"][0] / 1000
    desk.simulator.app.stage.accounts.named("hunter", "heavy").enabled = True  # type: ignore[union-attr]
    assert await used(desk, f"{HUNTER}?credential=heavy") == ids["heavy"]
    assert await used(desk) == ids["heavy"]


async def test_an_account_without_credits_still_serves_what_is_free(
    pool: tuple[Desk, dict[str, str]],
) -> None:
    """And goes on being benched for what is not."""
    desk, ids = pool
    desk.fault("hunter", "out_of_credits")
    await desk.gateway.post("/v1/emails/verify", {"email": "ada.lovelace@blue-harbor.example"})
    desk.heal()
    before = await benched(desk)
    assert before == {ids["heavy"]: "out_of_credits", ids["light"]: "out_of_credits"}
    assert await used(desk) == ids["heavy"]
    assert await benched(desk) == before


async def benched(desk: Desk) -> dict[str, str]:
    """Why, by account."""
    listed = (await desk.gateway.client.get("/v1/admin/credentials")).json()["data"]
    return {one["id"]: one["reason"] for one in listed if one["status"] == "benched"}


async def test_account_calls_keep_to_the_limits_of_the_account_like_all_others(
    desk: Desk, start_gateway: GatewayFactory
) -> None:
    """A lookup and two account calls share three requests a minute; the fourth never leaves."""
    desk.gateway = await start_gateway(only=())
    await add(desk, "slow", limits={"per_minute": 3})
    body = {"email": "ada.lovelace@blue-harbor.example"}
    assert (await desk.gateway.post("/v1/emails/verify", body)).status_code == 200
    lists = "/hunter/lists"
    for _ in range(2):
        assert (await desk.send("GET", lists)).status_code == 200
    desk.asked()
    reply = await desk.send("GET", lists)
    problem = problem_of(reply, 503, "no_provider_available")
    assert problem["attempts"][0]["reason"] == "rate_limited"
    assert 30 <= int(reply.headers["retry-after"]) <= 61
    assert not desk.asked()


async def test_a_mutant_that_leaves_without_a_permit_is_caught(
    desk: Desk, start_gateway: GatewayFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(Departure, "__call__", at_once)
    with pytest.raises(AssertionError):
        await test_account_calls_keep_to_the_limits_of_the_account_like_all_others(
            desk, start_gateway
        )


async def test_a_mutant_that_takes_any_teams_account_is_caught(
    pool: tuple[Desk, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def anyones(credentials: Any, provider: str, team: str) -> list[Any]:
        return [item for item in credentials if item.provider == provider]

    monkeypatch.setattr(accounts, "pool", anyones)
    with pytest.raises(AssertionError):
        await test_what_is_not_the_teams_is_404(pool)
    with pytest.raises(AssertionError):
        await test_the_heaviest_of_the_teams_own_is_the_default(pool)
