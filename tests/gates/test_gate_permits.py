"""Several processes ask each provider as often as it allows, no more and not much less."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, fleet

GATEWAYS, CLIENTS = 4, 16
SPANS = {"per_second": 1.0, "per_minute": 60.0}
LIMITS: Mapping[str, Mapping[str, int]] = {
    "hunter": {"per_second": 15, "per_minute": 500},
    "snov": {"per_minute": 60},
    "sixtyfour": {"per_second": 10, "per_minute": 500},
    "letrics": {"per_second": 12, "concurrency": 2},
}
# Of the short form: minutes of five seconds, and limits that bind within them.
SHORT_MINUTE = 5.0
SHORT_LIMITS: Mapping[str, Mapping[str, int]] = {
    "hunter": {"per_second": 15, "per_minute": 50},
    "snov": {"per_minute": 60},
    "sixtyfour": {"per_second": 10, "per_minute": 500},
    "letrics": {"per_second": 12, "concurrency": 2},
}
HURRIED = f"""
import gateway.guard.allowances as a
a.SPANS["per_minute"] = {SHORT_MINUTE}
"""
USED, CALL = 0.9, 0.1
# How long a process, and the simulator, take to get going: arrivals tell little of departures.
WARM = 2.0
# A request may lie unread that long at a simulator that waits for a processor.
UNREAD = 0.05
# What left when a refusal was on its way may arrive after it.
SLACK = 0.15


@dataclass
class Scene:
    made: Fleet
    limits: Mapping[str, Mapping[str, int]]
    minute: float
    people: Iterator[Any]
    visits: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: list[Any] = field(default_factory=list)

    def span(self, name: str) -> float:
        return self.minute if name == "per_minute" else SPANS[name]

    async def watch(self, seconds: float) -> None:
        """The simulator keeps the latest alone."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await asyncio.sleep(min(2.0, max(0.0, deadline - time.monotonic())))
            seen = await self.made.control.get("/requests")
            self.visits |= {visit["id"]: visit for visit in seen["requests"]}

    def of(self, provider: str) -> list[dict[str, Any]]:
        found = [visit for visit in self.visits.values() if visit["provider"] == provider]
        return sorted(found, key=lambda visit: float(visit["arrived"]))

    async def client(self, provider: str, at: int) -> None:
        """Asks without a pause, until it is cancelled."""
        while True:
            path, body = self._question(provider)
            body["routing"] = {"providers": [provider], "max_age": 0, "timeout": 70}
            heard = await self.made.post(at, path, body, prefer="wait=60")
            # Whoever waits longer than the exchange may is given a job.
            if heard.status not in (200, 202):
                self.refused.append((provider, heard.body))
                await asyncio.sleep(0.2)

    def _question(self, provider: str) -> tuple[str, dict[str, Any]]:
        person = next(self.people)
        if provider == "letrics":
            return "/v1/contacts/search", {"job_titles": [person["full_name"]], "limit": 1}
        domain = person["company"]["domain"]
        return "/v1/emails/find", {"full_name": person["full_name"], "domain": domain}

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        made = [
            asyncio.create_task(self.client(provider, number))
            for provider in self.limits
            for number in range(CLIENTS)
        ]
        try:
            yield
        finally:
            for one in made:
                one.cancel()
            ended = await asyncio.gather(*made, return_exceptions=True)
        wrong = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
        assert not wrong, wrong


@asynccontextmanager
async def scene(folder: Path, *, full: bool, code: str = "") -> AsyncIterator[Scene]:
    limits = LIMITS if full else SHORT_LIMITS
    config = folder / "gateway.toml"
    config.write_text("\n".join(map(_to_table, limits, limits.values())))
    async with fleet(
        folder,
        size=GATEWAYS,
        code=code if full else HURRIED + code,
        people=2000,
        providers=limits,
        GATEWAY_CONFIG=str(config),
    ) as made:
        await made.control.put("/latency", {"profile": "zero", "call_seconds": CALL})
        known, unknown = await made.people()
        people = itertools.cycle([*known, *unknown])
        yield Scene(made, limits, 60.0 if full else SHORT_MINUTE, people)
        await made.kill()


