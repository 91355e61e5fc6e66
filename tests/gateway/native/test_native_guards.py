"""Native calls and the guards of accounts: the same breakers, pauses and paces as of lookups."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from gateway.guard.permits import Permits, Wait
from gateway.lookup.accounts import SECONDS
from gateway.lookup.lookup import PATIENCE
from providers.base import Rate
from providers.registry import ADAPTERS
from providers.simulator.faults import Fault, Kind
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.conftest import ADMIN_KEY, make_settings
from tests.gateway.money.conftest import shift
from tests.gateway.native.conftest import StartNative
from tests.gateway.native.harness import Native
from tests.gateway.native.requests import ADA, ADA_V1, DOMAIN, LEAD
from tests.gateway.native.upstream import OK, Upstream

FINDER, ACCOUNT, ASYNC = "/email-finder", "/account", "/find-email-async"
SEARCH = "/v2/domain-search/start"
READ, PUSH = "/v1/get-emails-from-names", "/v1/add-names-to-find-emails"
FAILED = b"HTTP/1.1 500 Oh No\r\nContent-Length: 0\r\n\r\n"
RESTED = 5_100


@pytest.fixture
async def timed(start_native: StartNative) -> Native:
    """Its store's clock can be set."""
    return await start_native(test_clock=True)


async def ask(native: Native, path: str = FINDER, **rest: Any) -> httpx.Response:
    return await native.ask("GET", "hunter", path, params=ADA, **rest)


async def begin(native: Native) -> httpx.Response:
    return await native.ask("POST", "sixtyfour", ASYNC, json={"lead": LEAD})


async def look_up(native: Native, provider: str = "hunter") -> dict[str, Any]:
    """The attempt of a lookup that asks the same."""
    routing = {"providers": [provider], "max_age": 0}
    reply = await native.gateway.client.post("/v1/emails/find", json={**ADA, "routing": routing})
    body = reply.json()
    [attempt] = body["attempts"] if "attempts" in body else body["meta"]["attempts"]
    return dict(attempt)


async def states(native: Native, provider: str = "hunter") -> dict[str, str]:
    """Of those that are not closed."""
    view = await native.gateway.client.get(f"/v1/admin/providers/{provider}/breakers")
    rows = {row["operation"]: row["state"] for row in view.json()["data"]}
    return {name: state for name, state in rows.items() if state != "closed"}


async def force(native: Native, provider: str, **change: str) -> None:
    path = f"/v1/admin/providers/{provider}/breakers"
    reply = await native.gateway.client.put(path, json=change)
    assert reply.status_code == 200, reply.text


def fault(native: Native, path: str, kind: Kind = "status", **more: Any) -> None:
    native.simulator.faults.put(
        Fault(provider=more.pop("of", "hunter"), kind=kind, path=path, **more)
    )


def held(reply: httpx.Response, *, most: int = 5) -> None:
    """Refused because of a breaker, and told for how long."""
    body = problem_of(reply, 503, "no_provider_available")
    assert "circuit_open" in body["detail"]
    assert reply.headers["x-gateway-refused"] == "1"
    assert 1 <= int(reply.headers["retry-after"]) <= most


async def test_failures_of_native_calls_hold_lookups_too(timed: Native) -> None:
    fault(timed, FINDER)
    for _ in range(5):
        reply = await ask(timed)
        assert (reply.status_code, "x-gateway-refused" in reply.headers) == (503, False)
    held(await ask(timed))
    assert (await look_up(timed))["reason"] == "circuit_open"
    assert await states(timed) == {"emails.find": "open"}
    shown = (await timed.gateway.client.get("/v1/providers/hunter")).json()["data"]
    assert shown["breaker"] == "open"
    assert timed.visits() == 5
    assert (await ask(timed, ACCOUNT)).status_code == 200
    await shift(timed.store, RESTED)
    timed.simulator.faults.clear()
    assert (await ask(timed)).status_code == 200
    assert await states(timed) == {}
    assert (await look_up(timed))["outcome"] == "accepted"


async def test_failures_of_lookups_hold_native_calls_too(timed: Native) -> None:
    fault(timed, FINDER)
    for _ in range(5):
        assert (await look_up(timed))["reason"] == "unavailable"
    held(await ask(timed))
    assert timed.visits() == 5
    await shift(timed.store, RESTED)
    timed.simulator.faults.clear()
    assert (await look_up(timed))["outcome"] == "accepted"
    assert (await ask(timed)).status_code == 200


async def test_a_failing_probe_waits_twice_as_long(timed: Native) -> None:
    fault(timed, FINDER)
    for _ in range(5):
        await ask(timed)
    await shift(timed.store, RESTED)
    reply = await ask(timed)
    assert (reply.status_code, "x-gateway-refused" in reply.headers) == (503, False)
    held(await ask(timed), most=10)
    assert timed.visits() == 6


