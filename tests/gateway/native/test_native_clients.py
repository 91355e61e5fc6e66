"""Clients that others wrote for the providers, with nothing changed but their base URL."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
import requests
import snovio
from pyhunter import AsyncPyHunter, PyHunter
from pyhunter.exceptions import HunterApiError
from requests.adapters import BaseAdapter

from providers.simulator.latency import Profile, Spread
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import ADMIN_KEY, Gateway, GatewayFactory
from tests.gateway.native.requests import DOMAIN, EMAIL, PROFILE


@pytest.fixture
async def sandbox(start_gateway: GatewayFactory, simulator: RunningSimulator) -> Gateway:
    simulator.app.stage.latency.put(Profile(Spread(), Spread(), Spread()))
    return await start_gateway(sandbox=True)


async def check_money(gateway: Gateway) -> None:
    """The sandbox's ledger has what its simulator billed, call by call."""
    reply = await gateway.client.get(
        "/v1/admin/ledger/summary", params={"group_by": "provider,operation"}
    )
    rows = reply.json()["data"]
    assert all(row["operation"].startswith("native ") for row in rows)
    assert all((row["reserved"], row["in_doubt"]) == ("0", "0") for row in rows)
    assert gateway.simulator
    billed = sum(Decimal(row.cost) for row in gateway.simulator.bill.rows)
    assert sum(Decimal(row["cost"]) for row in rows) == billed > 0


@pytest.fixture
def hunter(sandbox: Gateway) -> PyHunter:
    client = PyHunter(ADMIN_KEY)
    client.base_endpoint = sandbox.url + "/native/hunter/{}"
    return client


# What each method is called with, and how its answer is known to be the right one.
Check = Callable[[Any], Any]
HUNTER: list[tuple[str, dict[str, Any], Check]] = [
    ("domain_search", {"domain": DOMAIN, "limit": 5}, lambda r: r["domain"] == DOMAIN),
    (
        "email_finder",
        {"domain": DOMAIN, "first_name": "Ada", "last_name": "Lovelace"},
        lambda r: r == (EMAIL, 98),
    ),
    ("email_verifier", {"email": EMAIL}, lambda r: r["status"] == "valid"),
    ("email_count", {"domain": DOMAIN}, lambda r: r["total"] > 0),
    ("account_information", {}, lambda r: r["calls"]["left"] >= 0),
    ("email_enrichment", {"email": EMAIL}, lambda r: r["name"]["fullName"] == "Ada Lovelace"),
    ("company_enrichment", {"domain": DOMAIN}, lambda r: r["domain"] == DOMAIN),
    ("combined_enrichment", {"email": EMAIL}, lambda r: r["company"]["domain"] == DOMAIN),
    ("discover", {"organization": {"domain": [DOMAIN]}}, lambda r: r[0]["domain"] == DOMAIN),
    ("get_leads", {"limit": 3}, lambda r: len(r["leads"]) == 3),
    ("get_lead", {"lead_id": 2}, lambda r: r["id"] == 2),
    (
        "create_lead",
        {"first_name": "F", "last_name": "L", "email": "f@l.example", "leads_list_id": 1},
        lambda r: r["email"] == "f@l.example",
    ),
    (
        "upsert_lead",
        {"email": "f@l.example", "position": "CTO"},
        lambda r: r["position"] == "CTO",
    ),
    ("get_leads_lists", {"limit": 2}, lambda r: len(r["leads_lists"]) == 2),
    ("get_leads_list", {"leads_list_id": 1}, lambda r: r["id"] == 1),
    ("create_leads_list", {"name": "A list"}, lambda r: r["name"] == "A list"),
    (
        "get_leads_custom_attributes",
        {},
        lambda r: len(r["leads_custom_attributes"]) == 3,
    ),
    ("get_leads_custom_attribute", {"attribute_id": 1}, lambda r: r["id"] == 1),
    ("create_leads_custom_attribute", {"label": "Size"}, lambda r: r["slug"] == "size"),
    ("get_campaigns", {"limit": 2}, lambda r: len(r["campaigns"]) == 2),
    ("get_campaign_recipients", {"campaign_id": 3}, lambda r: len(r["recipients"]) == 8),
    (
        "add_campaign_recipients",
        {"campaign_id": 3, "emails": ["a@b.example"]},
        lambda r: r["recipients_added"] == 1,
    ),
    (
        "cancel_campaign_recipients",
        {"campaign_id": 3, "emails": ["a@b.example"]},
        lambda r: r["recipients_canceled"] == ["a@b.example"],
    ),
    ("start_campaign", {"campaign_id": 3}, lambda r: "message" in r),
]
# The client asks for a body's `data` although Hunter answers 204 without a body: what it was told
# to do is done, and then it raises.
BODILESS: list[tuple[str, dict[str, Any]]] = [
    ("update_lead", {"lead_id": 2, "position": "CTO"}),
    ("delete_lead", {"lead_id": 4}),
    ("update_leads_list", {"leads_list_id": 2, "name": "B list"}),
    ("delete_leads_list", {"leads_list_id": 4}),
    ("update_leads_custom_attribute", {"attribute_id": 2, "label": "Hat"}),
    ("delete_leads_custom_attribute", {"attribute_id": 3}),
]
ELSEWHERE = "logo"


