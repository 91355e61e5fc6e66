"""What real clients send: keys anywhere, forms and JSON, bodies where none belong, odd URLs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.samples import EMAIL
from providers.simulator.testing import RunningSimulator
from tests.providers.simulator.walking import Walker

KEY = "sim-hunter-key"
LEAD = {"email": "x@y.example", "first_name": "Ix", "confidence_score": 97,
        "custom_attributes": {"customer_id": "c-1"}}  # fmt: skip
LEAD_FORM = {"email": "x@y.example", "first_name": "Ix", "confidence_score": "97",
             "custom_attributes[customer_id]": "c-1"}  # fmt: skip


@pytest.fixture
def walker(simulator: RunningSimulator, client: httpx.AsyncClient) -> Walker:
    return Walker(simulator, client)


@pytest.mark.parametrize("body", [{"json": LEAD}, {"data": LEAD_FORM}, {"params": LEAD_FORM}])
async def test_a_write_is_the_same_as_json_form_and_query(
    walker: Walker, body: dict[str, Any]
) -> None:
    answer = await walker.ask("hunter", "POST", "/leads", **body)
    made = answer.json()["data"]
    assert answer.status_code == 201
    assert (made["first_name"], made["confidence_score"]) == ("Ix", 97)
    assert made["customer_id"] == "c-1"
    assert "custom_attributes" not in made


@pytest.mark.parametrize(
    "where",
    [
        {"params": {"api_key": KEY}},
        {"headers": {"X-API-KEY": KEY}},
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"params": {"api_key": ""}, "headers": {"X-API-KEY": KEY}},
    ],
)
async def test_the_key_of_a_write_may_be_in_three_places(
    walker: Walker, where: dict[str, Any]
) -> None:
    answer = await walker.ask(
        "hunter", "POST", "/leads_lists", keys=False, json={"name": "x"}, **where
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"emails": ["x@y.example"]}},
        {"json": {"emails": "x@y.example"}},
        {"data": {"emails[]": ["x@y.example"]}},
        {"params": {"emails[]": "x@y.example"}},
    ],
)
async def test_a_delete_may_have_a_body(walker: Walker, body: dict[str, Any]) -> None:
    path = "/campaigns/3/recipients"
    await walker.ask("hunter", "POST", path, json={"emails": ["x@y.example"]})
    answer = await walker.ask("hunter", "DELETE", path, **body)
    assert answer.status_code == 201
    assert answer.json()["data"] == {
        "recipients_canceled": ["x@y.example"],
        "messages_canceled": 2,
    }


@pytest.mark.parametrize("encoding", ["json", "data"])
async def test_a_get_may_have_a_body(walker: Walker, encoding: str) -> None:
    token = (await walker.keys("snov"))["authorization"].removeprefix("Bearer ")
    fields = {encoding: {"campaignId": 2001, "access_token": token}}
    answer = await walker.ask("snov", "GET", "/v1/emails-sent", keys=False, **fields)
    assert answer.json()[0]["campaign"] == "Zipari - Salesforce Developer"


async def test_php_sends_arrays_as_multipart_forms(walker: Walker) -> None:
    token = (await walker.keys("snov"))["authorization"].removeprefix("Bearer ")
    fields = {
        "access_token": token,
        "email": "x@y.example",
        "fullName": "Søren Ångström",
        "customFields[company]": "Acme",
        "listId": "1001",
    }
    parts = [(name, (None, value)) for name, value in fields.items()]
    answer = await walker.ask("snov", "POST", "/v1/add-prospect-to-list", keys=False, files=parts)
    id_ = answer.json()["id"]
    shown = await walker.ask("snov", "POST", "/v1/get-prospect-by-id", json={"id": id_})
    assert shown.json()["data"]["name"] == "Søren Ångström"


@pytest.mark.parametrize(
    "query",
    [
        f"emails[]={EMAIL}&emails[]=info@blue-harbor.example",
        f"emails%5B%5D={EMAIL.replace('@', '%40')}&emails%5B%5D=info%40blue-harbor.example",
        f"emails[0]={EMAIL}&emails[1]=info@blue-harbor.example",
        f"emails={EMAIL},info@blue-harbor.example",
    ],
)
async def test_addresses_in_a_query_may_be_raw_or_encoded(walker: Walker, query: str) -> None:
    answer = await walker.ask("snov", "POST", f"/v1/get-emails-verification-status?{query}")
    assert set(answer.json()) == {"success", EMAIL, "info@blue-harbor.example"}


async def test_a_literal_plus_in_a_query_is_a_space(walker: Walker) -> None:
    path = "/v1/add-emails-to-verification?emails[]="
    raw = await walker.ask("snov", "POST", path + "ada+tag@blue-harbor.example")
    assert raw.status_code == 400
    assert raw.json()["errors"] == ["ada tag@blue-harbor.example is not a valid email"]
    encoded = await walker.ask("snov", "POST", path + "ada%2Btag@blue-harbor.example")
    assert encoded.json() == {"success": True, "ada+tag@blue-harbor.example": {"sent": True}}


@pytest.mark.parametrize(
    "provider, path, plain",
    [
        ("hunter", "/account/", "/account"),
        ("hunter", "/leads/1/", "/leads/1"),
        ("hunter", "/leads?email=&first_name=&leads_list_id=&query=&limit=&offset=", "/leads"),
        ("hunter", "/leads-lists", "/leads_lists"),
        ("hunter", "/leads-lists/1", "/leads_lists/1"),
        ("hunter", "/sequences/1/recipients", "/campaigns/1/recipients"),
        ("hunter", "/campaigns?started=True", "/campaigns?started=true"),
        ("snov", "/v1/get-user-lists/", "/v1/get-user-lists"),
        ("snov", "/v1/emails-sent?campaignId=2001&offset=", "/v1/emails-sent?campaignId=2001"),
    ],
)
async def test_other_spellings_of_a_url_are_the_same(
    walker: Walker, provider: str, path: str, plain: str
) -> None:
    answers = [await walker.ask(provider, "GET", p) for p in (path, plain)]
    assert [answer.status_code for answer in answers] == [200, 200]
    first, second = (answer.json() for answer in answers)
    if isinstance(first, dict):
        first.get("meta", {}).pop("params", None)
        second.get("meta", {}).pop("params", None)
    assert first == second


@pytest.mark.parametrize(
    "provider, method, path, status",
    [
        ("hunter", "PATCH", "/leads/1", 404),
        ("hunter", "POST", "/email-finder", 404),
        ("snov", "GET", "/v1/lists", 405),
        ("snov", "GET", "/v1/nowhere", 404),
        ("sixtyfour", "GET", "/find-email", 405),
        ("letrics", "DELETE", "/contacts", 404),
    ],
)
async def test_a_known_path_under_another_method_is_refused(
    walker: Walker, provider: str, method: str, path: str, status: int
) -> None:
    assert (await walker.ask(provider, method, path)).status_code == status


@pytest.mark.parametrize(
    "provider, method, path, status",
    [
        ("hunter", "POST", "/leads", 400),
        ("snov", "POST", "/v1/lists", 400),
        ("sixtyfour", "POST", "/find-email-bulk", 422),
        ("letrics", "POST", "/companies", 400),
    ],
)
async def test_a_body_that_only_looks_like_json_is_refused(
    walker: Walker, provider: str, method: str, path: str, status: int
) -> None:
    answer = await walker.ask(provider, method, path, content=b'{"name": ')
    assert answer.status_code == status
