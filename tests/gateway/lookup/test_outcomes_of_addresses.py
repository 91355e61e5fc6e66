"""What became of addresses is counted once each, and decides whom the next is taken from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from gateway.lookup import bouncing
from gateway.lookup.judge import judge
from gateway.lookup.lookup import Lookup
from gateway.lookup.planning.outcomes import Outcome
from providers.model import Datum
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene, attempts, body_of, outcome

Check = Callable[[Scene], Awaitable[None]]
DAYS = [f"2026-03-0{day}T08:00:00Z" for day in range(1, 5)]
ENOUGH = 24
ONLY_HUNTER = {"providers": ["hunter"]}


async def found(scene: Scene, **claims: Any) -> str:
    """The address of a new person, bought."""
    reply = await scene.find(scene.person(**claims))
    return str(reply.json()["data"]["email"])


async def told(scene: Scene, email: str, word: str, at: str | None = None) -> bool:
    body = {"email": email, "outcome": word} | ({"at": at} if at else {})
    reply = await scene.gateway.post("/v1/outcomes", body)
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"]["outcome"] == word
    return bool(reply.json()["data"]["counted"])


async def bounces(scene: Scene, provider: str, status: str = "valid") -> dict[str, Any]:
    reply = await scene.gateway.client.get(f"/v1/providers/{provider}")
    rows = reply.json()["data"]["bounces"]
    return next(dict(row) for row in rows if row["status"] == status)


def counts(row: dict[str, Any]) -> tuple[int, int, int, int]:
    return row["deliveries"], row["bounced"], row["replied"], row["wrong_person"]


async def an_address_counts_once(scene: Scene) -> None:
    email = await found(scene, hunter="valid")
    assert await told(scene, email, "delivered", DAYS[0])
    assert await told(scene, email.upper(), "delivered", DAYS[1])
    assert counts(await bounces(scene, "hunter")) == (1, 0, 0, 0)
    await told(scene, email, "bounced", DAYS[1])
    assert counts(await bounces(scene, "hunter")) == (1, 1, 0, 0)
    await told(scene, email, "delivered", DAYS[0])
    assert counts(await bounces(scene, "hunter")) == (1, 1, 0, 0), "an earlier word comes too late"
    await told(scene, email, "replied", DAYS[2])
    await told(scene, email, "delivered", DAYS[3])
    assert counts(await bounces(scene, "hunter")) == (1, 0, 1, 0)
    assert counts(await bounces(scene, "snov")) == (0, 0, 0, 0)


async def a_provider_whose_addresses_bounce_is_not_believed(scene: Scene) -> None:
    routing = {"accept": {"max_bounce": 0.02}, "providers": ["hunter", "snov"]}
    first = await scene.find(scene.person(hunter="valid", snov="valid"), **routing)
    assert first.headers["x-gateway-provider"] == "hunter"
    for _ in range(ENOUGH):
        await told(scene, await found(scene, hunter="valid"), "bounced")
    await asyncio.sleep(bouncing.FRESH)
    reply = await scene.find(scene.person(hunter="valid", snov="valid"), **routing)
    assert attempts(reply)[0] == ("hunter", "weak", None)
    strict = await scene.find(scene.person(hunter="valid"), providers=["hunter"])
    assert outcome(strict) == "accepted", "where nothing is asked the status decides"


CHECKS: list[Check] = [an_address_counts_once, a_provider_whose_addresses_bounce_is_not_believed]


@pytest.mark.parametrize("check", CHECKS)
async def test_outcomes(scene: Scene, check: Check) -> None:
    await check(scene)


async def test_everything_counted_as_new_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lessons_of = bouncing.lessons_of
    monkeypatch.setattr(bouncing, "lessons_of", lambda told, _: lessons_of(told, None))
    with pytest.raises(AssertionError):
        await an_address_counts_once(scene)


async def test_estimates_that_decide_nothing_are_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_status(lookup: Lookup, _: str, data: Datum | None) -> Any:
        return judge(lookup.query, data, lookup.route.accept)

    for module in ("descent", "settling"):
        monkeypatch.setattr(f"gateway.lookup.{module}.judged", by_status)
    with pytest.raises(AssertionError):
        await a_provider_whose_addresses_bounce_is_not_believed(scene)


async def test_what_is_delivered_makes_weak_answers_acceptable(scene: Scene) -> None:
    routing = {"accept": {"max_bounce": 0.02}, "providers": ["snov"]}
    before = await scene.find(scene.person(snov="unknown"), **routing)
    assert outcome(before) == "weak"
    for _ in range(ENOUGH):
        email = await found(scene, snov="unknown")
        assert await told(scene, email, "delivered")
    row = await bounces(scene, "snov", "unknown")
    assert counts(row) == (ENOUGH, 0, 0, 0)
    assert row["estimate"] < (await bounces(scene, "hunter", "unknown"))["estimate"] < 0.15
    await asyncio.sleep(bouncing.FRESH)
    assert outcome(await scene.find(scene.person(snov="unknown"), **routing)) == "accepted"
    named = {"accept": {"max_bounce": 0.02, "statuses": ["valid"]}, "providers": ["snov"]}
    assert outcome(await scene.find(scene.person(snov="unknown"), **named)) == "weak"


async def test_two_who_spoke_of_an_address_are_both_taught_and_as_a_pair(scene: Scene) -> None:
    email = await found(scene, hunter="valid")
    verified = await scene.gateway.post(
        "/v1/emails/verify", {"email": email, "routing": {"providers": ["snov"]}}
    )
    said = verified.json()["data"]["status"]
    await told(scene, email, "delivered", DAYS[0])
    await told(scene, email, "bounced", DAYS[1])
    assert counts(await bounces(scene, "hunter")) == (1, 1, 0, 0)
    assert counts(await bounces(scene, "snov", said)) == (1, 1, 0, 0)
    pair = await scene.store.call("HGET", "{pgw}:live:learn:verdicts:hunter+snov", f"valid+{said}")
    assert pair == b"1 1 0 0 0"


async def test_what_a_list_says_takes_no_word_back(scene: Scene) -> None:
    email = await found(scene, hunter="valid")
    for path, body in (
        ("people/enrich", {"email": email}),
        ("domains/search", {"domain": email.partition("@")[2], "limit": 100}),
    ):
        reply = await scene.gateway.post(f"/v1/{path}", body | {"routing": ONLY_HUNTER})
        assert reply.status_code == 200, reply.text
        assert email in reply.text
    await told(scene, email, "bounced")
    rows = (await scene.gateway.client.get("/v1/providers/hunter")).json()["data"]["bounces"]
    assert {row["status"]: row["deliveries"] for row in rows if row["deliveries"]} == {"valid": 1}
    deciles = next(row["by_confidence"] for row in rows if row["status"] == "valid")
    assert [one["confidence"] for one in deciles if one["deliveries"]] == [90]


async def test_an_address_that_nobody_gave_teaches_nothing(scene: Scene) -> None:
    assert not await told(scene, "made.up@nowhere.example", "bounced")
    email = await found(scene, hunter="valid")
    assert not await told(scene, f"x{email}", "bounced")
    assert counts(await bounces(scene, "hunter")) == (0, 0, 0, 0)


async def test_what_a_team_bought_alone_nobody_else_can_tell_of(start_scene: StartScene) -> None:
    scene = await start_scene(only=("hunter",))
    ours, theirs = await scene.gateway.team(), await scene.gateway.team()
    account = {"provider": "snov", "name": "ours", "team_ids": [ours]}
    secret = {"client_id": "sim-snov-client", "client_secret": "sim-snov-secret"}
    made = await scene.gateway.post("/v1/admin/credentials", {**account, "secret": secret})
    assert made.status_code == 201, made.text
    person = scene.person(snov="valid")
    counted = []
    for team in (ours, theirs):
        async with scene.gateway.caller(await scene.gateway.key(team)) as caller:
            if team == ours:
                asked = {**body_of(person), "routing": {"providers": ["snov"]}}
                assert (await caller.post("/v1/emails/find", json=asked)).is_success
            body = {"email": person.email, "outcome": "delivered"}
            reply = await caller.post("/v1/outcomes", json=body)
            counted.append(reply.json()["data"]["counted"])
    assert counted == [True, False]


async def test_what_two_accounts_of_a_provider_gave_counts_once(scene: Scene) -> None:
    """One is the team's own, so that it is kept apart."""
    team = await scene.gateway.team()
    account = {"provider": "hunter", "name": "ours", "team_ids": [team]}
    made = await scene.gateway.post(
        "/v1/admin/credentials", {**account, "secret": {"api_key": "sim-hunter-key"}}
    )
    assert made.status_code == 201, made.text
    person = scene.person(hunter="valid")
    body = {**body_of(person), "routing": {**ONLY_HUNTER, "max_age": 0}}
    async with scene.gateway.caller(await scene.gateway.key(team)) as ours:
        for _ in range(24):
            assert (await ours.post("/v1/emails/find", json=body)).is_success
        assert len([key async for key in scene.store.scan("{pgw}:live:given:*")]) == 2
        for word, expected in (("delivered", (1, 0, 0, 0)), ("bounced", (1, 1, 0, 0))):
            told = {"email": person.email, "outcome": word}
            assert (await ours.post("/v1/outcomes", json=told)).json()["data"]["counted"]
            assert counts(await bounces(scene, "hunter")) == expected


