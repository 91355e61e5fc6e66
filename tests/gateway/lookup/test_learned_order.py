"""The learned order in a running gateway: what it learns from, what it goes by, what it says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.lookup import bookshelf, course
from gateway.lookup.planning import planner, weighing
from gateway.lookup.planning.terms import Rating
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene, attempts, body_of, cost, outcome
from tests.gateway.lookup.supposing import (
    BOOKS,
    HITS,
    MISSES,
    ROOT,
    explained,
    known,
    quote,
    suppose,
)


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookshelf, "FRESH", 0.0)


async def find(scene: Scene, person: Any, **routing: Any) -> httpx.Response:
    return await scene.find(person, order="learned", **routing)


async def test_what_was_bought_teaches_once(scene: Scene) -> None:
    person = scene.person(snov="valid")
    await scene.find(person)
    assert (await known(scene, "hunter"))[""] == (1, 0, 0, 0, 0)
    assert (await known(scene, "snov"))[""] == (1, 1, 1, 0, 0)
    behind = [cell for cell in await known(scene, "snov") if cell.endswith("/hunter")]
    assert len(behind) == 1, "it was asked after hunter had missed"
    assert not await known(scene, "sixtyfour")
    again = await scene.find(person)
    assert cost(again) == 0
    assert (await known(scene, "snov"))[""] == (1, 1, 1, 0, 0), "what is cached teaches nothing"


async def test_failures_teach_nothing(scene: Scene) -> None:
    scene.fault("hunter", "status")
    await scene.find(scene.person(snov="catch_all"), providers=["hunter", "snov"])
    assert not await known(scene, "hunter")
    cells = await known(scene, "snov")
    assert cells[""][:3] == (1, 1, 0)
    assert all(cell.endswith("/") for cell in cells if cell.count("/") == 2), "nobody has missed"


async def test_the_best_of_what_is_known_comes_first(scene: Scene) -> None:
    for best in BOOKS:
        await suppose(scene, {name: {"": HITS if name == best else MISSES} for name in BOOKS})
        reply = await find(scene, scene.person({best: "valid"}))
        assert attempts(reply) == [(best, "accepted", None)]


async def test_after_a_miss_it_is_planned_anew(scene: Scene) -> None:
    """Behind hunter's misses snov has nothing, though it is the better of the two by itself."""
    await suppose(
        scene,
        {
            "hunter": {"": HITS},
            "snov": {"": (500, 200, 200, 0, 0), "hunter": (500, 0, 0, 0, 0)},
            "sixtyfour": {"": (500, 150, 75, 0, 0), "hunter": (500, 450, 450, 0, 0)},
        },
    )
    reply = await find(scene, scene.person(sixtyfour="valid"))
    assert [name for name, _, _ in attempts(reply)] == ["hunter", "sixtyfour"]
    data = await explained(scene, reply)
    assert data["replayed"] is True
    assert [one["missed"] for one in data["decisions"]] == [[], ["hunter"]]


async def test_an_answer_that_is_kept_comes_before_any_that_costs(scene: Scene) -> None:
    person = scene.person(hunter="valid", snov="valid")
    await scene.find(person, providers=["hunter"])
    await suppose(scene, {"hunter": {"": MISSES}, "snov": {"": HITS}, "sixtyfour": {"": MISSES}})
    reply = await find(scene, person)
    assert attempts(reply) == [("hunter", "accepted", None)]
    assert cost(reply) == 0


async def test_a_kept_miss_does_not_end_the_lookup(scene: Scene) -> None:
    person = scene.person(snov="valid")
    await scene.find(person, providers=["sixtyfour"])
    await suppose(scene, {"hunter": {"": MISSES}, "snov": {"": HITS}, "sixtyfour": {"": MISSES}})
    reply = await find(scene, person)
    assert attempts(reply) == [("sixtyfour", "empty", None), ("snov", "accepted", None)]
    said = (await explained(scene, reply))["sentences"]
    assert "costs nothing" in said[0]
    assert said[1].startswith("snov came second")


async def test_what_is_not_worth_its_price_is_not_bought(scene: Scene) -> None:
    await suppose(scene, {"hunter": {"": MISSES}, "snov": {"": HITS}, "sixtyfour": {"": MISSES}})
    person = scene.person(hunter="catch_all")
    reply = await find(scene, person, value="0.06")
    assert attempts(reply) == [
        ("snov", "empty", None),
        *[(name, "skipped", "not_worth_it") for name, *_ in attempts(reply)[1:]],
    ]
    said = (await explained(scene, reply))["sentences"]
    assert sum("where one is worth 0.06 USD (not_worth_it)" in one for one in said) >= 1
    await scene.find(person, providers=["hunter"], accept={"statuses": ["catch_all"]})
    again = await find(scene, person, value="0.06", accept={"statuses": ["catch_all"]})
    assert outcome(again) == "accepted", "what is kept is served whatever it was worth"
    assert cost(again) == 0


