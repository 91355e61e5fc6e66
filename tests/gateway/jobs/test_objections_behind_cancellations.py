"""A provider says that a person objected whose row has been cancelled in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.jobs import engine
from gateway.jobs.holds import Holds
from providers.simulator.asgi import send_reply
from tests.gateway.api.replies import problem_of
from tests.gateway.jobs.test_jobs_of_many import HUNTER, ended, results, submit
from tests.gateway.lookup.scene import HUNTER_FIND, Scene, body_of, until


class Nobody(Exception):
    """As no error is."""


async def cancel_before_its_451(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, person: Any
) -> dict[str, Any]:
    """The job of one row, cancelled while the provider takes its time; as it has ended."""
    answered, heard, cancel = asyncio.Event(), asyncio.Event(), Holds.cancel

    async def late(send: Any, reply: Any) -> None:
        await answered.wait()
        await send_reply(send, reply)

    def noted(self: Holds, job: str) -> None:
        cancel(self, job)
        heard.set()

    monkeypatch.setattr("providers.simulator.breakage.send_reply", late)
    monkeypatch.setattr(Holds, "cancel", noted)
    scene.fault("hunter", "status", path=HUNTER_FIND, status=451, times=1)
    reply = await submit(scene, [body_of(person)])

    async def is_asked() -> bool:
        return bool(scene.requests(HUNTER_FIND))

    await until(is_asked)
    gone = await scene.gateway.client.delete(reply.headers["location"])
    assert gone.json()["data"]["status"] == "cancelled"
    await heard.wait()
    answered.set()
    return await ended(scene, reply)


async def test_an_objection_behind_a_cancelled_row_is_heard(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = scene.person(hunter="valid", snov="valid")
    job = await cancel_before_its_451(scene, monkeypatch, person)
    assert scene.requests(HUNTER_FIND) == 1
    [listed] = (await scene.gateway.client.get("/v1/admin/suppressions")).json()["data"]
    assert (listed["source"], listed["kind"]) == ("hunter", "person")
    for providers in (HUNTER, {"providers": ["snov"]}):
        problem_of(await scene.find(person, **providers), 451, "suppressed")
    assert scene.requests(HUNTER_FIND) == 1
    # The row says so, too, and does not keep whom it was about.
    [row] = await results(scene, job["id"])
    assert (row["status"], row["error"]["code"]) == ("failed", "suppressed")
    assert (job["counts"]["failed"], job["counts"]["cancelled"]) == (1, 0)
    kept = await scene.store.call("HGETALL", f"{{pgw}}:live:job:{job['id']}:in")
    assert not kept


async def test_a_cancellation_that_drowns_an_objection_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "Objected", Nobody)
    with pytest.raises((AssertionError, TypeError)):
        await test_an_objection_behind_a_cancelled_row_is_heard(scene, monkeypatch)
