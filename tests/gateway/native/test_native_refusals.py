"""What is refused natively, and in whose words; which account a call goes to."""

from __future__ import annotations

import itertools
import time
from typing import Any

import httpx
import pytest

from gateway.lookup.transit import NativeCall
from gateway.vault import passes
from providers.registry import ADAPTERS
from providers.simulator.endpoints import ENDPOINTS
from providers.simulator.faults import Fault
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import ADMIN_KEY
from tests.gateway.native.conftest import StartNative
from tests.gateway.native.harness import Native
from tests.gateway.native.requests import ADA, DOMAIN

FINDER, ACCOUNT = "/email-finder", "/account"
SIGN_IN = "/native/snov/v1/oauth/access_token"


def refused(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    body = problem_of(reply, status, code)
    assert reply.headers["x-gateway-refused"] == "1"
    return body


async def test_nobody_is_refused_in_the_words_of_each_provider(native: Native) -> None:
    """The problem stays whole; a client of the provider finds its own members beside."""
    bodies = {
        name: refused(await native.client.get(f"/native/{name}/x"), 401, "unauthenticated")
        for name in ADAPTERS
    }
    for name in ("hunter", "letrics"):
        assert set(bodies[name]["errors"][0]) >= {"id", "code", "details"}
    assert bodies["snov"]["success"] is False
    assert bodies["snov"]["errors"][0]["success"] is False
    assert bodies["snov"]["errors"][0]["errors"] == [bodies["snov"]["message"]]
    for place in (bodies["sixtyfour"], bodies["sixtyfour"]["errors"][0]):
        assert place["error"] == "No valid key"
        assert place["message"].startswith("Send a valid key")
    assert native.visits() == 0


async def test_there_is_no_other_provider(native: Native) -> None:
    for path in ("/native/nobody/x", "/native//x", "/native/hunter%2fx/y", "/native/HUNTER/x"):
        reply = await native.client.get(path, headers={"x-api-key": ADMIN_KEY})
        assert reply.status_code in (400, 404), path
        assert reply.headers["x-gateway-refused"] == "1"


async def test_the_scope_native_is_needed(native: Native) -> None:
    others = ("lookup", "jobs", "accounts:read", "accounts:write", "usage", "admin")
    key = await native.key(*others)
    body = refused(await native.ask("GET", "hunter", ACCOUNT, key=key), 403, "forbidden")
    assert "native" in body["detail"]
    reply = await native.client.post(SIGN_IN, json={"client_secret": key})
    refused(reply, 403, "forbidden")


OBJECTS = [
    ("hunter", "GET", "/leads", "accounts:read"),
    ("hunter", "POST", "/leads", "accounts:write"),
    ("hunter", "DELETE", "/LEADS-lists/1.json", "accounts:write"),
    ("hunter", "GET", "/campaigns/1/recipients/", "accounts:read"),
    ("hunter", "GET", "/email_accounts", "accounts:read"),
    ("hunter", "PATCH", "/companies/12", "accounts:write"),
    ("snov", "GET", "/v1/get-user-lists", "accounts:read"),
    ("snov", "POST", "/v1/prospect-list", "accounts:read"),
    ("snov", "POST", "/v1/do-not-email-list", "accounts:write"),
    ("snov", "GET", "/v2/webhooks", "accounts:read"),
    ("snov", "POST", "/v1/move-prospects", "accounts:write"),
    ("sixtyfour", "GET", "/webhooks/deliveries", "accounts:read"),
]


async def test_account_objects_need_their_scope_too(native: Native) -> None:
    for done, (provider, method, path, scope) in enumerate(OBJECTS):
        other = {"accounts:read": "accounts:write", "accounts:write": "accounts:read"}[scope]
        key = await native.key("native", "lookup", other)
        body = refused(await native.ask(method, provider, path, key=key), 403, "forbidden")
        assert scope in body["detail"]
        assert native.visits() == done
        key = await native.key("native", scope)
        assert (await native.ask(method, provider, path, key=key)).status_code != 403


WRONG_METHODS = [
    ("snov", "GET", "/v1/add-prospect-to-list?email=a@b.example&listId=1001", "POST"),
    ("snov", "GET", "/v1/get-profile-by-email.json?email=a@b.example", "POST"),
    ("snov", "GET", "/v2/database-search/prospects/search-emails/start/abc", "POST"),
    ("snov", "DELETE", "/v1/lists/", "POST"),
    ("hunter", "PATCH", "/domain-search", "GET, POST"),
    ("hunter", "GET", "/Campaigns/3/start", "POST"),
    ("sixtyfour", "PUT", "/find-email", "POST"),
    ("letrics", "PUT", "/contacts", "GET, POST"),
]


async def test_a_known_path_is_asked_with_its_own_methods(native: Native) -> None:
    """Another one would be of less access, and without a price."""
    key = await native.key("native", "accounts:read", "accounts:write")
    for provider, method, path, allow in WRONG_METHODS:
        reply = await native.ask(method, provider, path, key=key)
        refused(reply, 405, "method_not_allowed")
        assert reply.headers["allow"] == allow, path
    assert native.visits() == 0
    for method, path in (("PATCH", "/leads/2"), ("POST", "/leads/merge"), ("PUT", "/logos/x")):
        reply = await native.ask(method, "hunter", path, key=key)
        assert "x-gateway-refused" not in reply.headers


async def test_lookups_need_no_scope_of_accounts(native: Native) -> None:
    key = await native.key("native")
    reply = await native.ask(
        "GET", "hunter", "/companies/find", key=key, params={"domain": DOMAIN}
    )
    assert reply.status_code == 200


SECRETS = [
    *(
        (one.provider, one.method, one.path.replace("{id}", "1"))
        for one in ENDPOINTS
        if one.secret
    ),
    ("hunter", "GET", "/API_KEYS.json"),
    ("hunter", "GET", "/api%2Dkeys"),
    ("hunter", "PATCH", "/team/members/1/"),
    ("hunter", "GET", "/connected-apps"),
    ("hunter", "GET", "/team/invitations"),
    ("snov", "GET", "/v1/users/api-key"),
    ("snov", "GET", "/v2/access-tokens"),
    ("sixtyfour", "GET", "/webhooks/Signing-Secret"),
    ("sixtyfour", "POST", "/org/api-keys"),
    ("letrics", "GET", "/team/members"),
    ("letrics", "GET", "/tokens"),
]


async def test_secrets_keys_and_members_are_for_administrators(native: Native) -> None:
    key = await native.key("native", "accounts:read", "accounts:write", "lookup", "usage", "jobs")
    for done, (provider, method, path) in enumerate(SECRETS):
        refused(await native.ask(method, provider, path, key=key), 403, "forbidden")
        assert native.visits() == done, path
        assert (await native.ask(method, provider, path)).status_code != 403
        assert native.visits() == done + 1, path


async def test_nobody_signs_in_with_the_provider(native: Native) -> None:
    """Not even an administrator: the token would be the account's own."""
    for method, path in (
        ("GET", "/v1/oauth/access_token"),
        ("POST", "/v1/oauth/access_token/"),
        ("POST", "/v1/OAuth/access-token"),
        ("POST", "/oauth/access_token"),
    ):
        refused(await native.ask(method, "snov", path), 403, "forbidden")
        reply = await native.ask(method, "snov", path, json={"client_secret": "x"})
        refused(reply, 403, "forbidden")
    assert native.simulator.app.stage.tokens.requests == 0


async def test_a_sign_in_that_is_none_gets_no_token(native: Native) -> None:
    for body, status, code in (
        ({}, 401, "unauthenticated"),
        ({"client_secret": "wrong"}, 401, "unauthenticated"),
        ({"client_secret": ADMIN_KEY, "grant_type": "password"}, 422, "invalid_query"),
    ):
        reply = await native.client.post(SIGN_IN, json=body)
        assert refused(reply, status, code)["success"] is False


async def token(native: Native, key: str = ADMIN_KEY) -> str:
    body = {"grant_type": "client_credentials", "client_id": "x", "client_secret": key}
    return str((await native.client.post(SIGN_IN, data=body)).json()["access_token"])


PLACES: list[dict[str, Any]] = [
    {"headers": {"authorization": "Bearer {}"}},
    {"headers": {"authorization": "{}"}},
    {"params": {"access_token": "{}"}},
    {"data": {"access_token": "{}", "a": "1"}},
    {"json": {"access_token": "{}", "a": "1"}},
    {"files": {"access_token": (None, "{}"), "a": (None, "1")}},
]


def filled(place: Any, text: str) -> Any:
    if isinstance(place, str):
        return place.format(text)
    if isinstance(place, tuple):
        return tuple(filled(item, text) for item in place)
    return {k: filled(v, text) for k, v in place.items()} if isinstance(place, dict) else place


async def test_snovs_token_is_taken_in_every_place(native: Native) -> None:
    """As the key itself is."""
    texts, methods = (await token(native), ADMIN_KEY), ("GET", "POST")
    for text, place, method in itertools.product(texts, PLACES, methods):
        url = "/native/snov/v1/get-balance"
        reply = await native.client.request(method, url, **filled(place, text))
        assert reply.status_code == (200 if method == "GET" else 405), (place, reply.text)
        visit = native.simulator.app.traffic.latest[-1]
        assert visit.placement == "header:authorization"


async def test_a_token_lives_an_hour(native: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    text = await token(native)
    assert (await native.ask("GET", "snov", "/v1/get-balance", key=text)).status_code == 200
    monkeypatch.setattr(passes, "time", Later(3601))
    reply = await native.ask("GET", "snov", "/v1/get-balance", key=text)
    refused(reply, 401, "unauthenticated")


class Later:
    """The time module, some seconds on."""

    def __init__(self, seconds: float):
        self._seconds = seconds

    def time(self) -> float:
        return time.time() + self._seconds


async def test_a_token_that_was_tampered_with_is_none(native: Native) -> None:
    key = await native.key("native")
    text = await token(native, key)
    start, name, expires, proof = text.split("_")
    other = (await native.key("native")).split("_")[1]
    forged = [
        f"{start}_{name}_{int(expires) + 60}_{proof}",
        f"{start}_{other}_{expires}_{proof}",
        f"{start}_{'0' * 12}_{expires}_{proof}",
        f"{start}_{name}_{expires}_{'0' * 40}",
        text[:-1],
        text.upper(),
    ]
    for one in forged:
        refused(
            await native.ask("GET", "snov", "/v1/get-balance", key=one), 401, "unauthenticated"
        )
    assert (await native.ask("GET", "snov", "/v1/get-balance", key=text)).status_code == 200


async def test_a_token_dies_with_the_text_of_its_key(native: Native) -> None:
    """Rotated with a grace it lives through that, without one not."""
    key = await native.key("native")
    text, name = await token(native, key), key.split("_")[1]
    path = f"/v1/admin/keys/{name}/rotate"
    await native.gateway.client.post(path, json={"grace_seconds": 60})
    assert (await native.ask("GET", "snov", "/v1/get-balance", key=text)).status_code == 200
    await native.gateway.client.post(path, json={"grace_seconds": 0})
    refused(await native.ask("GET", "snov", "/v1/get-balance", key=text), 401, "unauthenticated")


async def test_other_methods_are_not_passed_on(native: Native) -> None:
    for method in ("HEAD", "TRACE"):
        reply = await native.ask(method, "hunter", ACCOUNT)
        assert reply.status_code == 405
        assert reply.headers["x-gateway-refused"] == "1"
        assert reply.headers["allow"] == "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    assert native.visits() == 0


async def test_options_is_answered_here(native: Native) -> None:
    reply = await native.ask("OPTIONS", "hunter", ACCOUNT)
    assert (reply.status_code, reply.content) == (204, b"")
    assert "PATCH" in reply.headers["allow"]
    reply = await native.client.options("/native/hunter/account")
    refused(reply, 401, "unauthenticated")
    assert native.visits() == 0


async def test_a_body_has_its_limit(native: Native) -> None:
    big = b"x" * (1024 * 1024 + 1)
    refused(await native.ask("POST", "hunter", "/leads", content=big), 413, "too_large")
    reply = await native.client.post("/native/snov/v1/lists", content=big)
    refused(reply, 413, "too_large")
    deep = b'{"a":' * 40 + b"1" + b"}" * 40
    refused(await native.ask("POST", "hunter", "/leads", content=deep), 400, "malformed_request")
    headers = {"content-encoding": "gzip"}
    reply = await native.ask("POST", "hunter", "/leads", content=b"x", headers=headers)
    refused(reply, 415, "unsupported_media_type")
    assert native.visits() == 0


async def test_without_an_account_nothing_is_asked(start_native: StartNative) -> None:
    native = await start_native(only=("snov",))
    refused(await native.ask("GET", "hunter", ACCOUNT), 503, "no_provider_configured")
    reply = await native.ask("GET", "snov", "/v1/get-balance", params={"credential": "nobody"})
    refused(reply, 404, "not_found")


async def payer(native: Native, **rest: Any) -> str:
    reply = await native.ask("GET", "hunter", FINDER, **{"params": ADA, **rest})
    assert reply.status_code == 200, reply.text
    return native.simulator.bill.select("hunter")[-1].account


async def test_the_heaviest_account_is_asked_unless_one_is_named(
    start_native: StartNative,
) -> None:
    native = await start_native(only=())
    one = await native.add("hunter", "key-of-one")
    await native.add("hunter", "key-of-two", weight=5)
    await native.add("hunter", "key-of-three", weight=2)
    assert {await payer(native) for _ in range(5)} == {"key-of-two"}
    assert await payer(native, params={**ADA, "credential": one}) == "key-of-one"
    assert await payer(native, headers={"x-gateway-credential": "key-of-three"}) == "key-of-three"
    entry = (await native.entries())[-2]
    assert entry["credential"] == one


async def test_another_teams_account_is_not_there(start_native: StartNative) -> None:
    native = await start_native(only=())
    team = await native.gateway.team()
    name = await native.add("hunter", "key-of-theirs", team_ids=[team], weight=9)
    await native.add("hunter", "key-of-ours")
    assert await payer(native) == "key-of-ours"
    reply = await native.ask("GET", "hunter", ACCOUNT, params={"credential": name})
    refused(reply, 404, "not_found")
    theirs = await native.gateway.key(team, "native")
    assert await payer(native, key=theirs) == "key-of-theirs"


@pytest.mark.parametrize("kind, status", [("unauthorized", 401), ("out_of_credits", 402)])
async def test_a_refused_account_is_benched_and_the_next_is_asked(
    start_native: StartNative, kind: Any, status: int
) -> None:
    native = await start_native(only=())
    first = await native.add("hunter", "key-of-one", weight=5)
    await native.add("hunter", "key-of-two")
    account = native.simulator.app.stage.accounts.named("hunter", "key-of-one")
    assert account
    account.refusal = "payment_required"
    native.simulator.faults.put(Fault(provider="hunter", kind=kind, times=1))
    reply = await native.ask("GET", "hunter", FINDER, params=ADA)
    assert reply.status_code == status
    assert "x-gateway-refused" not in reply.headers
    assert await payer(native) == "key-of-two"
    reply = await native.ask("GET", "hunter", FINDER, params={**ADA, "credential": first})
    refused(reply, 503, "no_provider_available")
    assert int(reply.headers["retry-after"]) > 10


async def test_what_is_free_is_answered_by_an_account_without_credits(
    start_native: StartNative,
) -> None:
    """And it stays without: only a paid answer says otherwise."""
    native = await start_native(only=("hunter",))
    native.simulator.faults.put(Fault(provider="hunter", kind="out_of_credits", times=1))
    assert (await native.ask("GET", "hunter", FINDER, params=ADA)).status_code == 429
    assert (await native.ask("GET", "hunter", ACCOUNT)).status_code == 200
    reply = await native.ask("GET", "hunter", FINDER, params=ADA)
    refused(reply, 503, "no_provider_available")


async def test_a_forbidden_path_says_nothing_of_the_account(native: Native) -> None:
    """What the plan does not include is no reason to bench it."""
    native.simulator.faults.put(Fault(provider="sixtyfour", kind="status", status=403, times=1))
    for status in (403, 404):
        reply = await native.ask("GET", "sixtyfour", "/job-status/x")
        assert (reply.status_code, "x-gateway-refused" in reply.headers) == (status, False)


async def test_a_task_is_read_by_the_account_that_began_it(start_native: StartNative) -> None:
    native = await start_native(only=())
    first = await native.add("sixtyfour", "key-of-one")
    await native.add("sixtyfour", "key-of-two", weight=5)
    lead = {"lead": {"name": "Ada Lovelace", "domain": DOMAIN}}
    params = {"credential": first}
    reply = await native.ask("POST", "sixtyfour", "/find-email-async", json=lead, params=params)
    path = f"/job-status/{reply.json()['task_id']}"
    reply = await native.ask("GET", "sixtyfour", path)
    assert reply.json()["status"] == "completed"
    assert {row["credential"] for row in await native.entries()} == {first}


async def test_a_token_that_the_provider_forgot_is_renewed(native: Native) -> None:
    await native.ask("GET", "snov", "/v1/get-balance")
    native.simulator.app.stage.tokens.expire()
    assert (await native.ask("GET", "snov", "/v1/get-balance")).status_code == 200


async def test_an_account_that_is_left_alone_gives_way_to_another(
    start_native: StartNative,
) -> None:
    """Not one that is named, nor for what is kept in an account."""
    native = await start_native(only=())
    one = await native.add("hunter", "key-of-one")
    two = await native.add("hunter", "key-of-two", weight=5)
    now, _ = await native.store.call("TIME")

    async def pause(account: str, seconds: int) -> None:
        key, until = f"{{pgw}}:live:permits:{account}:paused", (int(now) + seconds) * 1000
        await native.store.call("SET", key, until)

    await pause(two, 3600)
    assert await payer(native) == "key-of-one"
    assert (await native.entries())[-1]["credential"] == one
    named = await native.ask("GET", "hunter", FINDER, params={**ADA, "credential": two})
    refused(named, 429, "rate_limited")
    refused(await native.ask("GET", "hunter", "/leads"), 429, "rate_limited")
    await pause(one, 60)
    reply = await native.ask("GET", "hunter", FINDER, params=ADA)
    refused(reply, 429, "rate_limited")
    assert int(reply.headers["retry-after"]) <= 60
    assert native.visits() == 1


async def test_an_account_that_everybody_waits_for_is_noticed(
    start_native: StartNative, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NativeCall, "is_anyones", False)
    with pytest.raises(AssertionError):
        await test_an_account_that_is_left_alone_gives_way_to_another(start_native)
