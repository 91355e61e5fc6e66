"""An address made as its domain makes them is verified before any provider is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from gateway.lookup import trying
from gateway.lookup.bids import Bids
from gateway.lookup.guessing import Guess, Guesses
from gateway.lookup.lookup import Lookup
from gateway.store.script import Script
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    HUNTER_VERIFY,
    Scene,
    attempts,
    body_of,
    cost,
    outcome,
)
from tests.gateway.lookup.staff import SURE, TAUGHT, known_to, staff, taught

Check = Callable[[Scene], Awaitable[None]]
TAKES_ALL = "amber-falcon.example"
FIND, VERIFICATION = Decimal("0.049"), Decimal("0.0245")
CHECKED: list[tuple[str, str, str | None]] = [
    ("hunter", "accepted", None),
    ("pattern", "accepted", None),
]


async def the_pattern_is_the_cheapest_provider(scene: Scene) -> None:
    person, *_ = await taught(scene)
    reply = await scene.find(person)
    assert attempts(reply) == CHECKED
    body = reply.json()
    data, meta = body["data"], body["meta"]
    assert (data["email"], data["status"], data["kind"]) == (
        person.email, "valid", "professional",
    )  # fmt: skip
    assert (data["provenance"]["provider"], data["provenance"]["verified_by"]) == (
        "pattern", "hunter",
    )  # fmt: skip
    assert (meta["provider"], reply.headers["x-gateway-provider"]) == ("pattern", "pattern")
    assert [one["operation"] for one in meta["attempts"]] == ["emails.verify", "emails.find"]
    assert [one["cost"] for one in meta["attempts"]] == ["0.0245", "0"]
    assert cost(reply) == VERIFICATION
    assert scene.billed() == TAUGHT * FIND + VERIFICATION
    rows = (await scene.gateway.client.get("/v1/admin/ledger")).json()["data"]
    assert (rows[0]["operation"], rows[0]["provider"]) == ("emails.verify", "hunter")


async def a_guess_is_not_bought_twice(scene: Scene) -> None:
    person, other, *_ = await taught(scene)
    await scene.find(person)
    again = await scene.find(person)
    assert attempts(again) == CHECKED
    assert (again.json()["meta"]["cached"], again.headers["x-gateway-cache"]) == (True, "hit")
    assert cost(again) == 0
    verified = await scene.gateway.post("/v1/emails/verify", {"email": person.email})
    assert cost(verified) == 0
    scene.slow_down("hunter", call=0.1)
    replies = await asyncio.gather(*(scene.find(other) for _ in range(5)))
    assert sum(map(cost, replies)) == VERIFICATION
    assert scene.requests(HUNTER_VERIFY) == 2


async def what_was_bought_is_not_guessed(scene: Scene) -> None:
    first, *_ = staff(scene)
    await taught(scene)
    reply = await scene.find(first)
    assert attempts(reply) == [("hunter", "accepted", None)]
    assert cost(reply) == 0
    assert scene.requests(HUNTER_VERIFY) == 0


async def a_wrong_guess_is_no_answer(scene: Scene) -> None:
    await taught(scene)
    person, *_ = staff(scene, there=False)
    reply = await scene.find(known_to(scene, person, "hunter"))
    assert attempts(reply)[:2] == [("hunter", "accepted", None), ("pattern", "empty", None)]
    assert attempts(reply)[2:] == [("hunter", "accepted", None)]
    assert reply.json()["meta"]["provider"] == "hunter"
    assert cost(reply) == VERIFICATION + FIND


CHECKS: list[Check] = [
    the_pattern_is_the_cheapest_provider,
    a_guess_is_not_bought_twice,
    what_was_bought_is_not_guessed,
    a_wrong_guess_is_no_answer,
]


@pytest.mark.parametrize("check", CHECKS)
async def test_patterns(scene: Scene, check: Check) -> None:
    await check(scene)


SCRIPTS: list[tuple[Check, str, str]] = [
    (what_was_bought_is_not_guessed, "tonumber(ARGV[1])) then return {} end", "0) then end"),
    (the_pattern_is_the_cheapest_provider, "vote(root, way, given.life)", ""),
]


@pytest.mark.parametrize("check, old, new", SCRIPTS)
async def test_broken_scripts_are_caught(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch, check: Check, old: str, new: str
) -> None:
    load = Script.load

    def broken(name: str) -> Script:
        return Script.of(name, load(name).source.replace(old, new))

    monkeypatch.setattr(Script, "load", broken)
    scene = await start_scene()
    with pytest.raises(AssertionError):
        await check(scene)


async def test_guesses_that_nobody_verified_are_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_candidate = trying.to_candidate

    def believed(lookup: Any, verdict: Any) -> Any:
        verdict.data.status = "valid"
        return to_candidate(lookup, verdict)

    monkeypatch.setattr(trying, "is_held", lambda _: True)
    monkeypatch.setattr(trying, "to_candidate", believed)
    with pytest.raises(AssertionError):
        await a_wrong_guess_is_no_answer(scene)


ROUTINGS: list[tuple[dict[str, Any], list[tuple[str, str, str | None]]]] = [
    ({"guess": False}, [("hunter", "accepted", None)]),
    ({"providers": ["hunter"]}, [("hunter", "accepted", None)]),
    ({"providers": ["hunter", "pattern"]}, CHECKED),
    # Verifying costs nearly as much as asking Snov.io.
    ({"providers": ["pattern", "snov"]}, [("snov", "accepted", None)]),
    ({"max_cost": "0.05"}, CHECKED),
    # A verified guess is valid, which is not accepted.
    ({"accept": {"statuses": ["catch_all"]}, "providers": ["hunter", "pattern"]},
     [("hunter", "weak", None)]),
]  # fmt: skip


@pytest.mark.parametrize("routing, expected", ROUTINGS)
async def test_the_callers_routing_holds(
    scene: Scene, routing: dict[str, Any], expected: list[tuple[str, str, str | None]]
) -> None:
    person, *_ = await taught(scene)
    assert attempts(await scene.find(person, **routing)) == expected


async def test_a_cap_is_held_by_the_verification_and_what_follows(scene: Scene) -> None:
    left = await taught(scene)
    tight = await scene.find(left[-1], max_cost="0.02")
    assert ("pattern", "skipped", "over_budget") in attempts(tight)
    assert tight.status_code == 402
    person, *_ = staff(scene, there=False)
    reply = await scene.find(known_to(scene, person, "hunter"), max_cost="0.05")
    assert cost(reply) == VERIFICATION
    assert ("hunter", "skipped", "over_budget") in attempts(reply)
    assert outcome(reply) == "empty"
    assert reply.json()["meta"]["complete"] is False


async def test_a_domain_that_takes_everything_is_given_up(scene: Scene) -> None:
    left = await taught(scene, TAKES_ALL, 4)
    for person in left[:6]:
        assert (await scene.find(person)).json()["meta"]["provider"] == "hunter"
    assert scene.requests(HUNTER_VERIFY) <= 3
    assert scene.requests(HUNTER_FIND) == 10


async def test_a_few_addresses_are_no_pattern(scene: Scene) -> None:
    person, *_ = await taught(scene, count=1)
    assert attempts(await scene.find(person)) == [("hunter", "accepted", None)]


async def test_a_pattern_that_a_provider_states_is_enough(scene: Scene) -> None:
    search = {"domain": SURE, "routing": {"providers": ["hunter"]}}
    found = await scene.gateway.post("/v1/domains/search", search)
    assert found.json()["data"]["pattern"] == "{f}{last}"
    person = known_to(scene, staff(scene)[-1], "hunter")
    assert attempts(await scene.find(person)) == CHECKED


async def test_whoever_objected_is_not_guessed(scene: Scene) -> None:
    person, other, *_ = await taught(scene)
    await scene.gateway.post("/v1/admin/suppressions", {"email": person.email})
    before = scene.charges()
    assert (await scene.find(person)).status_code == 451
    assert scene.charges() == before
    assert attempts(await scene.find(other)) == CHECKED


async def nobody_who_objected_by_name_is_guessed(scene: Scene) -> None:
    """As after a provider's 451, which is kept by the name at its domain."""
    person, other, *_ = await taught(scene)
    named = {"full_name": person.full_name, "domain": SURE}
    assert (await scene.gateway.post("/v1/admin/erasures", named)).status_code == 202
    before = scene.charges()
    assert (await scene.find(person)).status_code == 451
    assert scene.charges() == before
    assert attempts(await scene.find(other)) == CHECKED


