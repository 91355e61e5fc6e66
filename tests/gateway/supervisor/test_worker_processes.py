"""Several workers look like one gateway, and jobs are worked on where they are meant to be."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.gateway.supervisor.processes import (
    IMPATIENT,
    PERSON,
    Served,
    bill_of,
    environment,
    running,
    sabotaged,
    serving,
    simulators_of,
    until,
)

WORKER = "supervisor.worker"
# Sign-in, free read, push, and then a read for the ticket that is kept by now.
POLLED = 4
APART = """
import gateway.supervisor.command as c
c._share_metrics = lambda stack: None
"""


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def assert_metrics_are_summed(served: Served) -> None:
    """Each worker in turn serves alone; what the last one tells is of both."""
    first, second = served.children(WORKER)
    with stopped(first):
        assert await count_after_three(served) == 3
    with stopped(second):
        assert await count_after_three(served) == 6


async def count_after_three(served: Served) -> int:
    async with httpx.AsyncClient(base_url=served.url) as client:
        for _ in range(3):
            assert (await client.get("/livez")).status_code == 200
        text = (await client.get("/metrics")).text
    line = re.search(r'gateway_requests_total\{route="/livez",status="200"\} (\d+)', text)
    assert line, text
    return int(line[1])


async def test_metrics_are_summed_over_workers(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "2") as served:
        await assert_metrics_are_summed(served)


@pytest.mark.gate
async def test_metrics_of_one_worker_are_noticed(tmp_path: Path) -> None:
    """Mutant: workers keep their numbers to themselves."""
    environ = environment(tmp_path / "data") | sabotaged(tmp_path / "sabotage", APART)
    async with serving(tmp_path, "--workers", "2", environ=environ) as served:
        with pytest.raises(AssertionError, match="assert 3 == 6"):
            await assert_metrics_are_summed(served)


async def orphaned_job(served: Served) -> str:
    """The path of a job whose process was killed while its provider worked on it."""
    simulators = await simulators_of(served)
    await simulators.put("/latency", {"profile": "zero", "task_seconds": 2})
    question = {**PERSON, "routing": {"providers": ["snov"]}}
    accepted = await served.find(question, prefer="respond-async")
    assert accepted.status_code == 202, accepted.text

    async def is_polled() -> bool:
        return len((await simulators.get("/requests"))["requests"]) >= POLLED

    await until(is_polled, 20, "a ticket in hand")
    os.kill(served.children(WORKER)[0], signal.SIGKILL)
    await served.clients.pop().aclose()
    return accepted.headers["location"]


def finished(served: Served, job: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        reply = await served.client.get(job)
        assert reply.status_code == 200, reply.text
        return bool(reply.json()["data"]["status"] == "completed")

    return ask


async def test_a_worker_beside_takes_over_what_serve_leaves_to_it(tmp_path: Path) -> None:
    """In the sandbox too: the worker finds the simulators of the gateway that serves."""
    environ = environment(tmp_path / "data") | sabotaged(tmp_path / "sabotage", IMPATIENT)
    async with serving(tmp_path, "--no-jobs", environ=environ) as served:
        job = await orphaned_job(served)
        async with running(tmp_path, "worker", environ=environ, up="Working on jobs") as worker:
            await until(finished(served, job), 60, "the job")
            assert await worker.end(signal.SIGINT) == 0
            assert "item.taken_over" in worker.log
        assert "item.taken_over" not in served.log
        result = (await served.client.get(job)).json()["data"]["result"]
        assert result["data"]["email"] == "ada.lovelace@blue-harbor.example"
        assert result["meta"]["sandbox"] is True
        assert len(bill_of(tmp_path / "data")) == 1


async def test_a_worker_alone_is_told_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="start `prospect serve` on it first"):
        async with running(tmp_path, "worker", up="Working on jobs"):
            pass


async def test_what_lies_in_the_working_directory_is_not_imported(tmp_path: Path) -> None:
    for name in ("gateway", "providers", "msgspec"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    async with serving(tmp_path) as served:
        assert (await served.client.get("/livez")).status_code == 200
