"""However a person is written, whichever process is asked: bought once; another person is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from providers.simulator.testing import ControlClient, simulator_process
from tests.gateway.supervisor.processes import (
    Served,
    external,
    running_store,
    sabotaged,
    serving,
    simulated,
)

PROVIDERS = ("hunter", "snov", "sixtyfour")
HARBOR = "blue-harbor.example"
SPELLINGS: list[dict[str, str]] = [
    {"full_name": "Ada Lovelace", "domain": HARBOR},
    {"full_name": "ADA LOVELACE", "domain": HARBOR},
    {"full_name": "ada lovelace", "domain": HARBOR},
    {"full_name": "  Ada   Lovelace ", "domain": HARBOR},
    {"full_name": "Lovelace, Ada", "domain": HARBOR},
    {"full_name": "LOVELACE, Ada", "domain": HARBOR},
    {"full_name": "LOVELACE,ADA", "domain": HARBOR},
    {"full_name": "Àdá Lövelàce", "domain": HARBOR},
    {"full_name": "A\u0301da Lovelace", "domain": HARBOR},
    {"full_name": "Ada\u00a0Lovelace", "domain": HARBOR},
    {"full_name": "\uff21\uff44\uff41 Lovelace", "domain": HARBOR},
    {"full_name": "Ada Love\u00adlace", "domain": HARBOR},
    {"first_name": "Ada", "last_name": "Lovelace", "domain": HARBOR},
    {"first_name": " ada ", "last_name": "LOVELACE", "domain": HARBOR},
    {"first_name": "Ada", "last_name": "Lovelace", "domain": "Blue-Harbor.EXAMPLE"},
    {"first_name": "Ada", "last_name": "Lovelace", "domain": "www.blue-harbor.example"},
    {"full_name": "Ada Lovelace", "domain": "https://www.blue-harbor.example/team?x=1"},
    {"full_name": "Ada Lovelace", "domain": "blue-harbor。example"},
    {"full_name": "Ada Lovelace", "domain": "\uff42\uff4c\uff55\uff45-harbor.example."},
    {"full_name": "Ada Lovelace", "domain": HARBOR, "company": "Blue Harbor"},
]
PROFILES: list[dict[str, str]] = [
    {"linkedin_url": f"{start}linkedin.com/in/{name}{end}"}
    for start in ("https://www.", "http://", "www.", "https://de.")
    for name, end in (
        ("ada-lovelace-sim0", ""),
        ("ada-lovelace-sim0", "/"),
        ("Ada-Lovelace-SIM0", "?trk=x"),
        ("ada-lovelace-sim0", "#about"),
        ("ada%2Dlovelace-sim0", "/"),
    )
]
JAMESES = [{"full_name": name, "domain": HARBOR} for name in ("Thomas James", "James Thomas")]
# Nobody sees that an answer is kept, or on its way, unless it is that of who comes first.
HASTY = """
import gateway.store.script as s
read, seen = s._read, "if a.thrifty and not found"
def read_without(name):
    text = read(name)
    assert name != "admission" or seen in text
    return text.replace(seen, "if false and not found", 1)
s._read = read_without
"""
# A name is its words, in whatever order.
SORTED = """
import gateway.lookup.identity as i
fold = i.fold_name
i.fold_name = lambda name: " ".join(sorted(fold(name).split()))
"""
# Accents tell people apart.
ACCENTED = """
import gateway.lookup.identity as i
i._is_accent = lambda char: False
"""


@asynccontextmanager
async def four_gateways(
    folder: Path, sabotage: dict[str, str]
) -> AsyncIterator[tuple[list[Served], ControlClient]]:
    """Four processes on one store, in the learned order, asking one simulator."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_store(folder / "store"))
        endpoints, control = await stack.enter_async_context(simulator_process(people=400))
        await control.put("/latency", {"profile": "zero", "call_seconds": 0.2})
        environ = external(folder / "data", url, **simulated(endpoints, *PROVIDERS))
        started = (
            stack.enter_async_context(
                serving(folder / f"gateway-{at}", environ=environ | sabotage)
            )
            for at in range(4)
        )
        yield list(await asyncio.gather(*started)), control


async def assert_bought(
    gateways: list[Served], control: ControlClient, asked: Sequence[dict[str, Any]], times: int
) -> None:
    """All at once, then all again, each of another process."""
    before = len((await control.bill())["rows"])
    for turn in range(2):
        named = [{"routing": {"order": "learned"}, **body} for body in asked]
        calls = [gateways[(at + turn) % 4].find(body) for at, body in enumerate(named)]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
    rows = (await control.bill())["rows"][before:]
    assert len(rows) == times, f"{len(rows)} paid calls"


async def test_a_person_written_twenty_ways_is_bought_once(tmp_path: Path) -> None:
    assert len(SPELLINGS) == len(PROFILES) == 20
    async with four_gateways(tmp_path, {}) as (gateways, control):
        await assert_bought(gateways, control, SPELLINGS, 1)
        await assert_bought(gateways, control, PROFILES, 1)
        # The order of words tells two people apart; only Snov.io charges for who is not found.
        named = [{**body, "routing": {"providers": ["snov"]}} for body in JAMESES]
        await assert_bought(gateways, control, named, 2)


@pytest.mark.parametrize("code", [HASTY, ACCENTED], ids=["hasty", "accented"])
async def test_a_person_bought_twice_is_noticed(tmp_path: Path, code: str) -> None:
    async with four_gateways(tmp_path, sabotaged(tmp_path / "mutant", code)) as (
        gateways,
        control,
    ):
        with pytest.raises(AssertionError, match="paid calls"):
            await assert_bought(gateways, control, SPELLINGS, 1)


async def test_two_people_taken_for_one_are_noticed(tmp_path: Path) -> None:
    mutant = sabotaged(tmp_path / "mutant", SORTED)
    async with four_gateways(tmp_path, mutant) as (gateways, control):
        with pytest.raises(AssertionError, match="paid calls"):
            named = [{**body, "routing": {"providers": ["snov"]}} for body in JAMESES]
            await assert_bought(gateways, control, named, 2)