async def test_whoever_objected_by_name_is_not_guessed(scene: Scene) -> None:
    await nobody_who_objected_by_name_is_guessed(scene)


async def test_guesses_that_ask_about_the_address_alone_are_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bids, "_persons", lambda self: self._lookup.asked.persons)
    with pytest.raises(AssertionError):
        await nobody_who_objected_by_name_is_guessed(scene)


async def test_a_verifier_that_fails_leaves_it_to_the_others(scene: Scene) -> None:
    person, *_ = await taught(scene)
    scene.fault("hunter", "status", status=500)
    reply = await scene.find(person)
    assert ("pattern", "skipped", "unavailable") in attempts(reply)
    assert reply.json()["meta"]["provider"] == "snov"


async def test_a_wrong_guess_is_no_answer_of_those_who_fail(scene: Scene) -> None:
    await taught(scene)
    person, *_ = staff(scene, there=False)
    scene.fault("hunter", "status", status=500, path=HUNTER_FIND)
    for provider in ("snov", "sixtyfour"):
        scene.fault(provider, "status", status=500)
    reply = await scene.find(person)
    assert ("pattern", "empty", None) in attempts(reply)
    assert (reply.status_code, reply.json()["code"]) == (502, "all_providers_failed")


async def misguessed(scene: Scene) -> dict[str, Any]:
    """A question that is guessed in vain, and to which Sixtyfour asks for a second's patience."""
    await taught(scene)
    wrong, *_ = staff(scene, there=False)
    scene.fault("sixtyfour", "status", times=1, status=429, retry_after=1)
    return body_of(known_to(scene, wrong, "sixtyfour"))


