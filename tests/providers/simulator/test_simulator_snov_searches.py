"""Snov's domain search with its pages and prices, its pairs, its database and its profiles."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from providers.simulator.population import Company, Person
from providers.simulator.testing import RunningSimulator, running_simulator
from providers.simulator.world import World, WorldSettings
from tests.providers.simulator.walking import Walker

DOMAIN = "blue-harbor.example"
SEARCH = "/v2/domain-search"
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"
MAIL = f"ada.lovelace@{DOMAIN}"


class Snov:
    def __init__(self, walker: Walker) -> None:
        self.walker = walker
        self.simulator = walker.simulator

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return (await self.walker.ask("snov", "POST", path, json=body, params=query)).json()

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.walker.ask("snov", "GET", path, params=query)).json()

    async def result(self, started: Any) -> Any:
        """Follow the link of a start until its work is done."""
        path = started["links"]["result"].removeprefix(self.simulator.endpoints.snov)
        waiting = await self.get(path)
        assert (waiting["status"], waiting["data"], waiting["links"]) == ("in progress", [], [])
        return await self.get(path)

    async def pages(self, path: str, body: Any) -> list[Any]:
        """Every page, by the links from one to the next."""
        results = [await self.result(await self.post(path, body))]
        while link := results[-1]["links"]["next"]:
            parts = urlsplit(link)
            path = parts.path.removeprefix("/snov")
            started = await self.post(path, params=None, **dict(parse_qsl(parts.query)))
            results.append(await self.result(started))
        return results

    def charges(self) -> list[tuple[str, int]]:
        return [(row.operation, row.units) for row in self.simulator.bill.rows]


@pytest.fixture
def snov(simulator: RunningSimulator, client: httpx.AsyncClient) -> Snov:
    return Snov(Walker(simulator, client))


def staff(simulator: RunningSimulator, company: Company) -> list[Person]:
    world = simulator.world
    return [p for p in world.staff(company) if world.known("snov", p) and not p.claimed]


def largest(simulator: RunningSimulator) -> Company:
    return max(simulator.world.companies, key=lambda c: len(staff(simulator, c)))


async def test_the_search_counts_what_its_lists_hold(snov: Snov) -> None:
    company = largest(snov.simulator)
    found = await snov.result(await snov.post(f"{SEARCH}/start", {"domain": company.domain}))
    meta, links = found["meta"], found["links"]
    for path, name, tab in (
        ("prospects", "prospects_count", "prospects"),
        ("domain-emails", "emails_count", "emails"),
        ("generic-contacts", "generic_contacts_count", "service"),
    ):
        pages = await snov.pages(f"{SEARCH}/{path}/start", {"domain": company.domain})
        rows = [row for page in pages for row in page["data"]]
        assert len(rows) == meta[name] == pages[0]["meta"]["total_count"]
        assert {page["meta"]["tab"] for page in pages} == {tab}
    count = await snov.post("/v1/get-domain-emails-count", {"domain": company.domain})
    assert count["result"] == meta["emails_count"]
    assert links["prospects"].endswith(f"{SEARCH}/prospects/start?domain={company.domain}")


async def test_prospects_come_twenty_a_page_and_each_page_is_charged_once(
    client: httpx.AsyncClient,
) -> None:
    settings = WorldSettings(coverage={"snov": 1.0}, rho=0)
    async with running_simulator(World(people=120, companies=1, settings=settings)) as running:
        snov = Snov(Walker(running, client))
        body = {"domain": DOMAIN}
        pages = await snov.pages(f"{SEARCH}/prospects/start", body)
        total = len(staff(running, running.world.companies[0]))
        assert [len(page["data"]) for page in pages[:-1]] == [20] * (len(pages) - 1)
        assert sum(len(page["data"]) for page in pages) == total > 40
        assert [page["meta"]["page"] for page in pages] == list(range(1, len(pages) + 1))
        assert pages[-1]["links"] == {"next": ""}
        assert snov.charges() == [("domain-search-prospects", 1)] * len(pages)
        await snov.pages(f"{SEARCH}/prospects/start", body)
        assert len(snov.charges()) == len(pages)
        addresses = await snov.pages(f"{SEARCH}/domain-emails/start", body)
        assert [len(page["data"]) for page in addresses][:-1] == [50] * (len(addresses) - 1)
        assert len(addresses) > 1
        assert [bool(page["meta"]["next"]) for page in addresses] == [True] * (
            len(addresses) - 1
        ) + [False]


async def test_positions_narrow_and_are_at_most_ten(snov: Snov) -> None:
    company = largest(snov.simulator)
    titles = sorted({p.job_title for p in staff(snov.simulator, company)})[:2]
    query = {"domain": company.domain, "positions[]": titles}
    found = await snov.result(await snov.post(f"{SEARCH}/prospects/start", **query))
    assert {row["position"] for row in found["data"]} == set(titles)
    assert found["meta"]["positions"] == titles
    many = {"domain": company.domain, "positions": ["x"] * 11}
    assert (await snov.post(f"{SEARCH}/prospects/start", many))["success"] is False


async def test_a_prospects_address_is_behind_a_full_url_and_charged_once(snov: Snov) -> None:
    started = await snov.post(f"{SEARCH}/prospects/start", {"domain": DOMAIN})
    row = next(r for r in (await snov.result(started))["data"] if r["first_name"] == "Ada")
    assert set(row) == {
        "first_name", "last_name", "position", "source_page", "search_emails_start",
    }  # fmt: skip
    path = row["search_emails_start"].removeprefix(snov.simulator.endpoints.snov)
    assert len(path.rpartition("/")[2]) == 102
    for _ in range(2):
        found = await snov.result(await snov.post(path))
        assert found["data"]["emails"] == [{"email": MAIL, "smtp_status": "valid"}]
        assert (found["links"], found["status"]) == ([], "completed")
    assert snov.charges() == [("domain-search-prospects", 1), ("prospect-emails", 1)]
    answer = await snov.walker.ask("snov", "POST", path[:-3] + "zzz")
    assert answer.status_code == 404


async def test_nothing_found_costs_nothing(snov: Snov) -> None:
    for tab in ("", "/prospects", "/domain-emails", "/generic-contacts"):
        started = await snov.post(f"{SEARCH}{tab}/start", {"domain": "unheard-of.example"})
        found = await snov.result(started)
        assert found["data"] == []
    assert snov.charges() == []


async def test_a_foreign_next_is_refused(snov: Snov) -> None:
    body = {"domain": DOMAIN, "next": "abc"}
    assert (await snov.post(f"{SEARCH}/domain-emails/start", body))["success"] is False


async def test_webmail_counts_nothing_and_says_so(snov: Snov) -> None:
    body = await snov.post("/v1/get-domain-emails-count", {"domain": "freemail.example"})
    assert body == {"success": True, "domain": "freemail.example", "webmail": True, "result": 0}


async def test_the_older_search_pages_by_its_last_id(snov: Snov) -> None:
    company = largest(snov.simulator)
    seen: list[str] = []
    body: Any = None
    query = {"domain": company.domain, "type": "all", "limit": 5, "lastId": 0}
    for _ in range(100):
        body = await snov.get("/v2/domain-emails-with-info", **query)
        seen += [row["email"] for row in body["emails"]]
        query["lastId"] = body["lastId"]
        if not body["emails"]:
            break
    assert len(seen) == len(set(seen)) == body["result"]
    assert len(snov.charges()) == -(-len(seen) // 5)


async def test_the_hash_of_a_pair_is_in_data_and_goes_into_the_query(snov: Snov) -> None:
    names = ["Blue Harbor", "Nobody Inc"]
    started = await snov.post("/v2/company-domain-by-name/start", {"names": names})
    assert started == {"data": started["data"], "meta": {"names": names}}
    hash_ = started["data"]["task_hash"]
    path = "/v2/company-domain-by-name/result"
    assert (await snov.get(path, task_hash=hash_))["status"] == "in_progress"
    found = await snov.get(path, task_hash=hash_)
    assert found["data"] == [
        {"name": "Blue Harbor", "result": {"domain": DOMAIN}},
        {"name": "Nobody Inc", "result": []},
    ]
    assert found["meta"] == {"names": names, "task_hash": hash_}
    assert snov.charges() == [("company-domain-by-name", 1)]
    assert (await snov.get(path, task_hash="x"))["errors"]["code"] == 404


async def test_profiles_by_url_are_charged_when_found(snov: Snov) -> None:
    urls = [PROFILE, "https://www.linkedin.com/in/nobody"]
    query = {"urls[]": urls}
    hash_ = (await snov.post("/v2/li-profiles-by-urls/start", **query))["data"]["task_hash"]
    await snov.get("/v2/li-profiles-by-urls/result", task_hash=hash_)
    found = await snov.get("/v2/li-profiles-by-urls/result", task_hash=hash_)
    assert [item["url"] for item in found["data"]] == urls
    assert found["data"][0]["result"]["name"] == "Ada Lovelace"
    assert found["data"][1]["result"] == []
    assert snov.charges() == [("li-profiles-by-urls", 1)]


@pytest.mark.parametrize(
    "family, body",
    [
        ("company-domain-by-name", {"names": ["x"] * 11}),
        ("li-profiles-by-urls", {"urls": []}),
        ("emails-by-domain-by-name", {"rows": [{"first_name": "x"}]}),
        ("email-verification", {"emails": ["x"]}),
    ],
)
async def test_pairs_take_one_to_ten(snov: Snov, family: str, body: Any) -> None:
    assert (await snov.post(f"/v2/{family}/start", body))["success"] is False
    assert snov.charges() == []


async def test_the_database_masks_people_until_they_are_paid_for(snov: Snov) -> None:
    filters = {"prospect": {"job_titles": {"include": ["engineer"]}}}
    started = await snov.post("/v2/database-search/prospects/start", {"filters": filters})
    data = (await snov.result(started))["data"]
    assert data["total_pages"] == -(-data["total"] // 50)
    assert len(data["prospects"]) == min(50, data["total"])
    row = data["prospects"][0]
    assert row["last_name"].endswith("***")
    assert "engineer" in row["job_title"].lower()
    assert snov.charges() == []
    link = row["email_and_hidden_info_reveal"].removeprefix(snov.simulator.endpoints.snov)
    shown = (await snov.result(await snov.post(link)))["data"]
    assert shown["last_name"].startswith(row["last_name"][:2])
    assert shown["emails"]
    assert snov.charges() == [("prospect-emails", 1)]


@pytest.mark.parametrize(
    "filters, holds",
    [
        ({"size": ["11-50"]}, lambda c: c.band == "11-50"),
        ({"industries": {"include": ["Retail"]}}, lambda c: c.industry == "Retail"),
        ({"industries": {"exclude": ["Retail"]}}, lambda c: c.industry != "Retail"),
        ({"founded": {"from": 1990, "till": 1999}}, lambda c: 1990 <= c.founded <= 1999),
        (
            {"locations": {"include": [{"locality": "Berlin", "location_type": "city"}]}},
            lambda c: c.city == "Berlin",
        ),
        ({"name": {"include": ["Blue Harbor"]}}, lambda c: c.domain == DOMAIN),
    ],
)
async def test_companies_are_searched_for_one_credit(snov: Snov, filters: Any, holds: Any) -> None:
    body = {"filters": {"company": filters}}
    data: Any = None
    for _ in range(2):
        started = await snov.post("/v2/database-search/companies/start", body)
        data = (await snov.result(started))["data"]
    expected = [c.domain for c in snov.simulator.world.companies if holds(c)]
    assert [row["domain"] for row in data["companies"]] == expected[:50]
    assert snov.charges() == [("database-search-companies", 1)]


async def test_a_url_is_pushed_before_it_is_read(snov: Snov) -> None:
    read = "/v1/get-emails-from-url"
    assert (await snov.post(read, {"url": PROFILE}))["success"] is False
    assert await snov.post("/v1/add-url-for-search", {"url": PROFILE}) == {"success": True}
    assert (await snov.post(read, {"url": PROFILE}))["success"] is False
    body = await snov.post(read, {"url": PROFILE})
    profile = body["data"][0]
    assert profile["emails"] == [{"email": MAIL, "status": "valid"}]
    assert set(profile["lastUpdateDate"]) == {"date", "timezone_type", "timezone"}
    assert {"currentJob", "previousJob", "sourcePage"} <= set(profile)
    wrong = await snov.post("/v1/add-url-for-search", {"url": "https://x.invalid"})
    assert set(wrong) == {"success", "message"}
    assert snov.charges() == [("add-url-for-search", 1)]


async def test_a_profile_by_address_is_flat_and_charged_when_found(snov: Snov) -> None:
    body = await snov.post("/v1/get-profile-by-email", {"email": MAIL})
    assert (body["success"], body["name"]) == (True, "Ada Lovelace")
    assert isinstance(body["lastUpdateDate"], str)
    assert {"currentJobs", "previousJobs", "social", "id"} <= set(body)
    miss = await snov.post("/v1/get-profile-by-email", {"email": "no@body.example"})
    assert set(miss) == {"success", "result"}
    assert miss["success"] is False
    assert snov.charges() == [("get-profile-by-email", 1)]


async def test_too_few_credits_for_a_batch_are_told_by_its_status(snov: Snov) -> None:
    change = {"provider": "snov", "allowance": {"credits": 1}}
    await snov.simulator.control.put("/accounts", change)
    row = {"first_name": "Ada", "last_name": "Lovelace", "domain": DOMAIN}
    started = await snov.post("/v2/emails-by-domain-by-name/start", {"rows": [row, row]})
    query = {"task_hash": started["data"]["task_hash"]}
    await snov.get("/v2/emails-by-domain-by-name/result", **query)
    found = await snov.get("/v2/emails-by-domain-by-name/result", **query)
    assert (found["status"], found["data"]) == ("not_enough_credits", [])
    assert snov.charges() == []


async def test_a_used_up_hour_is_a_text_and_nothing_else(snov: Snov) -> None:
    body = {"firstName": "Ada", "lastName": "Lovelace", "domain": DOMAIN}
    for congested, success in ((True, False), (False, True)):
        change = {"provider": "snov", "congested": congested}
        await snov.simulator.control.put("/accounts", change)
        answer = await snov.post("/v1/add-names-to-find-emails", body)
        assert answer["success"] is success
        assert ("too many prospects" in answer.get("message", "")) is congested
    assert len(snov.charges()) == 1
