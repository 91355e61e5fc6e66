"""Events reach the endpoints that subscribe them, signed, and again until they are taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from dirty_equals import IsDatetime, IsPartialDict, IsStr

from gateway.settings import WebhookSettings
from gateway.vault.endpoints import EndpointStore, inline_id
from gateway.vault.resealing import Resealer
from gateway.vault.sealing import Sealer
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.conftest import GatewayFactory
from tests.gateway.webhooks.conftest import ALL, LOOPBACK, ROOT, Post
from tests.gateway.webhooks.receiver import OK, Receiver, receiving


async def test_an_event_is_sent_signed_to_whoever_subscribes_it(
    post: Post, receiver: Receiver
) -> None:
    async with receiving() as other:
        name, secret = await post.endpoint(receiver.url, "job.completed")
        await post.endpoint(other.url, "campaign.event")
        await post.emit("job.completed", {"id": "job_1"})
        [message] = await receiver.wait(1)
        assert message.json == {
            "type": "job.completed",
            "timestamp": IsDatetime(iso_string=True),
            "data": {"id": "job_1"},
        }
        message.verify(secret)
        assert message.headers["content-type"] == "application/json"
        assert message.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert not other.messages

    async def delivered() -> bool:
        return bool((await post.log(name))[0]["status"] == "delivered")

    await eventually(delivered)
    [row] = await post.log(name)
    assert row == IsPartialDict(
        id=message.id, event="job.completed", attempts=1, last_error=None, last_status=200
    )
    assert row["next_attempt_at"] is None
    assert row["delivered_at"] >= row["last_attempt_at"] >= row["created_at"]


async def test_a_job_s_own_address_gets_its_events_beside_the_endpoints(
    post: Post, receiver: Receiver
) -> None:
    async with receiving() as own:
        await post.endpoint(receiver.url)
        await post.emit("job.completed", {"id": "job_1"}, url=own.url)
        await receiver.wait(1)
        [message] = await own.wait(1)
    shown = await post.client.post(f"{ALL}/inline/secret")
    assert shown.status_code == 200, shown.text
    message.verify(shown.json()["data"]["secret"])
    problem_of(await post.client.post(f"{ALL}/inline/secret"), 409, "conflict")
    rotated = await post.client.post(f"{ALL}/inline/rotate", json={"grace_seconds": 0})
    async with receiving() as own:
        await post.emit("job.completed", {"id": "job_2"}, url=own.url)
        [message] = await own.wait(1)
        message.verify(rotated.json()["data"]["secret"])
    assert len(await post.log("inline")) == 2
    problem_of(await post.client.get(f"{ALL}/inline"), 404, "not_found")


async def test_a_budget_threshold_is_told_as_money(post: Post, receiver: Receiver) -> None:
    """Of the whole installation it is the team `default` that is told."""
    await post.endpoint(receiver.url)
    row = {"scope": "team:t", "period": "month", "window": "m:2026-11", "share": 800_000}
    row |= {"spent": 80_049_000, "limit": 100_000_000, "at": 1_795_000_000_000}
    await post.emit("budget.threshold", row)
    await post.emit("budget.threshold", row | {"scope": "all", "period": "total"}, team="team_x")
    await post.emit("budget.threshold", row, team="team_x")
    told = {one.json["data"]["scope"]: one.json["data"] for one in await receiver.wait(2)}
    assert told["team:t"] == {
        "scope": "team:t",
        "period": "month",
        "share": 0.8,
        "spent": "80.049",
        "limit": "100",
        "currency": "USD",
        "resets_at": "2026-12-01T00:00:00Z",
    }
    assert told["all"] == IsPartialDict(period="total", resets_at=None)


async def test_what_is_not_taken_is_sent_again_under_its_id(
    post: Post, receiver: Receiver
) -> None:
    answers = iter([(500, ""), (302, "location: /elsewhere\r\n"), (404, ""), OK])
    receiver.answer = lambda _: next(answers)
    name, secret = await post.endpoint(receiver.url)
    await post.emit("job.completed", {"id": "job_1"})
    for number, error in enumerate(("receiver_failed", "redirected", "refused"), start=1):
        await receiver.wait(number)

        async def put_off(error: str = error) -> bool:
            [row] = await post.log(name)
            return bool((row["status"], row["last_error"]) == ("pending", error))

        await eventually(put_off)
        assert (await post.log(name))[0]["next_attempt_at"]
        await post.shift(2)
    messages = await receiver.wait(4)
    assert len({message.id for message in messages}) == 1
    assert len({message.body for message in messages}) == 1
    messages[3].verify(secret)


async def test_after_the_schedule_it_is_given_up_and_can_be_sent_again(
    post: Post, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (503, "")
    name, _ = await post.endpoint(receiver.url)
    await post.emit("job.completed", {"id": "job_1"})

    async def given_up() -> bool:
        await post.shift(2)
        return bool((await post.log(name))[0]["status"] == "failed")

    await receiver.wait(1)
    await eventually(given_up)
    assert len(receiver.messages) == 4, "once, and three times again"
    shown = await post.client.get(f"{ALL}/{name}")
    assert shown.json()["data"]["enabled"] is True
    receiver.answer = lambda _: OK
    [row] = await post.log(name)
    again = await post.client.post(f"{ALL}/{name}/deliveries/{row['id']}/redeliver")
    assert again.status_code == 200, again.text
    messages = await receiver.wait(5)
    assert len({message.id for message in messages}) == 1
    assert await post.log(name) == [IsPartialDict(attempts=5)]


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_receiver_says_when_to_come_again(
    post: Post, receiver: Receiver, form: str
) -> None:
    """The whole receiver is left alone until then, its other deliveries, too."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    asked = "3600" if form == "seconds" else later
    receiver.answer = lambda _: (429, f"retry-after: {asked}\r\n")
    name, _ = await post.endpoint(receiver.url, "job.completed")
    await post.emit("job.completed", {"id": "job_1"})
    await receiver.wait(1)

    async def put_off() -> bool:
        return bool((await post.log(name))[0]["status"] == "pending")

    await eventually(put_off)
    receiver.answer = lambda _: OK
    await post.emit("job.completed", {"id": "job_2"})
    await post.shift(3500)
    async with receiving() as other:
        # A step of the courier has come and gone when this one is served.
        await post.endpoint(other.url, "campaign.event")
        await post.emit("campaign.event", {"id": "x"})
        await other.wait(1)
    assert len(receiver.messages) == 1
    await post.shift(200)
    assert {message.json["data"]["id"] for message in await receiver.wait(3)} == {"job_1", "job_2"}


