"""Whatever one provider does, whoever another can answer is answered, once and in time."""

from __future__ import annotations

import asyncio
import itertools
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.vault.credentials import VERSION
from providers.simulator.testing import ControlClient, simulator_process
from tests.gates.arena import name_on_bill
from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, Heard, fleet
from tests.gates.test_gate_older_store import PAID

Options = dict[str, Any]
GATEWAYS = 2
# Faulty lookups of a cell, and such beside them that need a healthy provider alone.
ASKED, BESIDE = 3, 5
# Whom to ask if the first one fails, and by what operation.
HEALTHY = {"hunter": "snov", "snov": "hunter", "sixtyfour": "hunter", "letrics": "hunter"}
TOGETHER = [["hunter"], ["snov", "sixtyfour", "letrics"]]
COUNTRIES = ("US", "DE", "GB", "FR", "BR")
CHOICES = [some for n in range(1, 6) for some in itertools.combinations(COUNTRIES, n)]
FIND, SEARCH = "/v1/emails/find", "/v1/companies/search"
CHARGED = (*PAID, "/companies")
FAULTS: list[tuple[str, Options]] = [
    ("status", {"status": 500}),
    ("status", {"status": 503}),
    ("status", {"status": 429}),
    ("status", {"status": 429, "retry_after": 30}),
    ("status", {"status": 429, "retry_after": 30, "as_date": True}),
    ("garbage", {}),
    ("deep", {}),
    ("empty_body", {}),
    ("rename_field", {}),
    ("unknown_word", {}),
    ("slow", {"seconds": 0.3}),
    ("drip", {}),
    ("hang", {}),
    ("close", {}),
    ("reset", {}),
    ("wrong_length", {}),
    ("charge_without_reply", {}),
    ("bomb", {}),
    ("endless", {}),
    ("unauthorized", {}),
    ("out_of_credits", {}),
    ("quota_as_401", {}),
    ("task_failed", {}),
]
MORE: list[tuple[str, Options]] = [
    *(("status", {"status": status}) for status in (400, 403, 404, 408, 502, 504)),
    ("status", {"status": 429, "retry_after": "soon"}),
    ("html", {}),
    ("truncated", {}),
]
# Its word for how far a task is would be waited for.
OWN: dict[tuple[str, str], Options] = {("sixtyfour", "unknown_word"): {"field": "email"}}
# A 401 may be its token's: that is renewed, and the call, which cost nothing, sent once more.
SENT_TWICE = {("snov", "quota_as_401")}
CONTROL: tuple[str, Options] = ("", {})
ANSWERED, SLOWER, LATER = 0.999, 1.1, 0.02
# Rows after which processes have done each thing at least once.
WARM = 6


