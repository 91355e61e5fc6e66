"""A job that was accepted finishes after `kill -9`, and nothing is bought twice for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from providers.simulator.testing import ControlClient, simulator_process
from tests.gates.conftest import Campaign
from tests.gateway.supervisor.processes import (
    IMPATIENT,
    PERSON,
    Served,
    assert_all_end,
    environment,
    sabotaged,
    serving,
    simulated,
    until,
)

# Tickets are in nobody's hands but the process's own.
TICKETLESS = """
import gateway.money.ledger as l
async def hold(self, *arguments, **options): pass
l.Ledger.hold = hold
"""


@asynccontextmanager
async def provider_at_work(provider: str) -> AsyncIterator[tuple[dict[str, str], ControlClient]]:
    """A provider that survives the gateway and works some seconds on what it is asked."""
    async with simulator_process(people=400) as (endpoints, control):
        await control.put("/latency", {"profile": "zero", "task_seconds": 2})
        yield simulated(endpoints, provider), control


async def accepted_job(served: Served, control: ControlClient, provider: str) -> str:
    """The path of a job whose provider was asked for its result at least once."""
    before = len((await control.get("/requests"))["requests"])
    question = {**PERSON, "routing": {"providers": [provider], "accept": ACCEPT}}
    accepted = await served.find(question, prefer="respond-async")
    assert accepted.status_code == 202, accepted.text

    async def is_polled() -> bool:
        seen = (await control.get("/requests"))["requests"][before:]
        return len({visit["path"] for visit in seen}) < len(seen)

    await until(is_polled, 20, "a poll")
    return accepted.headers["location"]


ACCEPT = {"statuses": ["valid", "catch_all"]}


async def assert_finishes(
    served: Served, job: str, control: ControlClient, provider: str
) -> dict[str, Any]:
    async def is_over() -> bool:
        reply = await served.client.get(job)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]["status"] in {"completed", "failed"}

    await until(is_over, 40, "the job's end")
    data: dict[str, Any] = (await served.client.get(job)).json()["data"]
    assert data["status"] == "completed", data
    assert data["result"]["data"]["email"] == "ada.lovelace@blue-harbor.example"
    bill = await control.bill(provider)
    assert len(bill["rows"]) == 1
    assert data["cost"] == bill["rows"][0]["cost"]
    return data


async def restart(
    folder: Path, environ: Mapping[str, str], provider: str, control: ControlClient, times: int
) -> None:
    """Accept a job, kill everything so many times, and see the job through."""
    job = ""
    for _ in range(times):
        async with serving(folder, environ=environ) as served:
            job = job or await accepted_job(served, control, provider)
            served.process.kill()
            await served.process.wait()
            await assert_all_end(folder)
    async with serving(folder, environ=environ) as served:
        await assert_finishes(served, job, control, provider)
        again = await served.find({**PERSON, "routing": {"providers": [provider]}})
        assert again.json()["meta"]["cost"] == "0"


@pytest.mark.parametrize("provider", ["snov", "sixtyfour"])
async def test_a_job_survives_kill_9(provider: str, tmp_path: Path, campaign: Campaign) -> None:
    async with provider_at_work(provider) as (variables, control):
        environ = environment(tmp_path / "data", **variables)
        environ |= sabotaged(tmp_path / "impatience", IMPATIENT)
        await restart(tmp_path, environ, provider, control, campaign.size(short=1, full=4))


async def test_a_lost_ticket_is_noticed(tmp_path: Path) -> None:
    async with provider_at_work("sixtyfour") as (variables, control):
        environ = environment(tmp_path / "data", **variables)
        environ |= sabotaged(tmp_path / "sabotage", IMPATIENT + TICKETLESS)
        with pytest.raises(AssertionError):
            await restart(tmp_path, environ, "sixtyfour", control, 1)
