"""What many ask at once is bought once, and signed in for once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from providers.simulator.testing import ControlClient, simulator_process
from tests.gates.conftest import Campaign
from tests.gateway.supervisor.processes import (
    Served,
    environment,
    external,
    running_store,
    sabotaged,
    serving,
    simulated,
)

# Nobody sees that a call for the same answer is under way.
ALONE = """
import gateway.store.script as s
read, seen = s._read, "redis.call('GET', a.root .. 'flight:' .. slot)"
def read_without(name):
    text = read(name)
    assert name != "admission" or seen in text
    return text.replace(seen, "false", 1)
s._read = read_without
"""
# Everybody signs in alone.
CROWD = """
import contextlib, gateway.vault.tokens as t
t.SharedToken.lock = lambda self: contextlib.nullcontext()
"""
# Every process signs in for itself.
APART = """
import gateway.vault.tokens as t, providers.signin as s
t.TokenShelf.holder = lambda self, credential, hash_key: s.LocalToken()
"""


@asynccontextmanager
async def two_gateways(
    folder: Path, provider: str, sabotage: dict[str, str]
) -> AsyncIterator[tuple[list[Served], ControlClient]]:
    """Two processes on one store, asking one simulator that takes its time."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_store(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=400))
        await control.put("/latency", {"profile": "zero", "call_seconds": 0.3})
        environ = external(folder / "data", url, **simulated(endpoints, provider)) | sabotage
        yield (
            [
                await stack.enter_async_context(serving(folder / name, environ=environ))
                for name in ("one", "two")
            ],
            control,
        )


async def assert_bought_once(
    gateways: list[Served], control: ControlClient, provider: str, *, size: int
) -> None:
    asked = [gateways[number % 2].find() for number in range(size)]
    answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200] * size, answers[0].text
    assert {answer.json()["data"]["email"] for answer in answers} == {
        "ada.lovelace@blue-harbor.example"
    }
    rows = (await control.bill(provider))["rows"]
    assert len(rows) == 1, f"{len(rows)} paid calls"
    paid = [answer for answer in answers if answer.json()["meta"]["cost"] != "0"]
    assert len(paid) == 1


@pytest.mark.parametrize("provider", ["hunter", "snov", "sixtyfour"])
async def test_identical_lookups_over_two_processes_are_bought_once(
    provider: str, tmp_path: Path, campaign: Campaign
) -> None:
    async with two_gateways(tmp_path, provider, {}) as (gateways, control):
        size = campaign.size(short=100, full=1000)
        await assert_bought_once(gateways, control, provider, size=size)


async def test_lookups_that_fly_alone_are_noticed(tmp_path: Path) -> None:
    sabotage = sabotaged(tmp_path / "sabotage", ALONE)
    async with two_gateways(tmp_path, "hunter", sabotage) as (gateways, control):
        with pytest.raises(AssertionError, match="paid calls"):
            await assert_bought_once(gateways, control, "hunter", size=100)


@asynccontextmanager
async def gateway_to_snov(
    folder: Path, sabotage: dict[str, str]
) -> AsyncIterator[tuple[Served, ControlClient]]:
    async with simulator_process(people=400) as (endpoints, control):
        await control.put("/latency", {"profile": "zero", "call_seconds": 0.05})
        environ = environment(folder / "data", **simulated(endpoints, "snov")) | sabotage
        async with serving(folder, environ=environ) as served:
            yield served, control


async def assert_signed_in_once(
    gateways: list[Served], control: ControlClient, rounds: int
) -> None:
    """64 lookups at once, first without a token, then each time with one that has expired."""
    people = await control.get("/world/people", limit=64 * rounds)
    for done in range(rounds):
        await control.post("/expire-tokens")
        asked = [
            gateways[number % len(gateways)].find(
                {"full_name": person["full_name"], "domain": person["company"]["domain"]}
            )
            for number, person in enumerate(people[64 * done : 64 * (done + 1)])
        ]
        answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {200}
        assert len(answers) == 64
        signed_in = (await control.get("/tokens"))["requests"]
        assert signed_in == done + 1, f"{signed_in} token requests"


async def test_64_lookups_at_token_expiry_sign_in_once(tmp_path: Path, campaign: Campaign) -> None:
    async with gateway_to_snov(tmp_path, {}) as (served, control):
        await assert_signed_in_once([served], control, campaign.size(short=3, full=6))


async def test_64_lookups_over_two_processes_sign_in_once(
    tmp_path: Path, campaign: Campaign
) -> None:
    async with two_gateways(tmp_path, "snov", {}) as (gateways, control):
        await control.put("/latency", {"profile": "zero", "call_seconds": 0.05})
        await assert_signed_in_once(gateways, control, campaign.size(short=3, full=6))


async def test_processes_that_sign_in_apart_are_noticed(tmp_path: Path) -> None:
    sabotage = sabotaged(tmp_path / "sabotage", APART)
    async with two_gateways(tmp_path, "snov", sabotage) as (gateways, control):
        with pytest.raises(AssertionError, match="token requests"):
            await assert_signed_in_once(gateways, control, 1)


async def test_a_sign_in_by_everybody_is_noticed(tmp_path: Path) -> None:
    sabotage = sabotaged(tmp_path / "sabotage", CROWD)
    async with gateway_to_snov(tmp_path, sabotage) as (served, control):
        with pytest.raises(AssertionError, match="token requests"):
            await assert_signed_in_once([served], control, 2)