@dataclass
class Scene:
    made: Fleet
    apart: ControlClient
    """Hunter's: what fails and what does not are simulated by different processes."""
    documented: set[str]
    people: Iterator[Any]
    searches: Iterator[Options]
    order: str = "learned"
    answered: int = 0
    asked: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    beside: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    """Seconds of lookups of healthy providers, by whether another had a fault."""

    def control(self, provider: str) -> ControlClient:
        return self.apart if provider == "hunter" else self.made.control

    async def ask(self, number: int, *providers: str, seconds: float = 2) -> Heard:
        """Nobody else asks the same."""
        if "letrics" in providers:
            return await self.post(
                number, SEARCH, next(self.searches), *providers, seconds=seconds
            )
        person = next(self.people)
        body = {"full_name": person["full_name"], "domain": person["company"]["domain"]}
        return await self.post(number, FIND, body, *providers, seconds=seconds)

    async def post(
        self, number: int, path: str, body: Options, *providers: str, seconds: float = 2
    ) -> Heard:
        routing = {"providers": providers, "order": self.order, "max_age": 0}
        routing["timeout"] = seconds
        heard = await self.made.post(number, path, {**body, "routing": routing})
        self.statuses[heard.status] += 1
        if heard.status >= 500:
            assert str(heard.status) in self.documented, f"{heard.status} is not documented"
            assert {"type", "code", "attempts"} <= set(heard.body), heard.body
        return heard

    async def row(self, kind: str, options: Options) -> None:
        """One fault of every provider; those that another one steps in for fail together."""
        for together in TOGETHER:
            await asyncio.gather(*(self.cell(provider, kind, options) for provider in together))
            await self.recover()

    async def cell(self, provider: str, kind: str, options: Options) -> None:
        """One fault of one provider."""
        before = await self.charged(provider)
        await self.switch(provider, kind, options)
        healthy = HEALTHY[provider]
        first = [self.ask(number, provider, healthy) for number in range(ASKED)]
        # Answered at once, so that no wait for a task hides what comes of the fault.
        prompt = "letrics" if provider == "hunter" else healthy
        beside = [self.ask(number, prompt) for number in range(BESIDE)]
        heard = await asyncio.gather(*first, *beside, self.ask(0, provider))
        self.asked += ASKED + BESIDE
        wrong = [one for one in heard[: ASKED + BESIDE] if not is_answer(one)]
        self.answered += ASKED + BESIDE - len(wrong)
        self.beside[bool(kind)] += [one.seconds for one in heard[ASKED : ASKED + BESIDE]]
        sent, most = await self.charged(provider) - before, most_sent(ASKED + 1, provider, kind)
        assert sent <= most, f"{sent} chargeable requests of {most}: {provider} {kind}"
        assert not wrong, f"{provider} {kind} {options}: {wrong[0].body}"

    async def switch(self, provider: str, kind: str, options: Options) -> None:
        if kind:
            options = OWN.get((provider, kind), options)
            await self.control(provider).fault(provider, kind, **options)

    async def charged(self, provider: str) -> int:
        counts = (await self.control(provider).get("/requests", provider=provider))["counts"]
        return sum(n for route, n in counts.get(provider, {}).items() if route.endswith(CHARGED))

    async def warm_up(self) -> None:
        """Connections are made; the bomb is built, and what matches a search is known, which keep
        the simulator busy.
        """
        await self.made.control.fault("letrics", "bomb", times=1)
        await self.ask(0, "letrics")
        for provider, _ in itertools.product(("letrics", "hunter"), CHOICES):
            await self.post(0, SEARCH, next(self.searches), provider)
        for _ in range(WARM):
            await self.row(*CONTROL)
        self.beside[False].clear()

    def times(self) -> tuple[float, float, float]:
        """The p99 without faults and beside them, and what that may be."""
        usual, late = p99(self.beside[False]), p99(self.beside[True])
        return usual, late, SLOWER * usual + LATER

    async def recover(self) -> None:
        """All is well, and nothing is held against a provider."""
        for control in (self.apart, self.made.control):
            await control.delete("/faults")
        for pattern in ("{pgw}:*:breaker:*", "{pgw}:*:permits:*"):
            async for key in self.made.store.scan(pattern):
                await self.made.store.call("DEL", key)
        if await self.made.store.call("DEL", "{pgw}:live:bench"):
            await self.made.store.call("INCR", VERSION)
            await asyncio.sleep(1.2)


def most_sent(lookups: int, provider: str, kind: str) -> int:
    """How many chargeable requests so many lookups may send."""
    return lookups * 2 if (provider, kind) in SENT_TWICE else lookups


def is_known(person: Any) -> bool:
    """To all who find addresses, as a good one."""
    claims = [(person["known"][name] or {}).get("claim") for name in HEALTHY]
    return person["full_name"].isascii() and claims[:3] == ["valid"] * 3


def is_answer(heard: Heard) -> bool:
    return heard.status == 200 and heard.body["meta"]["outcome"] in ("accepted", "weak")


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1]


