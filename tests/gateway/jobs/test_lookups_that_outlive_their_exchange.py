"""What is not done when the wait is over becomes a job, and ends as the exchange would have."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.lookup.scene import (
    NOTHING,
    SIXTYFOUR_START,
    Scene,
    attempts,
    body_of,
    cost,
    outcome,
)

HIT = Decimal("0.05")


def comparable(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what differs from call to call."""
    meta = body["meta"]
    for name in ("request_id", "elapsed_ms"):
        meta.pop(name)
    for one in meta["attempts"]:
        one.pop("elapsed_ms")
    if body["data"]:
        body["data"]["provenance"].pop("fetched_at")
    return body


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "Respond-Async, handling=lenient"])
async def test_a_job_at_once_ends_as_the_exchange_would_have(scene: Scene, prefer: str) -> None:
    people = [scene.person(snov="valid") for _ in range(2)]
    answered = await scene.find(people[0])
    promised = await scene.find(people[1], prefer=prefer)
    data = promised.json()["data"]
    assert (data["status"], data["counts"]["total"]) == ("running", 1)
    assert promised.headers["location"] == f"/v1/jobs/{data['id']}"
    job = await scene.job(promised)
    assert job["status"] == "completed"
    assert {name: n for name, n in job["counts"].items() if n} == {
        "total": 1, "done": 1, "accepted": 1,
    }  # fmt: skip
    assert Decimal(job["cost"]) == cost(answered) == Decimal("0.03")
    said, found = comparable(answered.json()), comparable(job["result"])
    assert found["meta"] == said["meta"]
    assert found["data"]["email"] == people[1].email
    assert found["data"].keys() == said["data"].keys()


async def test_a_job_that_fails_has_the_problem_as_its_result(scene: Scene) -> None:
    scene.fault("hunter", "status", status=500)
    promised = await scene.find(scene.person(), providers=["hunter"], prefer="respond-async")
    job = await scene.job(promised)
    assert (job["status"], job["counts"]["failed"], job["cost"]) == ("failed", 1, "0")
    problem = job["result"]
    assert (problem["status"], problem["code"]) == (502, "all_providers_failed")
    assert problem["attempts"][0]["reason"] == "unavailable"


async def test_an_answer_within_the_wait_is_no_job(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=0.3)
    person = scene.person(sixtyfour="valid")
    reply = await scene.find(person, providers=["sixtyfour"], prefer="wait=30")
    assert (reply.status_code, cost(reply)) == (200, HIT)


async def test_a_ticket_that_outlives_the_wait_becomes_a_job(scene: Scene) -> None:
    scene.fault("sixtyfour", "never_ready", path="/job-status/*")
    person = scene.person(sixtyfour="valid")
    started = time.monotonic()
    promised = await scene.find(person, providers=["sixtyfour"], prefer="wait=1")
    assert time.monotonic() - started > 0.9
    meanwhile = await scene.find(person, providers=["sixtyfour"], prefer="wait=0")
    assert [one.status_code for one in (promised, meanwhile)] == [202] * 2
    scene.heal()
    jobs = [await scene.job(one) for one in (promised, meanwhile)]
    assert [job["result"]["meta"]["outcome"] for job in jobs] == ["accepted"] * 2
    assert [Decimal(job["cost"]) for job in jobs] == [HIT, 0]
    assert scene.requests(SIXTYFOUR_START) == scene.charges() == 1
    assert cost(await scene.find(person, providers=["sixtyfour"])) == 0


async def test_who_joined_a_ticket_becomes_a_job_with_it(scene: Scene) -> None:
    scene.fault("sixtyfour", "never_ready", path="/job-status/*")
    person = scene.person(sixtyfour="valid")
    asked = [scene.find(person, providers=["sixtyfour"], prefer="wait=1") for _ in range(5)]
    replies = await asyncio.gather(*asked)
    scene.heal()
    jobs = [await scene.job(reply) for reply in replies]
    assert {job["result"]["meta"]["outcome"] for job in jobs} == {"accepted"}
    assert sum(Decimal(job["cost"]) for job in jobs) == scene.billed() == HIT


async def test_a_jobs_default_timeout_is_an_hour_and_a_callers_own_stays(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=1.2)

    async def last_step(**timeout: float) -> tuple[str, str, str | None]:
        person, route = scene.person(hunter="valid"), {"providers": ["sixtyfour", "hunter"]}
        job = await scene.job(await scene.find(person, **route, **timeout, prefer="wait=1"))
        last = job["result"]["meta"]["attempts"][-1]
        return last["provider"], last["outcome"], last.get("reason")

    found = await asyncio.gather(last_step(), last_step(timeout=1), last_step(timeout=30))
    assert list(found) == [
        ("hunter", "accepted", None),
        ("hunter", "skipped", "timed_out"),
        ("hunter", "accepted", None),
    ]


async def test_an_open_ticket_is_collected_whatever_the_timeout(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=0.5)
    person = scene.person(sixtyfour="valid")
    reply = await scene.find(person, providers=["sixtyfour"], timeout=0.3)
    assert attempts(reply) == [("sixtyfour", "accepted", None)]


async def test_a_verification_of_a_job_has_the_jobs_time(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=1.2)
    person = scene.person(sixtyfour="unknown")
    route: dict[str, Any] = {"providers": ["sixtyfour"], "verify": "uncertain"}
    job = await scene.job(await scene.find(person, **route, prefer="wait=1"))
    meta = job["result"]["meta"]
    assert [one["operation"] for one in meta["attempts"]] == ["emails.find", "emails.verify"]
    assert meta["outcome"] == "accepted"
    assert Decimal(job["cost"]) == scene.billed()


async def test_another_teams_job_is_not_there(scene: Scene) -> None:
    promised = await scene.find(scene.person(), prefer="respond-async")
    async with scene.gateway.caller(await scene.gateway.key(await scene.gateway.team())) as client:
        found = await client.get(promised.headers["location"])
    assert (found.status_code, found.json()["code"]) == (404, "not_found")
    await scene.job(promised)


async def test_jobs_are_listed_newest_first(scene: Scene) -> None:
    names = []
    for _ in range(3):
        promised = await scene.find(scene.person(), providers=["hunter"], prefer="respond-async")
        names.append((await scene.job(promised))["id"])
        await asyncio.sleep(0.002)
    listed = await scene.gateway.client.get("/v1/jobs")
    assert [job["id"] for job in listed.json()["data"]] == names[::-1]
    assert not any("result" in job for job in listed.json()["data"])


async def test_a_job_that_is_not_done_has_no_result(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=0.5)
    body = {**body_of(scene.person(sixtyfour="valid")), "routing": {"providers": ["sixtyfour"]}}
    promised = await scene.gateway.post("/v1/emails/find", body, prefer="respond-async")
    shown = await scene.gateway.client.get(promised.headers["location"])
    assert "result" not in shown.json()["data"]
    assert (await scene.job(promised))["result"]["meta"]["outcome"] == "accepted"


async def test_a_second_answer_to_the_same_question_needs_no_job(scene: Scene) -> None:
    person = scene.person(sixtyfour="valid")
    await scene.job(await scene.find(person, providers=["sixtyfour"], prefer="respond-async"))
    reply = await scene.find(person, providers=["sixtyfour"])
    assert (outcome(reply), cost(reply)) == ("accepted", NOTHING)
