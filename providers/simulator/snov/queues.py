"""Snov.io's version 1 queues: a free read that starts nothing, and a paid push that does."""

from __future__ import annotations

from providers.simulator.dialect import Call, Handler, Handlers, Section
from providers.simulator.knowledge import Known
from providers.simulator.population import Person
from providers.simulator.snov.replies import refuse_query
from providers.simulator.spelling import fold, is_address, is_domain, to_domain
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, Request, reply

MOST_ADDRESSES = 10
ADD_NAMES = "add-names-to-find-emails"
ADD_ADDRESSES = "add-emails-to-verification"
NAME_STATES = {
    "complete": "Emails search is completed",
    "in_progress": "Emails search is in progress",
    "not_found": "Emails were not found",
}
ADDRESS_STATES = {
    "complete": "Email verification is completed",
    "in_progress": "Email verification is in progress",
    "not_verified": "Email is not verified",
}

# The only sign of the hourly limit is this text; assumed: its status.
CONGESTED = "There are too many prospects processing. Please try later"


class Queues(Section):
    def handlers(self) -> Handlers:
        handlers = {
            "POST /v1/get-emails-from-names": self._read_name,
            "POST /v1/add-names-to-find-emails": self._add_name,
            "POST /v1/get-emails-verification-status": self._read_addresses,
            "POST /v1/add-emails-to-verification": self._add_addresses,
        }
        return {name: _within_the_hour(handler) for name, handler in handlers.items()}

    def _read_name(self, call: Call) -> Reply:
        request = call.request
        if problem := _check_name(request):
            return problem
        person, known = self._find(request)
        identifier = self._name_state(call, self._subject(request, person), known)
        found = [known] if known is not None and identifier == "complete" else []
        data = {
            **_names(request),
            "emails": [
                {"email": k.email, "emailStatus": "valid" if k.claim == "valid" else "unknown"}
                for k in found
            ],
        }
        status = {"identifier": identifier, "description": NAME_STATES[identifier]}
        body = {
            "success": identifier != "not_found",
            "data": data,
            "params": _names(request),
            "status": status,
        }
        return reply(200, body)

    def _add_name(self, call: Call) -> Reply:
        request = call.request
        if problem := _check_name(request):
            return problem
        person, _ = self._find(request)
        what = self._subject(request, person)
        self.charge(call, ADD_NAMES, what, meter="credits")
        self._push(call, f"names:{call.account.name}:{what}")
        return reply(200, {"success": True, **_names(request), "userId": 1, "sent": True})

    def _read_addresses(self, call: Call) -> Reply:
        addresses = call.request.texts("emails")
        if problem := _check_addresses(addresses):
            return problem
        body: Fields = {"success": True}
        for address in addresses:
            identifier, data = self._address_state(call, address.casefold())
            status = {"identifier": identifier, "description": ADDRESS_STATES[identifier]}
            body[address] = {"status": status, "data": data}
        return reply(200, body)

    def _add_addresses(self, call: Call) -> Reply:
        addresses = call.request.texts("emails")
        if problem := _check_addresses(addresses):
            return problem
        for address in addresses:
            self._push_address(call, address.casefold())
        return reply(200, {"success": True, **{a: {"sent": True} for a in addresses}})

    def _find(self, request: Request) -> tuple[Person | None, Known | None]:
        names = _names(request)
        person = self.world.person(f"{names['firstName']} {names['lastName']}", names["domain"])
        known = self.world.known("snov", person) if person is not None else None
        return person, None if person is not None and person.claimed else known

    def _subject(self, request: Request, person: Person | None) -> str:
        if person is not None:
            return f"{person.full_name.casefold()}@{person.company.domain}"
        names = _names(request)
        return f"{fold(names['firstName'])} {fold(names['lastName'])}@{to_domain(names['domain'])}"

    def _name_state(self, call: Call, what: str, known: Known | None) -> str:
        """A search counts as finished after a restart too: the bill remembers the push."""
        task = self.tasks.get(call.account, f"names:{call.account.name}:{what}")
        ended = "complete" if known is not None else "not_found"
        if known is not None and known.prompt:
            return "complete"
        if task is not None:
            return ended if not call.stuck and self.tasks.poll(task) else "in_progress"
        pushed = self.stage.bill.has("snov", call.account.name, ADD_NAMES, what)
        return ended if pushed else "not_found"

    def _push(self, call: Call, id_: str) -> None:
        if self.tasks.get(call.account, id_) is None:
            self.tasks.start(call.account, None, id_=id_, stuck=call.stuck)

    def _push_address(self, call: Call, address: str) -> None:
        """Greylisted addresses are charged once their mail server has made up its mind."""

        def charge() -> None:
            self.charge(call, ADD_ADDRESSES, address, meter="credits")

        self._push(call, f"address:{call.account.name}:{address}")
        if not self._is_greylisted(address):
            charge()
        elif self._greylisting(call, address) is None:
            seconds = self.stage.latency.profile("snov").greylisting.median
            id_ = f"grey:{call.account.name}:{address}"
            self.tasks.start(
                call.account, None, id_=id_, finish=charge, stuck=call.stuck, extra_seconds=seconds
            )

    def _greylisting(self, call: Call, address: str) -> Task | None:
        return self.tasks.get(call.account, f"grey:{call.account.name}:{address}")

    def _is_greylisted(self, address: str) -> bool:
        company = self.world.company(address.rpartition("@")[2])
        return company is not None and company.smtp == "greylists"

    def _address_state(self, call: Call, address: str) -> tuple[str, Fields | list[Fields]]:
        """PHP's empty object is an empty array."""
        task = self.tasks.get(call.account, f"address:{call.account.name}:{address}")
        pushed = self.stage.bill.has("snov", call.account.name, ADD_ADDRESSES, address)
        if task is None and not pushed and not self._is_prompt(address):
            return "not_verified", []
        if task is not None and (call.stuck or not self.tasks.poll(task)):
            return "in_progress", []
        grey = self._greylisting(call, address)
        waiting = grey is not None and not self.tasks.poll(grey)
        return "complete", self._verdict(address, greylisted=waiting)

    def _is_prompt(self, address: str) -> bool:
        person = self.world.person(email=address)
        known = self.world.known("snov", person) if person is not None else None
        return known is not None and known.prompt and not self._is_greylisted(address)

    def _verdict(self, address: str, *, greylisted: bool) -> Fields:
        mailbox = self.world.mailbox(address)
        domain = address.rpartition("@")[2]
        return {
            "email": address,
            "isValidFormat": True,
            "isDisposable": mailbox == "disposable",
            "isWebmail": self.world.is_webmail(domain),
            "isGibberish": False,
            "smtpStatus": "greylisted" if greylisted else smtp_status(mailbox),
            "isCatchall": mailbox == "catch_all",
            "isGreylist": greylisted,
            "isBannedError": mailbox == "unknown",
            "isConnectionError": False,
        }