async def test_a_wrong_guess_makes_no_failure_of_patience(scene: Scene) -> None:
    reply = await scene.find(await misguessed(scene), providers=["pattern", "sixtyfour"])
    assert attempts(reply)[1:] == [
        ("pattern", "empty", None),
        ("sixtyfour", "failed", "rate_limited"),
    ]
    assert (reply.status_code, reply.json()["code"]) == (503, "no_provider_available")
    assert reply.headers["retry-after"] == "1"


async def test_a_row_that_was_guessed_in_vain_waits_for_its_turn(scene: Scene) -> None:
    items, routing = [await misguessed(scene)], {"providers": ["pattern", "sixtyfour"]}
    body = {"operation": "emails.find", "items": items, "routing": routing}
    job = await scene.job(await scene.gateway.post("/v1/jobs", body))
    assert (job["counts"]["accepted"], job["counts"]["failed"]) == (1, 0)
    assert Decimal(job["cost"]) == VERIFICATION + Decimal("0.05")
    assert scene.requests(HUNTER_VERIFY) == 1


async def test_rows_of_a_job_are_guessed_as_well(scene: Scene) -> None:
    left = await taught(scene)
    items = [body_of(person) for person in left[:4]]
    made = await scene.gateway.post("/v1/jobs", {"operation": "emails.find", "items": items})
    job = await scene.job(made)
    rows = (await scene.gateway.client.get(f"/v1/jobs/{job['id']}/results")).json()["data"]
    assert [row["meta"]["provider"] for row in rows] == ["pattern"] * 4
    assert [row["data"]["email"] for row in rows] == [one.email for one in left[:4]]
    assert Decimal(job["cost"]) == 4 * VERIFICATION == scene.billed() - TAUGHT * FIND


async def a_guess_is_no_lookup_of_its_own(scene: Scene) -> None:
    left = await taught(scene)
    wrong, *_ = staff(scene, there=False)
    team = await scene.gateway.team(rate_limit_per_minute=2, max_concurrency=1)
    async with scene.gateway.caller(await scene.gateway.key(team)) as client:
        people = (left[0], known_to(scene, wrong, "hunter"))
        replies = [await client.post("/v1/emails/find", json=body_of(person)) for person in people]
        third = await client.post("/v1/emails/find", json=body_of(left[1]))
    assert (third.status_code, outcome(third)) == (429, "rate_limited")
    assert [reply.status_code for reply in replies] == [200, 200]
    assert attempts(replies[0]) == CHECKED
    assert replies[1].headers["ratelimit"].startswith('"team";r=0')


async def test_a_guess_counts_as_what_it_is_part_of(scene: Scene) -> None:
    await a_guess_is_no_lookup_of_its_own(scene)


async def test_a_guess_that_counts_by_itself_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(lookup: Any, child: Any) -> None:
        lookup.attempts += child.attempts

    monkeypatch.setattr(trying, "_take_over", forget)
    with pytest.raises(AssertionError):
        await a_guess_is_no_lookup_of_its_own(scene)


async def test_what_is_kept_is_served_without_a_guess_and_guessed_once_it_is_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = staff(scene)
    await taught(scene)
    sought, of = [], Guesses.of

    async def watched(self: Guesses, lookup: Lookup, bids: Bids) -> Guess | None:
        if lookup.parent is None:
            sought.append(lookup.id)
        return await of(self, lookup, bids)

    monkeypatch.setattr(Guesses, "of", watched)
    learned = {"order": "learned", "providers": ["hunter", "sixtyfour", "pattern"]}
    assert cost(await scene.find(first, **learned)) == 0
    assert sought == []
    async for key in scene.store.scan("{pgw}:live:cache:*"):
        await scene.store.call("DEL", key)
    assert attempts(await scene.find(first, **learned)) == CHECKED
    assert len(sought) == 1


async def test_names_that_nobody_can_divide_are_not_guessed(scene: Scene) -> None:
    await taught(scene)
    body = {"full_name": "Anna Maria Example", "domain": SURE}
    assert not [one for one in attempts(await scene.find(body)) if one[0] == "pattern"]