def test_no_method_of_the_clients_is_left_out() -> None:
    methods = {
        name
        for kind in (PyHunter, AsyncPyHunter)
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }
    asked = {name for name, *_ in (*HUNTER, *BODILESS)} | {ELSEWHERE}
    assert methods - {"aclose"} == asked


async def test_pyhunter_works_through_the_gateway(sandbox: Gateway, hunter: PyHunter) -> None:
    for name, arguments, check in HUNTER:
        answer = await asyncio.to_thread(getattr(hunter, name), **arguments)
        assert check(answer), (name, answer)
    await check_money(sandbox)


async def test_pyhunter_trips_over_replies_without_a_body(
    sandbox: Gateway, hunter: PyHunter
) -> None:
    """As it does with Hunter itself."""
    for name, arguments in BODILESS:
        with pytest.raises(HunterApiError) as raised:
            await asyncio.to_thread(getattr(hunter, name), **arguments)
        assert (raised.value.status_code, raised.value.payload) == (204, {"body": ""})
    assert sandbox.simulator
    book = sandbox.simulator.app.stage.books["hunter", "default"]
    assert book.leads[2].fields["position"] == "CTO"
    assert 4 not in book.leads
    assert book.lists[2].name == "B list"
    assert 4 not in book.lists
    assert book.attributes[2].label == "Hat"
    assert 3 not in book.attributes


