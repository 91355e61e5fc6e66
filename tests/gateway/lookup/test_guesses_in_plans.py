"""The guess by a domain's pattern is told of like any step: before it is made, and afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.lookup import bookshelf, chronicles, outlook
from gateway.lookup.course import Course
from gateway.lookup.planning import record
from gateway.lookup.planning.hunches import Hunch, plan_with, saves_money, weigh
from gateway.lookup.planning.terms import MILLION, Policy, Question, priced
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import HUNTER_VERIFY, Scene, attempts, body_of, cost, until
from tests.gateway.lookup.staff import known_to, staff, taught
from tests.gateway.lookup.supposing import explained

Check = Callable[[Scene], Awaitable[None]]
FIRST = (
    "pattern came first: its domain's addresses tell how it makes them. hunter verifies a guess"
    " for 0.0245 USD, and one is there in 56 %: that saves more than it costs, as hunter would"
    " take up to 0.049 USD."
)
# What the routing says, the reason that the quote and the lookup give, and its words.
LEFT_OUT: list[tuple[dict[str, Any], str, str]] = [
    (
        {"providers": ["pattern", "snov"]},
        "not_worth_it",
        "pattern was not asked: hunter verifies a guess for 0.0245 USD, and one is there in 56 %,"
        " which costs more than it saves of the 0.03 USD that snov would take (not_worth_it).",
    ),
    (
        {"value": "0.04"},
        "not_worth_it",
        # By then one more of the domain's addresses is known.
        "pattern was not asked: hunter verifies a guess for 0.0245 USD, and one is there in 60 %,"
        " where an answer is worth 0.04 USD (not_worth_it).",
    ),
    (
        {"max_cost": "0.02"},
        "over_budget",
        "pattern was not asked: hunter verifies a guess for 0.0245 USD,"
        " more than may still be spent (over_budget).",
    ),
]


async def quote(scene: Scene, person: Any, **routing: Any) -> dict[str, Any]:
    body = {"operation": "emails.find", "input": body_of(person), "routing": routing}
    reply = await scene.gateway.post("/v1/quote", body)
    assert reply.status_code == 200, reply.text
    data: dict[str, Any] = reply.json()["data"]
    del data["operation"]
    return data


def names(plan: dict[str, Any]) -> list[str]:
    return [one["provider"] for one in (*plan["steps"], *plan["left_out"])]


async def it_is_a_step_of_the_quote_and_the_plan(scene: Scene) -> None:
    unknown = await quote(scene, staff(scene)[-1])
    assert "pattern" not in names(unknown), "nothing is known of the domain"
    person, *_ = await taught(scene)
    before = scene.charges()
    quoted = await quote(scene, person)
    assert scene.charges() == before, "a quote buys nothing"
    assert quoted["steps"][0] == {
        "provider": "pattern",
        "operation": "emails.find",
        "expected_cost": "0.0245",
        "worst_cost": "0.0245",
        "expected_chance": 0.5625,
        "cost_per_accepted": "0.043556",
        "seen": 0,
        "verified_by": "hunter",
        "why": FIRST,
    }
    without = await quote(scene, person, guess=False)
    assert quoted["steps"][1:] == without["steps"]
    rest = float(without["expected_cost"])
    assert float(quoted["expected_cost"]) == pytest.approx(0.0245 + 0.4375 * rest, abs=2e-6)
    missed = 1 - without["expected_chance"]
    assert quoted["expected_chance"] == pytest.approx(1 - 0.4375 * missed, abs=2e-4)
    worst = float(without["worst_cost"])
    assert float(quoted["worst_cost"]) == pytest.approx(0.0245 + worst)
    reply = await scene.gateway.post("/v1/emails/find?include=plan", body_of(person))
    assert reply.json()["meta"]["provider"] == "pattern"
    assert reply.json()["meta"]["plan"] == quoted


async def it_is_explained(scene: Scene) -> None:
    person, *_ = await taught(scene)
    data = await explained(scene, await scene.find(person))
    assert data["replayed"] is True
    assert data["sentences"][0] == f"{FIRST} It is there."
    assert data["pattern"]["expected_chance"] == 0.5625
    wrong, *_ = staff(scene, there=False)
    reply = await scene.find(known_to(scene, wrong, "hunter"))
    assert [name for name, *_ in attempts(reply)] == ["hunter", "pattern", "hunter"]
    said = (await explained(scene, reply))["sentences"]
    assert said[0].endswith(" It is not there, or nobody can tell.")
    assert "(1 of the domain were verified)" in said[0]
    assert said[1].startswith("hunter came second: so it is listed.")
    assert said[1].endswith("It had the answer.")


async def what_is_left_out_has_its_reason(scene: Scene) -> None:
    person, *_ = await taught(scene)
    for said, reason, why in LEFT_OUT:
        routing = {**said, "max_age": 0}
        quoted = await quote(scene, person, **routing)
        assert quoted["left_out"][0] == {"provider": "pattern", "reason": reason, "why": why}
        data = await explained(scene, await scene.find(person, **routing))
        assert why in data["sentences"]
        assert data["pattern"]["reason"] == reason
        assert data["replayed"] is True


def unguessed(course: Course) -> Any:
    return plan_with(course.question, {}, None)


def cheaper(hunch: Hunch, policy: Policy) -> Any:
    return weigh(msgspec.structs.replace(hunch, chance=hunch.chance - 10_000), policy)


CHECKS: list[tuple[Check, Any, str, Any]] = [
    (it_is_a_step_of_the_quote_and_the_plan, Course, "plan", unguessed),
    (it_is_a_step_of_the_quote_and_the_plan, outlook, "_tell_of", lambda *_: None),
    (it_is_explained, record, "weigh", cheaper),
    (it_is_explained, chronicles, "replay", lambda trace: record.replay(trace)[:-1]),
    (what_is_left_out_has_its_reason, Course, "consider", lambda self, hunch: True),
]


@pytest.mark.parametrize("check", list(dict.fromkeys(row[0] for row in CHECKS)))
async def test_guesses_in_plans(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check, place, name, instead", CHECKS)
async def test_guesses_that_are_told_of_otherwise_are_caught(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
    place: Any,
    name: str,
    instead: Any,
) -> None:
    monkeypatch.setattr(place, name, instead)
    with pytest.raises((AssertionError, IndexError)):
        await check(scene)


@pytest.mark.parametrize("routing", [{"guess": False}, {"providers": ["hunter"]}])
async def test_a_guess_that_may_not_be_made_is_not_shown(
    scene: Scene, routing: dict[str, Any]
) -> None:
    person, *_ = await taught(scene)
    assert "pattern" not in names(await quote(scene, person, **routing))


async def test_a_guess_that_nobody_verifies_is_explained(scene: Scene) -> None:
    person, *_ = await taught(scene)
    scene.fault("hunter", "status", status=500)
    reply = await scene.find(person)
    said = (await explained(scene, reply))["sentences"]
    assert said[0] == "pattern came to nothing: nobody verified the guess (unavailable)."


async def test_a_guess_that_was_verified_before_is_explained(scene: Scene) -> None:
    await taught(scene)
    wrong, *_ = staff(scene, there=False)
    await scene.gateway.post("/v1/emails/verify", {"email": wrong.email})
    reply = await scene.find(known_to(scene, wrong, "hunter"))
    said = (await explained(scene, reply))["sentences"]
    assert said[0] == (
        "pattern came first: the guess had been verified before, which costs nothing."
        " It is not there, or nobody can tell."
    )


async def test_a_guess_that_was_verified_is_not_bought_elsewhere(scene: Scene) -> None:
    """What is kept costs nothing, were its price too high to pay it anew."""
    person, *_ = await taught(scene)
    bought = await scene.find(person)
    assert cost(bought) == Decimal("0.0245")
    for routing in ({"providers": ["pattern", "snov"]}, {"value": "0.04"}):
        again = await scene.find(person, **routing)
        assert attempts(again) == [("hunter", "accepted", None), ("pattern", "accepted", None)]
        assert cost(again) == 0
        assert again.json()["data"]["email"] == person.email


async def test_a_guess_whose_like_bounces_too_often_is_not_made(scene: Scene) -> None:
    """One in five of those that hunter called valid came back."""
    person, *_ = await taught(scene)
    for book in ("hunter", "*"):
        for path in ("", "valid", "valid/9"):
            key = f"{{pgw}}:live:learn:outcomes:{book}"
            await scene.store.call("HSET", key, path, "500 100 0 0 0")
    found = await quote(scene, person, accept={"max_bounce": 0.02})
    assert found["left_out"][0]["provider"] == "pattern"
    before = scene.requests(HUNTER_VERIFY)
    await scene.find(person, accept={"max_bounce": 0.02})
    assert scene.requests(HUNTER_VERIFY) == before


async def test_what_its_verifier_said_is_among_the_raw_replies(scene: Scene) -> None:
    person, *_ = await taught(scene)
    reply = await scene.gateway.post("/v1/emails/find?include=raw", body_of(person))
    assert reply.json()["meta"]["provider"] == "pattern"
    assert person.email in str(reply.json()["meta"]["raw"]["hunter"])


async def test_a_guess_is_as_sure_as_its_verifier_says(
    scene: Scene, start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snov.io, here the cheapest verifier, never says how sure it is."""
    monkeypatch.setattr(bookshelf, "FRESH", 0.0)
    providers, cheap = dict(scene.gateway.settings.providers), {"emails.verify": Decimal("0.01")}
    providers["snov"] = msgspec.structs.replace(providers["snov"], prices=cheap)
    scene = await start_scene(providers=providers)
    person, other, *_ = await taught(scene)
    reply = await scene.find(person, accept={"min_confidence": 50})
    assert [name for name, *_ in attempts(reply)] == ["snov", "pattern", "hunter"]
    book = "{pgw}:live:learn:emails.verify:snov"
    assert (await scene.store.call("HGET", book, "@valid")).endswith(b" 0 0 0 0")
    await scene.store.call("HSET", book, "@valid", "100 0 0 0 0")

    async def is_left_out() -> bool:
        found = await quote(scene, other, accept={"min_confidence": 50})
        return bool(found["left_out"]) and found["left_out"][0]["provider"] == "pattern"

    await until(is_left_out)
    reply = await scene.find(other, accept={"min_confidence": 50})
    assert attempts(reply) == [("hunter", "accepted", None)]