async def test_one_native_call_of_many_finds_out(timed: Native) -> None:
    fault(timed, FINDER)
    for _ in range(5):
        await ask(timed)
    timed.simulator.faults.clear()
    fault(timed, FINDER, "slow", seconds=0.5)
    await shift(timed.store, RESTED)
    replies = await asyncio.gather(*(ask(timed) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [200, *[503] * 19]
    assert timed.visits() == 6
    assert await timed.posted() == timed.billed()


@pytest.mark.parametrize("kind", ["status", "close", "garbage", "html", "rename_field"])
async def test_what_is_no_answer_is_a_failure(native: Native, kind: Kind) -> None:
    fault(native, FINDER, kind)
    for _ in range(5):
        assert "circuit_open" not in (await ask(native)).text
    await eventually(lambda: _is_held(native))
    held(await ask(native))


async def _is_held(native: Native) -> bool:
    return await states(native) == {"emails.find": "open"}


@pytest.mark.parametrize("status", [302, 400, 403, 404, 409, 418, 422])
async def test_what_the_caller_did_wrong_is_no_failure(native: Native, status: int) -> None:
    for path in (FINDER, ACCOUNT):
        fault(native, path, status=status, retry_after=0.001)
        for _ in range(6):
            assert (await ask(native, path)).status_code in (status, 429)
            await asyncio.sleep(0.005)
    assert await states(native) == {}


async def test_paths_that_no_lookup_asks_fail_together_and_alone(native: Native) -> None:
    fault(native, "/usage")
    for _ in range(5):
        assert (await ask(native, "/usage")).status_code == 503
    held(await ask(native, ACCOUNT))
    assert await states(native) == {"native": "open"}
    assert (await ask(native)).status_code == 200


async def test_unknown_paths_fail_alone(raw: Native, upstream: Upstream) -> None:
    upstream.answer = FAILED
    for number in range(5):
        assert (await ask(raw, f"/no/such/{number}")).status_code == 500
    held(await ask(raw, "/another"))
    assert await states(raw) == {"native.unknown": "open"}
    upstream.answer = OK
    assert (await ask(raw, ACCOUNT)).content == b"{}"
    assert len(upstream.heads) == 6


async def test_what_was_begun_is_read_whoever_fails(native: Native) -> None:
    """Neither do reads say how its beginning does."""
    begun = await native.ask("POST", "snov", SEARCH, params={"domain": DOMAIN})
    result = f"/v2/domain-search/result/{begun.json()['meta']['task_hash']}"
    await force(native, "snov", state="open")
    held(await native.ask("POST", "snov", SEARCH, params={"domain": DOMAIN}), most=60)
    assert (await native.ask("GET", "snov", result)).status_code == 200
    await force(native, "snov", state="auto")
    fault(native, "*/result/*", of="snov")
    for _ in range(6):
        assert (await native.ask("GET", "snov", result)).status_code == 503
    assert await states(native, "snov") == {}
    assert await native.posted() == native.billed()


async def test_a_task_that_is_begun_ends_the_rest(timed: Native) -> None:
    """Whatever comes of it, and whenever."""
    fault(timed, ASYNC, of="sixtyfour")
    for _ in range(5):
        assert (await begin(timed)).status_code == 503
    held(await begin(timed))
    await shift(timed.store, RESTED)
    timed.simulator.faults.clear()
    for _ in range(2):
        assert (await begin(timed)).status_code == 200
    assert await states(timed, "sixtyfour") == {}


async def leave(native: Native) -> None:
    """As soon as the reply begins, which goes on for long."""
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    async with native.client.stream("GET", f"/native/hunter{ACCOUNT}", headers=headers) as reply:
        assert reply.status_code == 200
    await eventually(native.is_settled)


async def test_callers_who_leave_tell_nothing_and_find_out_nothing(timed: Native) -> None:
    fault(timed, ACCOUNT, "drip", seconds=0.005, times=6)
    for _ in range(6):
        await leave(timed)
    assert {row["reason"] for row in await timed.entries()} == {"unavailable"}
    assert await states(timed) == {}
    fault(timed, ACCOUNT)
    for _ in range(5):
        await ask(timed, ACCOUNT)
    timed.simulator.faults.clear()
    fault(timed, ACCOUNT, "drip", seconds=0.005, times=1)
    await shift(timed.store, RESTED)
    await leave(timed)
    assert (await ask(timed, ACCOUNT)).status_code == 200


async def test_a_forced_breaker_holds_native_calls(native: Native) -> None:
    await force(native, "hunter", state="open", operation="emails.find")
    held(await ask(native), most=60)
    await force(native, "hunter", state="open", operation="native")
    held(await ask(native, ACCOUNT), most=60)
    assert native.visits() == 0
    await force(native, "hunter", state="closed")
    fault(native, FINDER)
    for _ in range(8):
        assert "x-gateway-refused" not in (await ask(native)).headers


async def test_patience_is_shared_with_lookups(timed: Native) -> None:
    """Whichever of both its provider has asked for it, and though the account has no limits."""
    fault(timed, FINDER, status=429, retry_after=30, times=1)
    assert (await ask(timed)).status_code == 429
    assert (await look_up(timed))["reason"] == "rate_limited"
    reply = await ask(timed, ACCOUNT)
    problem_of(reply, 429, "rate_limited")
    assert 25 <= int(reply.headers["retry-after"]) <= 30
    await shift(timed.store, 31_000)
    fault(timed, FINDER, status=429, retry_after=40, times=1)
    assert (await look_up(timed))["reason"] == "rate_limited"
    reply = await ask(timed)
    problem_of(reply, 429, "rate_limited")
    assert 35 <= int(reply.headers["retry-after"]) <= 40
    assert timed.visits() == 2
    await shift(timed.store, 72_000)
    assert (await ask(timed)).status_code == 200


async def test_places_of_the_account_are_shared_with_lookups(start_native: StartNative) -> None:
    native = await start_native(only=())
    await native.add("hunter", "key-of-hunter", limits={"per_minute": 3, "concurrency": 1})
    fault(native, FINDER, "slow", seconds=0.3)
    replies = await asyncio.gather(ask(native), look_up(native), ask(native, ACCOUNT))
    assert [replies[0].status_code, replies[1]["outcome"]] == [200, "accepted"]
    assert replies[2].status_code == 200
    assert native.simulator.app.traffic.peak == 1
    reply = await ask(native, ACCOUNT)
    problem_of(reply, 429, "rate_limited")
    assert 1 <= int(reply.headers["retry-after"]) <= 61
    assert native.visits() == 3


async def test_hourly_limits_of_a_plan_hold_once_it_is_named(
    start_native: StartNative,
    store_url: str,
    simulator: RunningSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Natively and for lookups, which count together; other paths have none."""
    plans = {"starter": (Rate(2, 3600, (READ,)), Rate(5, 3600, (PUSH,)))}
    monkeypatch.setattr(ADAPTERS["snov"], "plans", plans)
    settings = make_settings(store_url, simulator)
    snov = msgspec.structs.replace(settings.providers["snov"], options={"plan": "starter"})
    native = await start_native(providers={**settings.providers, "snov": snov})
    assert (await look_up(native, "snov"))["outcome"] in ("accepted", "empty")
    while (reply := await native.ask("POST", "snov", READ, data=ADA_V1)).status_code == 200:
        assert native.simulator.app.traffic.counts["snov", f"POST {READ}"] <= 2
    problem_of(reply, 429, "rate_limited")
    assert 3500 <= int(reply.headers["retry-after"]) <= 3601
    assert (await look_up(native, "snov"))["reason"] == "rate_limited"
    assert (await native.ask("POST", "snov", PUSH, data=ADA_V1)).status_code == 200
    assert (await native.ask("GET", "snov", "/v1/get-balance")).status_code == 200


@pytest.mark.parametrize("provider", ADAPTERS)
def test_every_lookup_has_its_paths(provider: str) -> None:
    """Of its own provider's table, each of one lookup."""
    adapter = ADAPTERS[provider]
    lookups = adapter.native.lookups
    assert set(lookups) == set(adapter.offers)
    named = [path for paths in lookups.values() for path in paths]
    assert len(named) == len(set(named))
    assert set(named) <= {row.template for row in adapter.native.paths if row.reads is None}


async def test_waits_for_a_permit_leave_the_provider_its_time(
    start_native: StartNative, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []

    async def take(*_: Any, seconds: float, **__: Any) -> None:
        waits.append(seconds)
        raise Wait(5)

    native = await start_native(only=())
    await native.add("hunter", "key-of-hunter", limits={"per_minute": 3})
    monkeypatch.setattr(Permits, "take", take)
    problem_of(await ask(native), 429, "rate_limited")
    await native.gateway.client.get("/v1/providers/hunter/leads")
    own, of_objects = waits
    assert 0 < own <= ADAPTERS["hunter"].native.seconds - PATIENCE
    assert 0 < of_objects <= SECONDS - PATIENCE
    assert await states(native) == {}


async def test_who_is_held_back_is_not_under_way(native: Native) -> None:
    """It does not count among its team's calls at once."""
    key = await native.key("native", max_concurrency=1)
    await force(native, "hunter", state="open", operation="emails.find")

    async def is_free() -> bool:
        return not [key async for key in native.store.scan("{pgw}:busy:*")]

    for _ in range(2):
        held(await ask(native, key=key), most=60)
        await eventually(is_free)
