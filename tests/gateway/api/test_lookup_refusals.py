"""How a lookup fails over HTTP: one test for each status and code of the contract."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.lookup.waterfall import Waterfall
from providers.simulator.faults import Fault
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import Gateway, GatewayFactory

FIND = "/v1/emails/find"
VERIFY = "/v1/emails/verify"
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
ADDRESS = {"email": "ada.lovelace@blue-harbor.example"}
ALL = ("hunter", "snov", "sixtyfour", "letrics")


def break_all(simulator: RunningSimulator, kind: Any, **options: Any) -> None:
    for provider in ALL:
        simulator.faults.put(Fault(provider=provider, kind=kind, **options))


async def test_402_names_the_budget(gateway: Gateway) -> None:
    """Which budget, spent, reserved, limit and resets_at; money as decimal strings."""
    budget = {"amount": "0.05", "period": "month"}
    team = await gateway.team(budget=[budget, {"amount": "100", "period": "total"}])
    async with gateway.caller(await gateway.key(team)) as client:
        routing = {"providers": ["hunter"]}
        first = await client.post(FIND, json={**PERSON, "routing": routing})
        assert first.json()["meta"]["cost"] == "0.049", first.text
        second = await client.post(VERIFY, json={**ADDRESS, "routing": routing})
    problem = problem_of(second, 402, "budget_exhausted")
    fault = problem["errors"][0]
    assert fault["budget"] == f"team:{team}"
    assert fault["period"] == "month"
    assert (fault["spent"], fault["reserved"], fault["limit"]) == ("0.049", "0", "0.05")
    assert fault["resets_at"].endswith("-01T00:00:00Z")
    assert [item["reason"] for item in problem["attempts"]] == ["over_budget"]
    assert second.headers["x-gateway-cost"] == "0"


async def test_402_of_max_cost_says_so(gateway: Gateway) -> None:
    body = {**PERSON, "routing": {"max_cost": "0.001"}}
    problem = problem_of(await gateway.post(FIND, body), 402, "budget_exhausted")
    fault = problem["errors"][0]
    assert (fault["budget"], fault["limit"], fault["spent"]) == ("max_cost", "0.001", "0")
    assert fault["resets_at"] is None
    assert {item["outcome"] for item in problem["attempts"]} == {"skipped"}


async def test_402_of_a_key_leaves_the_team_alone(gateway: Gateway) -> None:
    poor = await gateway.key(budget={"amount": "0", "period": "total"})
    async with gateway.caller(poor) as client:
        problem = problem_of(await client.post(FIND, json=PERSON), 402, "budget_exhausted")
    assert problem["errors"][0]["budget"].startswith("key:")
    assert problem["errors"][0]["resets_at"] is None
    assert (await gateway.post(FIND, PERSON)).status_code == 200


async def test_a_cached_answer_needs_no_budget(gateway: Gateway) -> None:
    assert (await gateway.post(FIND, PERSON)).status_code == 200
    team = await gateway.team(budget={"amount": "0", "period": "total"})
    async with gateway.caller(await gateway.key(team)) as client:
        reply = await client.post(FIND, json=PERSON)
    assert (reply.status_code, reply.json()["meta"]["cost"]) == (200, "0")


async def test_404_is_also_another_teams_job(gateway: Gateway) -> None:
    made = await gateway.post(FIND, PERSON, prefer="respond-async")
    assert made.status_code == 202, made.text
    path = made.headers["location"]
    assert (await gateway.client.get(path)).status_code == 200
    async with gateway.caller(await gateway.key(await gateway.team())) as stranger:
        theirs = problem_of(await stranger.get(path), 404, "not_found")
        nobodys = problem_of(await stranger.get("/v1/jobs/job_0"), 404, "not_found")
        assert (await stranger.get("/v1/jobs")).json()["data"] == []
    assert {**theirs, "request_id": ""} == {**nobodys, "request_id": ""}


async def test_422_unsupported_says_why(gateway: Gateway) -> None:
    routing = {"routing": {"providers": ["sixtyfour"]}}
    nobody = await gateway.post("/v1/people/enrich", {**ADDRESS, **routing})
    assert "sixtyfour" in problem_of(nobody, 422, "unsupported")["detail"]
    wrong = await gateway.post(FIND, {**PERSON, "routing": {"providers": ["letrics"]}})
    assert "letrics" in problem_of(wrong, 422, "unsupported")["detail"]


WORDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("domains", {"seniorities": ["Boss"]}, "/seniorities/0", "executive, junior, senior"),
    ("domains", {"departments": ["it", "cooks"]}, "/departments/1", "communication, design"),
    ("domains", {"required_fields": ["age"]}, "/required_fields/0", "full_name"),
    ("domains", {"routing": {"order": "any"}}, "/routing/order", "cheapest, learned, listed"),
    ("domains", {"routing": {"accept": {"statuses": ["x"]}}}, "/routing/accept/statuses/0",
     "catch_all, disposable"),
    ("domains", {"routing": {"max_cost": "1,0"}}, "/routing/max_cost", "money such as 0.10"),
    ("companies", {"added_after": "yesterday"}, "/added_after", "2026-01-31T08:00:00Z"),
    ("contacts", {"added_after": "2026-02-01", "added_before": "2026-01-31"}, "/added_after",
     "is later than added_before"),
]  # fmt: skip


async def test_422_says_what_is_allowed(gateway: Gateway) -> None:
    for kind, change, pointer, words in WORDS:
        place = {"domain": "blue-harbor.example"} if kind == "domains" else {}
        reply = await gateway.post(f"/v1/{kind}/search", {**place, **change})
        fault = problem_of(reply, 422, "invalid_query")["errors"][0]
        assert fault["pointer"] == pointer, reply.text
        assert words in fault["details"]
    free = await gateway.post("/v1/contacts/search", {"seniorities": ["Boss"], "limit": 1})
    assert free.status_code == 200, "the provider's own words are not known here"
    days = {"added_after": "2020-01-01", "added_before": "2030-01-01T00:00+02:00", "limit": 1}
    assert (await gateway.post("/v1/companies/search", days)).status_code == 200
    limits = {"provider": "hunter", "name": "n", "secret": {"api_key": "k"}, "limits": {"week": 1}}
    assert "per_day" in (await gateway.post("/v1/admin/credentials", limits)).json()["detail"]


async def test_429_says_when_to_come_back(gateway: Gateway) -> None:
    team = await gateway.team(rate_limit_per_minute=2)
    async with gateway.caller(await gateway.key(team)) as client:
        replies = [await client.post(FIND, json=PERSON) for _ in range(4)]
    # The minute may turn within the test; then all but the last may pass.
    refused = [reply for reply in replies if reply.status_code != 200]
    for reply in refused:
        problem_of(reply, 429, "rate_limited")
        assert 1 <= int(reply.headers["retry-after"]) <= 60
        assert reply.headers["ratelimit"].startswith('"team";r=0;t=')
    assert replies[0].headers["ratelimit-policy"] == '"team";q=2;w=60'
    assert replies[0].headers["ratelimit"].startswith('"team";r=1;t=')
    assert refused or replies[2].headers["ratelimit"].startswith('"team";r=1;')
    assert (await gateway.post(FIND, PERSON)).status_code == 200, "another team is not concerned"


async def test_451_is_remembered_in_every_spelling(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.faults.put(Fault(provider="hunter", kind="status", status=451))
    problem_of(await gateway.post(FIND, PERSON), 451, "suppressed")
    simulator.faults.clear()
    asked = len(simulator.bill.rows)
    for spelling in ("ADA LOVELACE", "Lovelace, Ada", "Áda  Lovelace"):
        for providers in ([], ["snov"], ["sixtyfour"]):
            routing = {"routing": {"providers": providers}} if providers else {}
            body = {**PERSON, "full_name": spelling, **routing}
            problem_of(await gateway.post(FIND, body), 451, "suppressed")
    assert len(simulator.bill.rows) == asked
    other = {**PERSON, "full_name": "Nobody Atall"}
    assert (await gateway.post(FIND, other)).status_code == 200


async def test_500_says_nothing_of_what_happened(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("Ada Lovelace ada@blue-harbor.example sim-hunter-key")

    monkeypatch.setattr(Waterfall, "run", fail)
    reply = await gateway.post(FIND, PERSON, x_request_id="find-me")
    problem_of(reply, 500, "internal_error")
    seen = capfd.readouterr()
    logged = next(line for line in seen.out.splitlines() if "request.crashed" in line)
    assert "find-me" in logged
    assert "RuntimeError" in logged
    for text in (reply.text, seen.out, seen.err):
        assert "Lovelace" not in text
        assert "sim-hunter-key" not in text


async def test_502_tells_what_each_provider_did(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    break_all(simulator, "status", status=500)
    problem = problem_of(await gateway.post(FIND, PERSON), 502, "all_providers_failed")
    assert [item["provider"] for item in problem["attempts"]] == ["hunter", "snov", "sixtyfour"]
    for item in problem["attempts"]:
        assert item["outcome"] in ("failed", "in_doubt")
        assert item["operation"] == "emails.find"
        assert item["reason"] == "unavailable"
        assert Decimal(item["cost"]) == 0


async def test_one_clean_empty_beside_failures_is_a_success(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    simulator.faults.put(Fault(provider="hunter", kind="status", status=500))
    body = {"full_name": "Nobody Atall", "domain": "blue-harbor.example"}
    reply = await gateway.post(FIND, {**body, "routing": {"providers": ["hunter", "snov"]}})
    assert reply.status_code == 200, reply.text
    meta = reply.json()["meta"]
    assert reply.json()["data"] is None
    assert (meta["outcome"], meta["complete"]) == ("empty", False)


async def test_503_without_a_credential(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(only=("hunter",))
    reply = await gateway.post("/v1/contacts/search", {})
    assert "credential" in problem_of(reply, 503, "no_provider_configured")["detail"]
    routed = await gateway.post(FIND, {**PERSON, "routing": {"providers": ["snov"]}})
    assert "credential" in problem_of(routed, 503, "no_provider_configured")["detail"]


async def test_503_when_every_provider_asks_to_wait(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    break_all(simulator, "status", status=429, retry_after=7)
    body = {**ADDRESS, "routing": {"providers": ["hunter"]}}
    reply = await gateway.post(VERIFY, body)
    problem = problem_of(reply, 503, "no_provider_available")
    assert reply.headers["retry-after"] == "7"
    assert [item["reason"] for item in problem["attempts"]] == ["rate_limited"]


async def test_a_refusal_keeps_the_headers_of_a_lookup(
    gateway: Gateway, simulator: RunningSimulator
) -> None:
    break_all(simulator, "status", status=500)
    reply = await gateway.post(FIND, PERSON)
    assert reply.status_code == 502
    assert set(reply.headers) >= {
        "x-gateway-cost",
        "x-gateway-cache",
        "server-timing",
        "ratelimit",
        "ratelimit-policy",
        "x-request-id",
    }
    assert "x-gateway-provider" not in reply.headers
