"""Every way a provider can fail has its word, and costs what it cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gateway.store.connection import Store
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import make_settings
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    SIXTYFOUR_POLL,
    SIXTYFOUR_START,
    SNOV_PUSH,
    SNOV_READ,
    Scene,
    attempts,
    body_of,
    cost,
    outcome,
)
from tests.gateway.money.books import entries, spent

Case = tuple[str, str, dict[str, Any], str]
POLL = "/job-status/*"
PRICES = {"hunter": Decimal("0.049"), "snov": Decimal("0.03"), "sixtyfour": Decimal("0.05")}
FAILED: list[Case] = [
    ("hunter", "status", {"status": 500}, "unavailable"),
    ("hunter", "status", {"status": 502}, "unavailable"),
    ("hunter", "status", {"status": 503}, "unavailable"),
    ("hunter", "status", {"status": 403}, "rate_limited"),
    ("hunter", "status", {"status": 408}, "timed_out"),
    ("hunter", "status", {"status": 422}, "invalid_query"),
    ("hunter", "status", {"status": 404}, "unsupported"),
    ("hunter", "status", {"status": 402}, "out_of_credits"),
    ("hunter", "unauthorized", {}, "authentication_failed"),
    ("hunter", "out_of_credits", {}, "out_of_credits"),
    ("hunter", "quota_as_401", {}, "out_of_credits"),
    ("snov", "status", {"path": SNOV_READ, "status": 500}, "unavailable"),
    ("snov", "status", {"path": SNOV_READ, "status": 429}, "rate_limited"),
    ("snov", "status", {"path": SNOV_PUSH, "status": 500}, "unavailable"),
    ("snov", "out_of_credits", {}, "out_of_credits"),
    ("snov", "quota_as_401", {}, "out_of_credits"),
    ("sixtyfour", "status", {"status": 500}, "unavailable"),
    ("sixtyfour", "status", {"status": 429}, "rate_limited"),
    ("sixtyfour", "unauthorized", {}, "authentication_failed"),
    ("sixtyfour", "out_of_credits", {}, "out_of_credits"),
    ("sixtyfour", "quota_as_401", {}, "out_of_credits"),
]  # fmt: skip
# What came back can't be read, or nothing did: the provider may have charged.
DOUBTFUL: list[Case] = [
    ("hunter", "charge_without_reply", {}, "unavailable"),
    ("hunter", "status", {"status": 504, "charge": True}, "unavailable"),
    ("hunter", "close", {}, "unavailable"),
    ("hunter", "hang", {}, "timed_out"),
    ("hunter", "html", {}, "malformed_response"),
    ("hunter", "garbage", {}, "malformed_response"),
    ("hunter", "deep", {}, "malformed_response"),
    ("hunter", "empty_body", {}, "malformed_response"),
    ("hunter", "truncated", {}, "malformed_response"),
    ("hunter", "rename_field", {}, "malformed_response"),
    ("hunter", "reset", {}, "unavailable"),
    ("hunter", "wrong_length", {}, "unavailable"),
    ("snov", "charge_without_reply", {"path": SNOV_PUSH}, "unavailable"),
    ("snov", "hang", {"path": SNOV_PUSH}, "timed_out"),
    ("snov", "status", {"path": SNOV_PUSH, "status": 504}, "unavailable"),
    ("sixtyfour", "status", {"path": SIXTYFOUR_START, "status": 504}, "unavailable"),
    ("sixtyfour", "charge_without_reply", {"path": SIXTYFOUR_START}, "unavailable"),
    ("sixtyfour", "rename_field", {"path": SIXTYFOUR_START}, "malformed_response"),
]  # fmt: skip
# The free read before the push: whatever happens to it, nothing was bought.
FREE: list[Case] = [
    ("snov", "hang", {"path": SNOV_READ}, "timed_out"),
    ("snov", "close", {"path": SNOV_READ}, "unavailable"),
    ("snov", "status", {"path": SNOV_READ, "status": 504}, "unavailable"),
    ("snov", "garbage", {"path": SNOV_READ}, "malformed_response"),
    ("snov", "deep", {"path": SNOV_READ}, "malformed_response"),
]


def quick(kind: str) -> dict[str, Any]:
    return {"timeout": 0.4} if kind == "hang" else {}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.lookup.tickets.wait_after", lambda _error, _poll: 0.01)


@pytest.mark.parametrize("provider", PRICES)
async def test_a_failure_has_its_reason_and_costs_nothing(scene: Scene, provider: str) -> None:
    for case in FAILED + FREE:
        if case[0] == provider:
            await check_failure(scene, *case)


async def check_failure(
    scene: Scene, provider: str, kind: str, options: dict[str, Any], reason: str
) -> None:
    before = await spent(scene.store)
    scene.fault(provider, kind, **options)
    person = scene.person(hunter="valid", snov="valid", sixtyfour="valid")
    reply = await scene.find(person, providers=[provider], **quick(kind))
    assert attempts(reply) == [(provider, "failed", reason)], (kind, options)
    limited = reason == "rate_limited"
    assert outcome(reply) == ("no_provider_available" if limited else "all_providers_failed")
    assert reply.status_code == (503 if limited else 502)
    assert await spent(scene.store) == before
    await scene.recover()
    await scene.gateway.client.post(f"/v1/admin/credentials/env-{provider}/check")
    again = await scene.find(person, providers=[provider])
    assert (outcome(again), cost(again)) == ("accepted", PRICES[provider])


@pytest.mark.parametrize("provider", PRICES)
async def test_silence_is_in_doubt_and_not_asked_again(scene: Scene, provider: str) -> None:
    for case in DOUBTFUL:
        if case[0] == provider:
            await check_doubt(scene, *case)


async def test_what_cannot_be_read_is_in_doubt_once_its_life_is_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.tickets.LIFE", 0)
    options = {"path": POLL, "field": "result"}
    await check_doubt(scene, "sixtyfour", "rename_field", options, "malformed_response")


async def check_doubt(
    scene: Scene, provider: str, kind: str, options: dict[str, Any], reason: str
) -> None:
    scene.fault(provider, kind, **options)
    other = "snov" if provider == "hunter" else "hunter"
    person = scene.person({provider: "valid", other: "valid"})
    reply = await scene.find(person, providers=[provider, other], **quick(kind))
    meta = reply.json()["meta"]
    expected = [(provider, "in_doubt", reason), (other, "accepted", None)]
    assert attempts(reply) == expected, (kind, options)
    assert Decimal(meta["in_doubt"]) == PRICES[provider]
    assert Decimal(meta["cost"]) == PRICES[other]
    await scene.recover()
    asked = scene.simulator.app.traffic.counts.copy()
    again = await scene.find(person, providers=[provider], max_age=0)
    assert attempts(again) == [(provider, "in_doubt", None)]
    assert (again.status_code, outcome(again)) == (503, "no_provider_available")
    assert scene.simulator.app.traffic.counts == asked


async def test_a_word_never_seen_before_is_unknown(scene: Scene) -> None:
    scene.fault("hunter", "unknown_word")
    reply = await scene.find(scene.person(hunter="valid"), providers=["hunter"])
    assert attempts(reply) == [("hunter", "weak", None)]
    assert reply.json()["data"]["status"] == "unknown"


FLEETING: list[tuple[str, str, dict[str, Any]]] = [
    ("sixtyfour", "status", {"path": POLL, "status": 500}),
    ("sixtyfour", "status", {"path": POLL, "status": 429, "retry_after": 1}),
    ("sixtyfour", "close", {"path": POLL}),
    ("sixtyfour", "garbage", {"path": POLL}),
    ("sixtyfour", "unauthorized", {"path": POLL}),
    ("snov", "never_ready", {"path": SNOV_READ}),
]


async def test_a_poll_that_fails_is_tried_again(scene: Scene) -> None:
    for provider, kind, options in FLEETING:
        await scene.recover()
        scene.fault(provider, kind, times=2, **options)
        before = scene.billed()
        reply = await scene.find(scene.person({provider: "valid"}), providers=[provider])
        assert attempts(reply) == [(provider, "accepted", None)], (kind, options)
        assert cost(reply) == scene.billed() - before == PRICES[provider]


async def test_an_account_without_credits_still_collects_what_it_bought(scene: Scene) -> None:
    """Nothing new is bought by it, and its older answers do not say that it has credits again."""
    scene.fault("sixtyfour", "status", path=POLL, status=402, times=2)
    first = await scene.find(scene.person(sixtyfour="valid"), providers=["sixtyfour"])
    assert attempts(first) == [("sixtyfour", "accepted", None)]
    assert cost(first) == scene.billed() == PRICES["sixtyfour"]
    second = await scene.find(scene.person(sixtyfour="valid"), providers=["sixtyfour"])
    assert attempts(second) == [("sixtyfour", "skipped", "out_of_credits")]
    assert scene.requests(SIXTYFOUR_START) == 1


async def test_a_paid_ticket_that_ends_badly_is_posted_and_the_failure_shared(
    scene: Scene,
) -> None:
    """A push of Snov.io is charged whether or not something comes of it."""
    person = scene.person(snov="valid")
    scene.fault("snov", "status", path=SNOV_READ, status=400, times=None)
    scene.fault("snov", "never_ready", path=SNOV_READ, times=1)
    scene.simulator.faults.listed.reverse()
    reply = await scene.find(person, providers=["snov"])
    assert attempts(reply) == [("snov", "failed", "invalid_query")]
    assert cost(reply) == scene.billed() == Decimal("0.03")


async def test_an_objection_ends_the_lookup_for_every_spelling_and_provider(scene: Scene) -> None:
    person = scene.person(hunter="valid", snov="valid", sixtyfour="valid")
    scene.fault("hunter", "status", path=HUNTER_FIND, status=451)
    first = await scene.find(person)
    assert (first.status_code, outcome(first)) == (451, "suppressed")
    assert attempts(first) == [("hunter", "failed", "suppressed")]
    await scene.recover()
    last, domain = person.last_name.upper(), f"www.{person.company.domain}"
    for asked in (
        {"full_name": f"{last}, {person.first_name}", "domain": domain},
        {**body_of(person), "kind": "personal"},
        {**body_of(person), "hints": {"job_title": "CEO"}},
        {**body_of(person), "routing": {"providers": ["snov"], "max_age": 0}},
    ):
        reply = await scene.gateway.post("/v1/emails/find", asked)
        assert (reply.status_code, outcome(reply)) == (451, "suppressed")
    assert scene.charges() == scene.requests(SNOV_PUSH) == scene.requests(SIXTYFOUR_START) == 0


async def test_an_objection_of_a_query_without_a_person_reserves_no_next_step(
    scene: Scene, store: Store
) -> None:
    scene.fault("letrics", "status", status=451)
    reply = await scene.gateway.post("/v1/companies/search", {"functions": ["Sales"]})
    assert reply.status_code == 451
    assert [row["state"] for row in await entries(store)] == ["voided"]


async def test_an_address_that_objected_is_not_found_again(scene: Scene) -> None:
    person = scene.person(hunter="valid", snov="valid")
    scene.fault("hunter", "status", path="/email-verifier", status=451)
    verified = await scene.gateway.post("/v1/emails/verify", {"email": person.email})
    assert verified.status_code == 451
    bought = await scene.find(person, providers=["hunter"])
    assert bought.status_code == 451
    assert scene.charges("hunter") == 1
    for provider in ("hunter", "snov"):
        assert (await scene.find(person, providers=[provider])).status_code == 451
    assert scene.charges() == 1


@pytest.mark.parametrize(
    "hunter, snov, status, code, after",
    [
        ({"status": 403}, {"status": 429}, 503, "no_provider_available", None),
        ({"status": 403, "retry_after": 30}, {"status": 429, "retry_after": 7}, 503,
         "no_provider_available", "7"),
        ({"status": 403}, {"status": 500}, 502, "all_providers_failed", None),
    ],
)  # fmt: skip
async def test_rate_limits_everywhere_say_when_to_come_back(
    scene: Scene, hunter: Any, snov: Any, status: int, code: str, after: str | None
) -> None:
    scene.fault("hunter", "status", **hunter)
    scene.fault("snov", "status", path=SNOV_PUSH, **snov)
    reply = await scene.find(scene.person(), providers=["hunter", "snov"])
    assert (reply.status_code, outcome(reply)) == (status, code)
    assert "retry-after" in reply.headers or status == 502
    assert after is None or reply.headers["retry-after"] == after


async def test_a_provider_that_is_not_there_costs_nothing(
    start_scene: StartScene, store_url: str, simulator: RunningSimulator
) -> None:
    providers = dict(make_settings(store_url, simulator).providers)
    away = msgspec.structs.replace(providers["hunter"], base_url="http://127.0.0.1:9")
    scene = await start_scene(providers={**providers, "hunter": away})
    reply = await scene.find(scene.person(snov="valid"), providers=["hunter", "snov"])
    assert attempts(reply)[0] == ("hunter", "failed", "unavailable")
    assert reply.json()["meta"]["in_doubt"] == "0"


async def test_a_timeout_stops_new_steps_and_leaves_half_to_the_next(scene: Scene) -> None:
    scene.fault("hunter", "hang", path=HUNTER_FIND)
    person = scene.person(sixtyfour="valid")
    reply = await scene.find(person, providers=["hunter", "sixtyfour"], timeout=2.0)
    meta = reply.json()["meta"]
    assert attempts(reply)[0] == ("hunter", "in_doubt", "timed_out")
    assert 900 <= meta["attempts"][0]["elapsed_ms"] <= 1800
    assert attempts(reply)[1] == ("sixtyfour", "accepted", None)
    assert scene.requests(SIXTYFOUR_POLL) == 1


async def test_no_step_starts_after_the_timeout(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=0.8)
    person = scene.person(hunter="valid")
    reply = await scene.find(person, providers=["sixtyfour", "hunter"], timeout=0.5)
    assert attempts(reply) == [("sixtyfour", "empty", None), ("hunter", "skipped", "timed_out")]
    assert scene.requests(HUNTER_FIND) == 0


async def test_an_objection_by_name_and_domain_is_seen_in_an_answer_to_another_question(
    scene: Scene,
) -> None:
    person = scene.person(hunter="valid", snov="valid")
    scene.fault("hunter", "status", path=HUNTER_FIND, status=451)
    assert (await scene.find(person, providers=["hunter"])).status_code == 451
    await scene.recover()
    asked = {"full_name": person.full_name, "company": person.company.name}
    for _ in range(2):
        body = {**asked, "routing": {"providers": ["hunter"]}}
        reply = await scene.gateway.post("/v1/emails/find", body)
        assert (reply.status_code, outcome(reply)) == (451, "suppressed")
