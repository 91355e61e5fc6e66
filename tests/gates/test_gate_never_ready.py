"""A provider whose tasks never end: bought once, given up at their end, the next one asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Heard
from tests.gates.test_gate_faults import FIND, Scene, is_answer, scene
from tests.gateway.supervisor.processes import until

VERIFY = "/v1/emails/verify"
# Of an hour the end would not be seen.
BRIEF = "import gateway.lookup.tickets as t\nt.LIFE = {seconds}\n"
LIFE = 3
ASKED, BESIDE = 3, 5
STARTS = ("/add-names-to-find-emails", "/add-emails-to-verification", "/find-email-async")
FINISHED = ("completed", "failed", "cancelled")
# Of a call that is paid for whatever comes of it, it is known what it cost. What Hunter's verifier
# would have said is read once more when the books are compared.
ENDED = {"snov": "failed", "hunter": "in_doubt", "sixtyfour": "in_doubt"}


@dataclass(frozen=True)
class Case:
    """Who never finishes, and who is asked after it, and beside it."""

    path: str
    stuck: str
    healthy: str

    def __str__(self) -> str:
        return f"{self.stuck} {self.path}"

    @property
    def tasks(self) -> int:
        """One for each lookup; Hunter's verifier is asked the same again, counted once."""
        return 0 if self.stuck == "hunter" else ASKED + 1


CASES = (
    Case(FIND, "snov", "hunter"),
    Case(FIND, "sixtyfour", "hunter"),
    Case(VERIFY, "hunter", "snov"),
)


async def ask(site: Scene, number: int, case: Case, *providers: str) -> Heard:
    """Nobody else asks about the same person; some Snov.io knows without a task."""
    person = next(one for one in site.people if not one["known"]["snov"]["prompt"])
    named = {"full_name": person["full_name"], "domain": person["company"]["domain"]}
    asked = named if case.path == FIND else {"email": person["email"]}
    routing = {"providers": providers, "order": "listed", "max_age": 0}
    body = {**asked, "routing": routing}
    return await site.made.post(number, case.path, body, prefer="wait=1")


async def ended(site: Scene, heard: Heard) -> Any:
    """What has become of the lookup that went on as a job."""
    assert heard.status == 202, heard.body
    job: dict[str, Any] = {}

    async def is_finished() -> bool:
        reply = await site.made.gateways[0].client.get(f"/v1/jobs/{heard.body['data']['id']}")
        job.update(reply.json()["data"])
        return job["status"] in FINISHED

    await until(is_finished, LIFE + 20, "a lookup that nobody answers is given up")
    return job


async def check(site: Scene, case: Case) -> None:
    before = await started(site, case.stuck)
    await site.switch(case.stuck, "never_ready", {})
    through = [ask(site, number, case, case.stuck, case.healthy) for number in range(ASKED)]
    beside = [ask(site, number, case, case.healthy) for number in range(BESIDE)]
    heard = await asyncio.gather(ask(site, 0, case, case.stuck), *through, *beside)
    for one in heard[-BESIDE:]:
        assert is_answer(one), f"{case}: {one.body}"
    hopeless, *others = await asyncio.gather(*(ended(site, one) for one in heard[:-BESIDE]))
    begun = await started(site, case.stuck) - before
    assert begun == case.tasks, f"{begun} tasks begun, not {case.tasks}: {case}"
    check_failure(case, hopeless)
    for job in others:
        check_answer(case, job)
    await site.recover()


def check_failure(case: Case, job: Any) -> None:
    assert job["status"] == "failed", job
    result = job["result"]
    assert (result["status"], result["code"]) == (502, "all_providers_failed"), result
    assert attempts(result["attempts"]) == [(case.stuck, *ending(case))], result["attempts"]


def check_answer(case: Case, job: Any) -> None:
    assert job["status"] == "completed", job
    meta = job["result"]["meta"]
    assert meta["outcome"] == "accepted", meta
    assert attempts(meta["attempts"]) == [
        (case.stuck, *ending(case)),
        (case.healthy, "accepted", None),
    ], case


def ending(case: Case) -> tuple[str, str]:
    return ENDED[case.stuck], "timed_out"


def attempts(told: Any) -> list[tuple[str, str, str | None]]:
    return [(one["provider"], one["outcome"], one.get("reason")) for one in told]


async def started(site: Scene, provider: str) -> int:
    """How many tasks it was asked to begin."""
    counts = (await site.control(provider).get("/requests", provider=provider))["counts"]
    return sum(n for route, n in counts.get(provider, {}).items() if route.endswith(STARTS))


async def bought_twice(site: Scene) -> list[str]:
    rows: list[Any] = []
    for provider in ("hunter", "snov", "sixtyfour"):
        rows += (await site.control(provider).bill(provider))["rows"]
    assert rows
    bought = Counter((row["provider"], row["operation"], row["what"]) for row in rows)
    return [str(what) for what, times in bought.items() if times > 1]


async def test_tasks_that_never_end_are_bought_once_and_given_up_in_time(
    tmp_path: Path, campaign: Campaign
) -> None:
    rounds = campaign.size(short=1, full=10)
    async with scene(tmp_path, BRIEF.format(seconds=LIFE), people=6000) as site:
        for _ in range(rounds):
            for case in CASES:
                await check(site, case)
        assert not await bought_twice(site)
    campaign.tell(f"{rounds * len(CASES)} cells of tasks that never end: each bought once")


# Work that did not end in time is ordered again.
INSISTENT = """
import gateway.lookup.calls as c
collect = c.Dialler._collect
async def insistently(self, call, kept):
    called = await collect(self, call, kept)
    if called.error is None or hasattr(call, "again"):
        return called
    call.again = True
    return await self._buy(call, True)
c.Dialler._collect = insistently
"""


async def test_work_ordered_again_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, BRIEF.format(seconds=LIFE) + INSISTENT, people=1000) as site:
        with pytest.raises(AssertionError, match="tasks begun"):
            await check(site, CASES[0])
