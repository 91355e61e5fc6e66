"""Every key that the gateway writes is entered with what it may hold of a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.jobs.holdings import OF_BASE, OF_ROOT, Holding, holding_of
from gateway.jobs.readers import READERS
from gateway.money.entries import Books
from gateway.store.connection import Store
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import GatewayFactory
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene
from tests.gateway.money.books import MINUTE
from tests.gateway.money.conftest import shift
from tests.gateway.objections.dump import Dump
from tests.gateway.objections.objecting import lift, post, suppress
from tests.gateway.objections.places import ADA, ADDRESS, DOMAIN, TRACES, Spread

ROOT = "{pgw}:live:"
# There for less than a look takes.
BRIEF = {"outbox:copy", "outbox"}


async def everything(scene: Scene, store: Store) -> None:
    """Whatever the gateway can be made to write, with a person where one can be."""
    spread = Spread(scene.gateway.client, scene.simulator.control, store)
    await limited(scene)
    await broken(scene)
    await passed_on(scene)
    await scene.gateway.client.post("/v1/admin/reconcile", json={})
    await spread.everywhere()
    made = await suppress(scene, domain="elsewhere.example")
    await lift(scene, made["id"])
    await spread.erase(email=f"someone@{DOMAIN}")
    await waiting(scene)
    await Books(store, ROOT).retire(1)


async def limited(scene: Scene) -> None:
    """A team with every limit, a key of its, a route, an account with limits."""
    client = scene.gateway.client
    team = await scene.gateway.team(
        budget={"amount": "10", "period": "day"}, rate_limit_per_minute=99, max_concurrency=9
    )
    async with scene.gateway.caller(await scene.gateway.key(team, "lookup")) as caller:
        assert (await caller.post("/v1/emails/find", json=ADA)).is_success
    await client.put("/v1/admin/routes/emails.find", json={"order": "cheapest"})
    account = {"provider": "hunter", "name": "second", "secret": {"api_key": "sim-hunter-key"}}
    limits = {"per_second": 50, "concurrency": 5}
    reply = await client.post("/v1/admin/credentials", json={**account, "limits": limits})
    assert reply.is_success, reply.text
    await client.post(f"/v1/admin/credentials/{reply.json()['data']['id']}/check")


async def passed_on(scene: Scene) -> None:
    """Providers' own paths, objects of an account, a receiver of events."""
    client = scene.gateway.client
    found = await client.get("/native/hunter/email-finder", params=ADA)
    assert ADDRESS in found.text, found.text
    body = {"leads": [{"full_name": "Ada Lovelace"}], "lead": {"name": "Ada Lovelace"}}
    await client.post("/native/sixtyfour/find-email-async", json=body)
    lead = {"email": f"new.{ADDRESS}", "first_name": "Ada", "last_name": "Lovelace"}
    made = await client.post("/v1/providers/hunter/leads", json=lead)
    assert made.is_success, made.text
    receiver = {"url": "https://receiver.example/", "events": ["job.completed"]}
    made = await client.post("/v1/webhook-endpoints", json=receiver)
    assert made.is_success, made.text


async def broken(scene: Scene) -> None:
    """A provider that fails until it is left alone."""
    only = {"routing": {"providers": ["letrics"], "max_age": 0}}
    scene.fault("letrics", "status", status=500)
    for _ in range(8):
        await post(scene, "contacts.search", {"job_titles": ["x"], **only})
    await scene.recover()
    scene.fault("letrics", "status", status=500)
    for _ in range(8):
        await post(scene, "contacts.search", {"job_titles": ["y"], **only})
    scene.heal()


async def waiting(scene: Scene) -> None:
    """A provider that refuses its key, and rows of a job that wait for a slow one."""
    scene.fault("sixtyfour", "unauthorized")
    asked = {**ADA, "domain": "elsewhere.example", "routing": {"providers": ["sixtyfour"]}}
    await post(scene, "emails.find", asked)
    scene.heal()
    scene.slow_down("hunter", call=0.2)
    items = [{"full_name": f"Ada Number{at}", "domain": DOMAIN} for at in range(40)]
    body: dict[str, Any] = {"operation": "emails.find", "items": items}
    body["routing"] = {"providers": ["hunter"]}
    await scene.gateway.client.post("/v1/jobs", json=body)
    headers = {"idempotency_key": "under way", "prefer": "respond-async"}
    await post(scene, "emails.find", {**ADA, **body["routing"]}, **headers)


@asynccontextmanager
async def watched(store: Store) -> AsyncIterator[dict[bytes, bytes]]:
    """Every key there is meanwhile, and something that it held."""
    seen: dict[bytes, bytes] = {}

    async def look() -> None:
        while True:
            seen.update((await Dump.of(store)).held)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(look())
    try:
        yield seen
        seen.update((await Dump.of(store)).held)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_key_is_entered_and_those_without_persons_name_nobody(
    start_gateway: GatewayFactory, simulator: RunningSimulator, store: Store
) -> None:
    gateway = await start_gateway(public_url="https://gateway.example")
    async with watched(store) as held:
        await everything(Scene(gateway, simulator, store), store)
    found = {key.decode(): holding_of(key.decode(), ROOT) for key in held}
    assert [key for key, holding in found.items() if holding is None] == []
    clear = {key for key, holding in found.items() if holding and holding.place}
    named = {key for trace in TRACES for key in Dump(held).keys_with(trace)}
    assert named <= clear
    assert named
    seen = {holding.pattern for holding in found.values() if holding}
    assert {one.pattern for one in OF_ROOT if one.place} - seen <= BRIEF
    assert len(seen) > 45


def test_a_key_that_nobody_entered_is_noticed() -> None:
    assert holding_of(f"{ROOT}job:job_1:notes", ROOT) is None
    assert holding_of("{pgw}:people", ROOT) is None
    assert holding_of("{pgw}:sandbox:cache:x", ROOT) is None
    assert holding_of(f"{ROOT}cache:x", ROOT) == OF_ROOT[0]


def test_what_holds_persons_in_clear_has_a_reader_and_nothing_else_has() -> None:
    assert {one.pattern for one in OF_ROOT if one.place} == set(READERS)
    assert {one.pattern for one in OF_ROOT if one.persons == "clear"} <= set(READERS)
    assert not [one for one in OF_BASE if one.persons != "none"]


def test_no_key_is_two_things() -> None:
    names: list[Holding] = [*OF_ROOT, *OF_BASE]
    assert len({(one.pattern, one in OF_ROOT) for one in names}) == len(names)


async def test_the_order_of_traces_ends_with_them(start_scene: StartScene) -> None:
    scene = await start_scene(test_clock=True)
    for days in (0, 15):
        await shift(scene.store, days * 24 * 60 * MINUTE)
        await scene.find(scene.person(hunter="valid"))
    assert await scene.store.call("ZCARD", f"{ROOT}traced") == 1
