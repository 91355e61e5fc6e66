"""The document knows every route of account objects; pace, keys and the command line hold too."""

from __future__ import annotations

from typing import Any

import pytest

from providers.accounts.base import ACTIONS
from providers.accounts.drafts import LeadFilters
from providers.registry import ADAPTERS, account_actions
from tests.gateway.accounts.conftest import Desk
from tests.gateway.accounts.walk import BASE, CALLS
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import Gateway

TAG = "Provider accounts"
PROBLEMS = {"401", "403", "404", "422", "429", "451", "500", "502", "503"}


@pytest.fixture
async def document(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = (await gateway.client.get("/openapi.json")).json()
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    prefix = BASE + "/{name}"
    return {
        (method.upper(), path.removeprefix(prefix)): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if TAG in operation["tags"]
    }


async def test_every_route_is_documented_with_all_that_it_may_answer(
    document: dict[str, Any],
) -> None:
    found = operations(document)
    calls = {(call.method, call.route): call for calls in CALLS.values() for call in calls}
    assert set(found) == set(calls)
    for place, operation in found.items():
        call = calls[place]
        assert str(call.status) in operation["responses"], place
        assert set(operation["responses"]) >= PROBLEMS, place
        assert ("requestBody" in operation) is (call.body is not None), place
        assert operation["summary"]
        names = [parameter["name"] for parameter in operation["parameters"]]
        assert len(names) == len(set(names)), place
        assert {"name", "credential", "X-Gateway-Credential"} <= set(names)
        assert {"limit", "cursor"} <= set(names) or not call.action.endswith((".list", ".events"))
        if call.status != 204:
            reply = operation["responses"][str(call.status)]["content"]["application/json"]
            name = reply["schema"]["$ref"].rpartition("/")[2]
            members = document["components"]["schemas"][name]["properties"]
            assert set(members) == {"data", "meta"}, name


async def test_filters_and_words_are_documented(document: dict[str, Any]) -> None:
    found = operations(document)
    leads = {one["name"]: one["schema"] for one in found["GET", "/leads"]["parameters"]}
    assert set(LeadFilters.__struct_fields__) <= set(leads)
    assert leads["status"]["type"] == "array"
    assert leads["last_activity"]["enum"] == ["any", "none"]
    events = found["GET", "/campaigns/{campaign_id}/events"]["parameters"]
    [kinds] = [one["schema"] for one in events if one["name"] == "type"]
    assert "finished" in str(kinds)


async def test_a_provider_says_what_can_be_done_with_its_accounts(gateway: Gateway) -> None:
    rows = (await gateway.client.get(BASE)).json()["data"]
    shown = {row["name"]: row["account_actions"] for row in rows}
    assert shown == {name: account_actions(name) for name in ADAPTERS}
    assert set(shown["hunter"]) | set(shown["snov"]) == set(ACTIONS)
    assert shown["sixtyfour"] == shown["letrics"] == []


async def test_account_calls_count_against_the_pace_of_a_team_and_its_keys(desk: Desk) -> None:
    team = await desk.gateway.team(rate_limit_per_minute=2)
    key = await desk.gateway.key(team, "accounts:read", "accounts:write")
    async with desk.gateway.caller(key) as client:
        for _ in range(2):
            reply = await desk.send("GET", "/hunter/account", client=client)
            assert reply.status_code == 200
        reply = await desk.send("GET", "/hunter/account", client=client)
        problem_of(reply, 429, "rate_limited")
        assert int(reply.headers["retry-after"]) > 0


async def test_what_runs_at_once_is_given_back(desk: Desk) -> None:
    team = await desk.gateway.team(max_concurrency=1)
    key = await desk.gateway.key(team, "accounts:read", "accounts:write")
    async with desk.gateway.caller(key) as client:
        for call in CALLS["hunter"]:
            path = call.path("hunter").removeprefix(BASE)
            reply = await desk.send(call.method, path, call.body, client=client)
            assert reply.status_code == call.status, call
        for status in (404, 502):
            if status == 502:
                desk.fault("hunter", "html")
            reply = await desk.send("GET", "/hunter/leads/999", client=client)
            assert reply.status_code == status


async def test_reading_and_writing_take_keys_of_their_own(desk: Desk) -> None:
    for scope, allowed in (("accounts:read", "GET"), ("accounts:write", "")):
        key = await desk.gateway.key("default", scope)
        async with desk.gateway.caller(key) as client:
            for call in CALLS["hunter"]:
                path = call.path("hunter").removeprefix(BASE)
                reply = await desk.send(call.method, path, call.body, client=client)
                may = (call.method == "GET") is bool(allowed)
                assert (reply.status_code == 403) is not may, (scope, call)


async def test_the_ledger_names_who_asked_and_holds_nothing_of_a_person(desk: Desk) -> None:
    team = await desk.gateway.team()
    key = await desk.gateway.key(team, "accounts:write")
    async with desk.gateway.caller(key) as client:
        body = {"email": "grace@new.example", "first_name": "Grace"}
        assert (await desk.send("POST", "/hunter/leads", body, client=client)).status_code == 201
    [entry] = await desk.entries(team=team)
    assert (entry["operation"], entry["provider"]) == ("leads.create", "hunter")
    assert key[4:16] == entry["key"]
    raw = await desk.store.call("HGETALL", f"{{pgw}}:live:entry:{entry['id']}")
    assert b"grace" not in repr(raw).lower().encode()


async def test_a_head_request_reads_and_says_nothing(desk: Desk) -> None:
    reply = await desk.gateway.client.head(f"{BASE}/hunter/leads")
    assert (reply.status_code, reply.content) == (200, b"")