async def test_a_team_says_what_an_answer_is_worth_to_it(scene: Scene) -> None:
    team = await scene.gateway.team(value="0.06")
    body = {"operation": "emails.find", "input": {"full_name": "A B", "domain": "c.com"}}
    async with scene.gateway.caller(await scene.gateway.key(team)) as theirs:

        async def reasons(**routing: Any) -> list[str]:
            quoted = {**body, "routing": {"order": "learned", **routing}}
            reply = await theirs.post("/v1/quote", json=quoted)
            return [one["reason"] for one in reply.json()["data"]["left_out"]]

        await suppose(scene, {name: {"": MISSES} for name in BOOKS})
        assert "not_worth_it" in await reasons()
        assert "not_worth_it" not in await reasons(value=None), "a call's own word comes first"
        changed = await scene.gateway.client.patch(f"/v1/admin/teams/{team}", json={"value": "9"})
        assert changed.json()["data"]["value"] == "9"
        assert "not_worth_it" not in await reasons()


async def waiting_has_a_teams_price(scene: Scene) -> None:
    """Snov.io is the cheaper one, but takes twenty seconds."""
    await scene.store.call("HSET", f"{ROOT}snov", "@pace", "500 10000000 500 500 0")
    await suppose(scene, {"hunter": {"": HITS}, "snov": {"": HITS}})
    team = await scene.gateway.team(wait_price="0.01")
    person = {"full_name": "A B", "domain": "c.com"}
    body: dict[str, Any] = {"operation": "emails.find", "input": person}
    async with scene.gateway.caller(await scene.gateway.key(team)) as theirs:

        async def first(**routing: Any) -> Any:
            chosen = {"order": "learned", "providers": ["hunter", "snov"], **routing}
            reply = await theirs.post("/v1/quote", json={**body, "routing": chosen})
            return reply.json()["data"]["steps"][0]

        assert (await first())["provider"] == "hunter"
        assert (await first(wait_price=None))["provider"] == "snov", (
            "a call's own word comes first"
        )
        assert (await first(wait_price="0.0001"))["provider"] == "snov"
        assert (await first(wait_price="0.0001"))["expected_cost"] == "0.03", "it is not paid"
        path = f"/v1/admin/teams/{team}"
        changed = await scene.gateway.client.patch(path, json={"wait_price": None, "value": "9"})
        assert changed.json()["data"]["wait_price"] is None
        assert (await first())["provider"] == "snov"
        changed = await scene.gateway.client.patch(path, json={"wait_price": "0.02"})
        shown = changed.json()["data"]
        assert (shown["wait_price"], shown["value"]) == ("0.02", "9")
        assert (await first())["provider"] == "hunter"


async def test_a_team_says_what_waiting_costs_it(scene: Scene) -> None:
    await waiting_has_a_teams_price(scene)


async def test_a_price_of_waiting_that_nobody_reckons_with_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing.Scale, "_delay", lambda *_: 0.0)
    with pytest.raises(AssertionError):
        await waiting_has_a_teams_price(scene)


async def test_a_plan_is_told_before_and_beside_the_answer(scene: Scene) -> None:
    await suppose(scene, {"hunter": {"": MISSES}, "snov": {"": HITS}, "sixtyfour": {"": MISSES}})
    before = scene.charges()
    quoted = await quote(scene, order="learned", max_cost="0.05")
    assert scene.charges() == before, "a quote buys nothing"
    assert quoted["steps"][0]["provider"] == "snov"
    assert quoted["steps"][0]["expected_cost"] == "0.03"
    assert 0.85 < quoted["expected_chance"] < 1
    # If Snov.io fails that costs nothing, and Hunter is asked.
    assert (quoted["worst_cost"], quoted["currency"]) == ("0.05", "USD")
    assert {one["reason"] for one in quoted["left_out"]} == {"over_budget"}
    assert quoted == await quote(scene, order="learned", max_cost="0.05")
    body = {**body_of(scene.person(snov="valid")), "routing": {"order": "learned"}}
    reply = await scene.gateway.post("/v1/emails/find?include=plan", body)
    plan = reply.json()["meta"]["plan"]
    assert plan["steps"][0]["provider"] == "snov"
    assert plan["order"] == "learned"
    without = await scene.gateway.post("/v1/emails/find", body)
    assert "plan" not in without.json()["meta"]


async def test_without_statistics_the_price_decides(scene: Scene) -> None:
    found = await quote(scene, order="learned")
    prices = [float(step["cost_per_accepted"]) for step in found["steps"]]
    assert prices == sorted(prices)
    assert {step["seen"] for step in found["steps"]} == {0}
    assert [step["provider"] for step in found["steps"]] == ["hunter", "sixtyfour", "snov"]


