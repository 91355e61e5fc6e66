"""Searches page through everything once, and a cursor fits one list only."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from gateway.api import cursors
from gateway.api.cursors import Cursor, Cursors
from gateway.lookup.identity import QueryError
from gateway.vault.datakey import DataKey
from tests.gateway.api.replies import pointers
from tests.gateway.conftest import SECRETS, Gateway, GatewayFactory

CONTACTS, COMPANIES = "/v1/contacts/search", "/v1/companies/search"
DOMAINS = "/v1/domains/search"
HARBOR = {"domain": "blue-harbor.example"}


def rows_of(reply: httpx.Response) -> list[Any]:
    data = reply.json()["data"]
    return list(data["emails"] if isinstance(data, dict) else data)


async def pages(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> list[list[Any]]:
    """Every page of a search."""
    found: list[list[Any]] = []
    cursor: str | None = None
    while True:
        asked = body if cursor is None else {**body, "cursor": cursor}
        reply = await client.post(path, json=asked)
        assert reply.status_code == 200, reply.text
        found.append(rows_of(reply))
        cursor = reply.json()["meta"]["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize(
    "path, query, member, limits",
    [
        (CONTACTS, {}, "linkedin_url", (100, 37)),
        (COMPANIES, {}, "domain", (100, 20, 7)),
        (DOMAINS, HARBOR, "email", (1, 4, 100)),
    ],
)
async def test_a_search_gives_every_row_once(
    gateway: Gateway, path: str, query: dict[str, Any], member: str, limits: tuple[int, ...]
) -> None:
    first = await gateway.post(path, query)
    total = first.json()["meta"]["total"]
    assert total > 10
    for limit in limits:
        found = await pages(gateway.client, path, {**query, "limit": limit})
        assert all(len(page) <= limit for page in found)
        rows = [row for page in found for row in page]
        assert len(rows) == total, limit
        named = [row[member] for row in rows if row[member]]
        assert len(named) == len(set(named)), limit


async def test_a_page_read_again_is_not_bought_again(gateway: Gateway) -> None:
    assert gateway.simulator is not None
    body = {**HARBOR, "limit": 4}
    first = await pages(gateway.client, DOMAINS, body)
    bought = len(gateway.simulator.bill.rows)
    assert addresses(first) == addresses(await pages(gateway.client, DOMAINS, body))
    assert len(gateway.simulator.bill.rows) == bought


@pytest.mark.parametrize("max_age", [0, 60])
async def test_rows_bought_beyond_the_limit_serve_the_next_page(
    gateway: Gateway, max_age: int
) -> None:
    """A credit buys ten addresses: pages of four cost a credit for two and a half."""
    assert gateway.simulator is not None
    body = {**HARBOR, "limit": 4, "routing": {"max_age": max_age}}
    total = (await gateway.post(DOMAINS, {**HARBOR, "limit": 100})).json()["meta"]["total"]
    before = sum(row.units for row in gateway.simulator.bill.rows)
    found = await pages(gateway.client, DOMAINS, body)
    assert [len(page) for page in found[:3]] == [4, 4, 2]
    spent = sum(row.units for row in gateway.simulator.bill.rows) - before
    assert spent == -(-total // 10)


async def test_the_rest_of_an_answer_costs_nothing_and_says_so(gateway: Gateway) -> None:
    body = {**HARBOR, "limit": 4}
    first = (await gateway.post(DOMAINS, body)).json()
    second = await gateway.post(DOMAINS, {**body, "cursor": first["meta"]["next_cursor"]})
    assert second.headers["x-gateway-cache"] == "hit"
    assert second.headers["x-gateway-cost"] == "0"
    assert not set(addresses([first["data"]["emails"]])) & set(addresses([rows_of(second)]))


async def result_of(gateway: Gateway, job: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            told = (await gateway.client.get(f"/v1/jobs/{job}")).json()["data"]
            if told["status"] == "completed":
                return told["result"]
            await asyncio.sleep(0.02)


async def test_a_job_serves_its_portion_too(gateway: Gateway) -> None:
    body = {**HARBOR, "limit": 4}
    cursor: str | None = None
    for _page in range(2):
        asked = body if cursor is None else {**body, "cursor": cursor}
        job = (await gateway.post(DOMAINS, asked, prefer="respond-async")).json()["data"]
        result = await result_of(gateway, job["id"])
        assert len(result["data"]["emails"]) == 4
        cursor = result["meta"]["next_cursor"]


def addresses(found: list[list[Any]]) -> list[str]:
    return [row["email"] for page in found for row in page]


async def test_a_cursor_fits_its_own_list_only(gateway: Gateway) -> None:
    """Bound to team, operation and query; whatever else is tried is 422 at /cursor."""
    body = {**HARBOR, "limit": 4}
    cursor = (await gateway.post(DOMAINS, body)).json()["meta"]["next_cursor"]
    assert (await gateway.post(DOMAINS, {**body, "cursor": cursor})).status_code == 200
    spelt = {"domain": "WWW.Blue-Harbor.Example", "limit": 4, "cursor": cursor}
    assert (await gateway.post(DOMAINS, spelt)).status_code == 200, "the same question"
    flipped = "B" if cursor[30] == "A" else "A"
    for path, misused in (
        (DOMAINS, {**body, "cursor": cursor[:-4]}),
        (DOMAINS, {**body, "cursor": cursor[:30] + flipped + cursor[31:]}),
        (DOMAINS, {**body, "cursor": ""}),
        (DOMAINS, {**body, "cursor": "é"}),
        (DOMAINS, {**body, "cursor": "c" * 4097}),
        (DOMAINS, {**body, "domain": "other.example", "cursor": cursor}),
        (DOMAINS, {**body, "address_type": "role", "cursor": cursor}),
        (CONTACTS, {"cursor": cursor}),
    ):
        assert pointers(await gateway.post(path, misused)) == ["/cursor"], misused
    async with gateway.caller(await gateway.key(await gateway.team())) as stranger:
        reply = await stranger.post(DOMAINS, json={**body, "cursor": cursor})
        assert pointers(reply) == ["/cursor"]
    listed = await gateway.client.get("/v1/jobs", params={"cursor": cursor})
    assert pointers(listed) == ["/cursor"]


async def test_a_cursor_stays_with_its_provider_and_account(start_gateway: GatewayFactory) -> None:
    gateway = await start_gateway(only=("snov",))
    made = await gateway.post(
        "/v1/admin/credentials",
        {"provider": "hunter", "name": "n", "secret": SECRETS["hunter"]},
    )
    body = {**HARBOR, "limit": 4}
    first = await gateway.post(DOMAINS, body)
    cursor = first.json()["meta"]["next_cursor"]
    second = await gateway.post(
        DOMAINS, {**body, "cursor": cursor, "routing": {"providers": ["snov"], "max_age": 0}}
    )
    assert second.json()["meta"]["provider"] == "hunter", second.text
    credential = made.json()["data"]["id"]
    await gateway.client.delete(f"/v1/admin/credentials/{credential}")
    gone = await gateway.post(DOMAINS, {**body, "cursor": cursor})
    assert pointers(gone) == ["/cursor"]


def test_a_cursor_dies_after_a_day_and_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    key, other = DataKey(), DataKey()
    key.value, other.value = b"k" * 32, b"o" * 32
    made = Cursors(key).make(Cursor("t", "o", "q", "p", "c", "5", cursors.expiry()))
    question = {"team": "t", "operation": "o", "query": "q"}
    assert Cursors(key).read(made, **question).after == "5"
    with pytest.raises(QueryError, match="not a cursor"):
        Cursors(other).read(made, **question)
    day = time.time() + 24 * 3600
    monkeypatch.setattr(time, "time", lambda: day - 10)
    Cursors(key).read(made, **question)
    monkeypatch.setattr(time, "time", lambda: day + 10)
    with pytest.raises(QueryError, match="24 hours"):
        Cursors(key).read(made, **question)
