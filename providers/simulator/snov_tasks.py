"""Snov.io's version 2 finder and verifier: start, then ask for the result by its hash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from providers.simulator.dialect import Call
from providers.simulator.population import Person
from providers.simulator.snov_queues import refuse_query, smtp_status
from providers.simulator.spelling import fold, is_address, is_domain, to_domain
from providers.simulator.stage import Stage
from providers.simulator.wire import Fields, Reply, reply

Charge = Callable[..., None]

MOST_ROWS = 10


class SnovTasks:
    """The hash is in `data` and travels in the query, unlike that of the domain search."""

    def __init__(self, stage: Stage, charge: Charge) -> None:
        self._world = stage.world
        self._tasks = stage.tasks_of("snov")
        self._charge = charge

    def start_names(self, call: Call) -> Reply:
        rows = call.request.fields.get("rows")
        if not isinstance(rows, list) or not rows or len(rows) > MOST_ROWS:
            return refuse_query("The rows field must have 1 to 10 items")
        if not all(_is_row(row) for row in rows):
            return refuse_query("Every row needs a first_name, a last_name and a domain")
        for row in rows:
            what = f"{fold(_name(row))}@{to_domain(row['domain'])}"
            self._charge(call, "emails-by-domain-by-name", what, meter="credits")
        items = [{"people": _name(row), "result": self._found(row)} for row in rows]
        return self._started(call, items, "emails-by-domain-by-name")

    def start_addresses(self, call: Call) -> Reply:
        addresses = call.request.texts("emails")
        if not 0 < len(addresses) <= MOST_ROWS or not all(is_address(a) for a in addresses):
            return refuse_query("The emails field must have 1 to 10 addresses")
        for address in addresses:
            self._charge(call, "email-verification", address.casefold(), meter="credits")
        items = [{"email": a, "result": self._verified(a.casefold())} for a in addresses]
        return self._started(call, items, "email-verification")

    def result(self, call: Call) -> Reply:
        hash_ = call.request.text("task_hash")
        task = self._tasks.get(call.account, hash_)
        if task is None:
            missing = {"code": 404, "title": "Sorry, but url or entity not found", "source": ""}
            return reply(404, {"errors": missing})
        done = not call.stuck and self._tasks.poll(task)
        return reply(
            200,
            {
                "status": "completed" if done else "in_progress",
                "data": task.result if done else [],
                "meta": {"task_hash": hash_},
            },
        )

    def _started(self, call: Call, items: list[Fields], family: str) -> Reply:
        task = self._tasks.start(call.account, items, stuck=call.stuck)
        link = f"{call.request.base}/v2/{family}/result?task_hash={task.id}"
        return reply(200, {"data": {"task_hash": task.id}, "meta": {}, "links": {"result": link}})

    def _found(self, row: Fields) -> list[Fields]:
        person = self._world.person(_name(row), row["domain"])
        known = self._world.known("snov", person) if person is not None else None
        if person is None or known is None or person.claimed:
            return []
        status = "valid" if known.claim == "valid" else "unknown"
        reason = "catchall" if known.claim == "catch_all" else None
        return [{"email": known.email, **self._checks(known.email, status, reason)}]

    def _verified(self, address: str) -> Fields:
        mailbox = self._world.mailbox(address)
        person: Person | None = self._world.person(email=address)
        if person is not None and person.claimed:
            return self._checks(address, "unknown", "hidden_by_owner")
        reason = {"catch_all": "catchall", "unknown": "banned"}.get(mailbox)
        return self._checks(address, smtp_status(mailbox), reason)

    def _checks(self, address: str, status: str, reason: str | None) -> Fields:
        domain = address.rpartition("@")[2]
        return {
            "smtp_status": status,
            "is_valid_format": True,
            "is_disposable": self._world.is_disposable(domain),
            "is_webmail": self._world.is_webmail(domain),
            "is_gibberish": False,
            "unknown_status_reason": reason,
        }


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    names = ("first_name", "last_name", "domain")
    return all(str(row.get(n) or "").strip() for n in names) and is_domain(
        to_domain(row["domain"])
    )


def _name(row: Fields) -> str:
    return f"{row['first_name']} {row['last_name']}"
