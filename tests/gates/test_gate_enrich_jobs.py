"""The shipped file of 200 people handed in as jobs; the command is killed, the jobs go on."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.gates.test_gate_enrich import (
    ROWS,
    Desktop,
    assert_a_repetition_costs_nothing,
    assert_every_row_is_answered,
    assert_nothing_is_bought_twice,
    desktop,
)
from tests.gateway.supervisor.processes import sabotaged, until

BY_JOBS = ("--jobs", "--job-rows", "60")
JOBS = 4
# The power goes as soon as the gateway has the job of that number.
SUDDEN_DEATH = """
import os, signal, gateway.cli.enrich.handing as h
_post, _left = h.JobRun._post, [{job}]
async def _dying(self, batch, handed):
    name = await _post(self, batch, handed)
    _left[0] -= 1
    if not _left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return name
h.JobRun._post = _dying
"""
# A key that is another one each time: the same rows are handed in as another job.
KEYLESS = """
import gateway.cli.enrich.batches as b, uuid
b.Batch.key = lambda self, progress, turn: uuid.uuid4().hex
"""


def noted(desk: Desktop) -> list[dict[str, Any]]:
    try:
        jobs: list[dict[str, Any]] = json.loads((desk.folder / "found.csv.progress").read_bytes())[
            "jobs"
        ]
    except FileNotFoundError:
        return []
    return jobs


async def jobs_of(desk: Desktop) -> list[dict[str, Any]]:
    reply = await desk.served.client.get("/v1/jobs", params={"limit": 100})
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["data"]
    return [job for job in found if job["counts"]["total"] > 1]


async def are_all_ended(desk: Desktop) -> bool:
    found = await jobs_of(desk)
    return len(found) >= JOBS and all(job["finished_at"] for job in found)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
async def test_the_jobs_of_an_ended_command_go_on_and_wait_for_it(
    end: int, tmp_path: Path
) -> None:
    async with desktop(tmp_path) as desk:
        ended = await desk.enrich("found.csv", *BY_JOBS, until_bought=ROWS // 2, end=end)
        assert ended.code not in {0, 1}
        assert [job["end"] for job in noted(desk)] == [60, 120, 180, 200]
        assert all(job["id"] for job in noted(desk))
        await until(lambda: are_all_ended(desk), 60, "the jobs without their command")
        bought = desk.bill()

        resumed = await desk.enrich("found.csv", *BY_JOBS)
        assert_every_row_is_answered(desk, "found.csv", resumed)
        assert desk.bill() == bought
        assert resumed.cost == desk.billed()
        assert_nothing_is_bought_twice(desk)
        assert len(await jobs_of(desk)) == JOBS
        await assert_a_repetition_costs_nothing(desk, "found.csv", resumed)


@pytest.mark.parametrize("job", [1, JOBS], ids=["first", "last"])
async def test_a_job_is_handed_in_once_whenever_its_command_is_killed(
    job: int, tmp_path: Path
) -> None:
    """Killed once the gateway had the job, and before anything of it was noted."""
    async with desktop(tmp_path) as desk:
        await die_unaware(desk, job)
        resumed = await desk.enrich("found.csv", *BY_JOBS)
        assert_every_row_is_answered(desk, "found.csv", resumed)
        assert_nothing_is_bought_twice(desk)
        assert resumed.cost == desk.billed()
        assert len(await jobs_of(desk)) == JOBS


async def test_a_job_handed_in_twice_is_noticed(tmp_path: Path) -> None:
    """Mutant: the same rows are handed in under another key each time."""
    async with desktop(tmp_path) as desk:
        await die_unaware(desk, JOBS, KEYLESS)
        desk.sabotage = sabotaged(tmp_path / "keyless", KEYLESS)
        await desk.enrich("found.csv", *BY_JOBS)
        with pytest.raises(AssertionError):
            assert len(await jobs_of(desk)) == JOBS


async def die_unaware(desk: Desktop, job: int, sabotage: str = "") -> None:
    code = SUDDEN_DEATH.format(job=job) + sabotage
    desk.sabotage = sabotaged(desk.folder / "sudden", code)
    ended = await desk.enrich("found.csv", *BY_JOBS)
    assert ended.code == -signal.SIGKILL, ended.text
    assert [one["id"] is None for one in noted(desk)] == [False] * (job - 1) + [True]
    assert len(await jobs_of(desk)) == job
    desk.sabotage = {}
