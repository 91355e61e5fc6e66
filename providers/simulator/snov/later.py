"""How Snov.io's version 2 works: start a task, then ask for its result, or be sent it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from providers.simulator.dialect import Call, Section
from providers.simulator.population import Company, Person
from providers.simulator.snov.book import digest
from providers.simulator.snov.replies import lost, wrong
from providers.simulator.spelling import is_domain, to_domain
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, Request, reply

WAITING = "in progress"
SERIAL = 8


class LaterSection(Section):
    """Assumed: what is sent to a `webhook_url` is what the result would have answered."""

    def begin(self, call: Call, result: Any, show: Callable[[Task], Fields]) -> Task:
        task = self.tasks.start(call.account, result, stuck=call.stuck)
        if url := call.request.text("webhook_url"):
            deliveries = self.stage.deliveries
            deliveries.follow(
                self.tasks, task, lambda: deliveries.send(url, msgspec.json.encode(show(task)))
            )
        return task

    def find(self, call: Call, hash_: str) -> Task:
        task = self.tasks.get(call.account, hash_)
        if task is None:
            raise lost()
        return task

    def is_done(self, call: Call, task: Task) -> bool:
        return not call.stuck and self.tasks.poll(task)

    def answer(self, call: Call, show: Callable[[Task], Fields]) -> Reply:
        """The result, or that there is none yet; the hash is in the path."""
        task = self.find(call, call.request.segments["task_hash"])
        if self.is_done(call, task):
            return reply(200, show(task))
        meta = {"task_hash": task.id}
        return reply(200, {"data": [], "meta": meta, "links": [], "status": WAITING})

    def charge_once(self, call: Call, operation: str, what: str) -> None:
        """The same request is charged a single time."""
        if not self.stage.bill.has(self.name, call.account.name, operation, what):
            self.charge(call, operation, what, meter="credits")

    def people_of(self, company: Company) -> list[Person]:
        """Those whose address Snov.io has."""
        world = self.world
        return [p for p in world.staff(company) if world.known("snov", p) and not p.claimed]

    def addresses_of(self, company: Company) -> list[str]:
        known = (self.world.known("snov", person) for person in self.people_of(company))
        return [k.email for k in known if k is not None] + generic_of(company)


def generic_of(company: Company) -> list[str]:
    return [f"{role}@{company.domain}" for role in company.roles]


def domain_of(request: Request) -> str:
    domain = to_domain(request.text("domain"))
    if not is_domain(domain):
        raise wrong("The domain field is required")
    return domain


def seal(kind: str, number: int) -> str:
    """An opaque hash that carries a number."""
    return f"{digest(f'{kind}:{number}')[:94]}{number:0{SERIAL}x}"


def unseal(kind: str, hash_: str) -> int | None:
    try:
        number = int(hash_[-SERIAL:], 16)
    except ValueError:
        return None
    return number if seal(kind, number) == hash_ else None