def _to_table(provider: str, limits: Mapping[str, int]) -> str:
    rows = [f"{name} = {number}" for name, number in limits.items()]
    return "\n".join([f"[providers.{provider}.limits]", *rows])


def most_in_window(times: list[float], span: float) -> int:
    """In any window of that length, wherever it begins."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def most_at_once(visits: list[dict[str, Any]]) -> int:
    """Those still under way have no end yet."""
    moves = [(visit["arrived"], 1) for visit in visits]
    moves += [(visit["departed"], -1) for visit in visits if visit["departed"]]
    return max(itertools.accumulate(step for _, step in sorted(moves)), default=0)


def assert_within(site: Scene, seconds: float) -> Iterator[str]:
    """Nobody's limits are exceeded, and the one that binds is used; tells what was seen."""
    for provider, limits in site.limits.items():
        visits = site.of(provider)
        times = [float(visit["arrived"]) for visit in visits]
        allowed = []
        for name, number in limits.items():
            if name == "concurrency":
                most = most_at_once(visits)
            else:
                most = most_in_window(times, site.span(name) - UNREAD)
                # So many could have left in all windows that lie in the time.
                allowed.append(number * seconds / site.span(name))
            assert most <= number, f"{provider}: {most} in a window of {number} {name}"
        lasted = len([at for at in times if at - times[0] < seconds])
        share = lasted / min(allowed)
        assert share >= USED, f"{provider} was asked {lasted} times of {min(allowed):.0f}"
        yield f"{provider} {lasted} of {min(allowed):.0f}"


async def assert_patient(site: Scene, seconds: float) -> None:
    """After a refusal with a Retry-After nothing is sent before."""
    control = site.made.control
    for provider, as_date in (("hunter", False), ("sixtyfour", True)):
        more = {"status": 429, "retry_after": seconds, "as_date": as_date, "times": 1}
        await control.fault(provider, "status", **more)
    await site.watch(seconds + 3)
    refused = [visit for visit in site.visits.values() if visit["status"] == 429]
    assert {visit["provider"] for visit in refused} == {"hunter", "sixtyfour"}
    for refusal in refused:
        # A date is told in whole seconds, and before the time that the call takes.
        wait = seconds - (1 + CALL if refusal["provider"] == "sixtyfour" else 0)
        after = [visit["arrived"] - refusal["departed"] for visit in site.of(refusal["provider"])]
        early = [at for at in after if SLACK < at < wait]
        assert not early, f"{refusal['provider']} asked {early[0]:.2f} s after it said {wait:g} s"
        assert any(at >= wait for at in after), f"{refusal['provider']} was not asked again"


@pytest.mark.timeout(1500)
async def test_limits_are_kept_and_used_by_all_processes_together(
    tmp_path: Path, campaign: Campaign
) -> None:
    seconds = campaign.size(short=12 * SHORT_MINUTE, full=600.0)
    patience = campaign.size(short=4.0, full=50.0)
    async with scene(tmp_path, full=campaign.full) as site, site.load():
        await asyncio.sleep(WARM)
        await site.made.control.delete("/requests")
        await site.watch(seconds + 0.5)
        told = ", ".join(assert_within(site, seconds))
        assert not site.refused, site.refused
        await assert_patient(site, patience)
    campaign.tell(f"permits of {GATEWAYS} processes in {seconds:g} s: {told}")


# Each process counts for itself alone.
ALONE = """
import os, gateway.guard.permits as p
keys = p.Permits._keys
p.Permits._keys = lambda self, allowance: (self._root, f"{self._account(allowance)}:{os.getpid()}")
"""
# A refusal is taken for one of this call and no other.
IMPATIENT = """
import gateway.guard.permits as p
async def pause(self, *arguments, **options): pass
p.Permits.pause = pause
"""


async def test_processes_that_count_alone_or_do_not_wait_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, full=False, code=ALONE + IMPATIENT) as site, site.load():
        await site.watch(3)
        with pytest.raises(AssertionError, match="in a window of"):
            _ = list(assert_within(site, 3))
        with pytest.raises(AssertionError, match="after it said"):
            await assert_patient(site, 2.0)
