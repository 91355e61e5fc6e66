"""Every endpoint of the four documents, asked natively: the same bytes, and what they cost."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from gateway.vault.passes import LIFE
from providers.registry import ADAPTERS
from providers.simulator.endpoints import BY_PROVIDER, Endpoint
from tests.gateway.conftest import ADMIN_KEY
from tests.gateway.native.harness import Native
from tests.gateway.native.requests import EMAIL, REQUESTS, Sent

# The gateway signs in for its callers, so this one is not passed on.
SIGN_IN = "POST /v1/oauth/access_token"
FRAMING = {b"content-length"}
Seen = dict[str, Any]


def filled(value: Any, seen: Seen) -> Any:
    """`value` with what earlier replies handed over."""
    if isinstance(value, str) and "{" in value:
        return value.format(**seen)
    if isinstance(value, dict):
        return {name: filled(item, seen) for name, item in value.items()}
    return value


def learn(seen: Seen, body: Any) -> None:
    """Ids that later requests need."""
    if not isinstance(body, dict):
        return
    for part in (body, body.get("meta"), body.get("data")):
        if isinstance(part, dict):
            task = part.get("task_hash") or part.get("task_id")
            seen["task"] = task or seen.get("task")
    if "id" in body:
        seen["added"] = body["id"]
    found = msgspec.json.encode(body).decode()
    for mark in ('search_emails_start":"', 'email_and_hidden_info_reveal":"'):
        if mark in found:
            seen["prospect"] = found.split(mark)[1].split('"')[0].rpartition("/")[2]


async def walk(native: Native, endpoint: Endpoint, sent: Sent, seen: Seen) -> httpx.Response:
    """Ask, and ask for what it began until that is done."""
    path, rest = filled(sent.path, seen), filled(dict(sent.rest), seen)
    reply = await native.ask(endpoint.method, endpoint.provider, path, **rest)
    assert reply.status_code == endpoint.status, (endpoint.name, reply.text)
    told = native.said[-1]
    assert (reply.status_code, reply.content) == (told.status, told.body), endpoint.name
    for name, value in told.headers:
        assert reply.headers[name.decode()] == value.decode(), endpoint.name
    if reply.content and "json" in reply.headers["content-type"]:
        learn(seen, reply.json())
    return reply


async def settle_task(native: Native, endpoint: Endpoint, task: str) -> None:
    """Read what an endpoint began, natively."""
    row = ADAPTERS[endpoint.provider].native.match(endpoint.method, endpoint.path).path
    if row is not None and row.task is not None:
        path = row.task.result.replace("{task}", task)
        reply = await native.ask("GET", endpoint.provider, path)
        assert reply.status_code == 200, reply.text
        assert str(reply.json()["status"]) == "completed"


@pytest.mark.parametrize("provider", BY_PROVIDER)
def test_the_table_has_a_request_for_every_endpoint(provider: str) -> None:
    names = {endpoint.name for endpoint in BY_PROVIDER[provider]} - {SIGN_IN}
    assert REQUESTS[provider].keys() == names


@pytest.mark.parametrize("provider", BY_PROVIDER)
def test_every_endpoint_has_its_row(provider: str) -> None:
    """With a unit where the provider bills one, and out of reach where it shows secrets."""
    for endpoint in BY_PROVIDER[provider]:
        if endpoint.name == SIGN_IN:
            continue
        row = ADAPTERS[provider].native.match(endpoint.method, endpoint.path).path
        assert row is not None, endpoint.name
        metered = bool(row.unit) and provider != "letrics"
        assert metered is (endpoint.meter is not None), endpoint.name
        assert (row.access == "secret") is endpoint.secret, endpoint.name


@pytest.mark.parametrize("provider", BY_PROVIDER)
async def test_every_endpoint_answers_natively_and_costs_what_is_billed(
    native: Native, provider: str
) -> None:
    """The provider's own bytes; units of the ledger equal its bill after every call."""
    book = native.simulator.app.stage
    seen: Seen = {}
    order = {name: at for at, name in enumerate(REQUESTS[provider])}
    for endpoint in sorted(
        (one for one in BY_PROVIDER[provider] if one.name != SIGN_IN),
        key=lambda one: order[one.name],
    ):
        if endpoint.path == "/v1/change-recipient-status":
            campaign = book.books["snov", "default"].campaigns[2003]
            seen["recipient"] = next(m for m, s in campaign.statuses.items() if s == "Active")
        await walk(native, endpoint, REQUESTS[provider][endpoint.name], seen)
        await settle_task(native, endpoint, str(seen.get("task")))
        await native.until_settled()
        assert await native.posted() == native.billed(), endpoint.name
    if provider != "letrics":
        assert native.billed()


