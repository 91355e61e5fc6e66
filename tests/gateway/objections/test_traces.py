"""What is held of a person can be asked for, with its reasons; on the command line, too."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import pytest

from gateway.store.connection import Store
from tests.gateway.api.replies import pointers
from tests.gateway.conftest import ADMIN_KEY
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene
from tests.gateway.objections.places import ADDRESS, DOMAIN, PLACES, Spread

PATH = "/v1/admin/traces"


@pytest.fixture
async def scene(start_scene: StartScene) -> Scene:
    return await start_scene(public_url="https://gateway.example")


async def traces(scene: Scene, **whom: str) -> list[dict[str, Any]]:
    reply = await scene.gateway.client.post(PATH, json=whom)
    assert reply.status_code == 200, reply.text
    assert reply.json()["meta"]["total"] == len(reply.json()["data"])
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


async def prospect(scene: Scene, *line: str) -> tuple[int | None, str]:
    """Exit code and output of a command, asked of the scene's gateway."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("prospect"),
        *("--url", scene.gateway.url, "--key", ADMIN_KEY),
        *line,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


async def test_everything_that_is_held_is_told_with_its_reasons(
    scene: Scene, store: Store
) -> None:
    spread = Spread(scene.gateway.client, scene.simulator.control, store)
    await spread.everywhere()
    found = await traces(scene, email=ADDRESS.upper())
    assert {one["place"] for one in found} >= PLACES - {"tickets", "questions"}
    cached = [one for one in found if one["place"] == "cache"]
    assert cached
    for one in cached:
        assert (one["provider"], one["team"]) == ("hunter", "default"), one
        assert one["obtained_at"] < one["expires_at"]
        assert ADDRESS in json.dumps(one["data"])
    assert any(one["sources"] for one in cached)
    before = len(found)
    assert len(await traces(scene, email=ADDRESS)) == before, "it has changed something"


async def test_of_whom_nothing_is_held_nothing_is_told(scene: Scene) -> None:
    assert await traces(scene, email="nobody@nowhere.example") == []
    reply = await scene.gateway.client.post(PATH, json={"full_name": "Ada Lovelace"})
    assert (reply.status_code, pointers(reply)) == (422, ["/domain"])


@pytest.mark.parametrize("name", ["...", "\U0001f642", "- -", "\U00075ec2"])
async def test_what_has_no_letters_is_no_name(scene: Scene, name: str) -> None:
    """It would be found in everything that is held of its domain."""
    body = {"full_name": name, "domain": DOMAIN}
    for path in (PATH, "/v1/admin/erasures"):
        reply = await scene.gateway.client.post(path, json=body)
        assert (reply.status_code, pointers(reply)[:1]) == (422, ["/full_name"]), reply.text


@pytest.mark.parametrize("whom", [{"full_name": "李明", "domain": DOMAIN}, {"email": ADDRESS}])
async def test_more_may_name_a_person_than_one_script_can_tell(
    scene: Scene, store: Store, whom: dict[str, str]
) -> None:
    """All of these are looked into: how a letter beyond ASCII is spelt elsewhere is not known."""
    labels = {f'cost["default","née {number}"]': "1" for number in range(6000)}
    labels['cost["default","李明"]'] = "1"
    flat = [part for item in labels.items() for part in item]
    await store.call("HSET", "{pgw}:live:sums:2026-11-21", *flat)
    assert await traces(scene, **whom) == []


async def test_the_commands_suppress_trace_and_erase(scene: Scene, store: Store) -> None:
    await Spread(scene.gateway.client, scene.simulator.control, store).lookups()
    code, told = await prospect(scene, "erase", "trace", ADDRESS)
    assert code == 0
    assert {one["place"] for one in json.loads(told)["data"]} >= {"cache", "idempotency"}
    code, told = await prospect(scene, "erase", ADDRESS, "--reason", "by mail")
    erased = json.loads(told)["data"]
    assert (code, erased["status"], erased["left"]) == (0, "completed", {})
    assert erased["removed"]["cache"] > 0
    code, told = await prospect(scene, "erase", "trace", ADDRESS)
    assert (code, json.loads(told)["data"]) == (0, [])
    code, told = await prospect(scene, "suppress", "list", ADDRESS)
    assert [one["source"] for one in json.loads(told)["data"]] == ["erasure"]
    code, told = await prospect(scene, "suppress", f"www.{DOMAIN}", "--reason", "a rival")
    assert (code, json.loads(told)["data"]["domain"]) == (0, DOMAIN)
    code, _ = await prospect(scene, "suppress", "remove", DOMAIN)
    assert code == 0
    code, told = await prospect(scene, "suppress", "list", DOMAIN)
    assert json.loads(told)["data"] == []


async def test_a_person_is_not_a_domain(scene: Scene) -> None:
    code, _ = await prospect(scene, "erase", DOMAIN)
    assert code == 2
    code, _ = await prospect(scene, "suppress", "remove", "never.example")
    assert code == 2
