"""Two providers that fail at once, each in its own way: a third one answers, once and in time."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Heard
from tests.gates.test_gate_faults import (
    ANSWERED,
    CONTROL,
    FAINT,
    FAULTS,
    LATER,
    PERSISTENT,
    SLOWER,
    Options,
    Scene,
    is_answer,
    most_sent,
    p99,
    scene,
)

Fault = tuple[str, Options]
FINDERS = ("hunter", "snov", "sixtyfour")
PAIRS = [*itertools.combinations(FINDERS, 2), *((finder, "letrics") for finder in FINDERS)]
# Lookups of every route of a cell, and such beside them that need a healthy provider alone.
ASKED, BESIDE = 3, 5
# Two providers in turn take half of the time that is left.
SECONDS = 4.0
# So many cells between those without a fault, and one of so many in the short form.
ROW, SOME = 12, 70


@dataclass(frozen=True)
class Cell:
    """What is wrong with either of two providers."""

    providers: tuple[str, str]
    faults: tuple[Fault, Fault]

    def __str__(self) -> str:
        told = (f"{name} {fault}" for name, fault in zip(self.providers, self.faults, strict=True))
        return " and ".join(told)

    @property
    def failing(self) -> list[str]:
        """Those that find addresses."""
        return [name for name in self.providers if name != "letrics"]

    @property
    def spare(self) -> str:
        """It finds addresses, and nothing is wrong with it."""
        return next(name for name in FINDERS if name not in self.providers)

    @property
    def prompt(self) -> str:
        """The healthy one that is beside: if there is one that gives no tickets, that one."""
        return (
            "letrics" if self.spare != "hunter" and "letrics" not in self.providers else self.spare
        )

    @property
    def routes(self) -> list[list[str]]:
        """Lookups that a healthy provider can answer after all that fail."""
        search = [["letrics", "hunter"]] if self.spare == "hunter" else []
        return [[*self.failing, self.spare], *(search if "letrics" in self.providers else [])]

    @property
    def hopeless(self) -> list[list[str]]:
        """Lookups that nobody can answer."""
        return [self.failing, *([["letrics"]] if "letrics" in self.providers else [])]

    def sent_to(self, provider: str) -> int:
        """How many chargeable requests it may get at most."""
        through = ASKED * sum(provider in route for route in self.routes)
        lookups = through + sum(provider in route for route in self.hopeless)
        kind, _ = self.faults[self.providers.index(provider)]
        return most_sent(lookups, provider, kind)


@dataclass
class Tally:
    answered: int = 0
    asked: int = 0
    beside: dict[tuple[str, bool], list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds of lookups of a healthy provider, by whether others had a fault."""


def every_two(faults: list[Fault]) -> Iterator[Cell]:
    """Every two faults, either way round; each of them at either place of every two providers."""
    for one, two in itertools.permutations(range(len(faults)), 2):
        yield Cell(PAIRS[(one + two) % len(PAIRS)], (faults[one], faults[two]))


async def check(site: Scene, tally: Tally, cell: Cell) -> None:
    before = [await site.charged(provider) for provider in cell.providers]
    for provider, fault in zip(cell.providers, cell.faults, strict=True):
        await site.switch(provider, *fault)
    through = [
        site.ask(number, *route, seconds=SECONDS)
        for number, route in enumerate(cell.routes * ASKED)
    ]
    beside = [site.ask(number, cell.prompt) for number in range(BESIDE)]
    hopeless = [site.ask(number, *route) for number, route in enumerate(cell.hopeless)]
    heard = await asyncio.gather(*through, *beside, *hopeless)
    count(tally, cell, heard[: len(through) + BESIDE])
    for provider, earlier in zip(cell.providers, before, strict=True):
        sent, most = await site.charged(provider) - earlier, cell.sent_to(provider)
        assert sent <= most, f"{sent} chargeable requests of {most} at {provider}: {cell}"


