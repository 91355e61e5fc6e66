"""Every documented endpoint of an account has its place, and every place behaves."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from litestar.routes import HTTPRoute

from gateway.app import create_app
from providers.accounts.base import ACTIONS
from providers.registry import ACCOUNTS, ADAPTERS, account_actions
from providers.simulator.endpoints import BY_PROVIDER
from tests.gateway.accounts.conftest import Desk
from tests.gateway.accounts.walk import BASE, CALLS, NATIVE_ONLY, account_endpoints
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import make_settings

PROVIDERS = tuple(CALLS)
NOBODY = "no-such-id"
# What waits for a lookup, or is one whose price nobody knows.
LOOKED_UP = {
    "GET /job-status/{task_id}",
    *(f"{method} /{rows}" for method in ("GET", "POST") for rows in ("contacts", "companies")),
}


def declared_routes(store_url: str) -> set[tuple[str, str]]:
    app: Any = create_app(make_settings(store_url, None))._app
    prefix = BASE + "/{name}"
    return {
        (method, route.path_format.removeprefix(prefix))
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path_format.startswith(prefix + "/")
        for handler in route.route_handlers
        for method in handler.http_methods
        if method != "OPTIONS"
    }


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_documented_endpoint_of_an_account_is_missing(provider: str) -> None:
    documented = {row.name for row in account_endpoints(provider)}
    reached = {name for listed in ACCOUNTS[provider].endpoints.values() for name in listed}
    assert documented == reached | NATIVE_ONLY[provider].keys()
    assert not reached & NATIVE_ONLY[provider].keys()
    assert reached <= {row.name for row in BY_PROVIDER[provider]}


def test_providers_without_actions_document_nothing_of_an_account() -> None:
    for provider in ADAPTERS.keys() - ACCOUNTS.keys():
        assert {row.name for row in account_endpoints(provider)} <= LOOKED_UP


def test_every_action_and_every_route_is_walked(store_url: str) -> None:
    for provider in PROVIDERS:
        assert {call.action for call in CALLS[provider]} == {*account_actions(provider)}
    walked = {(call.method, call.route) for calls in CALLS.values() for call in calls}
    assert walked == declared_routes(store_url)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_there_is_found_by_one_request_and_one_entry(
    desk: Desk, provider: str
) -> None:
    reached: set[str] = set()
    for call in CALLS[provider]:
        desk.asked()
        reply = await desk.call(provider, call)
        assert reply.status_code == call.status, (call, reply.text)
        asked = desk.asked()
        if call.action == "account.read":
            asked = [*ACCOUNTS[provider].endpoints[call.action]]
        assert len(asked) == 1, (call, asked)
        reached.add(template_of(provider, call.action, asked[0]))
        if call.status != 204:
            meta = reply.json()["meta"]
            assert (meta["provider"], meta["credential"]) == (provider, f"env-{provider}")
        [entry, *_] = await desk.entries(operation=call.action)
        assert (entry["state"], entry["cost"], entry["units"]) == ("posted", "0", 0), call
    booked = Counter(entry["operation"] for entry in await desk.entries(provider=provider))
    assert booked == Counter(call.action for call in CALLS[provider])
    declared = {name for listed in ACCOUNTS[provider].endpoints.values() for name in listed}
    assert reached == declared
    assert not desk.simulator.bill.rows


def template_of(provider: str, action: str, asked: str) -> str:
    """The declared endpoint that a request was to."""
    for name in ACCOUNTS[provider].endpoints[action]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", name), asked):
            return name
    raise AssertionError(f"{action} asked {asked}")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_not_there_is_404_and_in_no_list(desk: Desk, provider: str) -> None:
    for call in CALLS[provider]:
        if ACTIONS[call.action].names != "path":
            continue
        reply = await desk.call(provider, call, (NOBODY,))
        if call.action in ("campaigns.stats", "campaigns.events") and reply.status_code != 404:
            # Snov.io counts a campaign that is not there as one where nothing happened, and takes
            # an id that is no number for none.
            assert provider == "snov", call
            assert reply.status_code in (200, 422), call
            continue
        problem_of(reply, 404, "not_found")
    empty = {
        "hunter": "/leads?email=nobody@nowhere.example",
        "snov": "/leads?email=n@nowhere.example",
    }
    reply = await desk.send("GET", f"/{provider}{empty[provider]}")
    assert reply.json()["data"] == []
    assert reply.json()["meta"]["next_cursor"] is None


@pytest.mark.parametrize("provider", ADAPTERS)
async def test_what_a_provider_lacks_is_unsupported_and_nobody_is_asked(
    desk: Desk, provider: str
) -> None:
    lacking = 0
    for call in {
        (one.method, one.route): one for calls in CALLS.values() for one in calls
    }.values():
        if call.action not in account_actions(provider):
            reply = await desk.call(provider, call)
            problem_of(reply, 422, "unsupported")
            lacking += 1
    assert lacking
    assert not [name for name in desk.asked() if "emails-replies" not in name]
    assert not [
        one
        for one in await desk.entries(provider=provider)
        if one["operation"] != "campaigns.events"
    ]


FAILURES = [
    ("unauthorized", {}, "authentication_failed"),
    ("status", {"status": 500}, "unavailable"),
    ("status", {"status": 502}, "unavailable"),
    ("html", {}, "malformed_response"),
    ("garbage", {}, "malformed_response"),
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind, options, reason", FAILURES)
async def test_a_failure_is_502_with_its_reason(
    desk: Desk, provider: str, kind: str, options: Any, reason: str
) -> None:
    """Named by the caller, an account is asked even if it was refused before."""
    for call in CALLS[provider]:
        desk.asked()
        desk.fault(provider, kind, **options)
        reply = await desk.call(provider, call, account=f"env-{provider}")
        desk.heal()
        body = problem_of(reply, 502, "all_providers_failed")
        assert [one["reason"] for one in body["attempts"]] == [reason], call
        # A token that was refused is renewed once; whoever refuses it has done nothing.
        assert len(desk.asked()) <= 1 + (provider == "snov" and kind == "unauthorized"), call
        [entry] = (await desk.entries(provider=provider))[:1]
        assert (entry["state"], entry["cost"], entry["reason"]) == ("voided", "0", reason), call


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_throttling_is_503_with_the_providers_wait(desk: Desk, provider: str) -> None:
    """And whoever comes meanwhile is told the same without asking."""
    status = {"hunter": 403, "snov": 429}[provider]
    for call in CALLS[provider]:
        desk.fault(provider, "status", status=status, retry_after=7)
        reply = await desk.call(provider, call)
        desk.heal()
        body = problem_of(reply, 503, "no_provider_available")
        assert reply.headers["retry-after"] == "7"
        assert [(one["outcome"], one["reason"]) for one in body["attempts"]] == [FAILED]
        desk.asked()
        again = await desk.call(provider, call)
        body = problem_of(again, 503, "no_provider_available")
        assert 5 <= int(again.headers["retry-after"]) <= 7
        assert [(one["outcome"], one["reason"]) for one in body["attempts"]] == [SKIPPED]
        assert not desk.asked()
        await desk.store.call("DEL", f"{{pgw}}:live:permits:env-{provider}:paused")


FAILED, SKIPPED = ("failed", "rate_limited"), ("skipped", "rate_limited")


async def test_an_unknown_provider_is_404(desk: Desk) -> None:
    for call in CALLS["hunter"]:
        problem_of(await desk.call("nobody", call), 404, "not_found")