@asynccontextmanager
async def scene(folder: Path, code: str = "", people: int = 12_000) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        endpoints, apart = await stack.enter_async_context(simulator_process(people=people))
        made = await stack.enter_async_context(
            fleet(
                folder,
                size=GATEWAYS,
                code=code,
                people=people,
                providers=HEALTHY,
                HUNTER_BASE_URL=endpoints.hunter,
            )
        )
        for control in (apart, made.control):
            times = {"profile": "zero", "call_seconds": 0.02, "polls": 0}
            await control.put("/latency", times)
        yield await scene_of(made, apart)


async def scene_of(made: Fleet, apart: ControlClient) -> Scene:
    document = (await made.gateways[0].client.get("/openapi.json")).json()
    documented = [set(document["paths"][path]["post"]["responses"]) for path in (FIND, SEARCH)]
    known, _ = await made.people()
    # Of namesakes each provider may mean another.
    everybody = {name_on_bill(one): one for one in known if is_known(one)}
    people, searches = iter(everybody.values()), every_search()
    return Scene(made, apart, set.intersection(*documented), people, searches)


def every_search() -> Iterator[Options]:
    """Companies of every choice of countries, on pages of every length."""
    for limit, places in itertools.product(range(1, 101), CHOICES):
        yield {"locations": [{"country": place} for place in places], "limit": limit}


@pytest.mark.timeout(1800)
async def test_faults_of_one_provider_are_nobodys_elses(
    tmp_path: Path, campaign: Campaign
) -> None:
    faults = campaign.size(short=FAULTS, full=FAULTS + MORE)
    async with scene(tmp_path, people=campaign.size(short=24_000, full=36_000)) as site:
        await site.warm_up()
        for fault in faults:
            await site.row(*fault)
            await site.row(*CONTROL)
        cells = len(faults) * len(HEALTHY)
        share = site.answered / site.asked
        assert share >= ANSWERED
        usual, late, most = site.times()
        campaign.tell(
            f"{cells} faults: {share:.1%} of {site.asked} lookups answered, {dict(site.statuses)}"
            f"; p99 beside a fault {late * 1000:.0f} ms, else {usual * 1000:.0f} ms"
        )
        assert late <= most, f"p99 {late:.3f} s, else {usual:.3f} s"


# What may have been charged is sent once more; what a fault looks like is no failure of one step.
PERSISTENT = """
import gateway.lookup.calls as c
ask = c.Dialler._ask
async def persistently(self, call):
    try:
        return await ask(self, call)
    except c.ProviderError:
        return await ask(self, call)
c.Dialler._ask = persistently
"""
# The first failure is the last word.
FAINT = """
import gateway.lookup.descent as d
following = d.Descent._is_over
d.Descent._is_over = lambda self, index: index > 0 or following(self, index)
"""


@pytest.mark.parametrize(
    "code, match", [(PERSISTENT, "chargeable requests"), (FAINT, "status")], ids=["twice", "faint"]
)
async def test_calls_sent_twice_and_steps_left_out_are_noticed(
    tmp_path: Path, code: str, match: str
) -> None:
    async with scene(tmp_path, code, 1000) as site:
        # Nobody is left out by what was learned.
        site.order = "listed"
        with pytest.raises(AssertionError, match=match):
            await site.cell("hunter", "status", {"status": 500})


# Whoever fails keeps everybody else of its process waiting.
HALTING = """
import time
import gateway.lookup.calls as c
ask = c.Dialler._ask
async def haltingly(self, call):
    try:
        return await ask(self, call)
    except c.ProviderError:
        time.sleep(0.06)
        raise
c.Dialler._ask = haltingly
"""


async def test_faults_that_others_wait_for_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, HALTING, 4000) as site:
        site.order = "listed"
        await site.warm_up()
        for fault in FAULTS[:3]:
            await site.row(*fault)
            await site.row(*CONTROL)
        _, late, most = site.times()
        assert late > most