def count(tally: Tally, cell: Cell, heard: list[Heard]) -> None:
    """The last ones were asked beside the others."""
    wrong = [one for one in heard if not is_answer(one)]
    tally.asked += len(heard)
    tally.answered += len(heard) - len(wrong)
    tally.beside[cell.prompt, cell.faults[0] != CONTROL] += [
        one.seconds for one in heard[-BESIDE:]
    ]
    assert not wrong, f"{cell}: {wrong[0].body}"


async def without_faults(site: Scene, tally: Tally) -> None:
    for providers in PAIRS:
        await check(site, tally, Cell(providers, (CONTROL, CONTROL)))


async def bought_twice(site: Scene) -> list[str]:
    """Whom a provider charged for more than once: everybody was asked about once."""
    rows = [row for name in FINDERS for row in (await site.control(name).bill(name))["rows"]]
    bought = Counter((row["provider"], row["operation"], row["what"]) for row in rows)
    assert bought
    return [str(what) for what, times in bought.items() if times > 1]


def times(tally: Tally) -> list[tuple[str, float, float]]:
    """For each healthy provider: the p99 while others had a fault, and while nobody had."""
    seconds = tally.beside
    names = sorted({name for name, _ in seconds})
    return [(name, p99(seconds[name, True]), p99(seconds[name, False])) for name in names]


def told(tally: Tally) -> str:
    found = (
        f"{name} {late * 1e3:.0f} ms, else {usual * 1e3:.0f} ms"
        for name, late, usual in times(tally)
    )
    return "; ".join(found)


def test_every_two_faults_meet_and_each_is_at_every_provider_of_every_pair() -> None:
    cells = list(every_two(FAULTS))
    names = [f"{kind} {options}" for kind, options in FAULTS]
    met = {tuple(f"{kind} {options}" for kind, options in cell.faults) for cell in cells}
    assert met == set(itertools.permutations(names, 2))
    for place in (0, 1):
        placed = {(cell.providers, str(cell.faults[place])) for cell in cells}
        assert len(placed) == len(PAIRS) * len(FAULTS)
    assert {frozenset(pair) for pair in PAIRS} == {
        frozenset(pair) for pair in itertools.combinations((*FINDERS, "letrics"), 2)
    }


@pytest.mark.timeout(3600)
async def test_two_faults_at_once_are_nobodys_elses(tmp_path: Path, campaign: Campaign) -> None:
    cells = list(every_two(FAULTS))[:: campaign.size(short=SOME, full=1)]
    tally = Tally()
    async with scene(tmp_path, people=campaign.size(short=3000, full=60_000)) as site:
        site.order = "listed"
        await site.warm_up()
        await without_faults(site, Tally())
        for at, cell in enumerate(cells):
            await check(site, tally, cell)
            await site.recover()
            if at % ROW == 0:
                await without_faults(site, tally)
        assert not await bought_twice(site)
    share = tally.answered / tally.asked
    campaign.tell(
        f"{len(cells)} pairs of faults: {share:.1%} of {tally.asked} lookups answered,"
        f" {dict(site.statuses)}; p99 beside them {told(tally)}"
    )
    assert share >= ANSWERED
    for _, late, usual in times(tally):
        # Of a few lookups the slowest one would be meant.
        assert late <= SLOWER * usual + LATER or not campaign.full, told(tally)


# Of two failures the second is the last word.
RESIGNED = FAINT.replace("index > 0", "index > 1")


@pytest.mark.parametrize(
    "code, match",
    [(PERSISTENT, "chargeable requests"), (RESIGNED, "all_providers_failed")],
    ids=["twice", "resigned"],
)
async def test_calls_sent_twice_and_third_providers_left_out_are_noticed(
    tmp_path: Path, code: str, match: str
) -> None:
    failing: Fault = ("status", {"status": 500})
    async with scene(tmp_path, code, 1000) as site:
        site.order = "listed"
        with pytest.raises(AssertionError, match=match):
            await check(site, Tally(), Cell(("hunter", "snov"), (failing, failing)))
