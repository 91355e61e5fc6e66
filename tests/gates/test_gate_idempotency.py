"""A request sent many times with one Idempotency-Key is carried out once, whoever dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.simulator.testing import ControlClient, simulator_process
from tests.gates.conftest import Campaign
from tests.gateway.supervisor.processes import (
    IMPATIENT,
    PERSON,
    Served,
    external,
    running_store,
    sabotaged,
    serving,
    simulated,
    until,
)

# Every request is the first of its key.
FORGETFUL = """
import gateway.store.script as s
read, seen = s._read, "if m[1] then"
def read_without(name):
    text = read(name)
    assert name != "begin_mark" or seen in text
    return text.replace(seen, "if false then", 1)
s._read = read_without
"""
# A claim is no loan: nobody works on it for long, and nobody inherits it.
CHILDLESS = """
import gateway.store.script as s
read, left = s._read, "lend(root, 'interactive', id, 0, now + tonumber(ARGV[5]))"
def read_without(name):
    text = read(name)
    assert name != "begin_mark" or left in text
    return text.replace(left, "", 1)
s._read = read_without
"""
ADDRESS = "ada.lovelace@blue-harbor.example"


@asynccontextmanager
async def gateways_to(
    folder: Path, provider: str, code: str, *, size: int
) -> AsyncIterator[tuple[list[Served], ControlClient]]:
    """Processes on one store, asking one simulator that takes its time; `code` runs first."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_store(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=400))
        await control.put("/latency", {"profile": "zero", "call_seconds": 0.5, "task_seconds": 2})
        environ = external(folder / "data", url, **simulated(endpoints, provider))
        environ |= sabotaged(folder / "first", IMPATIENT + code)
        yield (
            [
                await stack.enter_async_context(serving(folder / str(number), environ=environ))
                for number in range(size)
            ],
            control,
        )


async def ask(served: Served, key: str, provider: str) -> httpx.Response:
    """A lookup that the cache does not serve: whatever is carried out twice is bought twice."""
    routing = {"providers": [provider], "max_age": 0}
    return await served.find({**PERSON, "routing": routing}, idempotency_key=key)


async def ask_until_answered(
    served: Served, key: str, provider: str
) -> tuple[httpx.Response, int]:
    """The answer, and how often the first request was still under way."""
    refused = 0
    while (reply := await ask(served, key, provider)).status_code == 409:
        assert reply.json()["code"] == "idempotency_in_flight", reply.text
        assert int(reply.headers["retry-after"]) >= 1
        refused += 1
        await asyncio.sleep(0.2)
    return reply, refused


def replayed(reply: httpx.Response) -> bool:
    return "idempotency-replayed" in reply.headers


async def assert_carried_out_once(
    gateways: list[Served], control: ControlClient, *, size: int, rounds: int = 1
) -> None:
    for number in range(rounds):
        asked = [
            ask_until_answered(gateways[at % len(gateways)], f"round-{number}", "hunter")
            for at in range(size)
        ]
        found = await asyncio.gather(*asked)
        replies = [reply for reply, _ in found]
        assert {reply.status_code for reply in replies} == {200}, replies[0].text
        assert replies[0].json()["data"]["email"] == ADDRESS
        assert len({reply.content for reply in replies}) == 1, "answers differ"
        assert sum(not replayed(reply) for reply in replies) == 1
        bought = len((await control.bill("hunter"))["rows"])
        assert bought == number + 1, f"{bought} lookups bought in {number + 1} rounds"
        assert sum(refused for _, refused in found) > 0, "nobody came while it ran"


async def test_one_key_over_four_processes_buys_one_lookup(
    tmp_path: Path, campaign: Campaign
) -> None:
    async with gateways_to(tmp_path, "hunter", "", size=4) as (gateways, control):
        rounds = campaign.size(short=2, full=20)
        await assert_carried_out_once(gateways, control, size=200, rounds=rounds)


async def test_a_key_that_is_not_remembered_is_noticed(tmp_path: Path) -> None:
    async with gateways_to(tmp_path, "hunter", FORGETFUL, size=2) as (gateways, control):
        with pytest.raises(AssertionError, match="answers differ"):
            await assert_carried_out_once(gateways, control, size=50)


async def ask_and_kill(owner: Served, key: str, control: ControlClient) -> None:
    """Have `owner` begin a lookup, and kill it once the provider works on it."""
    before = len((await control.get("/requests"))["requests"])
    asked = asyncio.create_task(ask(owner, key, "sixtyfour"))

    async def is_polled() -> bool:
        seen = (await control.get("/requests"))["requests"][before:]
        return len({visit["path"] for visit in seen}) < len(seen)

    await until(is_polled, 20, "a poll")
    owner.process.kill()
    await owner.process.wait()
    with pytest.raises(httpx.HTTPError):
        await asked


async def assert_inherited(owner: Served, heir: Served, control: ControlClient, key: str) -> None:
    """The request of a killed process: its repeats get the job, which ends well."""
    bought = len((await control.bill("sixtyfour"))["rows"])
    await ask_and_kill(owner, key, control)
    reply, _ = await ask_until_answered(heir, key, "sixtyfour")
    assert (reply.status_code, replayed(reply)) == (202, True), reply.text
    job = reply.headers["location"]

    async def is_over() -> Any:
        return (await heir.client.get(job)).json()["data"]["finished_at"]

    await until(is_over, 15, "the job's end")
    again = await ask(heir, key, "sixtyfour")
    assert (again.status_code, replayed(again)) == (202, True)
    data = again.json()["data"]
    assert (data["status"], f"/v1/jobs/{data['id']}") == ("completed", job)
    assert data["result"]["data"]["email"] == ADDRESS
    rows = (await control.bill("sixtyfour"))["rows"]
    assert len(rows) == bought + 1
    assert data["cost"] == rows[-1]["cost"]


async def test_a_repeat_gets_the_job_of_an_owner_that_was_killed(
    tmp_path: Path, campaign: Campaign
) -> None:
    times = campaign.size(short=1, full=3)
    async with gateways_to(tmp_path, "sixtyfour", "", size=times + 1) as (gateways, control):
        for number, owner in enumerate(gateways[1:]):
            await assert_inherited(owner, gateways[0], control, f"death-{number}")


async def test_a_claim_that_nobody_inherits_is_noticed(tmp_path: Path) -> None:
    async with gateways_to(tmp_path, "sixtyfour", CHILDLESS, size=2) as (gateways, control):
        with pytest.raises(AssertionError, match="not within"):
            await assert_inherited(gateways[1], gateways[0], control, "death")
