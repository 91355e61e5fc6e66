"""The learned order through a running gateway: what it costs beside the best, and its replay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import pytest

from gateway.money.amounts import to_money
from providers.simulator.testing import running_simulator
from providers.simulator.world import World, WorldSettings
from tests.gates.conftest import Campaign
from tests.gateway.supervisor.processes import (
    Served,
    environment,
    sabotaged,
    serving,
    simulated,
)

# The long form takes some minutes for each order.
pytestmark = pytest.mark.timeout(3600)

MICRO = 1_000_000
FIND = "emails.find"
# By the list the dearest comes first; by what a call costs, who is paid for misses as well.
LISTED = ("hunter", "snov", "sixtyfour")
CHEAPEST = ("snov", "sixtyfour", "hunter")
PRICES = {"hunter": "0.12", "snov": "0.015", "sixtyfour": "0.01"}
CALL = {"hunter": 120_000, "snov": 15_000, "sixtyfour": 50_000}
# By its price alone Snov.io should come first, but it knows hardly anybody.
COVERAGE = {"hunter": 0.75, "snov": 0.05, "sixtyfour": 0.85}
ONLY_FOR_HITS = ("hunter", "sixtyfour")
WIDTH = 32
# Who costs most comes first.
DEAREST = """
import gateway.lookup.planning.planner as p
p._rank = lambda rating, policy, place: (bool(rating.reason), -rating.cost, 0, place)
"""
# What decided is not all kept.
FORGETFUL = """
import gateway.lookup.planning.record as r
used = r._used
r._used = lambda cells, levels: used(cells, levels[:1])
"""
# Nothing is learned.
DULL = """
import gateway.lookup.course as c
c.Course.lesson = lambda self, call, called: []
"""


@dataclass(frozen=True)
class Record:
    """A person, and what each provider that knows of it says when asked."""

    body: dict[str, str]
    claims: Mapping[str, str]

    def cost(self, order: Sequence[str]) -> tuple[int, bool]:
        """Micro-units along `order`, and whether anybody has a valid address."""
        spent = 0
        for name in order:
            claim = self.claims.get(name, "")
            spent += CALL[name] if claim or name not in ONLY_FOR_HITS else 0
            if claim == "valid":
                return spent, True
        return spent, False


@dataclass(frozen=True)
class Bought:
    record: Record
    cost: int
    accepted: bool
    request_id: str
    asked: tuple[str, ...]


def configuration(order: str) -> str:
    prices = [f'[providers.{name}.prices]\n"{FIND}" = "{price}"' for name, price in PRICES.items()]
    # What a domain's pattern saves is not the order's.
    route = f'[routes."{FIND}"]\norder = "{order}"\nguess = false'
    return "\n".join([route, *prices, ""])


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@asynccontextmanager
async def gateway(
    folder: Path, order: str, people: int, sabotage: dict[str, str]
) -> AsyncIterator[tuple[Served, list[Record]]]:
    """A gateway that has learned nothing yet, before providers who have sold nothing yet."""
    _write(folder / "gateway.toml", configuration(order))
    async with AsyncExitStack() as stack:
        world = World(people=people, settings=WorldSettings(coverage=COVERAGE, prompt=0.0))
        simulator = await stack.enter_async_context(running_simulator(world))
        environ = (
            environment(folder / "data", **simulated(simulator.endpoints, *LISTED)) | sabotage
        )
        environ["GATEWAY_CONFIG"] = str(folder / "gateway.toml")
        environ |= {"GATEWAY_LOG_LEVEL": "warning", "GATEWAY_STORE_TIMEOUT_MS": "5000"}
        served = await stack.enter_async_context(serving(folder, environ=environ))
        yield served, list(records_of(world))


def records_of(world: World) -> Iterator[Record]:
    """Of persons whom all providers spell alike, and who have not objected."""
    for person in world.people[1:]:
        name, company = person.full_name, person.company
        if name.isascii() and "'" not in name and not person.claimed and company.smtp == "plain":
            known = world.knowledge[person.id]
            claims = {provider: known[provider].claim for provider in LISTED if provider in known}
            yield Record({"full_name": name, "domain": company.domain}, claims)


async def buy(served: Served, records: Sequence[Record]) -> list[Bought]:
    """A few at a time, in turn."""
    left, bought = iter(records), list[Bought]()

    async def work() -> None:
        for record in left:
            # What is measured is the order of providers; an address that is guessed has none.
            body = {**record.body, "routing": {"guess": False}}
            reply = await served.find(body, prefer="wait=60")
            assert reply.status_code == 200, reply.text
            meta = reply.json()["meta"]
            bought.append(
                Bought(
                    record,
                    round(float(meta["cost"]) * MICRO),
                    meta["outcome"] == "accepted",
                    meta["request_id"],
                    tuple(one["provider"] for one in meta["attempts"]),
                )
            )

    await asyncio.gather(*(work() for _ in range(WIDTH)))
    return bought


def price_along(order: Sequence[str], records: Iterable[Record]) -> float:
    """Micro-units per accepted answer."""
    found = [record.cost(order) for record in records]
    return sum(cost for cost, _ in found) / sum(accepted for _, accepted in found)


def price_of(bought: Sequence[Bought]) -> float:
    return sum(one.cost for one in bought) / sum(one.accepted for one in bought)


def best_order(records: Sequence[Record]) -> tuple[str, ...]:
    """All providers are always worth asking here, so that a stop is never better."""
    return min(permutations(LISTED), key=lambda order: price_along(order, records))


def assert_worth_it(bought: Sequence[Bought], skip: int, most: float, campaign: Campaign) -> None:
    """From record `skip` on, on just those records."""
    told = list(bought[skip:])
    records = [one.record for one in told]
    oracle = price_along(best_order(records), records)
    ratios = {
        "learned": price_of(told) / oracle,
        "listed": price_along(LISTED, records) / oracle,
        "cheapest": price_along(CHEAPEST, records) / oracle,
    }
    shown = ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items())
    campaign.tell(f"cost per accepted answer / oracle, {len(told)} lookups: {shown}")
    found = [one.accepted for one in told]
    assert sum(found) == sum(one.cost(LISTED)[1] for one in records), "coverage"
    rivals = min(ratios["listed"], ratios["cheapest"])
    assert ratios["learned"] <= most, f"cost: {shown}"
    assert ratios["learned"] < rivals, f"cost: {shown}"


async def assert_as_predicted(folder: Path, order: str, along: Sequence[str], size: int) -> None:
    """What the records say of a fixed order is what it costs."""
    async with gateway(folder, order, size, {}) as (served, records):
        bought = await buy(served, records[:size])
    wrong = [
        (one.asked, to_money(one.cost), one.record.claims)
        for one in bought
        if (one.cost, one.accepted) != one.record.cost(along)
    ]
    assert not wrong, f"{len(wrong)} of {len(bought)}: {wrong[:3]}"


@pytest.mark.parametrize("order, along", [("listed", LISTED), ("cheapest", CHEAPEST)])
async def test_a_fixed_order_costs_what_the_records_say(
    tmp_path: Path, campaign: Campaign, order: str, along: Sequence[str]
) -> None:
    await assert_as_predicted(tmp_path, order, along, campaign.size(short=120, full=5000))


async def test_the_learned_order_costs_hardly_more_than_the_best(
    tmp_path: Path, campaign: Campaign
) -> None:
    size, skip = campaign.size(short=(600, 200), full=(5000, 500))
    most = campaign.size(short=1.08, full=1.03)
    async with gateway(tmp_path, "learned", size * 5 // 3, {}) as (served, records):
        bought = await buy(served, records[:size])
        assert len(bought) == size
        assert_worth_it(bought, skip, most, campaign)
        await assert_replayed(served, bought, campaign.size(short=200, full=1000))


@pytest.mark.parametrize("code", [DEAREST, DULL], ids=["dearest", "dull"])
async def test_an_order_that_costs_more_is_noticed(
    tmp_path: Path, campaign: Campaign, code: str
) -> None:
    mutant = sabotaged(tmp_path / "mutant", code)
    async with gateway(tmp_path, "learned", 700, mutant) as (served, records):
        bought = await buy(served, records[:400])
    with pytest.raises(AssertionError, match="cost: learned"):
        assert_worth_it(bought, 200, 1.08, campaign)


async def assert_replayed(served: Served, bought: Sequence[Bought], decisions: int) -> None:
    """So many decisions, of the lookups bought last, made again from what the store has."""
    made = 0
    for one in reversed(bought):
        if made >= decisions:
            break
        reply = await served.client.get(f"/v1/explain/{one.request_id}")
        assert reply.status_code == 200, reply.text
        data = reply.json()["data"]
        assert data["replayed"], f"decisions: {one.request_id} is not replayed"
        firsts = [decision["ratings"][0]["provider"] for decision in data["decisions"]]
        assert tuple(firsts) == one.asked, f"decisions: {firsts} were not made"
        made += len(firsts)
    assert made >= decisions, f"only {made} decisions"


async def test_decisions_that_are_not_kept_whole_are_noticed(tmp_path: Path) -> None:
    mutant = sabotaged(tmp_path / "mutant", FORGETFUL)
    async with gateway(tmp_path, "learned", 300, mutant) as (served, records):
        bought = await buy(served, records[:120])
        # Those who were asked first had no numbers that could be forgotten.
        with pytest.raises(AssertionError, match="decisions: "):
            await assert_replayed(served, bought, 40)
