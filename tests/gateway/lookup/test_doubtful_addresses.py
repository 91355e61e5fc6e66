"""`verify: uncertain`: checked when that is the cheapest way on, and both are heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from gateway.lookup import doubting, settling
from gateway.lookup.descent import Descent
from gateway.lookup.doubting import Doubts, Turn, word_of
from gateway.lookup.hand import Hand
from gateway.lookup.judging import judged
from gateway.lookup.lookup import Candidate
from gateway.lookup.planning.bounces import Estimate
from providers.model import Email
from tests.gateway.lookup.scene import (
    HUNTER_VERIFY,
    SIXTYFOUR_START,
    Scene,
    attempts,
    body_of,
    cost,
    outcome,
    until,
)

Check = Callable[[Scene], Awaitable[None]]
ROOT = "{pgw}:live:"


async def asked(scene: Scene, *, snov: bool, **more: Any) -> httpx.Response:
    """Whom Sixtyfour is not sure of, and Snov.io knows or not."""
    claims: dict[str, Any] = {"sixtyfour": "unknown"} | ({"snov": "valid"} if snov else {})
    routing = {"providers": ["sixtyfour", "snov"], "verify": "uncertain", **more}
    return await scene.find(scene.person(**claims), **routing)


async def snov_is_good(scene: Scene) -> None:
    """An answer of Snov.io's is cheaper than a verification that is in vain every other time."""
    key = f"{ROOT}doing:snov:emails.find"
    await scene.store.call("HSET", key, "asked", 900, "hits", 890, "ms", 0)


async def what_is_cheaper_comes_first(scene: Scene) -> None:
    await snov_is_good(scene)
    reply = await asked(scene, snov=True)
    assert attempts(reply) == [("sixtyfour", "weak", None), ("snov", "accepted", None)]
    assert scene.requests(HUNTER_VERIFY) == 0
    assert cost(reply) == scene.billed()


async def what_was_postponed_is_checked_at_last(scene: Scene) -> None:
    await snov_is_good(scene)
    reply = await asked(scene, snov=False)
    assert attempts(reply) == [
        ("sixtyfour", "weak", None),
        ("snov", "empty", None),
        ("hunter", "accepted", None),
    ]
    data = reply.json()["data"]
    assert (outcome(reply), data["status"]) == ("accepted", "valid")
    assert (data["provenance"]["provider"], data["provenance"]["verified_by"]) == (
        "sixtyfour",
        "hunter",
    )
    assert cost(reply) == scene.billed()


async def outcomes_weigh_more_than_a_word(scene: Scene) -> None:
    """Of three in four addresses of which the two said so before, the mail came back."""
    book = f"{ROOT}learn:verdicts:hunter+sixtyfour"
    await scene.store.call("HSET", book, "valid+unknown", "400 300 0 0 0")
    reply = await asked(scene, snov=False, providers=["sixtyfour"])
    assert attempts(reply) == [("sixtyfour", "weak", None), ("hunter", "accepted", None)]
    assert (outcome(reply), reply.json()["data"]) == ("empty", None)


def always(value: Any) -> Any:
    async def found(*_: Any) -> Any:
        return value

    return found


CHECKS: list[tuple[Check, Any, str, Any]] = [
    (what_is_cheaper_comes_first, Doubts, "turn", always(Turn("now"))),
    (what_was_postponed_is_checked_at_last, Hand, "check_postponed", always(None)),
    (outcomes_weigh_more_than_a_word, doubting, "word_of", lambda said, _: said[-1][1]),
]


