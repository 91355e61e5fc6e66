"""Lookups over all providers while gateways and workers die: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.works import (
    HASTY,
    PROVIDERS,
    Works,
    body_of,
    in_turn,
    name_on_bill,
    rewritten,
    routing_of,
    works,
)
from tests.gateway.money.books import audit, entries
from tests.gateway.supervisor.processes import until

# What a provider is asked takes its time, so that a kill meets calls on the wire and open tickets.
CALL_SECONDS, TASK_SECONDS = 0.4, 1.0
# Between a dispatch and its first byte, or a reply's last byte and its entry, in seconds.
SLACK = 1.5
ROWS = 12
BUSY = 8
ALONE = 4
PER_WAVE = len(PROVIDERS) * (ROWS + ALONE) + 2


@dataclass
class Campaigners:
    """Everything that was asked; jobs by provider and names on the bill."""

    site: Works
    people: dict[str, Callable[[int], list[Any]]]
    jobs: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    alone: list[asyncio.Task[Any]] = field(default_factory=list)
    kills: int = 0

    async def wave(self, number: int) -> None:
        """A job of each provider's, and some lookups alone; of them every second waits."""
        for provider, take in self.people.items():
            rows = take(ROWS)
            job = await self.site.submit(rows, provider)
            self.jobs[job] = (provider, [name_on_bill(person) for person in rows])
            for at, person in enumerate(take(ALONE)):
                prefer = "respond-async" if at % 2 else "wait=20"
                self.alone.append(asyncio.create_task(self._ask(person, provider, prefer)))
        items = [{"job_titles": [f"Title {number}.{at}"], "limit": 3} for at in range(2)]
        body = {"operation": "contacts.search", "items": items}
        reply = await self.site.call("POST", "/v1/jobs", body, idempotency_key=f"c{number}")
        self.jobs[reply["data"]["id"]] = ("letrics", [""] * len(items))

    async def _ask(self, person: Any, provider: str, prefer: str) -> None:
        """One lookup, sent again under its key until it is answered; it may end as a job."""
        body = {**body_of(person), "routing": routing_of(provider)}
        key, name = f"a{time.monotonic_ns()}", name_on_bill(person)
        headers = {"prefer": prefer, "idempotency_key": key}
        reply = await self.site.call("POST", "/v1/emails/find", body, **headers)
        if "status" in reply.get("data", {}) and "counts" in reply["data"]:
            self.jobs[reply["data"]["id"]] = (provider, [name])
        else:
            assert_answered(reply, name)

    def person_of(self, lookup: str) -> str:
        """Whom an item's lookup was about; '' for one that was asked alone."""
        name, _, at = lookup.partition(".")
        return self.jobs[name][1][int(at)] if at and name in self.jobs else ""

    async def all_ended(self, seconds: float) -> None:
        await asyncio.gather(*self.alone)

        async def are_over() -> bool:
            left = [name for name in self.jobs if name not in over]
            for name in left[:20]:
                if (await self.site.job(name))["finished_at"]:
                    over.add(name)
            return len(over) == len(self.jobs)

        over: set[str] = set()
        await until(are_over, seconds, "the end of every job")


def assert_answered(reply: dict[str, Any], name: str) -> None:
    """An answer; or, if that is not known, that it is in doubt."""
    if reply.get("data") is None:
        outcomes = [one["outcome"] for one in reply.get("attempts", [])]
        assert outcomes == ["in_doubt"], f"{name}: {reply}"


async def kill_at_random(site: Works, campaigners: Campaigners, rng: random.Random) -> None:
    """A gateway or a worker; in two of three cases only the process that works."""
    alive = [crew for crew in site.crews if site.workers_of(crew)]
    crew, whole = rng.choice(alive), rng.random() < 1 / 3
    site.kill(crew, whole=whole)
    campaigners.kills += 1
    if whole:
        await site.start(*(() if crew.url else ("worker",)))
    await site.note_visits()


async def campaign_of_kills(site: Works, *, kills: int, seed: int) -> Campaigners:
    """Two gateways and a worker; one of them dies in every wave."""
    campaigners = await prepared(site, kills)
    for arguments in ((), (), ("worker",)):
        await site.start(*arguments)
    rng = random.Random(seed)
    for number in range(kills):
        await campaigners.wave(number)
        await _meet_load(site)
        await asyncio.sleep(rng.uniform(0, 0.5))
        await kill_at_random(site, campaigners, rng)
    await campaigners.all_ended(120)
    await until(lambda: _is_quiet(site), 30, "the end of every call")
    await site.note_visits()
    return campaigners