async def test_what_is_charged_once_is_booked_once(native: Native) -> None:
    """The same search again, in another spelling, and by its task again."""
    for domain in ("blue-harbor.example", "https://www.Blue-Harbor.example/team"):
        for part in ("", "/domain-emails", "/generic-contacts", "/prospects"):
            path = f"/v2/domain-search{part}"
            reply = await native.ask("POST", "snov", f"{path}/start", data={"domain": domain})
            task = reply.json()["meta"]["task_hash"]
            for _ in range(2):
                await native.ask("GET", "snov", f"{path}/result/{task}")
    await native.until_settled()
    assert native.billed() == {("snov", "credits"): 4000}
    assert await native.posted() == native.billed()


async def test_misses_cost_what_they_are_billed(native: Native) -> None:
    nobody, nowhere = "Nobody Atall", "nowhere.example"
    await native.ask(
        "GET", "hunter", "/email-finder", params={"full_name": nobody, "domain": nowhere}
    )
    await native.ask("GET", "hunter", "/domain-search", params={"domain": nowhere})
    await native.ask("GET", "hunter", "/people/find", params={"email": f"x@{nowhere}"})
    await native.ask("GET", "hunter", "/email-finder", params={"domain": nowhere})
    await native.ask("POST", "snov", "/v1/get-profile-by-email", data={"email": f"x@{nowhere}"})
    names = {"firstName": "Nobody", "lastName": "Atall", "domain": nowhere}
    await native.ask("POST", "snov", "/v1/add-names-to-find-emails", data=names)
    await native.ask("POST", "snov", "/v1/add-names-to-find-emails", data={"domain": nowhere})
    await native.ask("POST", "sixtyfour", "/find-email", json={"lead": {"name": nobody}})
    await native.ask("POST", "sixtyfour", "/find-email", json={"lead": {"email": f"x@{nowhere}"}})
    await native.ask("POST", "sixtyfour", "/find-email", json={})
    reply = await native.ask("POST", "snov", "/v2/domain-search/start", json={"domain": nowhere})
    path = f"/v2/domain-search/result/{reply.json()['meta']['task_hash']}"
    await native.ask("GET", "snov", path)
    await native.until_settled()
    assert native.billed() == {("snov", "credits"): 1000}
    assert await native.posted() == native.billed()


async def test_a_page_of_a_hundred_costs_ten(native: Native) -> None:
    """Reserved as the request allows, posted as the reply says."""
    company = max(native.simulator.world.companies, key=lambda one: len(one.roles))
    for limit in ("5", "11", "100", ""):
        params = {"domain": company.domain, "limit": limit}
        await native.ask("GET", "hunter", "/domain-search", params=params)
    worst = [int(row["worst_units"]) for row in await native.entries()]
    assert worst == [1000, 2000, 10_000, 1000]
    assert await native.posted() == native.billed()


async def test_native_and_unified_answers_agree(native: Native) -> None:
    """Of an address, its verdict and a count; asked either way they cost the same."""
    asked = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
    only = {"routing": {"providers": ["hunter"], "max_age": 0}}
    for path, operation, fields, ours, theirs in (
        ("/email-finder", "emails/find", asked, "email", "email"),
        ("/email-verifier", "emails/verify", {"email": EMAIL}, "status", "status"),
        ("/email-count", "emails/count", {"domain": asked["domain"]}, "total", "total"),
    ):
        before = native.billed()
        alone = (await native.ask("GET", "hunter", path, params=fields)).json()["data"]
        between = native.billed()
        reply = await native.gateway.post(f"/v1/{operation}", {**fields, **only})
        assert reply.json()["data"][ours] == alone[theirs], path
        assert native.billed() - between == between - before


async def test_the_gateway_hands_out_tokens_of_its_own(native: Native) -> None:
    body = {"grant_type": "client_credentials", "client_id": "any", "client_secret": ADMIN_KEY}
    for sent in ({"data": body}, {"json": body}):
        reply = await native.client.post("/native/snov/v1/oauth/access_token", **sent)  # type: ignore[arg-type]
        assert reply.status_code == 200, reply.text
        assert set(reply.json()) == {"access_token", "token_type", "expires_in"}
        assert reply.json()["expires_in"] == LIFE == 3600
    assert native.simulator.app.stage.tokens.requests == 0
