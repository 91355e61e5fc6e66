"""Callers who hang up leave no connection behind, and nobody hears what was meant for another."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from providers.transport import PER_HOST
from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, fleet, in_parallel
from tests.gateway.money.books import audit, entries
from tests.gateway.supervisor.processes import ADMIN_KEY, Served, processes_of, until

CLIENTS, HONEST = 48, 8
LONGEST = 0.08
# Descriptors that come and go by themselves: files of the journal, of the store, a listener's.
SPARE = 8
Wanted = Iterator[tuple[str, str, Any]]


def requests_of(people: list[Any]) -> Wanted:
    """Fresh lookups, such as a cache serves, and calls of the provider's own API."""
    everybody, first = itertools.cycle(people), people[0]
    while True:
        yield "POST", "/v1/emails/find", question(next(everybody), max_age=0)
        yield "POST", "/v1/emails/find", question(first)
        domain = next(everybody)["company"]["domain"]
        yield "GET", f"/native/hunter/email-count?domain={domain}", None


def question(person: Any, **routing: Any) -> dict[str, Any]:
    domain = person["company"]["domain"]
    return {"full_name": person["full_name"], "domain": domain, "routing": routing}


async def hang_up(served: Served, wanted: tuple[str, str, Any], seconds: float) -> None:
    method, path, body = wanted
    place = urlsplit(served.url)
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: {place.netloc}\r\nauthorization: Bearer {ADMIN_KEY}"
    head += f"\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    with suppress(OSError):
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(head.encode() + content)
        await asyncio.sleep(seconds)
        writer.transport.abort()


class Site:
    def __init__(self, made: Fleet, people: list[Any]):
        self.made = made
        self.people = people
        self.heard: Counter[str] = Counter()

    @property
    def served(self) -> Served:
        return self.made.gateways[0]

    async def load(self, size: int) -> None:
        """So many hang up, while others ask on and are answered."""
        wanted, dice, over = requests_of(self.people), random.Random(7), asyncio.Event()

        async def work(_: int, __: int) -> None:
            await hang_up(self.served, next(wanted), dice.uniform(0, LONGEST))

        honest = [asyncio.create_task(self.ask_on(number, over)) for number in range(HONEST)]
        await in_parallel(range(size), CLIENTS, work)
        over.set()
        await asyncio.gather(*honest)

    async def ask_on(self, number: int, over: asyncio.Event) -> None:
        for person in itertools.cycle(self.people[number::HONEST]):
            if over.is_set():
                return
            heard = await self.made.post(0, "/v1/emails/find", question(person, max_age=0))
            self.heard[outcome_of(person, heard.body)] += 1

    async def settle(self) -> None:
        """What was sent is heard even of those who hung up: until nothing more is asked."""
        seen: list[Any] = [None, None]

        async def is_idle() -> bool:
            await asyncio.sleep(0.3)
            found = await self.made.control.get("/requests")
            seen.append(found["counts"])
            return not found["in_flight"] and seen[-1] == seen[-2] == seen[-3]

        await until(is_idle, 40, "the end of every request")
        await until(self.is_quiet, 40, "the end of every call")

    async def is_quiet(self) -> bool:
        rows = await entries(self.made.store)
        return all(row["state"] not in ("reserved", "dispatched") for row in rows)

    async def fill_pool(self) -> None:
        """As many at once as the pool has connections, each its own; all are needed for it."""
        await self.made.control.delete("/requests")
        asked = [question(person, max_age=0) for person in self.people[:PER_HOST]]
        calls = (self.made.post(0, "/v1/emails/find", body) for body in asked)
        heard = await asyncio.gather(*calls)
        assert {one.status for one in heard} == {200}
        peak = (await self.made.control.get("/requests"))["peak"]
        assert peak == PER_HOST, f"{peak} of {PER_HOST} connections can be used"

    def descriptors(self) -> int:
        """Of the gateway's processes."""
        found = 0
        for pid in processes_of(self.served.folder):
            with suppress(OSError):
                found += len(os.listdir(f"/proc/{pid}/fd"))
        return found


def outcome_of(person: Any, body: Any) -> str:
    if "code" in body:
        return str(body["code"])
    domain = person["company"]["domain"]
    names = {body["data"]["full_name"].casefold(), body["data"]["domain"]}
    return "own" if names == {person["full_name"].casefold(), domain} else "another's"


async def assert_nothing_left(site: Site, size: int) -> str:
    await site.made.control.put("/latency", {"profile": "zero", "call_seconds": 0.5})
    await site.fill_pool()
    before = site.descriptors()
    await site.made.control.put("/latency", {"profile": "zero", "call_seconds": 0.03})
    await site.load(size)
    assert set(site.heard) == {"own"}, f"heard: {site.heard}"
    await site.settle()
    await assert_no_connection_left(site, before)
    await site.settle()
    await assert_books_are_the_bill(site.made)
    return f"{site.heard['own']} others answered, {site.descriptors() - before:+} descriptors"


async def assert_no_connection_left(site: Site, before: int) -> None:
    await site.made.control.put("/latency", {"profile": "zero", "call_seconds": 0.5})
    await site.fill_pool()
    try:
        await until(lambda: site.descriptors() <= before + SPARE, 5, "descriptors")
    except AssertionError:
        pytest.fail(f"{site.descriptors() - before} more descriptors than before")


async def assert_books_are_the_bill(made: Fleet) -> None:
    await audit(made.store)
    rows = await entries(made.store)
    assert {row["state"] for row in rows} <= {"posted", "voided"}, Counter(
        row["state"] for row in rows
    )
    booked = Decimal(sum(int(row["cost"]) for row in rows if row["state"] == "posted"))
    billed = (await made.control.bill("hunter"))["totals"]["hunter"]["cost"]
    assert booked / 10**6 == Decimal(billed)


async def site_of(made: Fleet) -> Site:
    known, _ = await made.people()
    plain = [one for one in known if one["full_name"].isascii()]
    people = [one for one in plain if one["known"]["hunter"]["claim"] == "valid"]
    assert len(people) >= PER_HOST
    return Site(made, people)


@pytest.mark.timeout(1200)
async def test_who_hangs_up_leaves_nothing_behind(tmp_path: Path, campaign: Campaign) -> None:
    size = campaign.size(short=10_000, full=100_000)
    async with fleet(tmp_path, size=1) as made:
        told = await assert_nothing_left(await site_of(made), size)
        campaign.tell(f"{size} hung up: {told}")


# Now and then a caller is given what the one before asked for, and a connection is kept for good.
CONFUSED = """
import itertools, socket, providers.transport as t
handle, count, kept, latest = t.Transport.handle_async_request, itertools.count(1), [], {}
async def confused(self, request):
    number, asked = next(count), request.url
    if number % 4 == 0:
        kept.append(socket.create_connection((asked.host, asked.port)))
        request.url = latest.get(asked.path, asked)
    latest[asked.path] = asked
    return await handle(self, request)
t.Transport.handle_async_request = confused
"""


async def test_mixed_up_replies_and_kept_connections_are_noticed(tmp_path: Path) -> None:
    async with fleet(tmp_path, size=1, code=CONFUSED) as made:
        site = await site_of(made)
        before = site.descriptors()
        await site.load(300)
        assert site.heard["another's"], site.heard
        await site.settle()
        with pytest.raises(pytest.fail.Exception, match="more descriptors"):
            await assert_no_connection_left(site, before - PER_HOST)
