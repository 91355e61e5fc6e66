"""Providers call an address that only they know; what they say is a hint or an event, no more."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import Any

import httpx
import msgspec
import pytest
from dirty_equals import IsPartialDict, IsStr

from gateway.store.connection import Store
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import Gateway, GatewayFactory
from tests.gateway.webhooks.conftest import LOOPBACK, ROOT, Post
from tests.gateway.webhooks.receiver import Receiver

HOOK = "/v1/admin/credentials/env-{}/hook"
REPLIED = {
    "event_object": "campaign_reply",
    "event_action": "received",
    "data": {"recipient_email": "ada@x.example", "campaign_name": "Spring", "email_body": "Hi"},
}


@pytest.fixture
async def open_gateway(start_gateway: GatewayFactory) -> Gateway:
    return await start_gateway(
        webhook_allow_cidrs=LOOPBACK, public_url="https://gateway.example", test_clock=True
    )


async def issue(gateway: Gateway, provider: str, **query: int) -> str:
    """The path of a new hook."""
    reply = await gateway.client.post(HOOK.format(provider), params=query)
    assert reply.status_code == 201, reply.text
    url = str(reply.json()["data"]["url"])
    assert url == IsStr(regex=rf"https://gateway\.example/hooks/{provider}/[\w-]{{43}}")
    return url.removeprefix("https://gateway.example")


async def send(gateway: Gateway, path: str, body: Any, **headers: str) -> httpx.Response:
    """As a provider would: no key."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(base_url=gateway.url) as stranger:
        return await stranger.post(path, content=raw, headers=named)