@pytest.mark.parametrize("check", [row[0] for row in CHECKS])
async def test_doubts(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check, place, name, instead", CHECKS)
async def test_doubts_that_are_dealt_with_otherwise_are_caught(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
    place: Any,
    name: str,
    instead: Any,
) -> None:
    monkeypatch.setattr(place, name, instead)
    with pytest.raises(AssertionError):
        await check(scene)


async def test_while_nothing_is_known_a_verification_comes_first(scene: Scene) -> None:
    reply = await asked(scene, snov=True)
    assert attempts(reply) == [("sixtyfour", "weak", None), ("hunter", "accepted", None)]
    assert reply.json()["data"]["status"] == "valid"


async def test_a_verification_is_planned_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, child = [], Doubts._child

    def noted(self: Doubts, *given: Any) -> Any:
        planned.append(given)
        return child(self, *given)

    monkeypatch.setattr(Doubts, "_child", noted)
    reply = await asked(scene, snov=True)
    assert attempts(reply) == [("sixtyfour", "weak", None), ("hunter", "accepted", None)]
    assert len(planned) == 1


async def test_an_answer_is_judged_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    judgements = []

    def noted(*given: Any) -> Any:
        judgements.append(given)
        return judged(*given)

    monkeypatch.setattr(settling, "judged", noted)
    await scene.find(scene.person(snov="valid"), providers=["hunter", "snov"])
    assert len(judgements) == 2, "hunter's and Snov.io's"


async def test_a_provider_whose_doubts_are_hardly_ever_dispelled_is_not_checked_first(
    scene: Scene,
) -> None:
    await scene.store.call("HSET", f"{ROOT}learn:confirms:sixtyfour", "unknown", "90 3 0 0 0")
    reply = await asked(scene, snov=True)
    assert attempts(reply) == [("sixtyfour", "weak", None), ("snov", "accepted", None)]


async def test_a_check_that_costs_more_than_an_answer_is_worth_is_left_out(scene: Scene) -> None:
    await scene.store.call("HSET", f"{ROOT}learn:confirms:sixtyfour", "unknown", "90 3 0 0 0")
    reply = await asked(scene, snov=False, providers=["sixtyfour"], value="0.2")
    assert attempts(reply) == [
        ("sixtyfour", "weak", None),
        ("hunter", "skipped", "not_worth_it"),
    ]
    assert scene.requests(HUNTER_VERIFY) == 0
    dear = await asked(scene, snov=False, providers=["sixtyfour"], value="0.5")
    assert attempts(dear)[1:] == [("hunter", "accepted", None)]


async def test_who_is_less_sure_than_is_wanted_is_not_checked(scene: Scene) -> None:
    """Sixtyfour gives no confidence, and no verifier makes it any surer."""
    wanted = {"min_confidence": 50}
    reply = await asked(scene, snov=False, providers=["sixtyfour"], accept=wanted)
    assert attempts(reply) == [("sixtyfour", "weak", None)]
    assert cost(reply) == scene.billed() == Decimal("0.05")


async def test_how_often_doubts_are_dispelled_is_learned_of_what_is_bought(scene: Scene) -> None:
    person = scene.person(sixtyfour="unknown")
    for _ in range(2):
        await scene.find(person, providers=["sixtyfour"], verify="uncertain")
    counted = await scene.store.call("HGET", f"{ROOT}learn:confirms:sixtyfour", "unknown")
    assert counted == b"1 1 0 0 0"


@pytest.mark.parametrize("bounced, accepted", [(0, "accepted"), (40, "weak")])
async def test_what_both_said_decides_how_often_it_may_bounce(
    scene: Scene, bounced: int, accepted: str
) -> None:
    book = f"{ROOT}learn:verdicts:hunter+sixtyfour"
    await scene.store.call("HSET", book, "valid+unknown", f"400 {bounced} 0 0 0")
    reply = await asked(scene, snov=False, providers=["sixtyfour"], accept={"max_bounce": 0.02})
    assert outcome(reply) == accepted
    assert reply.json()["data"]["provenance"]["verified_by"] == "hunter"


async def test_a_cap_holds_for_what_is_checked_at_last(scene: Scene) -> None:
    await snov_is_good(scene)
    reply = await asked(scene, snov=False, max_cost="0.10")
    assert attempts(reply)[2] == ("hunter", "skipped", "over_budget")
    assert (outcome(reply), reply.json()["data"]["status"]) == ("weak", "unknown")
    assert cost(reply) == scene.billed() <= Decimal("0.10")


@pytest.mark.parametrize("routing", [{}, {"value": "0.04"}])
async def test_a_check_that_is_kept_comes_first(scene: Scene, routing: dict[str, Any]) -> None:
    """It costs nothing, were a new one dearer than the next provider, or than it is worth."""
    await snov_is_good(scene)
    person = scene.person(sixtyfour="unknown", snov="valid")
    verify = {"email": person.email, "routing": {"providers": ["hunter"]}}
    assert (await scene.gateway.post("/v1/emails/verify", verify)).is_success
    providers = ["sixtyfour", "snov"]
    reply = await scene.find(person, providers=providers, verify="uncertain", **routing)
    assert attempts(reply) == [("sixtyfour", "weak", None), ("hunter", "accepted", None)]
    assert cost(reply) == Decimal("0.05")


async def test_the_reply_of_whoever_checked_is_there_too(scene: Scene) -> None:
    """A finder's own reply stays: a provider has one."""
    routing = {"providers": ["hunter", "sixtyfour"], "verify": "uncertain"}
    body = {**body_of(scene.person(sixtyfour="unknown")), "routing": routing}
    reply = await scene.gateway.post("/v1/emails/find?include=raw", body)
    assert attempts(reply)[-1] == ("hunter", "accepted", None)
    raw = reply.json()["meta"]["raw"]
    assert set(raw) == {"hunter", "sixtyfour"}
    assert "score" in raw["hunter"]["data"]
    assert raw["hunter"]["data"]["email"] is None
    routing["providers"] = ["sixtyfour"]
    body = {**body_of(scene.person(sixtyfour="unknown")), "routing": routing}
    raw = (await scene.gateway.post("/v1/emails/find?include=raw", body)).json()["meta"]["raw"]
    assert raw["hunter"]["data"]["status"] == "valid"


def test_a_word_stands_until_enough_is_known() -> None:
    said: list[Any] = [("sixtyfour", "unknown"), ("hunter", "valid")]
    assert word_of(said, None) == word_of(said, Estimate(0.9, 45)) == "valid"
    assert word_of(said, Estimate(0.9, 200)) == "invalid"
    assert word_of(said, Estimate(0.2, 200)) == "unknown"
    assert word_of(said, Estimate(0.02, 200)) == "valid"


async def whoever_objects_meanwhile_is_not_shown(scene: Scene) -> None:
    """A weak answer is in hand while the next provider takes its time."""
    person = scene.person(hunter="unknown")
    scene.slow_down("sixtyfour", call=0.5)
    asked = asyncio.create_task(
        scene.find(person, providers=["hunter", "sixtyfour"], order="listed")
    )

    async def is_with_the_next() -> bool:
        return scene.requests(SIXTYFOUR_START) > 0

    await until(is_with_the_next)
    await scene.gateway.post("/v1/admin/suppressions", {"email": person.email})
    reply = await asked
    assert reply.status_code == 451
    assert person.email not in reply.text


async def test_whoever_objects_while_others_are_asked_is_not_shown(scene: Scene) -> None:
    await whoever_objects_meanwhile_is_not_shown(scene)


async def test_what_is_in_hand_and_not_looked_at_again_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(*_: Any) -> None:
        return None

    monkeypatch.setattr(Descent, "_check_again", unseen)
    with pytest.raises(AssertionError):
        await whoever_objects_meanwhile_is_not_shown(scene)


def test_a_weak_answer_is_not_lost_with_a_better_one_that_was_wrong() -> None:
    best, other = weak("a@x.example", 90), weak("b@x.example", 40)
    lookup: Any = SimpleNamespace(best=None, winner=None, empties=0, query=None)
    hand = Hand(None, lookup)  # type: ignore[arg-type]
    for one in (best, other):
        hand.take(one)
    assert lookup.best is best
    best.outcome = "empty"
    assert hand._best() is other


def weak(email: str, confidence: int) -> Candidate:
    data = Email(email=email, status="unknown", confidence=confidence)
    return Candidate(data=data, provider="x", outcome="weak", cached=False, fetched_at=1)
