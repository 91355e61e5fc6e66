"""Native calls and the books: budgets, limits, prices, doubts, and tasks that nobody reads."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from gateway.jobs import sweeper
from gateway.lookup import open_tasks, transit
from providers.simulator.faults import Fault, Kind
from providers.simulator.serving import bind
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.conftest import make_settings
from tests.gateway.native.conftest import StartNative
from tests.gateway.native.harness import Native
from tests.gateway.native.requests import ADA, DOMAIN
from tests.gateway.native.upstream import Upstream

FINDER = "/email-finder"
SEARCH = "/v2/domain-search/start"


async def find(native: Native, **rest: Any) -> httpx.Response:
    return await native.ask("GET", "hunter", FINDER, params=ADA, **rest)


def refused(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body = problem_of(reply, status, code)
    assert reply.headers["x-gateway-refused"] == "1"
    return body


async def last(native: Native) -> dict[str, str]:
    return (await native.entries())[-1]


def of(row: dict[str, str], *names: str) -> tuple[str, ...]:
    return tuple(row[name] for name in names)


async def test_a_budget_holds(native: Native) -> None:
    key = await native.key("native", budget={"amount": "0.05", "period": "month"})
    assert (await find(native, key=key)).status_code == 200
    fault = refused(await find(native, key=key), 402, "budget_exhausted")["errors"][0]
    assert (fault["spent"], fault["limit"], fault["period"]) == ("0.049", "0.05", "month")
    assert native.visits() == 1
    assert (await native.ask("GET", "hunter", "/account", key=key)).status_code == 200


async def test_a_budget_that_only_the_worst_exceeds_is_refused(native: Native) -> None:
    """Twenty leads could cost a dollar, whatever they would."""
    key = await native.key("native", budget={"amount": "0.99", "period": "total"})
    many = {"leads": [{"name": "Nobody"}] * 20}
    reply = await native.ask("POST", "sixtyfour", "/find-email-bulk", json=many, key=key)
    refused(reply, 402, "budget_exhausted")
    many["leads"].pop()
    reply = await native.ask("POST", "sixtyfour", "/find-email-bulk", json=many, key=key)
    assert reply.status_code == 200
    personal = {**many, "mode": "PERSONAL"}
    reply = await native.ask("POST", "sixtyfour", "/find-email-bulk", json=personal, key=key)
    refused(reply, 402, "budget_exhausted")


async def test_limits_of_the_accounts_units_hold(start_native: StartNative) -> None:
    native = await start_native(only=())
    await native.add("hunter", "sim-hunter-key", limits={"units_day": 1})
    assert (await find(native)).status_code == 200
    fault = refused(await find(native), 402, "budget_exhausted")["errors"][0]
    assert fault["budget"].startswith("credential:")


async def test_the_pace_of_the_account_holds(start_native: StartNative) -> None:
    """A call that may not leave in time is refused, and was not sent; a reply lets others go."""
    native = await start_native(only=())
    await native.add("hunter", "key-of-hunter", limits={"per_minute": 2, "concurrency": 1})
    for _ in range(2):
        assert (await find(native)).status_code == 200
    reply = await find(native)
    refused(reply, 429, "rate_limited")
    assert 1 <= int(reply.headers["retry-after"]) <= 61
    states = [row["state"] for row in await native.entries()]
    assert (states, native.visits()) == (["posted", "posted", "voided"], 2)


async def test_a_provider_that_asks_for_patience_gets_it(start_native: StartNative) -> None:
    native = await start_native(only=())
    await native.add("sixtyfour", "key-of-sixtyfour", limits={"per_hour": 1000})
    fault = Fault(provider="sixtyfour", kind="status", status=429, retry_after=50, times=1)
    native.simulator.faults.put(fault)
    reply = await native.ask("GET", "sixtyfour", "/job-status/x")
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "50")
    assert "x-gateway-refused" not in reply.headers
    reply = await native.ask("GET", "sixtyfour", "/job-status/x")
    refused(reply, 429, "rate_limited")
    assert native.visits() == 1


async def test_the_pace_of_a_team_holds(native: Native) -> None:
    key = await native.key("native", rate_limit_per_minute=2)
    for _ in range(2):
        assert (await native.ask("GET", "hunter", "/account", key=key)).status_code == 200
    reply = await native.ask("GET", "hunter", "/account", key=key)
    refused(reply, 429, "rate_limited")
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert native.visits() == 2


async def test_calls_at_once_are_bounded(native: Native) -> None:
    key = await native.key("native", max_concurrency=1)
    native.simulator.faults.put(Fault(provider="hunter", kind="slow", seconds=1, times=1))
    slow = asyncio.create_task(find(native, key=key))
    await native.simulator.app.traffic.busy.wait()
    refused(await native.ask("GET", "hunter", "/account", key=key), 429, "rate_limited")
    assert (await slow).status_code == 200
    assert (await native.ask("GET", "hunter", "/account", key=key)).status_code == 200


async def test_an_unknown_path_reserves_the_dearest_and_posts_nothing(native: Native) -> None:
    poor = await native.key("native", budget={"amount": "0.04", "period": "total"})
    refused(await native.ask("GET", "hunter", "/no/such", key=poor), 402, "budget_exhausted")
    assert (await native.ask("GET", "hunter", "/no/such")).status_code == 404
    entry = await last(native)
    assert of(entry, "state", "units", "worst_units", "unpriced") == ("posted", "0", "1000", "1")
    assert entry["operation"] == "native GET /(unknown)"
    report = await native.gateway.client.post("/v1/admin/reconcile", json={})
    assert len(report.json()["data"]["unpriced"]) == 1
    await native.ask("POST", "sixtyfour", "/find-phone-bulk", json={"leads": [{}] * 7})
    assert (await last(native))["worst_units"] == "35000"


@pytest.mark.parametrize("name", ["/email-finder", "email-finder"])
async def test_prices_are_set_by_native_path(start_native: StartNative, name: str) -> None:
    native = await start_native(only=())
    await native.add("hunter", "sim-hunter-key", prices={name: "1.5", "emails.find": "9"})
    await find(native)
    assert of(await last(native), "price", "cost") == ("1500000", "1500000")


async def test_a_price_of_nothing_is_a_price(start_native: StartNative) -> None:
    native = await start_native(only=())
    await native.add("hunter", "sim-hunter-key", prices={FINDER: "0"})
    assert (await find(native)).status_code == 200
    entry = await last(native)
    assert of(entry, "state", "units", "cost", "unpriced") == ("posted", "1000", "0", "0")


async def test_prices_of_the_installation_are_under_those_of_the_account(
    start_native: StartNative, store_url: str, simulator: RunningSimulator
) -> None:
    settings = make_settings(store_url, simulator)
    hunter = msgspec.structs.replace(
        settings.providers["hunter"], prices={"/people/find": Decimal("0.5")}
    )
    native = await start_native(providers={**settings.providers, "hunter": hunter})
    await native.ask("GET", "hunter", "/people/find", params={"email": f"ada.lovelace@{DOMAIN}"})
    assert (await last(native))["cost"] == "500000"


@pytest.mark.parametrize(
    "kind, state, reason, status",
    [
        ("close", "in_doubt", "unavailable", 502),
        ("charge_without_reply", "in_doubt", "unavailable", 502),
        ("status", "voided", "unavailable", 503),
        ("garbage", "in_doubt", "malformed_response", 200),
        ("html", "in_doubt", "malformed_response", 200),
        ("rename_field", "in_doubt", "malformed_response", 200),
        ("out_of_credits", "voided", "out_of_credits", 429),
        ("unauthorized", "voided", "authentication_failed", 401),
    ],
)
async def test_failures_are_booked_as_those_of_lookups(
    native: Native, kind: Kind, state: str, reason: str, status: int
) -> None:
    native.simulator.faults.put(Fault(provider="hunter", kind=kind))
    reply = await find(native)
    assert reply.status_code == status
    if status == 502:
        refused(reply, 502, "all_providers_failed")
    await eventually(lambda: _closed(native))
    assert of(await last(native), "state", "reason") == (state, reason)


@pytest.mark.parametrize(
    "path, state", [(FINDER, "in_doubt"), ("/no/such", "in_doubt"), ("/account", "voided")]
)
async def test_a_504_is_a_doubt_where_it_may_have_cost(
    raw: Native, upstream: Upstream, path: str, state: str
) -> None:
    """What stands before the provider has not waited for its answer."""
    upstream.answer = b"HTTP/1.1 504 Late\r\nContent-Length: 2\r\n\r\n{}"
    reply = await raw.ask("GET", "hunter", path)
    assert (reply.status_code, reply.content) == (504, b"{}")
    await eventually(lambda: _closed(raw))
    assert of(await last(raw), "state", "reason") == (state, "unavailable")


async def _closed(native: Native) -> bool:
    return (await last(native))["state"] != "dispatched"


async def test_a_connection_closed_without_a_word_is_a_doubt(
    raw: Native, upstream: Upstream
) -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    upstream.answer = hang_up
    reply = await raw.ask("GET", "hunter", FINDER)
    refused(reply, 502, "all_providers_failed")
    await eventually(lambda: _closed(raw))
    assert (await last(raw))["state"] == "in_doubt"


async def test_a_provider_that_is_not_there_costs_nothing(
    start_native: StartNative, store_url: str, simulator: RunningSimulator
) -> None:
    settings = make_settings(store_url, simulator)
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    nowhere = msgspec.structs.replace(
        settings.providers["hunter"], base_url=f"http://127.0.0.1:{port}"
    )
    native = await start_native(providers={**settings.providers, "hunter": nowhere})
    refused(await find(native), 502, "all_providers_failed")
    await eventually(lambda: _closed(native))
    assert of(await last(native), "state", "reason") == ("voided", "unavailable")


async def test_a_caller_who_hangs_up_has_bought_all_the_same(native: Native) -> None:
    native.simulator.faults.put(Fault(provider="hunter", kind="slow", seconds=0.5, times=1))
    with pytest.raises(httpx.ReadTimeout):
        await find(native, timeout=0.2)
    await eventually(lambda: _posted(native))
    assert await native.posted() == native.billed() == {("hunter", "searches"): 1000}


async def _posted(native: Native) -> bool:
    return bool(await native.entries()) and (await last(native))["state"] == "posted"


async def test_a_reply_that_stops_coming_is_a_doubt(
    raw: Native, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transit, "IDLE", 0.2)

    async def stop(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        await upstream.over.wait()

    upstream.answer = stop
    with pytest.raises(httpx.RemoteProtocolError):
        await raw.ask("GET", "hunter", FINDER)
    assert of(await last(raw), "state", "reason") == ("in_doubt", "timed_out")


async def test_a_revoked_key_buys_nothing_more(native: Native) -> None:
    key = await native.key("native")
    body = {"grant_type": "client_credentials", "client_id": "x", "client_secret": key}
    reply = await native.client.post("/native/snov/v1/oauth/access_token", data=body)
    token = reply.json()["access_token"]
    assert (await native.ask("GET", "snov", "/v1/get-balance", key=token)).status_code == 200
    await native.gateway.client.delete(f"/v1/admin/keys/{key.split('_')[1]}")
    for text in (token, key):
        reply = await native.ask("GET", "snov", "/v1/get-balance", key=text)
        refused(reply, 401, "unauthenticated")


async def start_search(native: Native) -> str:
    reply = await native.ask("POST", "snov", SEARCH, params={"domain": DOMAIN})
    return str(reply.json()["meta"]["task_hash"])


@pytest.fixture
async def swept(start_native: StartNative, monkeypatch: pytest.MonkeyPatch) -> Native:
    """A gateway that looks after what is open all the time, and at once."""
    monkeypatch.setattr(sweeper, "PERIOD", 0.05)
    monkeypatch.setattr(transit, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(open_tasks, "FIRST_LOOK", 0.0)
    return await start_native()


async def test_a_task_that_nobody_reads_is_read_for_the_books(swept: Native) -> None:
    swept.simulator.faults.put(Fault(provider="snov", kind="status", path="/v2/*/result/*"))
    await start_search(swept)
    await eventually(lambda: _visited(swept, 3))
    assert await swept.open_calls() == ["native POST /v2/domain-search/start"]
    swept.simulator.faults.clear()
    await eventually(lambda: _all_closed(swept))
    assert await swept.posted() == swept.billed() == {("snov", "credits"): 1000}


async def _visited(native: Native, visits: int) -> bool:
    return native.visits() >= visits


async def _all_closed(native: Native) -> bool:
    return not await native.open_calls()


async def test_a_task_that_never_ends_is_a_doubt_and_reconciliation_clears_it(
    swept: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_tasks, "LIFE", -1.0)
    swept.simulator.faults.put(Fault(provider="snov", kind="never_ready", path="*/result/*"))
    await start_search(swept)
    await eventually(lambda: _doubted(swept))
    assert of(await last(swept), "state", "reason") == ("in_doubt", "timed_out")
    swept.simulator.faults.clear()
    report = await swept.gateway.client.post("/v1/admin/reconcile", json={})
    assert report.json()["data"]["posted"] == 1
    assert await swept.posted() == swept.billed() == {("snov", "credits"): 1000}


async def _doubted(native: Native) -> bool:
    return (await last(native))["state"] == "in_doubt"


async def test_the_ledger_names_the_path_and_no_person(native: Native) -> None:
    key = await native.key("native", "accounts:read")
    person = f"ada.lovelace@{DOMAIN}"
    await native.ask("GET", "hunter", "/leads/2", key=key)
    await native.ask("GET", "hunter", f"/{person}/plans", key=key)
    await native.ask("GET", "hunter", "/email-verifier", key=key, params={"email": person})
    rows = await native.entries()
    assert [row["operation"] for row in rows] == [
        "native GET /leads/{id}",
        "native GET /(unknown)",
        "native GET /email-verifier",
    ]
    assert {row["key"] for row in rows} == {key.split("_")[1]}
    assert not any("lovelace" in str(row) for row in rows)


async def test_the_summary_of_usage_has_native_calls(native: Native) -> None:
    await find(native)
    reply = await native.gateway.client.get(
        "/v1/admin/ledger/summary", params={"group_by": "operation"}
    )
    [row] = reply.json()["data"]
    assert (row["operation"], row["calls"], row["cost"]) == (
        "native GET /email-finder",
        1,
        "0.049",
    )