def _within_the_hour(handler: Handler) -> Handler:
    def answer(call: Call) -> Reply:
        if call.account.congested:
            return reply(200, {"success": False, "message": CONGESTED})
        return handler(call)

    return answer


def smtp_status(mailbox: str) -> str:
    """The provider's word for what the world knows of an address."""
    return {"valid": "valid", "invalid": "not_valid", "no_domain": "not_valid"}.get(
        mailbox, "unknown"
    )


def _names(request: Request) -> dict[str, str]:
    return {name: request.text(name) for name in ("firstName", "lastName", "domain")}


def _check_name(request: Request) -> Reply | None:
    names = _names(request)
    missing = [f"The {name} field is required" for name, value in names.items() if not value]
    if missing:
        return refuse_query(*missing)
    if not is_domain(to_domain(names["domain"])):
        return refuse_query("The domain field is not a valid domain")
    return None


def _check_addresses(addresses: list[str]) -> Reply | None:
    if not addresses:
        return refuse_query("The emails field is required")
    if len(addresses) > MOST_ADDRESSES:
        return refuse_query(f"The emails field may not have more than {MOST_ADDRESSES} items")
    wrong = [f"{a} is not a valid email" for a in addresses if not is_address(a)]
    return refuse_query(*wrong) if wrong else None
