"""Snov.io's pairs of version 2: up to ten at a time, the hash in `data` and in the query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from providers.simulator.dialect import Call, Handlers
from providers.simulator.population import Person
from providers.simulator.snov.later import LaterSection
from providers.simulator.snov.queues import smtp_status
from providers.simulator.snov.replies import wrong
from providers.simulator.spelling import fold, is_address, is_domain, to_domain
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, reply

MOST = 10


class Batch(NamedTuple):
    """What was asked, as `meta` repeats it, and what was found for each."""

    meta: Fields
    items: list[Fields]
    status: str = "completed"


class TaskPairs(LaterSection):
    def handlers(self) -> Handlers:
        starts = {
            "emails-by-domain-by-name": self._names,
            "email-verification": self._addresses,
            "company-domain-by-name": self._companies,
            "li-profiles-by-urls": self._profiles,
        }
        handlers: dict[str, Callable[[Call], Reply]] = {}
        for family, batch in starts.items():
            handlers[f"POST /v2/{family}/start"] = self._starter(batch)
            handlers[f"GET /v2/{family}/result"] = self._result
        return handlers

    def _starter(self, batch: Callable[[Call], Batch]) -> Callable[[Call], Reply]:
        def start(call: Call) -> Reply:
            found = batch(call)
            task = self.begin(call, found, _shown)
            return reply(200, {"data": {"task_hash": task.id}, "meta": found.meta})

        return start

    def _result(self, call: Call) -> Reply:
        task = self.find(call, call.request.text("task_hash"))
        if self.is_done(call, task):
            return reply(200, _shown(task))
        meta = {**task.result.meta, "task_hash": task.id}
        return reply(200, {"status": "in_progress", "data": [], "meta": meta})

    def _names(self, call: Call) -> Batch:
        rows = call.request.fields.get("rows")
        if not isinstance(rows, list) or not rows or len(rows) > MOST:
            raise wrong("The rows field must have 1 to 10 items")
        if not all(_is_row(row) for row in rows):
            raise wrong("Every row needs a first_name, a last_name and a domain")
        if call.account.left(self.stage.bill, "credits") < len(rows):
            return Batch({"rows": rows}, [], "not_enough_credits")
        for row in rows:
            what = f"{fold(_name(row))}@{to_domain(row['domain'])}"
            self.charge(call, "emails-by-domain-by-name", what, meter="credits")
        items = [{"people": _name(row), "result": self._found(row)} for row in rows]
        return Batch({"rows": rows}, items)

    def _addresses(self, call: Call) -> Batch:
        addresses = call.request.texts("emails")
        if not 0 < len(addresses) <= MOST or not all(is_address(a) for a in addresses):
            raise wrong("The emails field must have 1 to 10 addresses")
        for address in addresses:
            self.charge(call, "email-verification", address.casefold(), meter="credits")
        items = [{"email": a, "result": self._verified(a.casefold())} for a in addresses]
        return Batch({"emails": addresses}, items)

    def _companies(self, call: Call) -> Batch:
        """Assumed: a company that is not found has PHP's empty object, an array."""
        wanted = self._wanted(call, "names")
        items: list[Fields] = []
        for name in wanted:
            company = self.world.company(name=name)
            if company is not None:
                self.charge(call, "company-domain-by-name", company.domain, meter="credits")
            items.append({"name": name, "result": {"domain": company.domain} if company else []})
        return Batch({"names": wanted}, items)

    def _profiles(self, call: Call) -> Batch:
        """A profile that is not found is an empty array."""
        wanted = self._wanted(call, "urls")
        items: list[Fields] = []
        for url in wanted:
            person = self.world.person(linkedin_url=url)
            if person is None or person.claimed or self.world.known("snov", person) is None:
                items.append({"url": url, "result": []})
                continue
            self.charge(call, "li-profiles-by-urls", person.linkedin_url or url, meter="credits")
            items.append({"url": url, "result": _to_profile(person)})
        return Batch({"urls": wanted}, items)

    def _wanted(self, call: Call, name: str) -> list[str]:
        wanted = call.request.texts(name)
        if not 0 < len(wanted) <= MOST:
            raise wrong(f"The {name} field must have 1 to 10 items")
        return wanted

    def _found(self, row: Fields) -> list[Fields]:
        person = self.world.person(_name(row), row["domain"])
        known = self.world.known("snov", person) if person is not None else None
        if person is None or known is None or person.claimed:
            return []
        status = "valid" if known.claim == "valid" else "unknown"
        reason = "catchall" if known.claim == "catch_all" else None
        return [{"email": known.email, **self._checks(known.email, status, reason)}]

    def _verified(self, address: str) -> Fields:
        mailbox = self.world.mailbox(address)
        person = self.world.person(email=address)
        if person is not None and person.claimed:
            return self._checks(address, "unknown", "hidden_by_owner")
        reason = {"catch_all": "catchall", "unknown": "banned"}.get(mailbox)
        return self._checks(address, smtp_status(mailbox), reason)

    def _checks(self, address: str, status: str, reason: str | None) -> Fields:
        domain = address.rpartition("@")[2]
        return {
            "smtp_status": status,
            "is_valid_format": True,
            "is_disposable": self.world.is_disposable(domain),
            "is_webmail": self.world.is_webmail(domain),
            "is_gibberish": False,
            "unknown_status_reason": reason,
        }


def _shown(task: Task) -> Fields:
    batch: Batch = task.result
    meta = {**batch.meta, "task_hash": task.id}
    return {"status": batch.status, "data": batch.items, "meta": meta}


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    values = [row.get(name) for name in ("first_name", "last_name", "domain")]
    named = all(isinstance(value, str) and value.strip() for value in values)
    return named and is_domain(to_domain(row["domain"]))


def _name(row: Fields) -> str:
    return f"{row['first_name']} {row['last_name']}"


def _to_profile(person: Person) -> Fields:
    company = person.company
    place = ", ".join(part for part in (company.city, company.state, company.country) if part)
    return {
        "name": person.full_name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "industry": company.industry,
        "location": place,
        "country": company.country,
        "skills": list(company.technologies[:2]),
        "positions": [
            {
                "name": company.name,
                "title": person.job_title,
                "linkedin_url": company.linkedin_url,
                "url": f"https://{company.domain}",
                "industry": company.industry,
                "country": company.country,
                "location": place,
            }
        ],
    }
