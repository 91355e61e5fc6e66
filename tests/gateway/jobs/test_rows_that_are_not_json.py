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


@pytest.mark.parametrize("digits", [20, 5000])
async def test_a_number_that_no_json_has_room_for_fails_its_row_alone(
    scene: Scene, digits: int
) -> None:
    number = "9" * digits
    table = f"domain,limit\nblue-harbor.example,{number}\nblue-harbor.example,5\n"
    lines = f'{{"domain": "blue-harbor.example", "limit": {number}}}\n'
    lines += '{"domain": "blue-harbor.example", "limit": 5}\n'
    for media, text in ((CSV, table), (NDJSON, lines)):
        reply = await scene.gateway.client.post(
            JOBS,
            params={"operation": "domains.search", "metadata": f'{{"n": {"9" * 18}}}'},
            content=text.encode(),
            headers={"content-type": media, "idempotency-key": media},
        )
        job = await ended(scene, reply)
        assert (job["counts"]["failed"], job["counts"]["accepted"]) == (1, 1), media
        page = (await scene.gateway.client.get(f"{JOBS}/{job['id']}/results")).json()["data"]
        assert page[0]["error"]["errors"][0]["pointer"] in ("/items/0", "/items/0/limit")


@pytest.mark.parametrize("number", ["9" * 20, "9" * 5000, "1e999", "-1e999"])
async def test_a_number_without_bounds_is_answered(scene: Scene, number: str) -> None:
    """Wherever one can stand, and nobody looks at it."""
    item = '{"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}'
    body = f'{{"operation": "emails.find", "items": [{item}], "metadata": {{"n": {number}}}}}'
    headers = {"content-type": "application/json", "idempotency-key": "k"}
    reply = await scene.gateway.client.post(JOBS, content=body.encode(), headers=headers)
    assert reply.status_code in (202, 400, 422), reply.text
    lead = f'{{"email": "ada@blue-harbor.example", "list_ids": [{number}]}}'
    reply = await scene.gateway.client.post(
        "/v1/providers/hunter/leads", content=lead.encode(), headers=headers
    )
    assert reply.status_code in (400, 404, 422), reply.text
    for path in (f"{JOBS}?limit={number}", f"/v1/usage?limit={number}"):
        assert (await scene.gateway.client.get(path)).status_code == 422
