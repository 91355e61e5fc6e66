"""Hunter's newer lookups, the price of a Domain Search, and what belongs to the team."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.population import Company
from providers.simulator.testing import RunningSimulator
from tests.providers.simulator.walking import KEYS, Walker

DOMAIN = "blue-harbor.example"
ADA = f"ada.lovelace@{DOMAIN}"


@pytest.fixture
def walker(simulator: RunningSimulator, client: httpx.AsyncClient) -> Walker:
    return Walker(simulator, client)


async def get(walker: Walker, path: str, **query: Any) -> Any:
    answer = await walker.ask("hunter", "GET", path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def largest(simulator: RunningSimulator) -> str:
    world = simulator.world
    return max(world.companies, key=lambda c: len(world.staff(c))).domain


@pytest.mark.parametrize("limit, units", [(1, 1), (10, 1), (11, 2), (12, 2)])
async def test_ten_addresses_are_one_search(
    walker: Walker, simulator: RunningSimulator, limit: int, units: int
) -> None:
    body = await get(walker, "/domain-search", domain=largest(simulator), limit=limit)
    assert len(body["data"]["emails"]) == limit
    assert [(row.meter, row.units) for row in simulator.bill.rows] == [("searches", units)]


async def test_filters_of_the_newer_edition(walker: Walker, simulator: RunningSimulator) -> None:
    domain = largest(simulator)
    everyone = (await get(walker, "/domain-search", domain=domain, limit=100))["data"]["emails"]
    title = next(e["position"] for e in everyone if e["position"])
    tests: dict[str, tuple[Any, Any]] = {
        "decision_maker": ("true", lambda e: e["seniority"] == "executive"),
        "job_titles": (title.lower(), lambda e: title in (e["position"] or "")),
        "verification_status": ("valid", lambda e: e["verification"]["status"] == "valid"),
        "required_field": ("phone_number", lambda e: e["phone_number"] is not None),
    }
    for name, (value, holds) in tests.items():
        query = {"domain": domain, "limit": 100, name: value}
        chosen = (await get(walker, "/domain-search", **query))["data"]["emails"]
        assert chosen == [entry for entry in everyone if holds(entry)], name
    found = (await get(walker, "/domain-search/found", domain=domain, limit=100))["data"]["emails"]
    assert found == [entry for entry in everyone if entry["sources"]]
    assert 0 < len(found) < len(everyone)


async def test_a_location_needs_a_post(walker: Walker, simulator: RunningSimulator) -> None:
    company = simulator.world.showcase.company
    refused = await walker.ask(
        "hunter", "GET", f"/domain-search?domain={DOMAIN}&location[include][0][country]=US"
    )
    assert refused.status_code == 400
    sides = ("include", "exclude")
    for side, some in zip(sides, (True, False), strict=True):
        body = {"domain": DOMAIN, "location": {side: [{"country": company.country_code}]}}
        answer = await walker.ask("hunter", "POST", "/domain-search", json=body)
        assert bool(answer.json()["data"]["emails"]) is some
    wrong = {"domain": DOMAIN, "location": {"include": [{"city": "Paris"}]}}
    answer = await walker.ask("hunter", "POST", "/domain-search", json=wrong)
    identifier = answer.json()["errors"][0]["id"]
    assert identifier == "invalid_location_include_combination"


async def test_a_free_plan_does_not_turn_pages(
    walker: Walker, simulator: RunningSimulator
) -> None:
    account = {"provider": "hunter", "name": "free", "key": "free-key", "plan": "Free"}
    await simulator.control.put("/accounts", account)
    url, headers = simulator.endpoints.hunter, {"x-api-key": "free-key"}
    for path, status in (
        (f"/domain-search?domain={DOMAIN}&limit=10", 200),
        (f"/domain-search?domain={DOMAIN}&limit=10&offset=1", 400),
        (f"/domain-search?domain={DOMAIN}&limit=11", 400),
    ):
        answer = await walker.client.get(url + path, headers=headers)
        assert answer.status_code == status
    query = {"industry": {"include": ["Retail"]}, "limit": 5}
    answer = await walker.client.post(url + "/discover", json=query, headers=headers)
    assert answer.json()["errors"][0]["id"] == "pagination_error"


async def test_enrichment_finds_misses_and_respects(
    walker: Walker, simulator: RunningSimulator
) -> None:
    person = (await get(walker, "/people/find", email=ADA))["data"]
    assert person["name"]["fullName"] == "Ada Lovelace"
    assert person["employment"]["domain"] == DOMAIN
    handle = {"linkedin_handle": "ada-lovelace-sim0", "email": "x@y.example"}
    assert (await get(walker, "/people/find", **handle))["data"] == person
    company = (await get(walker, "/companies/find", domain=DOMAIN))["data"]
    both = (await get(walker, "/combined/find", email=ADA))["data"]
    assert both == {"person": person, "company": company}
    assert [row.operation for row in simulator.bill.rows] == [
        "people/find", "people/find", "companies/find", "combined/find",
    ]  # fmt: skip
    claimed = next(p.email for p in simulator.world.people if p.claimed)
    for path, query, status in (
        ("/people/find", {"email": "nobody@nowhere.example"}, 404),
        ("/companies/find", {"domain": "nowhere.example"}, 404),
        ("/combined/find", {"email": "nobody@nowhere.example"}, 404),
        ("/people/find", {"email": claimed}, 451),
        ("/people/find", {}, 400),
        ("/companies/find", {}, 400),
    ):
        answer = await walker.ask("hunter", "GET", path, params=query)
        assert answer.status_code == status, (path, query)
    assert len(simulator.bill.rows) == 4


async def test_clearbits_format_counts_heads(walker: Walker, simulator: RunningSimulator) -> None:
    query = {"domain": DOMAIN, "clearbit_format": True}
    metrics = (await get(walker, "/companies/find", **query))["data"]["metrics"]
    company = simulator.world.showcase.company
    assert (metrics["employees"], metrics["employeesRange"]) == (company.headcount, company.band)


async def test_charges_that_were_assumed_can_be_set(
    walker: Walker, simulator: RunningSimulator
) -> None:
    for units, rows in ((0, []), (3, [3])):
        change = {"provider": "hunter", "operation": "people/find", "units": units}
        await simulator.control.put("/charges", change)
        await get(walker, "/people/find", email=ADA)
        assert [row.units for row in simulator.bill.rows] == rows


def _german_shop(company: Company) -> bool:
    return company.industry == "Retail" and company.country_code == "DE"


@pytest.mark.parametrize(
    "filters, holds",
    [
        ({"industry": {"include": ["Retail"]}}, lambda c: c.industry == "Retail"),
        ({"industry": {"exclude": ["retail"]}}, lambda c: c.industry != "Retail"),
        ({"headcount": ["1-10", "11-50"]}, lambda c: c.band in {"1-10", "11-50"}),
        ({"year_founded": {"from": 1990, "to": 2000}}, lambda c: 1990 <= c.founded <= 2000),
        ({"year_founded": [1999]}, lambda c: c.founded == 1999),
        (
            {"technology": {"include": ["react", "redis"], "match": "any"}},
            lambda c: bool({"react", "redis"} & set(c.technologies)),
        ),
        (
            {"technology": {"include": ["react", "redis"]}},
            lambda c: {"react", "redis"} <= set(c.technologies),
        ),
        ({"keywords": {"include": ["fintech"]}}, lambda c: c.function == "Fintech"),
        ({"organization": {"name": ["blue harbor"]}}, lambda c: c.domain == DOMAIN),
        ({"company_type": {"exclude": ["privately held"]}}, lambda _: False),
        ({"funding": {"series": ["seed"]}}, lambda _: False),
        (
            {"headquarters_location": {"include": [{"continent": "Europe"}, {"country": "US"}]}},
            lambda c: c.country_code in {"US", "GB", "DE", "FR", "NL", "SE"},
        ),
        (
            {"headquarters_location": {"include": [{"country": "US", "state": "TX"}]}},
            lambda c: c.state == "Texas",
        ),
        (
            {"headquarters_location": {"exclude": [{"business_region": "EMEA"}]}},
            lambda c: c.country_code not in {"GB", "DE", "FR", "NL", "SE"},
        ),
        ({"query": "Retail companies in Germany"}, _german_shop),
    ],
)
async def test_discover_filters_for_nothing(
    walker: Walker, simulator: RunningSimulator, filters: Any, holds: Any
) -> None:
    answer = await walker.ask("hunter", "POST", "/discover", json=filters)
    body = answer.json()
    expected = [c.domain for c in simulator.world.companies if holds(c)]
    assert [row["domain"] for row in body["data"]] == expected[:100]
    assert (body["meta"]["results"], body["meta"]["params"]) == (len(expected), filters)
    assert not simulator.bill.rows


async def test_discovered_people_are_counted_over_all_pages(walker: Walker) -> None:
    query = {"industry[include][]": "Retail", "limit": 2}
    body = await get(walker, "/discover/people", **query)
    everything = await get(walker, "/discover/people", **{"industry[include][]": "Retail"})
    counts = [row["emails_count"]["total"] for row in everything["data"]]
    assert len(body["data"]) == 2
    assert body["meta"]["total_emails"]["total"] == sum(counts)
    assert body["meta"]["filters"] == {"industry": {"include": ["Retail"]}}


@pytest.mark.parametrize(
    "filters, identifier",
    [
        ({}, "wrong_params"),
        ({"headcount": ["7"]}, "invalid_headcount"),
        ({"company_type": {"include": ["cult"]}}, "invalid_company_type"),
        ({"industry": "Retail"}, "invalid_industry"),
        ({"technology": {"include": ["x"], "match": "some"}}, "invalid_technology_match"),
        ({"keywords": {"include": ["x"], "match": "some"}}, "invalid_keywords_match"),
        ({"year_founded": {"from": "x"}}, "invalid_year_founded_from"),
        ({"year_founded": {"from": 9, "to": 1}}, "invalid_year_founded_combination"),
        ({"funding": {"series": ["z"]}}, "invalid_funding_series"),
        ({"funding": {"date": {"from": "2", "to": "1"}}}, "invalid_funding_date_range"),
        (
            {"headquarters_location": {"include": [{"continent": "Atlantis"}]}},
            "invalid_headquarters_location_include_continent",
        ),
        (
            {"headquarters_location": {"exclude": [{"country": "DE", "state": "BY"}]}},
            "invalid_headquarters_location_exclude_state",
        ),
        ({"headcount": ["1-10"], "limit": 101}, "pagination_error"),
        ({"headcount": ["1-10"], "offset": 10001}, "pagination_error"),
    ],
)
async def test_wrong_filters_are_named(walker: Walker, filters: Any, identifier: str) -> None:
    answer = await walker.ask("hunter", "POST", "/discover", json=filters)
    assert (answer.status_code, answer.json()["errors"][0]["id"]) == (400, identifier)


async def test_a_name_is_resolved_into_domains_for_nothing(
    walker: Walker, simulator: RunningSimulator
) -> None:
    body = await get(walker, "/domain-finder", company="blue harbor", perfect_match="true")
    assert [row["domain"] for row in body["data"]] == [DOMAIN]
    assert set(body["data"][0]) == {"domain", "company_name", "logo", "email_count"}
    loose = await get(walker, "/domain-finder", company="harbor", limit=2)
    assert len(loose["data"]) == loose["meta"]["results"] == 2
    for query in ({"company": "ab"}, {"company": "harbor", "limit": 11}):
        answer = await walker.ask("hunter", "GET", "/domain-finder", params=query)
        assert answer.json()["errors"][0]["id"] == "wrong_params"
    assert not simulator.bill.rows
    account = {"provider": "hunter", "name": "empty", "key": "e", "allowance": {"searches": 0}}
    await simulator.control.put("/accounts", account)
    url = simulator.endpoints.hunter + "/domain-finder?company=harbor"
    assert (await walker.client.get(url, headers={"x-api-key": "e"})).status_code == 429


@pytest.mark.parametrize("status", [202, 222])
async def test_a_verification_can_be_made_to_wait(
    walker: Walker, simulator: RunningSimulator, status: int
) -> None:
    await simulator.control.fault(
        "hunter", "status", status=status, path="/email-verifier", times=2
    )
    answers = [
        await walker.ask("hunter", "GET", "/email-verifier", params={"email": ADA})
        for _ in range(4)
    ]
    assert [answer.status_code for answer in answers[:2]] == [status, status]
    assert answers[0].json()["errors"][0]["code"] == status
    assert answers[3].json()["data"]["status"] == "valid"
    assert {row.meter for row in simulator.bill.rows} == {"verifications"}


async def test_usage_counts_what_was_bought(walker: Walker, simulator: RunningSimulator) -> None:
    await get(walker, "/domain-search", domain=DOMAIN)
    usage = (await get(walker, "/usage"))["data"]["requests"]
    assert usage["searches"]["used"] == sum(row.units for row in simulator.bill.rows) == 1
    over = (await get(walker, "/usage", show_overage_requests=1))["data"]["requests"]
    assert over["verifications"]["over_quota"] == 0


async def test_keys_are_shown_once_and_work(walker: Walker, simulator: RunningSimulator) -> None:
    made = await walker.ask("hunter", "POST", "/api-keys", json={"name": "CI"})
    key = made.json()["data"]
    assert made.json()["status"] == "success"
    listed = (await get(walker, "/api-keys"))["data"]
    assert listed[0]["token"] == f"********{key['token'][-4:]}"
    assert KEYS["hunter"]["x-api-key"] not in str(listed)
    url, headers = simulator.endpoints.hunter + "/account", {"x-api-key": key["token"]}
    assert (await walker.client.get(url, headers=headers)).status_code == 200
    path = f"/api-keys/{key['id']}"
    assert (await walker.ask("hunter", "PUT", path, json={"name": "CI"})).status_code == 422
    assert (await walker.ask("hunter", "DELETE", path)).status_code == 204
    assert (await walker.client.get(url, headers=headers)).status_code == 401
    last = (await get(walker, "/api-keys"))["data"][0]["id"]
    assert (await walker.ask("hunter", "DELETE", f"/api-keys/{last}")).status_code == 422


async def test_a_logo_is_a_picture(walker: Walker) -> None:
    answer = await walker.ask("hunter", "GET", f"/logos/{DOMAIN}", keys=False)
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert (await walker.ask("hunter", "GET", "/logos/x.example", keys=False)).status_code == 404


async def test_webhooks_carry_a_word_of_success(walker: Walker) -> None:
    listed = await get(walker, "/webhooks")
    assert (listed["status"], [hook["id"] for hook in listed["data"]]) == ("success", [3, 2, 1])
    body = {"target_url": "https://x.example/hook", "event": "message.sent"}
    made = await walker.ask("hunter", "POST", "/webhooks", json=body)
    assert made.json() == {"status": "success", "data": {"id": 4, **body}}
    changed = await walker.ask("hunter", "PUT", "/webhooks/4", json={"event": "message.read"})
    assert changed.json()["data"]["event"] == "message.read"
    wrong = await walker.ask("hunter", "POST", "/webhooks", json={**body, "event": "sideways"})
    assert wrong.status_code == 422
    assert (await walker.ask("hunter", "DELETE", "/webhooks?id=4")).status_code == 204
    assert (await walker.ask("hunter", "GET", "/webhooks/4")).status_code == 404