async def test_a_listed_order_is_explained_too(scene: Scene) -> None:
    reply = await scene.find(scene.person(snov="valid"), max_cost="0.05")
    data = await explained(scene, reply)
    assert data["order"] == "listed"
    assert data["replayed"] is True
    assert data["sentences"][0].startswith("hunter came first: so it is listed.")
    assert data["sentences"][0].endswith("It had nothing.")
    assert data["sentences"][1].endswith("It had the answer.")


async def test_who_is_passed_over_is_explained(scene: Scene) -> None:
    reply = await scene.find(scene.person(), max_cost="0.05")
    assert attempts(reply)[-1] == ("sixtyfour", "skipped", "over_budget")
    said = (await explained(scene, reply))["sentences"]
    assert said[-1].startswith("sixtyfour was not asked: its call may cost")


async def test_another_teams_decisions_are_nobodys(scene: Scene) -> None:
    team = await scene.gateway.team()
    async with scene.gateway.caller(await scene.gateway.key(team)) as theirs:
        reply = await theirs.post("/v1/emails/find", json=body_of(scene.person(hunter="valid")))
        name = reply.json()["meta"]["request_id"]
        assert (await theirs.get(f"/v1/explain/{name}")).status_code == 200
        other = await theirs.get(f"/v1/explain/{name}?team_id=default")
        assert other.status_code == 403
    mine = await scene.gateway.client.get(f"/v1/explain/{name}")
    assert mine.status_code == 404
    asked = await scene.gateway.client.get(f"/v1/explain/{name}?team_id={team}")
    assert asked.status_code == 200


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"operation": "emails.guess", "input": {}}, "/operation"),
    ({"operation": "emails.find", "input": {"domain": "a.com"}}, "/input"),
    ({"operation": "emails.find", "input": {"domain": 1}}, "/input/domain"),
    ({"operation": "emails.find", "input": {"age": 1}}, "/input/age"),
    ({"operation": "emails.verify", "input": {"email": "nobody"}}, "/input/email"),
    (
        {
            "operation": "emails.verify",
            "input": {"email": "a@b.com"},
            "routing": {"providers": ["x"]},
        },
        "/routing/providers/0",
    ),
]


@pytest.mark.parametrize("body, pointer", WRONG)
async def test_a_wrong_quote_is_refused(scene: Scene, body: dict[str, Any], pointer: str) -> None:
    reply = await scene.gateway.post("/v1/quote", body)
    assert reply.status_code == 422, reply.text
    assert [one["pointer"] for one in reply.json()["errors"]] == [pointer]


async def test_what_is_kept_is_served_without_a_thought(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = scene.person(hunter="valid", snov="valid", sixtyfour="valid")
    await find(scene, person)
    thoughts = 0

    def rate(*given: Any) -> list[Rating]:
        nonlocal thoughts
        thoughts += 1
        return planner.rate(*given)

    monkeypatch.setattr(course, "rate", rate)
    again = await find(scene, person)
    assert again.headers["x-gateway-cache"] == "hit"
    assert thoughts == 0
    await scene.store.call("DEL", *[key async for key in scene.store.scan("{pgw}:live:cache:*")])
    anew = await find(scene, person)
    assert outcome(anew) == "accepted", "the hint was wrong, which costs a turn, not the answer"
    assert thoughts >= 1


async def test_nothing_is_kept_of_a_lookup_that_was_free(start_scene: StartScene) -> None:
    """Though others were passed over, as there is no account for them."""
    scene = await start_scene(only=("hunter",))
    person = scene.person(hunter="valid")
    await find(scene, person)
    again = await find(scene, person)
    assert again.headers["x-gateway-cache"] == "hit"
    await find(scene, scene.person(hunter="valid"))
    assert await scene.store.call("ZCARD", "{pgw}:live:traced") == 2


async def test_the_learned_order_asks_the_store_no_more_often(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bookshelf, "FRESH", 3600.0)
    await find(scene, scene.person(hunter="valid"))
    turns: list[str] = []
    run = Store.run

    async def counted(self: Store, script: Script, *given: Any) -> Any:
        turns.append(script.name)
        return await run(self, script, *given)

    monkeypatch.setattr(Store, "run", counted)
    asked: dict[str, tuple[int, ...]] = {}
    for order in ("listed", "learned"):
        turns.clear()
        reply = await scene.find(scene.person(), order=order, providers=["hunter", "sixtyfour"])
        assert len(attempts(reply)) == 2
        asked[order] = tuple(map(turns.count, ("admit", "dispatch", "settle")))
    assert asked["learned"] == asked["listed"]
