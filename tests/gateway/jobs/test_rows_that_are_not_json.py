"""Rows that are not JSON fail as such, and the results that repeat them can be read."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.gateway.jobs.test_jobs_of_many import JOBS, ended
from tests.gateway.lookup.conftest import StartScene, audited, start_scene
from tests.gateway.lookup.scene import Scene, body_of

__all__ = ["audited", "start_scene"]

NDJSON, CSV = "application/x-ndjson", "text/csv"
ROWS = {
    b"first_name,last_name": "first_name,last_name",
    b'{"full_name": "Ann': '{"full_name": "Ann',
    b'{"full_name": "Ann \xff", "domain": "a.example"}': '{"full_name": "Ann \ufffd", '
    '"domain": "a.example"}',
    b"\xff\xfe": "\ufffd\ufffd",
    b"NaN": "NaN",
    b"[" * 5000: "[" * 5000,
    b"{} {}": "{} {}",
}


@pytest.fixture
async def scene(start_scene: StartScene) -> Scene:
    return await start_scene()


async def test_what_is_no_json_is_shown_as_its_text(scene: Scene) -> None:
    good = json.dumps(body_of(scene.person(hunter="valid"))).encode()
    reply = await scene.gateway.client.post(
        JOBS,
        params={"operation": "emails.find", "routing": '{"providers": ["hunter"]}'},
        content=b"\n".join([*ROWS, good]),
        headers={"content-type": NDJSON},
    )
    job = await ended(scene, reply)
    assert (job["counts"]["failed"], job["counts"]["accepted"]) == (len(ROWS), 1)
    place = f"{JOBS}/{job['id']}/results"
    page = (await scene.gateway.client.get(place)).json()["data"]
    lines = (await scene.gateway.client.get(place, headers={"accept": NDJSON})).text
    assert [json.loads(line)["index"] for line in lines.splitlines()] == list(range(len(page)))
    table = (await scene.gateway.client.get(place, headers={"accept": CSV})).text
    cells = list(csv.DictReader(io.StringIO(table)))
    for at, text in enumerate(ROWS.values()):
        assert page[at]["status"] == "failed"
        assert page[at]["input"] == text == json.loads(cells[at]["input"].lstrip("'"))
        assert "is not JSON" in page[at]["error"]["errors"][0]["details"]
