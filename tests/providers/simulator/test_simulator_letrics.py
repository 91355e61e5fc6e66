"""Letrics' dialect: filters, pages and refusals."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator

KEY = {"Authorization": "Bearer sim-letrics-token"}


async def search(
    simulator: RunningSimulator, client: httpx.AsyncClient, path: str, **filters: Any
) -> Any:
    filters.setdefault("per_page", 100)
    url = simulator.endpoints.letrics + path
    answer = await client.post(url, json=filters, headers=KEY)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_contacts_are_paged_each_once_and_free(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    seen: list[int] = []
    page, pages = 1, 1
    while page <= pages:
        body = await search(simulator, client, "/contacts", page=page)
        seen += [row["id"] for row in body["data"]]
        pages, page = body["meta"]["total_pages"], page + 1
    assert len(seen) == len(set(seen))
    assert len(seen) == sum("letrics" in known for known in simulator.world.knowledge)
    assert not simulator.bill.rows


async def test_the_defaults_are_page_one_of_twenty_five(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    url = simulator.endpoints.letrics + "/companies"
    body = (await client.post(url, json={}, headers=KEY)).json()
    assert (body["meta"]["page"], body["meta"]["per_page"], len(body["data"])) == (1, 25, 25)


@pytest.mark.parametrize(
    "filters, field, holds",
    [
        ({"job_titles": ["manager"]}, "title", lambda v: "manager" in v.lower()),
        ({"departments": ["sales"]}, "department", lambda v: v == "sales"),
        ({"seniorities": ["executive", "senior"]}, "seniority", lambda v: v != "junior"),
        ({"is_decision_maker": True}, "is_decision_maker", lambda v: v is True),
        ({"has_linkedin_profile": True}, "linkedin", lambda v: v is not None),
        ({"has_personal_emails": True}, "personal_emails", lambda v: len(v) == 1),
        ({"has_personal_email": True}, "personal_emails", lambda v: len(v) == 1),
        ({"exclude_departments": ["sales"]}, "department", lambda v: v != "sales"),
    ],
)
async def test_contacts_are_narrowed(
    simulator: RunningSimulator,
    client: httpx.AsyncClient,
    filters: dict[str, Any],
    field: str,
    holds: Any,
) -> None:
    everybody = await search(simulator, client, "/contacts")
    body = await search(simulator, client, "/contacts", **filters)
    assert 0 < body["meta"]["total"] < everybody["meta"]["total"]
    assert all(holds(row[field]) for row in body["data"])


@pytest.mark.parametrize(
    "filters, holds",
    [
        ({"industries": ["biotechnology"]}, lambda c: c["industry"] == "Biotechnology"),
        ({"functions": ["Fintech"]}, lambda c: c["functions"] == ["Fintech"]),
        ({"technologies": ["redis"]}, lambda c: "redis" in c["technologies"]),
        ({"locations": ["country:Brazil"]}, lambda c: c["location"]["country"] == "Brazil"),
        (
            {"locations": ["city:San Francisco||California||United States"]},
            lambda c: c["location"]["city"] == "San Francisco",
        ),
        (
            {"locations": ["city:London||||United Kingdom"]},
            lambda c: c["location"]["city"] == "London",
        ),
        (
            {"locations": ["state:California||United States", "country:France"]},
            lambda c: c["location"]["country"] in {"United States", "France"},
        ),
        ({"exclude_industries": ["Retail"]}, lambda c: c["industry"] != "Retail"),
        ({"exclude_technologies": ["react"]}, lambda c: "react" not in c["technologies"]),
        (
            {"exclude_locations": ["country:France"]},
            lambda c: c["location"]["country"] != "France",
        ),
        ({"company_has_linkedin_profile": True}, lambda c: c["linkedin"] is not None),
        ({"added_after": "2023-01-01T00:00:00Z"}, lambda c: c["created_at"] >= "2023"),
        ({"added_before": "2023-01-01T00:00:00+00:00"}, lambda c: c["created_at"] < "2024"),
    ],
)
async def test_companies_and_their_contacts_are_narrowed(
    simulator: RunningSimulator, client: httpx.AsyncClient, filters: dict[str, Any], holds: Any
) -> None:
    companies = await search(simulator, client, "/companies", **filters)
    contacts = await search(simulator, client, "/contacts", **filters)
    assert companies["data"]
    assert contacts["data"]
    assert all(holds(company) for company in companies["data"])
    assert all(holds(contact["company"]) for contact in contacts["data"])


async def test_companies_with_a_role_address_are_chosen(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    body = await search(simulator, client, "/companies", company_has_generic_email=True)
    roles = {company.domain: company.roles for company in simulator.world.companies}
    assert body["data"]
    assert all(roles[company["domain"]] for company in body["data"])
    everything = await search(simulator, client, "/companies")
    assert body["meta"]["total"] < everything["meta"]["total"]


async def test_top_level_domains_are_matched(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    for tlds, some in ((["example"], True), ([".example"], True), (["com"], False)):
        body = await search(simulator, client, "/companies", tlds=tlds)
        assert bool(body["data"]) is some


@pytest.mark.parametrize(
    "filters",
    [
        {"page": 0},
        {"per_page": 101},
        {"departments": "sales"},
        {"locations": ["London"]},
        {"locations": ["city:London||United Kingdom"]},
        {"added_after": "yesterday"},
        {"is_decision_maker": "perhaps"},
    ],
)
async def test_wrong_filters_are_invalid_input(
    simulator: RunningSimulator, client: httpx.AsyncClient, filters: dict[str, Any]
) -> None:
    url = simulator.endpoints.letrics + "/contacts"
    answer = await client.post(url, json=filters, headers=KEY)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["id"] == "invalid_input"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_other_tokens_are_refused(
    simulator: RunningSimulator, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    url = simulator.endpoints.letrics + "/contacts"
    answer = await client.post(url, json={}, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == 401
