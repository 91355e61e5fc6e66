"""`prospect explain` against a running gateway, as a person reads it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import httpx
import pytest

from gateway.lookup import bookshelf, narration
from gateway.lookup.attempts import Reason
from gateway.lookup.chronicles import Chronicle, End, digest, encode
from gateway.lookup.course import Course
from gateway.lookup.planning import explanation
from gateway.lookup.planning.planner import rate
from gateway.lookup.planning.record import Trace, to_move
from gateway.lookup.planning.terms import START, Option, Policy, Question, priced
from tests.gateway.lookup.scene import Scene, body_of, until
from tests.gateway.lookup.staff import taught
from tests.gateway.lookup.supposing import explained
from tests.gateway.terminal import seen

Check = Callable[[Scene], Awaitable[None]]
TRACES = "{pgw}:live:trace:default:"
SAME = "Made again from what is kept of it, each decision is the same, byte for byte."
OTHER = "Made again from what is kept of it, a decision differs: another version made it."
HUNTER = (
    "  hunter came first: so it is listed. A call costs 0.0245 USD on average and brings an"
    " accepted answer in 38 %; no call like it is known."
)
SNOV = (
    "  snov came second: so it is listed. A call costs 0.03 USD on average and brings an"
    " accepted answer in 38 %; no call like it is known."
)
LISTED = [
    "emails.find, order listed:",
    f"{HUNTER} It had nothing.",
    f"{SNOV} It had the answer.",
    "  sixtyfour was not asked: the lookup ended before its turn.",
    SAME,
]
# Why a provider that is named for it was left out.
BARRED = {
    "rate_limited": "its account is at its rate limit",
    "out_of_credits": "its account has no credits left",
    "authentication_failed": "its account was refused",
    "unavailable": "it is out of order",
    "timed_out": "there was no time left for it",
    "malformed_response": "nobody can read what it answers",
    "invalid_query": "it does not take such a question",
    "unsupported": "it does not offer this, or not for what is known here",
    "circuit_open": "it has failed too often just now",
    "suppressed": "the person has objected",
    "no_credential": "there is no account for it",
}
WEIGHED = {
    "over_budget": "its call may cost 0.5 USD, more than may still be spent",
    "not_worth_it": "0.2533 USD per accepted answer on average, where one is worth 0.2 USD",
}
PROGRAM = [sys.executable, "-c", "from gateway.cli import main; main()"]


@pytest.fixture(autouse=True)
def _learned_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bought meanwhile is not read: the figures stay those of nothing known."""
    monkeypatch.setattr(bookshelf, "FRESH", 3600.0)


