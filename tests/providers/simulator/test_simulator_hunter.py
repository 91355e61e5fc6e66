"""Hunter's dialect: shapes, misses, errors and where the key may be."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator

KEY = {"x-api-key": "sim-hunter-key"}
ADA = {"domain": "blue-harbor.example", "first_name": "Ada", "last_name": "Lovelace"}


async def ask(
    simulator: RunningSimulator, client: httpx.AsyncClient, path: str, **params: Any
) -> httpx.Response:
    return await client.get(simulator.endpoints.hunter + path, params=params, headers=KEY)


async def test_the_finder_answers_in_the_documented_shape(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    body = (await ask(simulator, client, "/email-finder", **ADA)).json()
    assert set(body["data"]) == {
        "first_name", "last_name", "email", "score", "domain", "accept_all", "position", "twitter",
        "linkedin_url", "phone_number", "company", "sources", "verification",
    }  # fmt: skip
    assert body["data"]["email"] == "ada.lovelace@blue-harbor.example"
    assert body["data"]["verification"]["status"] == "valid"
    assert body["meta"]["params"] == {
        **ADA, "full_name": None, "company": None, "max_duration": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        {"company": "blue harbor", "full_name": "ADA LOVELACE"},
        {"linkedin_handle": "ada-lovelace-sim0"},
        {"domain": "https://www.blue-harbor.example/", "full_name": "Ada Lovelace"},
    ],
)
async def test_the_finder_takes_other_ways_to_say_who(
    simulator: RunningSimulator, client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    body = (await ask(simulator, client, "/email-finder", **query)).json()
    assert body["data"]["email"] == "ada.lovelace@blue-harbor.example"


async def test_a_finder_miss_is_a_null_address(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    answer = await ask(simulator, client, "/email-finder", **{**ADA, "first_name": "Nobody"})
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert (data["email"], data["score"], data["accept_all"]) == (None, None, None)
    assert not simulator.bill.rows


async def test_catch_all_and_claimed_people_are_told_apart(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    world = simulator.world
    claimed = next(p for p in world.people if p.claimed)
    listed = next(p for p in world.people if p.company.catch_all and world.known("hunter", p))
    answers = [
        await ask(
            simulator, client, "/email-finder", domain=p.company.domain, full_name=p.full_name
        )
        for p in (claimed, listed)
    ]
    assert answers[0].status_code == 451
    assert answers[0].json()["errors"][0]["id"] == "claimed_email"
    assert answers[1].json()["data"]["accept_all"] is True
    verified = await ask(simulator, client, "/email-verifier", email=claimed.email)
    assert verified.status_code == 451


@pytest.mark.parametrize(
    "path, query, identifier",
    [
        ("/email-finder", {"first_name": "Ada", "last_name": "L"}, "wrong_params"),
        ("/email-finder", {"domain": "blue-harbor.example"}, "wrong_params"),
        ("/email-finder", {**ADA, "domain": "not a domain"}, "invalid_domain"),
        ("/email-finder", {**ADA, "first_name": "123"}, "invalid_first_name"),
        ("/email-finder", {**ADA, "max_duration": 2}, "invalid_max_duration"),
        ("/email-verifier", {}, "wrong_params"),
        ("/email-verifier", {"email": "nonsense"}, "invalid_email"),
        ("/domain-search", {}, "wrong_params"),
        ("/domain-search", {"domain": "a.example", "type": "x"}, "invalid_type"),
        ("/domain-search", {"domain": "a.example", "seniority": "x"}, "invalid_seniority"),
        ("/domain-search", {"domain": "a.example", "department": "x"}, "invalid_department"),
        ("/domain-search", {"domain": "a.example", "limit": 101}, "pagination_error"),
        ("/domain-search", {"domain": "a.example", "offset": "x"}, "pagination_error"),
        ("/email-count", {"company": "ab"}, "wrong_params"),
    ],
)
async def test_wrong_queries_are_named(
    simulator: RunningSimulator,
    client: httpx.AsyncClient,
    path: str,
    query: dict[str, Any],
    identifier: str,
) -> None:
    answer = await ask(simulator, client, path, **query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["id"] == identifier
    assert answer.json()["errors"][0]["code"] == 400


@pytest.mark.parametrize(
    "params, headers, placement",
    [
        ({"api_key": "sim-hunter-key"}, {}, "query:api_key"),
        ({}, {"X-API-KEY": "sim-hunter-key"}, "header:x-api-key"),
        ({}, {"Authorization": "Bearer sim-hunter-key"}, "header:authorization"),
    ],
)
async def test_the_key_is_taken_in_three_places(
    simulator: RunningSimulator,
    client: httpx.AsyncClient,
    params: dict[str, str],
    headers: dict[str, str],
    placement: str,
) -> None:
    url = simulator.endpoints.hunter + "/account"
    assert (await client.get(url, params=params, headers=headers)).status_code == 200
    seen = (await simulator.control.get("/requests"))["requests"]
    assert [visit["placement"] for visit in seen] == [placement]
    assert "sim-hunter-key" not in str(seen)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}])
async def test_other_keys_are_unknown(
    simulator: RunningSimulator, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    url = simulator.endpoints.hunter + "/email-finder"
    answer = await client.get(url, params=ADA, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"] == [
        {
            "id": "authentication_failed",
            "code": 401,
            "details": "No user found for the API key supplied",
        }
    ]


async def test_the_test_key_answers_without_a_charge(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    for path, query in (
        ("/email-finder", {**ADA, "first_name": "Anybody"}),
        ("/email-verifier", {"email": "x@y.example"}),
        ("/domain-search", {"domain": "y.example"}),
    ):
        params = {**query, "api_key": "test-api-key"}
        answer = await client.get(simulator.endpoints.hunter + path, params=params)
        assert answer.status_code == 200, path
    assert not simulator.bill.rows


@pytest.mark.parametrize(
    "address, status, check",
    [
        ("ada.lovelace@blue-harbor.example", "valid", True),
        ("nobody@blue-harbor.example", "invalid", False),
        ("ada.lovelace@webmail.example", "webmail", True),
        ("nobody@webmail.example", "webmail", False),
        ("x@throwaway.example", "disposable", False),
        ("x@unheard-of.example", "invalid", False),
    ],
)
async def test_the_verifier_tells_what_the_world_knows(
    simulator: RunningSimulator,
    client: httpx.AsyncClient,
    address: str,
    status: str,
    check: bool,
) -> None:
    answer = await ask(simulator, client, "/email-verifier", email=address)
    if answer.status_code == 202:
        answer = await ask(simulator, client, "/email-verifier", email=address)
    data = answer.json()["data"]
    assert (data["status"], data["smtp_check"]) == (status, check)
    assert data["score"] == (50 if status in {"webmail", "disposable"} else data["score"])
    assert answer.headers["x-ratelimit-remaining"].isdigit()


async def test_slow_verifications_answer_202_and_are_counted_once(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    world = simulator.world
    person = next(
        p
        for p in world.people
        if world.is_slow_to_verify(p.email) and world.mailbox(p.email) == "valid" and not p.claimed
    )
    first = await ask(simulator, client, "/email-verifier", email=person.email)
    assert first.status_code == 202
    assert not simulator.bill.rows
    second = await ask(simulator, client, "/email-verifier", email=person.email)
    assert (second.status_code, second.json()["data"]["status"]) == (200, "valid")
    assert [(row.what, row.units) for row in simulator.bill.rows] == [(person.email, 1)]


async def test_an_odd_mail_server_is_222_with_errors(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    company = next(c for c in simulator.world.companies if c.smtp == "erratic")
    address = f"somebody.else@{company.domain}"
    first = await ask(simulator, client, "/email-verifier", email=address)
    assert (first.status_code, first.json()["errors"][0]["code"]) == (222, 222)
    second = await ask(simulator, client, "/email-verifier", email=address)
    assert second.json()["data"]["status"] in {"invalid", "accept_all"}


async def test_the_domain_search_pages_through_everybody_once(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    company = max(simulator.world.companies, key=lambda c: len(simulator.world.staff(c)))
    seen: list[str] = []
    body: Any = None
    total = 1
    while len(seen) < total:
        query = {"domain": company.domain, "limit": 4, "offset": len(seen)}
        body = (await ask(simulator, client, "/domain-search", **query)).json()
        total = body["meta"]["results"]
        seen += [entry["value"] for entry in body["data"]["emails"]]
    assert len(set(seen)) == len(seen) == total
    assert body["data"]["organization"] == company.name
    assert len(simulator.bill.rows) == -(-total // 4)


async def test_the_domain_search_filters_and_never_lists_the_claimed(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    claimed = next(p for p in simulator.world.people if p.claimed)
    domain = claimed.company.domain
    body = (await ask(simulator, client, "/domain-search", domain=domain, limit=100)).json()
    entries = body["data"]["emails"]
    assert claimed.email not in [entry["value"] for entry in entries]
    for name, value in (("type", "generic"), ("seniority", "senior"), ("department", "sales")):
        query = {"domain": domain, "limit": 100, name: value}
        chosen = (await ask(simulator, client, "/domain-search", **query)).json()["data"]["emails"]
        assert chosen == [entry for entry in entries if entry[name] == value]


async def test_an_empty_domain_search_is_free(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    body = (await ask(simulator, client, "/domain-search", domain="unheard-of.example")).json()
    assert body["data"]["emails"] == []
    assert not simulator.bill.rows


async def test_the_count_needs_no_key_and_agrees_with_the_search(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    url = simulator.endpoints.hunter + "/email-count"
    count = (await client.get(url, params={"domain": "blue-harbor.example"})).json()["data"]
    query = {"domain": "blue-harbor.example", "limit": 100}
    search = (await ask(simulator, client, "/domain-search", **query)).json()
    assert count["total"] == search["meta"]["results"]
    assert count["total"] == count["personal_emails"] + count["generic_emails"]
    assert sum(count["seniority"].values()) == count["personal_emails"]


@pytest.mark.parametrize(
    "refusal, status",
    [("too_many_requests", 429), ("payment_required", 402), ("restricted_account", 429)],
)
async def test_a_used_up_plan_is_said_in_hunters_words(
    simulator: RunningSimulator, client: httpx.AsyncClient, refusal: str, status: int
) -> None:
    account = {"provider": "hunter", "name": "small", "key": "small-key", "refusal": refusal}
    await simulator.control.put("/accounts", {**account, "allowance": {"searches": 1}})
    url = simulator.endpoints.hunter
    headers = {"x-api-key": "small-key"}
    answers = [
        await client.get(url + "/email-finder", params=ADA, headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, status]
    assert answers[1].json()["errors"][0]["id"] == refusal
    account_body = (await client.get(url + "/account", headers=headers)).json()["data"]
    assert account_body["requests"]["searches"] == {"used": 1, "available": 1}


async def test_unknown_paths_are_404(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    answer = await ask(simulator, client, "/nowhere")
    assert (answer.status_code, answer.json()["errors"][0]["id"]) == (404, "not_found")