class Recorder(BaseAdapter):
    """Instead of a network."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(request)
        reply = requests.Response()
        reply.status_code, reply._content = 200, b"a picture"
        return reply

    def close(self) -> None:
        """Nothing is open."""


async def test_pyhunters_logos_have_a_base_url_that_cannot_be_set(hunter: PyHunter) -> None:
    """Its `logo` asks logos.hunter.io whatever `base_endpoint` is, without any key."""
    recorder = Recorder()
    hunter.session.mount("https://", recorder)
    assert hunter.logo(DOMAIN) == b"a picture"
    [request] = recorder.asked
    assert request.url == f"https://logos.hunter.io/{DOMAIN}"
    assert ADMIN_KEY not in str(request.headers)


async def test_pyhunter_misnames_the_list_it_filters_by(hunter: PyHunter) -> None:
    """It sends `lead_list_id`, which Hunter calls `leads_list_id`: nothing is filtered."""
    every = await asyncio.to_thread(hunter.get_leads, limit=100)
    some = await asyncio.to_thread(hunter.get_leads, limit=100, lead_list_id=2)
    assert len(some["leads"]) == len(every["leads"])


async def test_pyhunter_understands_the_gateways_refusals(
    sandbox: Gateway, hunter: PyHunter
) -> None:
    """It loses the status: it takes a reply of 4xx for none at all."""
    team = await sandbox.team(budget={"amount": "0.01", "period": "day"})
    hunter.api_key = await sandbox.key(team, "native")
    with pytest.raises(HunterApiError) as raised:
        await asyncio.to_thread(hunter.email_finder, DOMAIN, full_name="Ada Lovelace")
    assert raised.value.error[0]["id"] == "budget_exhausted"
    assert raised.value.error[0]["code"] == 402
    assert raised.value.status_code is None


@pytest.fixture
async def async_hunter(sandbox: Gateway) -> AsyncIterator[AsyncPyHunter]:
    async with AsyncPyHunter(ADMIN_KEY) as client:
        client.base_endpoint = sandbox.url + "/native/hunter/{}"
        yield client


async def test_the_async_pyhunter_works_through_the_gateway(
    sandbox: Gateway, async_hunter: AsyncPyHunter
) -> None:
    asked = 0
    for name, arguments, check in HUNTER:
        if hasattr(async_hunter, name):
            answer = await getattr(async_hunter, name)(**arguments)
            assert check(answer), (name, answer)
            asked += 1
    assert asked == 5
    await check_money(sandbox)


@pytest.fixture
def snov(sandbox: Gateway, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    monkeypatch.setattr(snovio, "SNOVIO_API_URL", sandbox.url + "/native/snov/")
    return lambda: snovio.SnovioAPI(client_id="any", client_secret=ADMIN_KEY)


ADA = {"firstName": "Ada", "lastName": "Lovelace", "domain": DOMAIN}
RECIPIENT = {"campaign_id": 2003, "status": "Paused"}
SNOV: list[tuple[str, dict[str, Any], Check]] = [
    ("get_balance", {}, lambda r: Decimal(r["data"]["balance"]) > 0),
    ("get_domain_emails_count", {"domain": DOMAIN}, lambda r: r["result"] > 0),
    ("add_names_to_find_emails", ADA, lambda r: r["sent"] is True),
    ("get_emails_from_names", ADA, lambda r: r["data"]["emails"][0]["email"] == EMAIL),
    ("add_emails_to_verification", {"emails": [EMAIL]}, lambda r: r[EMAIL] == {"sent": True}),
    (
        "get_emails_verification_status",
        {"emails": [EMAIL]},
        lambda r: r[EMAIL]["data"]["smtpStatus"] == "valid",
    ),
    ("add_url_for_search", {"url": PROFILE}, lambda r: r == {"success": True}),
    ("get_emails_from_url", {"url": PROFILE}, lambda r: r["data"][0]["name"] == "Ada Lovelace"),
    ("get_profile_by_email", {"email": EMAIL}, lambda r: r["name"] == "Ada Lovelace"),
    (
        "domain_emails_with_info",
        {"domain": DOMAIN, "type": "all", "limit": 10, "lastId": 0},
        lambda r: r["emails"],
    ),
    (
        "add_prospect_to_list",
        {"email": "f@g.example", "fullName": "F G", "listId": "1001"},
        lambda r: r["added"] is True,
    ),
    ("get_prospects_by_email", {"email": "f@g.example"}, lambda r: len(r["data"]) == 1),
    ("get_prospect_by_id", {"id": "unknown"}, lambda r: r["success"] is False),
    ("prospect_list", {"listId": "1001", "page": 1, "perPage": 3}, lambda r: len(r["prospects"])),
]
# Snov.io answers these with a bare array, of which the client pops a key.
ARRAYS: list[tuple[str, dict[str, Any]]] = [
    ("get_user_campaigns", {}),
    ("prospect_finished", {"campaignId": 2001}),
    ("get_emails_replies", {"campaignId": 2001}),
    ("get_emails_clicked", {"campaignId": 2001}),
    ("emails_sent", {"campaignId": 2001}),
    ("do_not_email_list", {"items[]": ["f@g.example"], "listId": 3001}),
    ("prospect_custom_fields", {}),
    ("get_user_lists", {}),
    ("lists", {"name": "A list"}),
]


async def test_python_snovio_works_through_the_gateway(
    sandbox: Gateway, snov: Callable[[], Any]
) -> None:
    """Its token travels in the body, of GET too, and its addresses unencoded in the URL."""
    client = await asyncio.to_thread(snov)
    assert client.access_token.startswith("pgt_")
    for name, fields, check in SNOV:
        answer = await asyncio.to_thread(getattr(client, name), dict(fields))
        assert check(answer), (name, answer)
    assert sandbox.simulator
    book = sandbox.simulator.app.stage.books["snov", "default"]
    active = next(m for m, s in book.campaigns[2003].statuses.items() if s == "Active")
    answer = await asyncio.to_thread(
        client.change_recipient_status, {"email": active, **RECIPIENT}
    )
    assert answer == {"success": True}
    await check_money(sandbox)


async def test_python_snovio_trips_over_arrays(sandbox: Gateway, snov: Callable[[], Any]) -> None:
    """As it does with Snov.io itself: the provider has answered by then."""
    client = await asyncio.to_thread(snov)
    assert sandbox.simulator
    for name, fields in ARRAYS:
        with pytest.raises(TypeError):
            await asyncio.to_thread(getattr(client, name), dict(fields))
        visit = sandbox.simulator.app.traffic.latest[-1]
        assert (visit.path, visit.status) == (f"/v1/{name.replace('_', '-')}", 200)


async def test_python_snovio_asks_for_opens_with_the_wrong_method(
    sandbox: Gateway, snov: Callable[[], Any]
) -> None:
    """Its list of GETs has no `get-emails-opened`, and it makes nothing of the gateway's 405."""
    client = await asyncio.to_thread(snov)
    with pytest.raises(TypeError, match="NoneType"):
        await asyncio.to_thread(client.get_emails_opened, {"campaignId": 2001})
    assert sandbox.simulator
    assert not sandbox.simulator.app.traffic.latest


async def test_python_snovio_signs_in_again_when_its_token_is_dead(
    snov: Callable[[], Any],
) -> None:
    client = await asyncio.to_thread(snov)
    client.access_token = "pgt_000000000000_1000000000_" + "0" * 40
    answer = await asyncio.to_thread(client.get_domain_emails_count, {"domain": DOMAIN})
    assert answer["result"] > 0
    assert client.access_token.startswith("pgt_")
    assert not client.access_token.endswith("0" * 40)
