"""Endpoints belong to their team; what can't be had is refused in words."""

from __future__ import annotations

import asyncio
from base64 import b64decode

import pytest
from dirty_equals import IsPartialDict, IsStr

from gateway.guard.receivers import Receivers
from gateway.store.connection import Store
from gateway.vault.endpoints import MOST
from gateway.vault.hooks import HookStore
from gateway.vault.resealing import Resealer
from gateway.vault.sealing import Sealer
from tests.gateway.api.replies import eventually, pointers, problem_of
from tests.gateway.conftest import Gateway, GatewayFactory
from tests.gateway.webhooks.conftest import ALL, LOOPBACK, ROOT, Post
from tests.gateway.webhooks.receiver import Receiver

URL = "https://receiver.example/hook"


async def test_an_endpoint_is_made_shown_changed_and_deleted(gateway: Gateway) -> None:
    made = await gateway.client.post(ALL, json={"url": URL, "events": ["job.completed"]})
    assert made.status_code == 201
    data = made.json()["data"]
    assert data == IsPartialDict(url=URL, events=["job.completed"], enabled=True)
    assert data.pop("secret") == IsStr(regex=r"whsec_[A-Za-z0-9+/]{43}=")
    one = f"{ALL}/{data['id']}"
    assert (await gateway.client.get(one)).json()["data"] == data
    listed = (await gateway.client.get(ALL)).json()
    assert (listed["data"], listed["meta"]["total"]) == ([data], 1)
    events = ["campaign.event", "budget.threshold", "campaign.event"]
    changed = await gateway.client.patch(one, json={"events": events, "enabled": False})
    assert changed.json()["data"] == data | {"events": events[:2], "enabled": False}
    problem_of(await gateway.client.post(f"{one}/secret"), 409, "conflict")
    trail = (await gateway.client.get("/v1/admin/audit")).json()["data"]
    assert [row["action"] for row in trail[:2]] == [
        "webhook_endpoint.changed",
        "webhook_endpoint.created",
    ]
    assert (await gateway.client.delete(one)).status_code == 204
    for reply in (
        await gateway.client.get(one),
        await gateway.client.patch(one, json={}),
        await gateway.client.delete(one),
        await gateway.client.post(f"{one}/rotate"),
        await gateway.client.get(f"{one}/deliveries"),
    ):
        problem_of(reply, 404, "not_found")