async def one_kill_of_all(site: Works, patience: float = 8) -> Campaigners:
    campaigners = await prepared(site, 1)
    gateway = await site.start()
    await campaigners.wave(0)
    await _meet_load(site)
    site.kill(gateway, whole=True)
    await site.start()
    await campaigners.all_ended(patience)
    return campaigners


async def prepared(site: Works, waves: int) -> Campaigners:
    profile = {"profile": "zero", "call_seconds": CALL_SECONDS, "task_seconds": TASK_SECONDS}
    await site.control.put("/latency", profile)
    size = waves * (ROWS + ALONE)
    people = {name: in_turn(await site.people(size, name)) for name in PROVIDERS}
    return Campaigners(site, people)


async def _meet_load(site: Works) -> None:
    """Until there are calls on the wire, or it is too late for this wave."""
    for _ in range(20):
        if (await site.control.get("/requests", provider="letrics"))["in_flight"] >= BUSY:
            return
        await asyncio.sleep(0.05)


async def _is_quiet(site: Works) -> bool:
    return all(row["state"] not in ("reserved", "dispatched") for row in await entries(site.store))


async def assert_nothing_lost(campaigners: Campaigners) -> None:
    for name, (provider, people) in campaigners.jobs.items():
        job, rows = await campaigners.site.job(name), await campaigners.site.rows_of(name)
        counts = job["counts"]
        assert (counts["total"], counts["done"]) == (len(people), len(people)), job
        assert [row["index"] for row in rows] == list(range(len(people)))
        for row, person in zip(rows, people, strict=True):
            assert row["status"] in ("completed", "failed"), row
            if provider != "letrics":
                assert_answered({**row, **(row["error"] or {})}, person)


async def assert_bought_once(site: Works) -> None:
    seen = Counter((row["provider"], row["what"]) for row in await site.charges())
    twice = {what: count for what, count in seen.items() if count > 1}
    assert not twice, f"paid more than once: {twice}"


async def assert_doubts_were_on_the_wire(campaigners: Campaigners) -> int:
    """Each belongs to a process that was killed while the call was under way."""
    site, doubts = campaigners.site, await campaigners.site.doubts()
    charges = {(row["provider"], row["what"]): row for row in await site.charges()}
    for rid, row in doubts.items():
        death = site.deaths.get(rid.removeprefix("res_")[:16])
        assert death, f"in doubt, though its process lived: {row}"
        before = death.wall - int(row["dispatched_at"]) / 1000
        assert -0.05 <= before <= CALL_SECONDS + SLACK, (row, death)
        charge = charges.get((row["provider"], campaigners.person_of(row["lookup"])))
        if charge is not None:
            visit = site.visits[charge["request_id"]]
            gone = visit["departed"] or death.at
            assert visit["arrived"] - SLACK <= death.at <= gone + SLACK, (visit, death)
    return len(doubts)


@pytest.mark.timeout(3600)
async def test_kills_lose_no_job_and_buy_nothing_twice(tmp_path: Path, campaign: Campaign) -> None:
    kills = campaign.size(short=20, full=200)
    async with works(tmp_path, people=campaign.size(short=2000, full=15_000)) as site:
        began = time.monotonic()
        campaigners = await campaign_of_kills(site, kills=kills, seed=5)
        await assert_nothing_lost(campaigners)
        await assert_bought_once(site)
        doubts = await assert_doubts_were_on_the_wire(campaigners)
        await audit(site.store)
        asked = kills * PER_WAVE
        campaign.tell(
            f"kills: {campaigners.kills} during {asked} lookups, {len(campaigners.jobs)} jobs, "
            f"{doubts} calls in doubt, {time.monotonic() - began:.0f} s"
        )


# A call whose process is gone counts as never made.
DENYING = rewritten("moves", "if held == 'dispatched' then", "if false then")
# What a dead process had on loan is not lent again.
FORGETFUL = rewritten("claim_items", "room = again(name, 'leases', room, true)", "")


@pytest.mark.parametrize(
    "code, match",
    [(DENYING, "paid more than once"), (FORGETFUL, "the end of every job")],
    ids=["denying", "forgetful"],
)
async def test_an_engine_that_mishandles_kills_is_noticed(
    tmp_path: Path, code: str, match: str
) -> None:
    async with works(tmp_path, HASTY + code, people=200) as site:
        with pytest.raises(AssertionError, match=match):
            await one_kill_of_all(site)
            await assert_bought_once(site)
