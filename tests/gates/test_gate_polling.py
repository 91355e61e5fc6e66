"""Polls beside the best schedule for times that are known, and below every limit."""

from __future__ import annotations

import asyncio
import math
import random
from typing import Any

import msgspec
import pytest

from gateway.lookup.completion import DELAY
from providers.simulator.testing import RunningSimulator
from tests.bench import polling
from tests.bench.polling import WORLDS, Schedule, known
from tests.gates.conftest import Campaign
from tests.gateway.conftest import make_settings, simulator, start_gateway
from tests.gateway.lookup.conftest import StartScene, audited, start_scene
from tests.gateway.lookup.scene import SIXTYFOUR_POLL, SIXTYFOUR_START, Scene, outcome

__all__ = ["audited", "simulator", "start_gateway", "start_scene"]

pytestmark = pytest.mark.timeout(1800)

# Requests a second; a window is that long but for what a busy machine adds to a request's way.
LIMIT, WINDOW = 10, 0.85
ONLY = ["sixtyfour"]


def missed(size: int, **more: Any) -> list[str]:
    return [str(figure) for figure in polling.figures(size, **more) if not figure.met]


async def test_polls_are_few_and_answers_prompt(campaign: Campaign) -> None:
    figures = await asyncio.to_thread(polling.figures, campaign.size(short=1000, full=20_000))
    for figure in figures:
        campaign.tell(str(figure))
    assert [str(figure) for figure in figures if not figure.met] == []


def test_who_asks_too_often_or_too_late_is_noticed() -> None:
    """Mutants: every tenth of the time that has passed; after twice that time; never learning."""
    eager = missed(400, wait=lambda _counts, now: max(0.05, now * 0.1))
    lazy = missed(400, wait=lambda _counts, now: max(1.0, now * 2))
    assert any("polls / best" in figure for figure in eager)
    assert any("median delay" in figure for figure in lazy)


@pytest.mark.parametrize("world", WORLDS)
def test_no_schedule_is_better_than_the_best(world: str) -> None:
    """What all others are measured with: beside schedules made at random, and its own shifted."""
    truth, rng = known(WORLDS[world]), random.Random(5)

    def loss(first: int, last: int) -> float:
        return DELAY * truth.delay(first, last)

    def cost(schedule: Schedule) -> float:
        asked = ((took, *schedule.ask(took)) for took in truth.times)
        return math.fsum(polls + DELAY * (at / took - 1) for took, polls, at in asked)

    best = truth.best(loss)
    least = cost(best)
    for _ in range(12):
        size = rng.randint(2, 20)
        other = Schedule(sorted({*rng.sample(truth.moments[:-1], size), truth.moments[-1]}))
        assert least <= cost(other) * (1 + 1e-9)
    for skipped in range(len(best.moments) - 1):
        rest = [moment for at, moment in enumerate(best.moments) if at != skipped]
        assert least <= cost(Schedule(rest)) * (1 + 1e-9)


def most_in(arrivals: list[float], window: float) -> int:
    """The most within any window of that length."""
    first = most = 0
    for at, moment in enumerate(arrivals):
        while moment - arrivals[first] >= window:
            first += 1
        most = max(most, at - first + 1)
    return most


async def many_tickets(scene: Scene) -> list[float]:
    """Twenty of them at once, polled as often as the limits let them; when requests arrived."""
    scene.slow_down("sixtyfour", task=1.5)
    people = [scene.person(sixtyfour="valid") for _ in range(20)]
    replies = await asyncio.gather(
        *(scene.find(one, providers=ONLY, prefer="wait=60") for one in people)
    )
    assert [outcome(reply) for reply in replies] == ["accepted"] * 20
    assert scene.requests(SIXTYFOUR_START) == 20
    assert scene.requests(SIXTYFOUR_POLL) >= 20
    visits = scene.simulator.app.traffic.latest
    assert {visit.status for visit in visits} == {200}
    return sorted(visit.arrived for visit in visits)


@pytest.mark.parametrize("limited", [True, False], ids=["limited", "mutant"])
async def test_polls_never_exceed_a_providers_limit(
    start_scene: StartScene,
    simulator: RunningSimulator,
    store_url: str,
    limited: bool,
) -> None:
    """Starts and polls together. Mutant: nobody told the gateway of the limit."""
    providers = dict(make_settings(store_url, simulator).providers)
    if limited:
        limits = {"per_second": LIMIT}
        providers["sixtyfour"] = msgspec.structs.replace(providers["sixtyfour"], limits=limits)
    arrivals = await many_tickets(await start_scene(providers=providers))
    assert (most_in(arrivals, WINDOW) <= LIMIT) == limited