def test_what_the_guess_takes_is_not_there_for_the_others() -> None:
    hunch = Hunch(verifier="v", price=20_000, chance=MILLION // 2, seen=0, first="p", saves=50_000)
    options = (priced("p", "per_call", 50_000, worst=50_000),)
    question = Question(segment="", options=options, policy=Policy(max_cost=60_000))
    plan = plan_with(question, {}, hunch)
    assert [one.provider for one in plan.steps] == ["pattern"]
    assert [(one.provider, one.reason) for one in plan.left_out] == [("p", "over_budget")]
    assert plan_with(question, {}, None).steps[0].provider == "p"
    assert plan.worst == 60_000, "a verification that fails costs nothing"


@pytest.mark.parametrize(
    "price, saves, value, worth",
    [
        (24_999, 50_000, None, True),
        (25_000, 50_000, None, False),
        (24_999, 50_000, 49_998, True),
        (24_999, 50_000, 49_997, False),
    ],
)
def test_a_guess_is_verified_if_it_saves_more_than_it_costs(
    price: int, saves: int, value: int | None, worth: bool
) -> None:
    """Every other one is there."""
    hunch = Hunch(verifier="v", price=price, chance=MILLION // 2, seen=0, first="p", saves=saves)
    assert saves_money(hunch, Policy(value=value)) == worth
    assert weigh(hunch, Policy(value=value)).reason == ("" if worth else "not_worth_it")
