"""Jobs tell of their rows and of their end: their own address, and the endpoints of their team."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from providers.simulator.population import Person
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import problem_of
from tests.gateway.lookup.scene import body_of
from tests.gateway.webhooks.conftest import Post
from tests.gateway.webhooks.receiver import Receiver, receiving

ITEM, END = "job.item.completed", "job.completed"


def known(simulator: RunningSimulator, size: int) -> list[Person]:
    world = simulator.world
    found = [one for one in world.people if world.known("hunter", one) and not one.claimed]
    return found[:size]


async def submit(post: Post, items: list[Any], **webhook: Any) -> Any:
    body = {"operation": "emails.find", "items": items, "routing": {"providers": ["hunter"]}}
    more = {"webhook": webhook} if webhook else {}
    return await post.client.post("/v1/jobs", json=body | more)


@pytest.mark.parametrize("events", [[ITEM], [END], [END, ITEM]])
async def test_a_jobs_own_address_hears_what_it_asked_for(
    post: Post, receiver: Receiver, simulator: RunningSimulator, events: list[str]
) -> None:
    people = known(simulator, 3)
    items = [*map(body_of, people), {"full_name": "No Body", "domain": "nowhere.example"}]
    reply = await submit(post, items, url=receiver.url, events=events)
    assert reply.status_code == 202, reply.text
    job = reply.json()["data"]["id"]
    expected = Counter({ITEM: 4 * (ITEM in events), END: END in events})
    messages = await receiver.wait(expected.total())
    assert Counter(message.json["type"] for message in messages) == +expected
    told = {m.json["data"]["index"]: m.json["data"] for m in messages if m.json["type"] == ITEM}
    rows = (await post.client.get(f"/v1/jobs/{job}/results")).json()["data"]
    for index, data in told.items():
        row = rows[index]
        assert data == {"job_id": job, **{name: row[name] for name in data if name != "job_id"}}
        assert data["data"] == row["data"]
        assert data["status"] == "completed"


async def test_rows_that_cannot_be_asked_are_told_of_like_all_others(
    post: Post, receiver: Receiver, simulator: RunningSimulator
) -> None:
    [person] = known(simulator, 1)
    items = [{"domain": "x.example"}, body_of(person), {"email": "no question"}]
    reply = await submit(post, items, url=receiver.url, events=[ITEM, END])
    job = reply.json()["data"]["id"]
    messages = await receiver.wait(4)
    told = {m.json["data"]["index"]: m.json["data"] for m in messages if m.json["type"] == ITEM}
    rows = (await post.client.get(f"/v1/jobs/{job}/results")).json()["data"]
    assert sorted(told) == [0, 1, 2]
    for index, data in told.items():
        row = rows[index]
        assert data == {"job_id": job, **{name: row[name] for name in data if name != "job_id"}}
    assert [told[at]["status"] for at in range(3)] == ["failed", "completed", "failed"]
    assert told[0]["error"]["code"] == "invalid_query"


async def test_an_endpoint_hears_of_the_rows_of_every_job_made_since(
    post: Post, receiver: Receiver, simulator: RunningSimulator
) -> None:
    """And a job's own address only of what it asked for."""
    await post.endpoint(receiver.url, ITEM)
    items = [body_of(one) for one in known(simulator, 2)]
    async with receiving() as own:
        assert (await submit(post, items, url=own.url)).status_code == 202
        [message] = await own.wait(1)
        assert message.json["type"] == END
        await receiver.wait(2)
    assert {message.json["type"] for message in receiver.messages} == {ITEM}
    assert len(own.messages) == 1


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "ftp://example.com", "http://[fe80::1]/"])
async def test_an_address_inside_is_refused_with_the_job(
    post: Post, simulator: RunningSimulator, url: str
) -> None:
    reply = await submit(post, [body_of(known(simulator, 1)[0])], url=url)
    problem = problem_of(reply, 422, "invalid_query")
    assert problem["errors"][0]["pointer"] == "/webhook/url"
    assert (await post.client.get("/v1/jobs")).json()["data"] == []


async def view(post: Post, job: str) -> Any:
    return (await post.client.get(f"/v1/jobs/{job}")).json()["data"]


async def test_the_end_of_a_job_is_told_as_the_job_is_shown(
    post: Post, receiver: Receiver, simulator: RunningSimulator
) -> None:
    items = [body_of(one) for one in known(simulator, 2)]
    reply = await submit(post, [*items, {"domain": "x.example"}], url=receiver.url)
    [message] = await receiver.wait(1)
    assert message.json["data"] == await view(post, reply.json()["data"]["id"])
    assert message.json["data"]["counts"]["failed"] == 1


async def test_whoever_objects_before_a_job_is_told_of_is_not_in_it(
    post: Post, receiver: Receiver, simulator: RunningSimulator
) -> None:
    """The first delivery fails; each says what there is to be said at its time."""
    [person] = known(simulator, 1)
    receiver.answer = lambda _: (500, "")
    await post.endpoint(receiver.url, END)
    later = {"prefer": "respond-async"}
    reply = await post.client.post("/v1/emails/find", json=body_of(person), headers=later)
    job = reply.json()["data"]["id"]
    [first] = await receiver.wait(1)
    assert first.json["data"]["result"]["data"]["email"] == person.email
    objection = {"email": person.email, "reason": "asked"}
    assert (await post.client.post("/v1/admin/suppressions", json=objection)).is_success
    receiver.answer = lambda _: (200, "")
    await post.shift(10)
    _, second = await receiver.wait(2)
    assert second.id == first.id
    assert person.email.encode() not in second.body
    assert second.json["data"]["result"]["code"] == "suppressed"
    assert second.json["data"] == await view(post, job)


async def test_of_a_job_that_is_not_kept_any_more_its_id_is_told(
    post: Post, receiver: Receiver
) -> None:
    await post.endpoint(receiver.url, END)
    await post.emit(END, {"id": "job_gone"})
    [message] = await receiver.wait(1)
    assert message.json["data"] == {"id": "job_gone"}


async def test_a_job_of_another_team_is_not_told_of(
    post: Post, receiver: Receiver, simulator: RunningSimulator
) -> None:
    reply = await submit(post, [body_of(known(simulator, 1)[0])])
    job = reply.json()["data"]["id"]
    await post.emit(END, {"id": job}, team="team_other", url=receiver.url)
    [message] = await receiver.wait(1)
    assert message.json["data"] == {"id": job}
