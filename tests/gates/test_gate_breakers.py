"""A failing provider is asked little, by no process once it is known, and by one to find out."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, Heard, fleet, in_parallel
from tests.gateway.money.conftest import shift
from tests.gateway.supervisor.processes import until

GATEWAYS, CLIENTS = 4, 16
FREE, PAID = "/email-count", "/email-finder"
BREAKERS = "/v1/admin/providers/hunter/breakers"
# Attempts per lookup, of what may be sent again; seconds until every process knows.
TRIES, KNOWN_WITHIN = 1.2, 0.1
FIRST_REST, SECOND_REST, PROBE_LEASE = 5_100, 10_100, 76_000
CROWD = 200


class Site:
    def __init__(self, made: Fleet, people: list[Any]):
        self.made = made
        self._people = iter(people)

    async def find(self, at: int) -> Heard:
        return await self.made.ask(at, next(self._people))

    async def count(self, at: int, number: int) -> Heard:
        """Of a domain that nobody else asks about."""
        body = {"domain": f"d{number}.example", "routing": {"providers": ["hunter"], "max_age": 0}}
        return await self.made.post(at, "/v1/emails/count", body)

    async def force(self, state: str) -> None:
        reply = await self.made.gateways[0].client.put(BREAKERS, json={"state": state})
        assert reply.status_code == 200, reply.text

    async def requests(self, path: str) -> int:
        counts = (await self.made.control.get("/requests", provider="hunter"))["counts"]
        return sum(n for route, n in counts.get("hunter", {}).items() if route.endswith(path))

    async def crowd(self) -> list[Heard]:
        return list(await asyncio.gather(*(self.find(at) for at in range(CROWD))))


def reasons(replies: list[Heard]) -> Counter[str]:
    return Counter(one.body["attempts"][0]["reason"] for one in replies)


def scene(folder: Path, code: str = "") -> Any:
    return fleet(folder, size=GATEWAYS, code=code, people=8000, GATEWAY_TEST_CLOCK="1")


async def site_of(made: Fleet) -> Site:
    await made.control.put("/latency", {"profile": "zero"})
    known, unknown = await made.people()
    return Site(made, [*known, *unknown])


async def assert_asked_little(site: Site, lookups: int) -> str:
    """Though nothing but the calls themselves holds the callers back."""
    await site.force("closed")
    for kind in ("status", "close"):
        await site.made.control.fault("hunter", kind, path=FREE, rate=0.5)
        await site.made.control.fault("hunter", kind, path=PAID, rate=0.5)
    await site.made.control.fault("hunter", "status", path="/email-*", status=500)

    async def work(_: int, number: int) -> None:
        assert (await site.count(number, number)).status == 502
        if number % 2:
            assert (await site.find(number)).status == 502

    await in_parallel(range(lookups), CLIENTS, work)
    paid, free = await site.requests(PAID), await site.requests(FREE)
    assert paid == lookups // 2, f"{paid} chargeable requests of {lookups // 2} lookups"
    share = free / lookups
    assert 1 < share <= TRIES, f"{share:.2f} free requests per lookup"
    await site.made.control.delete("/faults")
    await site.force("auto")
    return f"{share:.2f} free requests and 1.00 paid ones per lookup"


async def trip(site: Site) -> float:
    """Five failures of one process; when the last was known."""
    await site.made.control.fault("hunter", "status", path=PAID)
    replies = [await site.find(0) for _ in range(5)]
    assert reasons(replies) == {"unavailable": 5}
    return replies[-1].ended


async def assert_known_everywhere(site: Site) -> str:
    known = await trip(site)
    before = await site.requests(PAID)
    replies = await site.crowd()
    late = [one for one in replies if one.began > known + KNOWN_WITHIN]
    assert reasons(late)["circuit_open"] == len(late), reasons(late)
    asked = await site.requests(PAID) - before
    assert asked == len(replies) - reasons(replies)["circuit_open"]
    return f"open everywhere after {asked} more requests"


async def assert_one_finds_out(site: Site) -> None:
    """At half-open, whoever asks; it fails, and all is closed to them again."""
    await site.made.control.put("/latency", {"profile": "zero", "call_seconds": 0.5})
    before = await site.requests(PAID)
    await shift(site.made.store, FIRST_REST)
    replies = await site.crowd()
    asked = await site.requests(PAID) - before
    assert asked == 1, f"{asked} probes"
    assert reasons(replies) == {"unavailable": 1, "circuit_open": CROWD - 1}


async def assert_prober_replaced(site: Site) -> None:
    """Once its time is over, by one; its answer lets all others ask again."""
    await site.made.control.put("/latency", {"profile": "zero", "call_seconds": 5})
    await shift(site.made.store, FIRST_REST + SECOND_REST)
    before = await site.requests(PAID)
    prober = asyncio.create_task(site.find(0))

    async def is_asked() -> bool:
        return await site.requests(PAID) == before + 1

    await until(is_asked, 10, "the probe")
    victim = site.made.gateways.pop(0)
    victim.process.kill()
    await asyncio.gather(prober, return_exceptions=True)
    await site.made.control.delete("/faults")
    await site.made.control.put("/latency", {"profile": "zero", "call_seconds": 0.2})
    assert reasons([await site.find(at) for at in range(3)]) == {"circuit_open": 3}
    await shift(site.made.store, FIRST_REST + SECOND_REST + PROBE_LEASE)
    replies = await site.crowd()
    asked = await site.requests(PAID) - before
    assert asked == 2, f"{asked - 1} probes in place of the dead one"
    assert Counter(one.status for one in replies)[200] == 1
    after = await site.crowd()
    assert {one.status for one in after} == {200}, reasons([o for o in after if o.status != 200])


@pytest.mark.timeout(300)
async def test_a_failing_provider_is_left_alone_by_all(tmp_path: Path, campaign: Campaign) -> None:
    async with scene(tmp_path) as made:
        site = await site_of(made)
        told = await assert_asked_little(site, campaign.size(short=600, full=6000))
        told += f", {await assert_known_everywhere(site)}"
        await assert_one_finds_out(site)
        await assert_prober_replaced(site)
        campaign.tell(f"breakers of {GATEWAYS} processes: {told}, 1 probe of {CROWD} callers")


# Second tries without end, and probes without number.
EAGER = """
import gateway.lookup.calls as c, gateway.store.script as s
c.RetryBudget.spend = lambda self: True
read, seen = s._read, "if tonumber(b[2] or 0) > now then return { wait = 1000 } end"
def read_without(name):
    text = read(name)
    assert name != "breaker" or seen in text
    return text.replace(seen, "", 1)
s._read = read_without
"""


async def test_second_tries_and_probes_without_number_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, EAGER) as made:
        site = await site_of(made)
        with pytest.raises(AssertionError, match="free requests per lookup"):
            await assert_asked_little(site, 40)
        await site.made.control.delete("/faults")
        await site.force("auto")
        await trip(site)
        with pytest.raises(AssertionError, match="probes"):
            await assert_one_finds_out(site)
