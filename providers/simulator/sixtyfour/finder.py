"""Sixtyfour's finder: one lead or a hundred, at once or as a task that reports back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from providers.simulator.dialect import Call, Handlers, Refused, Section
from providers.simulator.knowledge import Known
from providers.simulator.population import Person
from providers.simulator.sixtyfour.signing import Signing, keyring
from providers.simulator.spelling import to_domain
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, Request, reply

CENTS = {"PROFESSIONAL": 5, "PERSONAL": 20}
STATUSES = {"valid": "OK", "catch_all": "UNKNOWN", "unknown": "RISKY"}
MOST_LEADS = 100
LONGEST_URL = 2083


class Search(NamedTuple):
    """What was asked, what it found, and what that costs in cents."""

    lead: Fields
    mode: str
    found: Fields
    cents: int
    what: str


class Job(NamedTuple):
    """`kind` is the type of the task; a batch has a list of results."""

    kind: str
    searches: list[Search]

    @property
    def result(self) -> Any:
        results = [search.found for search in self.searches]
        return results if self.kind.endswith("_bulk") else results[0]

    @property
    def cents(self) -> int:
        return sum(search.cents for search in self.searches)


def invalid(field: str, message: str, kind: str) -> Refused:
    detail = [{"loc": ["body", field], "msg": message, "type": kind}]
    return Refused(reply(422, {"detail": detail}))


class Finder(Section):
    def handlers(self) -> Handlers:
        return {
            "POST /find-email": self._find,
            "POST /find-email-async": lambda call: self._start(call, self._one),
            "POST /find-email-bulk": self._find_many,
            "POST /find-email-bulk-async": lambda call: self._start(call, self._many),
            "GET /job-status/{task_id}": self._status,
        }

    def _find(self, call: Call) -> Reply:
        search = self._one(call.request).searches[0]
        self._bill(call, [search])
        return reply(200, {**search.found, "cost_cents": search.cents})

    def _find_many(self, call: Call) -> Reply:
        """An array."""
        searches = self._many(call.request).searches
        self._bill(call, searches)
        return reply(200, [{**search.found, "cost_cents": search.cents} for search in searches])

    def _start(self, call: Call, read: Callable[[Request], Job]) -> Reply:
        """Charged when the task completes, asked for or not."""
        job, url = read(call.request), _webhook(call.request)
        task = self.tasks.start(
            call.account, job, finish=lambda: self._bill(call, job.searches), stuck=call.stuck
        )
        if url:
            self._report(call, task, url)
        return reply(200, {"task_id": task.id, "status": "RUNNING"})

    def _report(self, call: Call, task: Task, url: str) -> None:
        """Send the result when there is one; in what is sent the tuples have no third member."""
        job: Job = task.result
        result = _without_types(job.result)
        sent = {
            "task_id": task.id,
            "status": "completed",
            "task_type": job.kind,
            "result": result,
        }
        body, event = msgspec.json.encode(sent), str(uuid4())
        ring, deliveries = keyring(self.stage, call.account), self.stage.deliveries

        def sign(attempt: int) -> dict[str, str]:
            return Signing.headers(ring, event, job.kind, attempt, body)

        deliveries.follow(self.tasks, task, lambda: deliveries.send(url, body, sign))

    def _status(self, call: Call) -> Reply:
        id_ = call.request.segments["task_id"]
        task = self.tasks.get(call.account, id_)
        if task is None:
            return reply(404, {"detail": "Job not found"})
        if call.stuck or not self.tasks.poll(task):
            return reply(200, {"task_id": id_, "status": "running"})
        return reply(200, _completed(task))

    def _bill(self, call: Call, searches: list[Search]) -> None:
        for search in searches:
            operation = f"find-email:{search.mode}"
            self.charge(call, operation, search.what, meter="cents", units=search.cents)

    def _one(self, request: Request) -> Job:
        lead = request.form.get("lead")
        if lead is None:
            raise invalid("lead", "Field required", "missing")
        return Job("find_email", [self._search(request, lead, "lead")])

    def _many(self, request: Request) -> Job:
        leads = request.form.get("leads")
        if leads is None:
            raise invalid("leads", "Field required", "missing")
        if not isinstance(leads, list):
            raise invalid("leads", "Input should be a valid list", "list_type")
        if len(leads) > MOST_LEADS:
            raise invalid("leads", "List should have at most 100 items", "too_long")
        return Job("find_email_bulk", [self._search(request, lead, "leads") for lead in leads])

    def _search(self, request: Request, lead: Any, field: str) -> Search:
        mode = str(request.form.get("mode") or "PROFESSIONAL").upper()
        if not isinstance(lead, dict):
            raise invalid(field, "Input should be a valid dictionary", "dict_type")
        if mode not in CENTS:
            raise invalid("mode", "Input should be 'PROFESSIONAL' or 'PERSONAL'", "enum")
        _check_providers(request.form.get("providers"))
        person = self._person(lead)
        known = self.world.known(self.name, person) if person is not None else None
        what = (
            f"{person.full_name.casefold()}@{person.company.domain}" if person else _subject(lead)
        )
        if lead.get("email"):
            return Search(lead, mode, self._given(lead), 0, what)
        verify = request.form.get("verify_emails") is not False
        found, cents = _answer(lead, mode, known=known, person=person, verify=verify)
        return Search(lead, mode, found, cents, what)

    def _given(self, lead: Fields) -> Fields:
        """An address that came with the lead is returned as it is, for nothing."""
        address = str(lead["email"])
        webmail = self.world.is_webmail(address.rpartition("@")[2])
        mailbox = self.world.mailbox(address)
        status = "OK" if mailbox == "valid" else "UNKNOWN"
        tuple_ = [address, status, "PERSONAL" if webmail else "COMPANY"]
        return {**lead, "email": [tuple_], **({"personal_email": [tuple_]} if webmail else {})}

    def _person(self, lead: Fields) -> Person | None:
        profile = lead.get("linkedin_url") or lead.get("linkedin")
        if profile and (person := self.world.person(linkedin_url=str(profile))):
            return person
        domain = str(lead.get("domain") or lead.get("company_domain") or "")
        company = self.world.company(domain or None, name=str(lead.get("company") or ""))
        return self.world.person(_name(lead), company.domain) if company is not None else None


def _webhook(request: Request) -> str | None:
    url = request.form.get("webhook_url")
    if url is None:
        return None
    sound = isinstance(url, str) and url.startswith(("http://", "https://"))
    if not sound or len(url) > LONGEST_URL:
        raise invalid("webhook_url", "Input should be a valid URL", "url_parsing")
    return str(url)


def _check_providers(value: Any) -> None:
    if value is not None and not (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    ):
        raise invalid("providers", "Input should be a valid list", "list_type")


def _without_types(result: Any) -> Any:
    if isinstance(result, list):
        return [_without_types(found) for found in result]
    cut = {n: [t[:2] for t in result[n]] for n in ("email", "personal_email") if n in result}
    return {**result, **cut}


def _completed(task: Task) -> Fields:
    job: Job = task.result
    return {
        "task_id": task.id,
        "status": "completed",
        "task_type": job.kind,
        "charge_amount": job.cents,
        "result": job.result,
    }


def _name(lead: Fields) -> str:
    name = lead.get("name") or lead.get("full_name")
    return str(name or f"{lead.get('first_name', '')} {lead.get('last_name', '')}").strip()


def _subject(lead: Fields) -> str:
    domain = to_domain(str(lead.get("domain") or lead.get("company") or ""))
    return f"{_name(lead).casefold()}@{domain}"


def _answer(
    lead: Fields, mode: str, *, known: Known | None, person: Person | None, verify: bool
) -> tuple[Fields, int]:
    company = ["", "NOT_FOUND", "COMPANY"]
    if known is not None:
        company = [known.email, STATUSES[known.claim] if verify else "UNKNOWN", "COMPANY"]
    if mode == "PROFESSIONAL":
        return {**lead, "email": [company]}, CENTS[mode] if known is not None else 0
    address = person.personal_email if person and known and known.personal else None
    private = [address, "OK", "PERSONAL"] if address else ["", "NOT_FOUND", "PERSONAL"]
    found = {**lead, "email": [company], "personal_email": [private]}
    return found, CENTS[mode] if address else 0