async def test_a_change_does_not_undo_another(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take its time to find out where an address leads."""
    made = await gateway.client.post(ALL, json={"url": URL, "events": ["job.completed"]})
    one = f"{ALL}/{made.json()['data']['id']}"

    async def disable(_receivers: Receivers, _url: str) -> None:
        assert (await gateway.client.patch(one, json={"enabled": False})).is_success

    monkeypatch.setattr(Receivers, "check", disable)
    changed = await gateway.client.patch(one, json={"url": f"{URL}/2"})
    assert changed.json()["data"] == IsPartialDict(url=f"{URL}/2", enabled=False)
    assert (await gateway.client.get(one)).json()["data"] == changed.json()["data"]


async def test_another_team_sees_nothing_of_them(gateway: Gateway) -> None:
    made = await gateway.client.post(ALL, json={"url": URL, "events": ["job.completed"]})
    one = f"{ALL}/{made.json()['data']['id']}"
    async with gateway.caller(await gateway.key(await gateway.team(), "jobs")) as other:
        assert (await other.get(ALL)).json()["data"] == []
        for reply in (
            await other.get(one),
            await other.patch(one, json={"enabled": False}),
            await other.delete(one),
            await other.post(f"{one}/rotate"),
            await other.get(f"{one}/deliveries"),
            await other.post(f"{one}/deliveries/msg_x/redeliver"),
        ):
            problem_of(reply, 404, "not_found")
    async with gateway.caller(await gateway.key("default", "lookup")) as other:
        problem_of(await other.get(ALL), 403, "forbidden")


BAD = [
    ("http://receiver.example/", "must be https"),
    ("https://127.0.0.1/", "private or reserved"),
    ("https://127.1/", "four decimal numbers"),
    ("https://localhost/", "private or reserved"),
    ("https://queue.internal/", "private or reserved"),
    ("https://receiver.example:22/", "port 80, 443"),
    ("https://a:b@receiver.example/", "user or a password"),
    ("https://receiver.example/ä", "written as %XX"),
    ("https://receiver.example/#x", "without a fragment"),
    ("ftp://receiver.example/", "http:// or https://"),
    ("https://" + "a" * 64 + ".example/", "no domain name"),
    ("https://-/", "no domain name"),
]


async def test_a_bad_address_is_refused_with_what_is_allowed(gateway: Gateway) -> None:
    for url, details in BAD:
        reply = await gateway.client.post(ALL, json={"url": url, "events": ["job.completed"]})
        assert pointers(reply) == ["/url"], url
        assert details in reply.json()["detail"]


async def test_only_known_events_and_so_many_endpoints(gateway: Gateway) -> None:
    for events in ([], ["job.started"], "job.completed"):
        reply = await gateway.client.post(ALL, json={"url": URL, "events": events})
        problem_of(reply, 422, "invalid_query")
    body = {"url": URL, "events": ["job.completed"]}
    replies = await asyncio.gather(*(gateway.client.post(ALL, json=body) for _ in range(MOST + 1)))
    assert sorted(reply.status_code for reply in replies) == [201] * MOST + [409]


async def test_a_private_network_that_is_allowed_needs_no_https(
    start_gateway: GatewayFactory,
) -> None:
    gateway = await start_gateway(webhook_allow_cidrs=LOOPBACK)
    for url, status in (("http://127.0.0.1:8009/", 201), ("http://[::1]:8009/", 422)):
        reply = await gateway.client.post(ALL, json={"url": url, "events": ["job.completed"]})
        assert reply.status_code == status, url


async def test_while_the_store_is_away_nothing_is_sent_and_nothing_twice(
    start_gateway: GatewayFactory, store: Store, receiver: Receiver
) -> None:
    gateway = await start_gateway(webhook_allow_cidrs=LOOPBACK, store_timeout_ms=200)
    post = Post(gateway, store)
    name, _ = await post.endpoint(receiver.url)
    receiver.seconds = 0.3
    await post.emit("job.completed", {"id": 1})
    await receiver.wait(1)
    # It is answered while the store does not hear of it.
    await store.call("CLIENT", "PAUSE", 1500, "ALL")
    await post.emit("job.completed", {"id": 2})
    await receiver.wait(2)

    async def delivered() -> bool:
        rows = await post.log(name)
        return [(row["status"], row["attempts"]) for row in rows] == [("delivered", 1)] * 2

    await eventually(delivered)
    assert [message.json["data"]["id"] for message in receiver.messages] == [1, 2]


async def test_deliveries_are_listed_in_pages(post: Post, receiver: Receiver) -> None:
    name, _ = await post.endpoint(receiver.url)
    for number in range(5):
        await post.emit("job.completed", {"id": number})
        await receiver.wait(number + 1)
    found, query = [], {"limit": "2"}
    while True:
        page = (await post.client.get(f"{ALL}/{name}/deliveries", params=query)).json()
        found += [row["id"] for row in page["data"]]
        if (cursor := page["meta"]["next_cursor"]) is None:
            break
        query["cursor"] = cursor
    assert found == [message.id for message in reversed(receiver.messages)]


async def test_a_team_that_goes_takes_its_endpoints_along(gateway: Gateway, store: Store) -> None:
    team = await gateway.team()
    key = await gateway.key(team, "jobs")
    async with gateway.caller(key) as client:
        await client.post(ALL, json={"url": URL, "events": ["job.completed"]})
    await gateway.client.delete(f"/v1/admin/keys/{key.split('_')[1]}")
    assert (await gateway.client.delete(f"/v1/admin/teams/{team}")).status_code == 204
    assert await store.call("SMEMBERS", f"{ROOT}endpoints") in ([], set())


async def test_what_hooks_are_signed_with_outlives_its_master_key(store: Store) -> None:
    old, both, new = (Sealer(keys) for keys in ([bytes(32)], [b"1" * 32, bytes(32)], [b"1" * 32]))
    hooks = HookStore(store, old, ROOT)
    await hooks.issue("cred", "sixtyfour", "now", grace=0)
    assert await hooks.set_secret("cred", "sk_whsec_x")
    assert await Resealer(store, both).reseal() == 1
    assert await HookStore(store, new, ROOT).secrets("cred") == ["sk_whsec_x"]


async def test_secrets_are_neither_in_the_store_nor_in_the_log(
    post: Post, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    name, secret = await post.endpoint(receiver.url + "?key=of-the-receiver")
    rotated = await post.client.post(f"{ALL}/{name}/rotate")
    inline = await post.client.post(f"{ALL}/inline/secret")
    told = [secret, rotated.json()["data"]["secret"], inline.json()["data"]["secret"]]
    receiver.answer = lambda _: (500, "")
    await post.emit("job.completed", {"id": 1}, url=receiver.url + "?key=of-the-job")
    await receiver.wait(2)
    for reply in (
        await post.client.get(f"{ALL}/{name}"),
        await post.client.get(f"{ALL}/{name}/deliveries"),
        await post.client.get(f"{ALL}/inline/deliveries"),
    ):
        assert not any(text in reply.text for text in told)
    keys = [key async for key in post.store.scan("*")]
    dumps = [await post.store.call("DUMP", key) or b"" for key in keys]
    hidden = [form for text in told for form in (text.encode(), b64decode(text[6:]))]
    assert not any(form in dump for dump in dumps for form in hidden)
    said = "".join(capfd.readouterr())
    assert "webhook.put_off" in said
    assert not any(text in said for text in (*told, "of-the-receiver", "of-the-job"))
