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
