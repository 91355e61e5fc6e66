"""A gateway and its simulated providers, who know of each person exactly what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from gateway.store.connection import Store
from providers.simulator.faults import Fault
from providers.simulator.knowledge import Claim, Known
from providers.simulator.latency import Profile, Spread
from providers.simulator.population import Person
from providers.simulator.testing import RunningSimulator
from tests.gateway.conftest import Gateway

HUNTER_FIND, HUNTER_VERIFY = "/email-finder", "/email-verifier"
SNOV_READ, SNOV_PUSH = "/v1/get-emails-from-names", "/v1/add-names-to-find-emails"
SIXTYFOUR_START, SIXTYFOUR_POLL = "/find-email-async", "/job-status/{task_id}"
NOTHING = Decimal(0)
CONFIDENCE = {"valid": 95, "catch_all": 65, "unknown": 45}


@dataclass
class Scene:
    """`gateway` is asked over HTTP; the simulator is set and read by hand."""

    gateway: Gateway
    simulator: RunningSimulator
    store: Store
    _people: Iterator[Person] = field(init=False)

    def __post_init__(self) -> None:
        plain = [
            person
            for person in self.simulator.world.people[1:]
            if person.full_name.isascii()
            and person.has_mailbox
            and person.personal_email
            and not person.claimed
            and not person.company.catch_all
            and person.company.smtp == "plain"
            and "'" not in person.full_name
        ]
        self._people = iter(plain)

    def person(
        self, named: Mapping[str, Claim] | None = None, *, prompt: bool = False, **claims: Claim
    ) -> Person:
        """A new person, known to these providers alone: `person(hunter="valid")`."""
        person, claims = next(self._people), {**(named or {}), **claims}
        self.simulator.world.knowledge[person.id] = {
            provider: Known(
                email=person.email,
                claim=claim,
                confidence=CONFIDENCE[claim],
                stale=False,
                personal=True,
                prompt=prompt,
            )
            for provider, claim in claims.items()
        }
        return person

    def fault(self, provider: str, kind: Any, **options: Any) -> None:
        self.simulator.faults.put(Fault(provider=provider, kind=kind, **options))

    def heal(self) -> None:
        self.simulator.faults.clear()

    async def recover(self) -> None:
        """Heal, and forget what was thought of the providers meanwhile."""
        self.heal()
        for pattern in ("{pgw}:*:breaker:*", "{pgw}:*:permits:*"):
            async for key in self.store.scan(pattern):
                await self.store.call("DEL", key)

    def slow_down(self, provider: str, *, call: float = 0.0, task: float = 0.0) -> None:
        """Seconds that a call takes, and a task until it is done."""
        profile = Profile(Spread(call), Spread(task), Spread())
        self.simulator.app.stage.latency.put(profile, provider)

    def billed(self, provider: str | None = None) -> Decimal:
        """What the providers themselves charged."""
        rows = self.simulator.bill.select(provider)
        return sum((Decimal(row.cost) for row in rows), Decimal(0))

    def charges(self, provider: str | None = None) -> int:
        return len(self.simulator.bill.select(provider))

    def requests(self, path: str) -> int:
        """How often a provider's path was asked."""
        counts = self.simulator.app.traffic.counts
        return sum(count for (_, route), count in counts.items() if route == path)

    async def find(self, person: Person | dict[str, Any], **more: Any) -> httpx.Response:
        """POST /v1/emails/find; `prefer` is a header, `extra` body, the rest routing."""
        headers = {"prefer": more.pop("prefer")} if "prefer" in more else {}
        extra = more.pop("extra", {})
        body = {**(body_of(person) if isinstance(person, Person) else person), **extra}
        if more:
            body["routing"] = more
        return await self.gateway.client.post("/v1/emails/find", json=body, headers=headers)

    async def job(self, reply: httpx.Response, seconds: float = 20) -> dict[str, Any]:
        """The job that a 202 names, once it has finished."""
        assert reply.status_code == 202, reply.text

        async def finished() -> Any:
            found = await self.gateway.client.get(reply.headers["location"])
            data = found.json()["data"]
            return data["finished_at"] and data

        job: dict[str, Any] = await until(finished, seconds)
        return job

    async def charged(self, provider: str | None = None) -> None:
        """Until a provider has charged something."""

        async def has() -> int:
            return self.charges(provider)

        await until(has)


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """What `condition` returns as soon as that is something."""
    async with asyncio.timeout(seconds):
        while True:
            if found := await condition():
                return found
            await asyncio.sleep(0.005)


def body_of(person: Person) -> dict[str, Any]:
    return {"full_name": person.full_name, "domain": person.company.domain}


def attempts(reply: httpx.Response) -> list[tuple[str, str, str | None]]:
    """Provider, outcome and reason of each attempt, of an answer or a problem."""
    body = reply.json()
    found = body["meta"]["attempts"] if "meta" in body else body["attempts"]
    return [(one["provider"], one["outcome"], one.get("reason")) for one in found]


def outcome(reply: httpx.Response) -> str:
    """The outcome of an answer, or the code of a problem."""
    body = reply.json()
    return str(body["meta"]["outcome"] if "meta" in body else body["code"])


def cost(reply: httpx.Response) -> Decimal:
    return Decimal(reply.headers["x-gateway-cost"])