async def test_410_disables_the_endpoint_until_it_is_enabled(
    post: Post, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (410, "")
    name, _ = await post.endpoint(receiver.url)
    await post.emit("job.completed", {"id": "job_1"})

    async def disabled() -> bool:
        data = (await post.client.get(f"{ALL}/{name}")).json()["data"]
        return (data["enabled"], data["disabled_reason"]) == (False, "gone")

    await eventually(disabled)
    [row] = await post.log(name)
    assert (row["status"], row["last_error"], row["last_status"]) == ("failed", "gone", 410)
    refused = await post.client.post(f"{ALL}/{name}/deliveries/{row['id']}/redeliver")
    problem_of(refused, 409, "conflict")
    await post.emit("job.completed", {"id": "job_2"})
    receiver.answer = lambda _: OK
    reply = await post.client.patch(f"{ALL}/{name}", json={"enabled": True})
    assert reply.json()["data"] == IsPartialDict(enabled=True, disabled_reason=None)
    again = await post.client.post(f"{ALL}/{name}/deliveries/{row['id']}/redeliver")
    assert again.status_code == 200
    await receiver.wait(2)


async def test_two_secrets_sign_while_the_old_one_lives(post: Post, receiver: Receiver) -> None:
    name, old = await post.endpoint(receiver.url)
    rotated = await post.client.post(f"{ALL}/{name}/rotate")
    new = rotated.json()["data"]["secret"]
    assert new == IsStr(regex=r"whsec_[A-Za-z0-9+/]{43}=")
    assert new != old
    await post.emit("job.completed", {"id": "job_1"})
    [message] = await receiver.wait(1)
    message.verify(old)
    message.verify(new)
    last = await post.client.post(f"{ALL}/{name}/rotate", json={"grace_seconds": 0})
    await post.emit("job.completed", {"id": "job_2"})
    message = (await receiver.wait(2))[1]
    assert message.headers["webhook-signature"].count("v1,") == 1
    message.verify(last.json()["data"]["secret"])


async def test_a_secret_outlives_its_master_key(store: Any) -> None:
    sealers = [Sealer([bytes(32)]), Sealer([b"\1" * 32, bytes(32)]), Sealer([b"\1" * 32])]
    names = [inline_id("a"), inline_id("b")]
    before = [await EndpointStore(store, sealers[0], ROOT).secrets(name) for name in names]
    assert await Resealer(store, sealers[1]).reseal() == 2
    after = [await EndpointStore(store, sealers[2], ROOT).secrets(name) for name in names]
    assert before == after


async def test_processes_share_the_work(
    start_gateway: GatewayFactory, post: Post, receiver: Receiver
) -> None:
    for _ in range(2):
        await start_gateway(webhook_allow_cidrs=LOOPBACK, test_clock=True)
    await post.endpoint(receiver.url)
    await asyncio.gather(*(post.emit("job.completed", {"id": n}) for n in range(200)))
    messages = await receiver.wait(200)
    assert sorted(message.json["data"]["id"] for message in messages) == list(range(200))
    assert len({message.id for message in messages}) == 200


async def test_at_most_so_many_are_sent_to_one_at_once(
    start_gateway: GatewayFactory, store: Any
) -> None:
    settings = WebhookSettings(per_endpoint=3)
    gateway = await start_gateway(webhook_allow_cidrs=LOOPBACK, webhooks=settings)
    post, running, most = Post(gateway, store), 0, 0

    class Counting(Receiver):
        async def serve(self, reader: Any, writer: Any) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await super().serve(reader, writer)
            running -= 1

    receiver = Counting(seconds=0.05)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1")
    async with server:
        receiver.port = server.sockets[0].getsockname()[1]
        await post.endpoint(receiver.url)
        for number in range(40):
            await post.emit("job.completed", {"id": number})
        await receiver.wait(40)
    assert most == 3


async def test_a_deleted_endpoint_is_sent_nothing_more(post: Post, receiver: Receiver) -> None:
    receiver.answer = lambda _: (500, "")
    name, _ = await post.endpoint(receiver.url)
    await post.emit("job.completed", {"id": "job_1"})
    await receiver.wait(1)
    assert (await post.client.delete(f"{ALL}/{name}")).status_code == 204

    async def forgotten() -> bool:
        left = [key async for key in post.store.scan(f"{ROOT}deliver*")]
        return not left

    await eventually(forgotten)
    problem_of(await post.client.get(f"{ALL}/{name}/deliveries"), 404, "not_found")


async def test_an_endpoint_that_is_deleted_as_it_is_sent_to_gets_nothing_unsigned(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = await post.endpoint(receiver.url)
    secrets_of, asked = EndpointStore.secrets, asyncio.Event()

    async def late(self: EndpointStore, owner: str) -> list[str]:
        if owner == name:
            await post.client.delete(f"{ALL}/{name}")
            asked.set()
        return await secrets_of(self, owner)

    monkeypatch.setattr(EndpointStore, "secrets", late)
    await post.emit("job.completed", {"id": "job_1"})
    await asyncio.wait_for(asked.wait(), 10)
    async with receiving() as other:
        await post.endpoint(other.url)
        await post.emit("job.completed", {"id": "job_2"})
        await other.wait(1)
    assert receiver.messages == []
