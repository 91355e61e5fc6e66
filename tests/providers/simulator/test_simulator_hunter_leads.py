"""Hunter's leads, lists and attributes: shapes, filters and the statuses that surprise."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator
from tests.providers.simulator.walking import Walker

FIELDS = [
    "id", "email", "first_name", "last_name", "position", "company", "company_industry",
    "company_size", "confidence_score", "website", "country_code", "source", "linkedin_url",
    "phone_number", "twitter", "notes", "sync_status", "sending_status", "last_activity_at",
    "last_contacted_at", "verification", "leads_list", "created_at",
]  # fmt: skip


def _who(lead: Any) -> str:
    return f"{lead['first_name']} {lead['last_name']} {lead['email']}".casefold()


def _custom(lead: Any) -> Any:
    return lead.get("customer_id")


def _both(lead: Any) -> bool:
    return lead["source"] is not None and lead["sync_status"] == "success"


class Hunter:
    def __init__(self, walker: Walker) -> None:
        self.walker = walker

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        options = {} if body is None else {"json": body}
        return await self.walker.ask("hunter", method, path, params=query, **options)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def leads(self, **query: Any) -> list[Any]:
        leads: list[Any] = (await self.get("/leads", limit=1000, **query))["data"]["leads"]
        return leads


@pytest.fixture
def hunter(simulator: RunningSimulator, client: httpx.AsyncClient) -> Hunter:
    return Hunter(Walker(simulator, client))


async def test_a_lead_has_the_documented_fields(hunter: Hunter) -> None:
    lead = (await hunter.get("/leads/1"))["data"]
    assert set(FIELDS) <= set(lead)
    assert set(lead) - set(FIELDS) == {"customer_id"}
    assert set(lead["leads_list"]) == {"id", "name", "leads_count"}
    assert set(lead["verification"]) == {"date", "status"}
    assert lead["created_at"].endswith(" UTC")


async def test_leads_are_listed_with_the_latest_first_and_paged(hunter: Hunter) -> None:
    body = await hunter.get("/leads")
    assert [lead["id"] for lead in body["data"]["leads"]] == list(range(40, 20, -1))
    assert body["meta"] == {"count": 40, "total": 40, "params": {"limit": 20, "offset": 0}}
    rest = await hunter.get("/leads", limit=30, offset=30)
    assert [lead["id"] for lead in rest["data"]["leads"]] == list(range(10, 0, -1))
    for wrong in ({"limit": 0}, {"limit": 1001}, {"offset": 100_001}, {"offset": "x"}):
        assert (await hunter.ask("GET", "/leads", **wrong)).status_code == 400


@pytest.mark.parametrize(
    "query, field",
    [
        ({"source": "~"}, lambda lead: lead["source"] is None),
        ({"source": "*"}, lambda lead: lead["source"] is not None),
        ({"source": "domain SEARCH"}, lambda lead: lead["source"] == "Domain Search"),
        ({"industry": "~"}, lambda lead: lead["company_industry"] is None),
        ({"position": "*"}, lambda lead: lead["position"] is not None),
        ({"email": "blue-harbor"}, lambda lead: "blue-harbor" in lead["email"]),
        ({"email": "~"}, lambda lead: False),
        ({"twitter": "*"}, lambda lead: False),
        ({"phone_number": "~"}, lambda lead: lead["phone_number"] is None),
        ({"country_code": "us"}, lambda lead: lead["country_code"] == "US"),
        ({"sync_status": "success"}, lambda lead: lead["sync_status"] == "success"),
        ({"leads_list_id": 1}, lambda lead: lead["leads_list"]["id"] == 1),
        ({"last_contacted_at": "*"}, lambda lead: lead["last_contacted_at"] is not None),
        ({"last_activity_at": "~"}, lambda lead: lead["last_activity_at"] is None),
        ({"query": "ada"}, lambda lead: "ada" in _who(lead)),
        ({"custom_attributes[customer_id]": "*"}, lambda lead: "customer_id" in lead),
        ({"custom_attributes[customer_id]": "~"}, lambda lead: "customer_id" not in lead),
        ({"custom_attributes[customer_id]": "1003"}, lambda lead: _custom(lead) == "cus-1003"),
        ({"sending_status[]": ["~"]}, lambda lead: lead["sending_status"] is None),
        (
            {"sending_status[]": ["replied", "bounced"]},
            lambda lead: lead["sending_status"] in {"replied", "bounced"},
        ),
        (
            {"verification_status[]": ["valid"]},
            lambda lead: lead["verification"]["status"] in {"valid", "deliverable"},
        ),
        (
            {"verification_status[]": "pending"},
            lambda lead: lead["verification"]["status"] is None,
        ),
        ({"source": "*", "sync_status": "success"}, _both),
    ],
)
async def test_every_filter_chooses(hunter: Hunter, query: Any, field: Any) -> None:
    everything = await hunter.leads()
    chosen = await hunter.leads(**query)
    assert chosen == [lead for lead in everything if field(lead)]
    count = (await hunter.get("/leads", **query))["meta"]
    assert (count["count"], count["total"]) == (len(chosen), 40)


async def test_unheard_of_filter_words_are_refused(hunter: Hunter) -> None:
    for name in ("sync_status", "sending_status[]", "verification_status[]"):
        assert (await hunter.ask("GET", "/leads", **{name: "sideways"})).status_code == 400


async def test_existence_is_told_without_a_boolean(hunter: Hunter) -> None:
    lead = (await hunter.get("/leads/2"))["data"]
    known = (await hunter.get("/leads/exist", email=lead["email"].upper()))["data"]
    listed = lead["leads_list"]
    assert known == {"id": 2, "leads_list_id": listed["id"], "leads_list_name": listed["name"]}
    absent = (await hunter.get("/leads/exist", email="no@body.example"))["data"]
    assert absent == {"id": None, "leads_list_id": None, "leads_list_name": None}


async def test_a_lead_lives_from_201_over_204_to_404(hunter: Hunter) -> None:
    body = {"email": "new@lead.example", "company": "Reddit", "custom_attributes": {"region": "N"}}
    made = await hunter.ask("POST", "/leads", body)
    data = made.json()["data"]
    assert (made.status_code, data["region"], data["leads_list"]["id"]) == (201, "N", 4)
    assert (await hunter.ask("POST", "/leads", body)).status_code == 422
    path = f"/leads/{data['id']}"
    changed = await hunter.ask("PUT", path, {"company": "Facebook"})
    assert (changed.status_code, changed.content) == (204, b"")
    again = await hunter.ask("PUT", "/leads", {**body, "custom_attributes": {"region": ""}})
    assert (again.status_code, again.json()["data"]["company"]) == (200, "Reddit")
    assert "region" not in again.json()["data"]
    assert (await hunter.ask("DELETE", path)).status_code == 204
    assert (await hunter.ask("GET", path)).json()["errors"][0]["id"] == "not_found"
    assert (await hunter.ask("PUT", "/leads", body)).status_code == 201


@pytest.mark.parametrize(
    "body, status, identifier",
    [
        ({}, 422, "empty_required_field"),
        ({"email": "nonsense"}, 422, "wrong_field_value"),
        ({"email": "a@b.example", "leads_list_id": 99}, 404, "not_found"),
        (
            {"email": "a@b.example", "leads_list_name": "x", "leads_list_id": 1},
            422,
            "invalid_argument",
        ),
    ],
)
async def test_wrong_leads_are_refused(
    hunter: Hunter, body: Any, status: int, identifier: str
) -> None:
    answer = await hunter.ask("POST", "/leads", body)
    assert (answer.status_code, answer.json()["errors"][0]["id"]) == (status, identifier)


async def test_a_list_may_be_named_and_is_made_when_there_is_none(hunter: Hunter) -> None:
    async def made(email: str, name: str) -> Any:
        body = {"email": email, "leads_list_name": name}
        return (await hunter.ask("POST", "/leads", body)).json()["data"]["leads_list"]

    assert (await made("a@b.example", "trade FAIR"))["id"] == 2
    assert await made("c@d.example", "Fresh") == {"id": 5, "name": "Fresh", "leads_count": 1}


async def test_bulk_work_is_done_at_once_only_when_it_is_little(hunter: Hunter) -> None:
    source = (await hunter.get("/leads_lists/1"))["data"]["leads_count"]
    move = {"leads_list_id": 1, "target_leads_list_id": 4, "lead_ids": [2, 3]}
    moved = await hunter.ask("POST", "/leads/bulk/move", move)
    assert moved.status_code == 202
    assert moved.json()["data"] == {
        "source_leads_list_id": 1, "target_leads_list_id": 4, "leads_count": 2, "status": "queued",
    }  # fmt: skip
    few = await hunter.ask("POST", "/leads/bulk/delete", {"leads_list_id": 4})
    expected = {"requested_count": 2, "deleted_count": 2, "status": "completed"}
    assert (few.status_code, few.json()["data"]) == (200, expected)
    many = await hunter.ask("POST", "/leads/bulk/delete", {"leads_list_id": 1})
    assert many.status_code == 202
    assert many.json()["data"] == {"requested_count": source - 2, "status": "queued"}
    for body, status in (({}, 400), ({"lead_ids": [999]}, 422), ({"leads_list_id": 99}, 404)):
        assert (await hunter.ask("POST", "/leads/bulk/delete", body)).status_code == status


async def test_lists_show_their_leads_with_an_id_instead_of_a_list(hunter: Hunter) -> None:
    lists = await hunter.get("/leads_lists")
    assert [made["id"] for made in lists["data"]["leads_lists"]] == [4, 3, 2, 1]
    assert lists["meta"] == {"total": 4, "params": {"limit": 20, "offset": 0}}
    shown = await hunter.get("/leads_lists/1", limit=2)
    assert shown["data"]["leads_count"] > len(shown["data"]["leads"]) == 2
    assert all(lead["leads_list_id"] == 1 for lead in shown["data"]["leads"])
    assert not any("leads_list" in lead for lead in shown["data"]["leads"])
    assert shown["meta"]["params"] == {"limit": 2, "offset": 0, "leads_list_id": 1}


async def test_a_long_list_is_deleted_later_with_an_empty_202(hunter: Hunter) -> None:
    lead = (await hunter.leads(leads_list_id=1))[0]
    long = await hunter.ask("DELETE", "/leads_lists/1")
    assert (long.status_code, long.content) == (202, b"")
    short = await hunter.ask("DELETE", "/leads_lists/4")
    assert (short.status_code, short.content) == (204, b"")
    orphan = (await hunter.get(f"/leads/{lead['id']}"))["data"]
    assert orphan["leads_list"] == {"id": None, "name": None, "leads_count": None}


async def test_attributes_keep_their_slug_and_take_their_values_along(hunter: Hunter) -> None:
    body = await hunter.get("/leads_custom_attributes")
    assert [made["id"] for made in body["data"]["leads_custom_attributes"]] == [3, 2, 1]
    made = (await hunter.ask("POST", "/leads_custom_attributes", {"label": "Shoe size!"})).json()
    assert made["data"] == {"id": 4, "label": "Shoe size!", "slug": "shoe_size"}
    again = await hunter.ask("POST", "/leads_custom_attributes", {"label": "shoe SIZE!"})
    assert again.status_code == 422
    await hunter.ask("PUT", "/leads_custom_attributes/4", {"label": "Boots"})
    renamed = (await hunter.get("/leads_custom_attributes/4"))["data"]
    assert (renamed["label"], renamed["slug"]) == ("Boots", "shoe_size")
    assert "customer_id" in (await hunter.get("/leads/1"))["data"]
    await hunter.ask("DELETE", "/leads_custom_attributes/2")
    assert "customer_id" not in (await hunter.get("/leads/1"))["data"]


async def test_every_account_keeps_its_own_book(hunter: Hunter) -> None:
    simulator = hunter.walker.simulator
    await simulator.control.put("/accounts", {"provider": "hunter", "name": "b", "key": "b-key"})
    await hunter.ask("DELETE", "/leads/1")
    url = simulator.endpoints.hunter + "/leads/1"
    other = await hunter.walker.client.get(url, headers={"x-api-key": "b-key"})
    assert other.status_code == 200
    assert (await hunter.ask("GET", "/leads/1")).status_code == 404
    await simulator.control.post("/reset")
    assert (await hunter.ask("GET", "/leads/1")).status_code == 200