async def test_many_at_once_lose_none(scene: Scene) -> None:
    emails = [await found(scene, hunter="valid") for _ in range(6)]
    words: list[Outcome] = ["delivered", "bounced"]
    await asyncio.gather(*(told(scene, one, word) for one in emails for word in words * 3))
    deliveries, *_ = counts(await bounces(scene, "hunter"))
    assert deliveries == len(emails)


async def test_of_whoever_objected_nothing_is_heard(scene: Scene) -> None:
    email = await found(scene, hunter="valid")
    await scene.gateway.post("/v1/admin/suppressions", {"email": email})
    reply = await scene.gateway.post("/v1/outcomes", {"email": email, "outcome": "delivered"})
    assert (reply.status_code, reply.json()["code"]) == (451, "suppressed")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"email": "no address", "outcome": "bounced"}, "/email"),
    ({"email": "a@b.example", "outcome": "lost"}, "/outcome"),
    ({"email": "a@b.example", "outcome": "bounced", "at": "yesterday"}, "/at"),
    ({"email": "a@b.example", "outcome": "bounced", "at": "2999-01-01"}, "/at"),
    ({"email": "a@b.example", "outcome": "bounced", "who": "x"}, "/who"),
]


@pytest.mark.parametrize("body, pointer", WRONG)
async def test_what_does_not_fit_is_pointed_at(
    scene: Scene, body: dict[str, Any], pointer: str
) -> None:
    reply: httpx.Response = await scene.gateway.post("/v1/outcomes", body)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_query")
    assert [one["pointer"] for one in reply.json()["errors"]] == [pointer]


@pytest.mark.parametrize("share", [0, -1, 1.5, "0.02"])
async def test_a_share_is_above_0_and_at_most_1(scene: Scene, share: Any) -> None:
    reply = await scene.find(scene.person(hunter="valid"), accept={"max_bounce": share})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/routing/accept/max_bounce"


async def test_an_asked_share_is_shown_where_it_is_the_default(scene: Scene) -> None:
    path = "/v1/admin/routes/emails.find"
    put = await scene.gateway.client.put(path, json={"accept": {"max_bounce": 0.02}})
    accept = put.json()["data"]["accept"]
    statuses = ["valid", "catch_all", "unknown"]
    assert accept == {"statuses": statuses, "min_confidence": 0, "max_bounce": 0.02}
    again = await scene.gateway.client.put(path, json=put.json()["data"])
    assert again.json()["data"] == put.json()["data"]
