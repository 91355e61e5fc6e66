"""Sixtyfour's e-mail finder, synchronous and as a task, as its documentation describes it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from providers.simulator.accounts import Account
from providers.simulator.dialect import Call, Dialect, Presented, Refused, Route, bearer
from providers.simulator.knowledge import Known
from providers.simulator.population import Person
from providers.simulator.spelling import to_domain
from providers.simulator.wire import Fields, Reply, Request, reply

CENTS = {"PROFESSIONAL": 5, "PERSONAL": 20}
REFUSALS: dict[int, tuple[str, str]] = {
    401: ("Unauthorized", "Invalid or missing API key"),
    402: ("Payment Required", "Insufficient balance"),
    403: ("Forbidden", "Your plan does not include this endpoint"),
    404: ("Not Found", "The requested resource was not found"),
    429: ("Too Many Requests", "Rate limit of 500 requests per minute exceeded"),
}
STATUSES = {"valid": "OK", "catch_all": "UNKNOWN", "unknown": "RISKY"}


class Search(NamedTuple):
    """What was asked, what it found, and what that costs in cents."""

    lead: Fields
    mode: str
    found: Fields
    cents: int
    what: str


def invalid(field: str, message: str, kind: str) -> Refused:
    detail = [{"loc": ["body", field], "msg": message, "type": kind}]
    return Refused(reply(422, {"detail": detail}))


class Sixtyfour(Dialect):
    name: ClassVar[str] = "sixtyfour"
    prefix: ClassVar[str] = "/sixtyfour"

    def routes(self) -> list[Route]:
        return [
            Route(
                method="POST", path="/find-email", handler=self._find, meter="cents",
                decisive="email", word="email",
            ),
            Route(
                method="POST", path="/find-email-async", handler=self._start, meter="cents",
                decisive="task_id", word="status", delayed=True,
            ),
            Route(
                method="GET", path="/job-status/{task_id}", handler=self._status,
                decisive="status", word="email", delayed=True,
            ),
        ]  # fmt: skip

    def credential(self, request: Request) -> Presented | None:
        if key := request.header(b"x-api-key"):
            return Presented(key, "header:x-api-key")
        if key := request.header(b"authorization"):
            return Presented(bearer(key), "header:authorization")
        return None

    def refuse(self, status: int, request: Request) -> Reply:
        error, message = REFUSALS.get(status, ("Internal Server Error", "Something went wrong"))
        return reply(status, {"error": error, "message": message})

    def refuse_credits(self, account: Account) -> Reply:
        error, message = REFUSALS[402]
        return reply(402, {"error": error, "message": message})

    def refuse_unreadable(self, request: Request) -> Reply:
        detail = [{"loc": ["body", 0], "msg": "JSON decode error", "type": "json_invalid"}]
        return reply(422, {"detail": detail})

    def _find(self, call: Call) -> Reply:
        search = self._search(call.request)
        self._bill(call, search)
        return reply(200, {**search.found, "cost_cents": search.cents})

    def _start(self, call: Call) -> Reply:
        """Charged when the task completes, asked for or not."""
        search = self._search(call.request)
        task = self.tasks.start(
            call.account, search, finish=lambda: self._bill(call, search), stuck=call.stuck
        )
        return reply(200, {"task_id": task.id, "status": "RUNNING"})

    def _status(self, call: Call) -> Reply:
        id_ = call.request.segments["task_id"]
        task = self.tasks.get(call.account, id_)
        if task is None:
            return reply(404, {"detail": "Job not found"})
        if call.stuck or not self.tasks.poll(task):
            return reply(200, {"task_id": id_, "status": "running"})
        search: Search = task.result
        return reply(
            200,
            {
                "task_id": id_,
                "status": "completed",
                "task_type": "find_email",
                "charge_amount": search.cents,
                "result": search.found,
            },
        )

    def _bill(self, call: Call, search: Search) -> None:
        if search.cents:
            operation = f"find-email:{search.mode}"
            self.charge(call, operation, search.what, meter="cents", units=search.cents)

    def _search(self, request: Request) -> Search:
        lead = request.form.get("lead")
        mode = str(request.form.get("mode") or "PROFESSIONAL").upper()
        if lead is None:
            raise invalid("lead", "Field required", "missing")
        if not isinstance(lead, dict):
            raise invalid("lead", "Input should be a valid dictionary", "dict_type")
        if mode not in CENTS:
            raise invalid("mode", "Input should be 'PROFESSIONAL' or 'PERSONAL'", "enum")
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