async def read(scene: Scene, *arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of `prospect explain` on a terminal."""
    key = scene.gateway.client.headers["authorization"].removeprefix("Bearer ")
    environment = {**os.environ, "PROSPECT_URL": scene.gateway.url, "PROSPECT_KEY": key}

    def launch(end: int) -> subprocess.Popen[str]:
        ends: dict[str, Any] = {"stdout": end, "stderr": end, "stdin": end}
        line = [*PROGRAM, "explain", *arguments]
        return subprocess.Popen(line, env=environment, text=True, start_new_session=True, **ends)

    code, text = await asyncio.to_thread(seen, launch)
    return code, text.splitlines()


async def explained_as(scene: Scene, reply: httpx.Response, *more: str) -> list[str]:
    _ = await explained(scene, reply)
    code, lines = await read(scene, reply.json()["meta"]["request_id"], *more)
    assert code == 0
    return lines


async def a_lookup_is_told(scene: Scene) -> None:
    reply = await scene.find(scene.person(snov="valid"), max_cost="0.05")
    assert await explained_as(scene, reply) == LISTED


async def a_row_of_a_job_is_told(scene: Scene) -> None:
    people = scene.person(hunter="valid"), scene.person(snov="valid")
    body = {"operation": "emails.find", "items": [body_of(one) for one in people]}
    job = await scene.job(await scene.gateway.post("/v1/jobs", body))
    assert await read(scene, f"{job['id']}.1") == (0, LISTED)
    code, lines = await read(scene, f"{job['id']}.0")
    assert (code, lines[1]) == (0, f"{HUNTER} It had the answer.")
    assert len(lines) == len(LISTED)


async def a_call_that_failed_is_told(scene: Scene) -> None:
    scene.fault("hunter", "status", status=500)
    reply = await scene.find(scene.person(snov="valid"))
    lines = await explained_as(scene, reply)
    assert lines[1:3] == [f"{HUNTER} Its call failed (unavailable).", LISTED[2]]


async def a_learned_order_is_told(scene: Scene) -> None:
    reply = await scene.find(scene.person(), order="learned", value="0.2", wait_price="0.0001")
    lines = await explained_as(scene, reply)
    assert lines[0] == "emails.find, order learned:"
    for line, ordinal in zip(lines[1:-1], ("first", "second", "third"), strict=True):
        assert re.fullmatch(
            rf"  [a-z]+ came {ordinal}: drawn at 0\.[0-9]+ USD per accepted answer, waiting"
            r" included, the least of all left\. A call costs 0\.[0-9]+ USD on average and brings"
            r" an accepted answer in [0-9]+ %; no call like it is known\.( By the averages .+)?"
            r" It had nothing\.",
            line,
        )
    assert lines[-1] == SAME


async def a_guess_is_told(scene: Scene) -> None:
    person, *_ = await taught(scene)
    lines = await explained_as(scene, await scene.find(person, providers=["hunter", "pattern"]))
    assert lines == [
        "emails.find, order listed:",
        "  pattern came first: its domain's addresses tell how it makes them. hunter verifies a"
        " guess for 0.0245 USD, and one is there in 56 %: that saves more than it costs, as hunter"
        " would take up to 0.049 USD. It is there.",
        "  hunter was not asked: the lookup ended before its turn.",
        SAME,
    ]


def question() -> Question:
    options = (
        priced("hunter", "per_hit", 49_000, worst=49_000),
        priced("over_budget", "per_hit", 500_000, worst=500_000),
        priced("not_worth_it", "per_hit", 190_000, worst=190_000),
        *(Option(provider=reason, barred=reason) for reason in BARRED),
    )
    return Question(segment="", options=options, policy=Policy(value=200_000, max_cost=200_000))


def kept(*, intact: bool) -> bytes:
    """A lookup in which everybody but hunter was passed over, each for another reason."""
    asked = question()
    decision = digest(rate(asked, {}) if intact else [])
    ends = [End(reason, "skipped", reason, False) for reason in (*WEIGHED, *BARRED)]
    trace = Trace(asked, (to_move(asked, {}, START),))
    found = (End("hunter", "accepted", "", False), *ends)
    return encode(Chronicle("emails.find", 0, trace, (decision,), found))


async def each_reason_is_told(scene: Scene) -> None:
    assert {*WEIGHED, *BARRED} == set(get_args(Reason))
    await scene.store.call("SET", f"{TRACES}passed", kept(intact=True))
    code, lines = await read(scene, "passed")
    assert code == 0
    assert lines[0] == "emails.find, order learned:"
    assert lines[1].startswith("  hunter came first: drawn at 0.06533 USD per accepted answer,")
    assert lines[2:-1] == [
        f"  {reason} was not asked: {why} ({reason})."
        for reason, why in {**WEIGHED, **BARRED}.items()
    ]
    assert lines[-1] == SAME
    await scene.store.call("SET", f"{TRACES}changed", kept(intact=False))
    assert (await read(scene, "changed"))[1] == [*lines[:-1], OTHER]


CHECKS: list[tuple[Check, Any, str, Any]] = [
    (a_lookup_is_told, narration, "ENDS", {}),
    (a_row_of_a_job_is_told, Course, "memo", lambda *_: None),
    (a_call_that_failed_is_told, narration, "_in_force", lambda _, ratings, *__: ratings[-1]),
    (a_learned_order_is_told, explanation, "ORDINALS", ("first", "third", "second")),
    (a_guess_is_told, narration, "why_guessed", lambda *_: "pattern came first."),
    (each_reason_is_told, explanation, "REASONS", {}),
]


@pytest.mark.parametrize("check", [row[0] for row in CHECKS])
async def test_explanations(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check, place, name, instead", CHECKS)
async def test_explanations_that_say_something_else_are_caught(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
    place: Any,
    name: str,
    instead: Any,
) -> None:
    monkeypatch.setattr(place, name, instead)
    if place is explanation and name == "REASONS":
        monkeypatch.setattr(narration, name, instead)
    with pytest.raises(AssertionError):
        await check(scene)


async def test_a_teams_lookup_is_told_by_the_name_of_the_team(scene: Scene) -> None:
    team = await scene.gateway.team("sales")
    async with scene.gateway.caller(await scene.gateway.key(team)) as theirs:
        body = {**body_of(scene.person(snov="valid")), "routing": {"max_cost": "0.05"}}
        reply = await theirs.post("/v1/emails/find", json=body)
    name = reply.json()["meta"]["request_id"]

    async def is_kept() -> bool:
        return bool(await scene.store.call("EXISTS", f"{{pgw}}:live:trace:{team}:{name}"))

    await until(is_kept)
    assert await read(scene, name, "--team", "sales") == (0, LISTED)
    code, lines = await read(scene, name)
    assert code != 0
    assert "No decision of such a request is kept" in lines[0]