def signature(secret: str, body: bytes, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    key = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={key.hexdigest()}"


@pytest.fixture
async def hints(store: Store) -> asyncio.Queue[bytes]:
    """What whoever waits for a task is told."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    await store.subscribe(f"{ROOT}hints", heard.put_nowait)
    return heard


async def test_a_campaign_event_reaches_the_teams_that_may_use_the_account(
    open_gateway: Gateway, store: Store, receiver: Receiver
) -> None:
    post = Post(open_gateway, store)
    await post.endpoint(receiver.url, "campaign.event")
    path = await issue(open_gateway, "snov")
    assert (await send(open_gateway, path, REPLIED)).status_code == 204
    [message] = await receiver.wait(1)
    assert message.json["data"] == IsPartialDict(
        provider="snov", credential="env-snov", type="replied", email="ada@x.example"
    )
    assert b"Hi" not in message.body
    # A provider that heard no answer sends it again.
    assert (await send(open_gateway, path, REPLIED)).status_code == 204
    clicked = REPLIED | {"event_object": "campaign_email", "event_action": "clicked"}
    await send(open_gateway, path, clicked)
    messages = await receiver.wait(2)
    assert [each.json["data"]["type"] for each in messages] == ["replied", "clicked"]
    shown = await open_gateway.client.get(HOOK.format("snov") + "/notices")
    assert [msgspec.json.decode(row["body"]) for row in shown.json()["data"]] == [clicked, REPLIED]
    [raw] = [key async for key in store.scan(f"{ROOT}notices:*")]
    assert 0 < await store.call("PTTL", raw) <= 86_400_000
    rows = await store.call("XRANGE", raw, "-", "+")
    assert b"ada@x.example" not in str(rows).encode()


async def test_an_account_of_other_teams_tells_this_one_nothing(
    open_gateway: Gateway, store: Store, receiver: Receiver
) -> None:
    post = Post(open_gateway, store)
    await post.endpoint(receiver.url)
    body = {"provider": "hunter", "name": "theirs", "secret": {"api_key": "k"}}
    body |= {"team_ids": [await open_gateway.team()]}
    made = await open_gateway.client.post("/v1/admin/credentials", json=body)
    name = made.json()["data"]["id"]
    hook = await open_gateway.client.post(f"/v1/admin/credentials/{name}/hook")
    path = hook.json()["data"]["url"].removeprefix("https://gateway.example")
    await send(open_gateway, path, {"event": "message.sent"})
    await send(open_gateway, await issue(open_gateway, "hunter"), {"event": "message.read"})
    [message] = await receiver.wait(1)
    assert message.json["data"]["type"] == "opened"
    assert (await open_gateway.client.delete(f"/v1/admin/credentials/{name}")).status_code == 204
    problem_of(await send(open_gateway, path, {"event": "message.sent"}), 404, "not_found")


async def test_sixtyfour_s_signature_is_checked_once_its_secret_is_known(
    open_gateway: Gateway, hints: asyncio.Queue[bytes]
) -> None:
    path, body = await issue(open_gateway, "sixtyfour"), b'{"task_id": "t-1"}'
    assert (await send(open_gateway, path, body)).status_code == 204
    assert await asyncio.wait_for(hints.get(), 5) == b"t-1"
    for secret in ("sk_whsec_old", "sk_whsec_new"):
        change = {"signing_secret": secret}
        reply = await open_gateway.client.patch(HOOK.format("sixtyfour"), json=change)
        assert reply.json()["data"]["signed"] is True
        assert secret not in reply.text
    problem_of(await send(open_gateway, path, body), 401, "unauthenticated")
    wrong = signature("sk_whsec_other", body)
    problem_of(
        await send(open_gateway, path, body, sixtyfour_signature=wrong), 401, "unauthenticated"
    )
    assert hints.empty()
    for secret in ("sk_whsec_old", "sk_whsec_new"):
        right = signature(secret, body)
        assert (await send(open_gateway, path, body, sixtyfour_signature=right)).status_code == 204
        assert await asyncio.wait_for(hints.get(), 5) == b"t-1"


async def test_a_new_address_ends_the_old_one_after_its_grace(open_gateway: Gateway) -> None:
    first = await issue(open_gateway, "snov")
    second = await issue(open_gateway, "snov")
    third = await issue(open_gateway, "snov", grace_seconds=0)
    found = [(await send(open_gateway, path, {})).status_code for path in (first, second, third)]
    assert found == [404, 404, 204]
    fourth = await issue(open_gateway, "snov")
    assert [(await send(open_gateway, path, {})).status_code for path in (third, fourth)] == [
        204,
        204,
    ]
    assert (await open_gateway.client.delete(HOOK.format("snov"))).status_code == 204
    for path in (third, fourth):
        problem_of(await send(open_gateway, path, {}), 404, "not_found")
    problem_of(await open_gateway.client.get(HOOK.format("snov")), 404, "not_found")


async def test_what_can_t_be_had_is_said(
    open_gateway: Gateway, start_gateway: GatewayFactory
) -> None:
    unreachable = await start_gateway(public_url=None)
    nowhere = await unreachable.client.post(HOOK.format("snov"))
    assert "GATEWAY_PUBLIC_URL" in problem_of(nowhere, 409, "conflict")["detail"]
    silent = await open_gateway.client.post(HOOK.format("letrics"))
    problem_of(silent, 422, "unsupported")
    problem_of(await open_gateway.client.post(HOOK.format("nobody")), 404, "not_found")
    await issue(open_gateway, "snov")
    change = {"signing_secret": "s"}
    unsigned = await open_gateway.client.patch(HOOK.format("snov"), json=change)
    problem_of(unsigned, 422, "unsupported")
    problem_of(await send(open_gateway, "/hooks/snov/x", b"{" * 99), 400, "malformed_request")
    too_large = b'"' + b"x" * 300_000 + b'"'
    problem_of(await send(open_gateway, "/hooks/snov/x", too_large), 413, "too_large")
    async with httpx.AsyncClient(base_url=open_gateway.url) as stranger:
        problem_of(await stranger.get("/hooks/snov/x"), 405, "method_not_allowed")
        problem_of(await stranger.post("/hooksnov/x"), 401, "unauthenticated")


async def test_tokens_and_secrets_of_hooks_are_not_in_the_store(
    open_gateway: Gateway, store: Store
) -> None:
    path = await issue(open_gateway, "sixtyfour")
    change = {"signing_secret": "sk_whsec_hidden"}
    await open_gateway.client.patch(HOOK.format("sixtyfour"), json=change)
    token = path.rpartition("/")[2].encode()
    keys = [key async for key in store.scan("{pgw}*")]
    dumps = [key + (await store.call("DUMP", key) or b"") for key in keys]
    assert not any(token in dump or b"sk_whsec_hidden" in dump for dump in dumps)
