"""The questions of a job's rows: whoever objects later is not named in them any more."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.gateway.lookup.scene import HUNTER_VERIFY, Scene, until
from tests.gateway.objections.conftest import scene
from tests.gateway.objections.objecting import suppress

__all__ = ["scene"]

LINES, TABLE = "application/x-ndjson", "text/csv"


async def submit(scene: Scene, items: list[Any]) -> str:
    body = {
        "operation": "emails.verify",
        "items": items,
        "routing": {"providers": ["hunter"]},
    }
    reply = await scene.gateway.client.post("/v1/jobs", json=body)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["data"]["id"])


async def ended(scene: Scene, job: str) -> None:
    async def is_over() -> Any:
        found = await scene.gateway.client.get(f"/v1/jobs/{job}")
        return found.json()["data"]["finished_at"]

    await until(is_over)


async def shown(scene: Scene, job: str) -> list[list[Any]]:
    """The rows' inputs, as each form of the results has them."""
    place = f"/v1/jobs/{job}/results"
    page = (await scene.gateway.client.get(place, params={"limit": 100})).json()["data"]
    lines = await scene.gateway.client.get(place, headers={"accept": LINES})
    table = await scene.gateway.client.get(place, headers={"accept": TABLE})
    cells = [row["input"] for row in csv.DictReader(io.StringIO(table.text))]
    return [
        [row["input"] for row in page],
        [json.loads(line)["input"] for line in lines.text.splitlines()],
        [json.loads(cell) if cell else None for cell in cells],
    ]


async def see_withheld(scene: Scene, job: str, items: list[Any], gone: list[str]) -> None:
    assert await shown(scene, job) == [items] * 3
    for email in gone:
        await suppress(scene, email=email)
    left = [None if any(email in str(item) for email in gone) else item for item in items]
    assert await shown(scene, job) == [left] * 3
    text = (await scene.gateway.client.get(f"/v1/jobs/{job}/results")).text
    assert not any(email in text for email in gone)


async def test_rows_that_were_answered(scene: Scene) -> None:
    one, two = scene.person(hunter="valid"), scene.person(hunter="valid")
    items = [{"email": one.email}, {"email": two.email}]
    job = await submit(scene, items)
    await ended(scene, job)
    await see_withheld(scene, job, items, [one.email])


async def test_rows_that_failed_or_could_not_be_asked(scene: Scene) -> None:
    scene.fault("hunter", "status", status=503, path=HUNTER_VERIFY)
    found = [scene.person(hunter="valid").email for _ in range(4)]
    items = [
        *({"email": email} for email in found[:2]),
        *({"email": email, "shoe": 44} for email in found[2:]),
        "no object",
    ]
    job = await submit(scene, items)
    await ended(scene, job)
    await see_withheld(scene, job, items, [found[0], found[2]])


@pytest.mark.parametrize("cancelled", [False, True])
async def test_rows_that_have_not_ended(scene: Scene, cancelled: bool) -> None:
    scene.fault("hunter", "hang", path=HUNTER_VERIFY, seconds=2)
    found = [scene.person(hunter="valid").email for _ in range(60)]
    items = [{"email": email} for email in found]
    job = await submit(scene, items)
    if cancelled:
        await scene.gateway.client.delete(f"/v1/jobs/{job}")
    await see_withheld(scene, job, items, [found[0], found[-1]])
    await scene.gateway.client.delete(f"/v1/jobs/{job}")
