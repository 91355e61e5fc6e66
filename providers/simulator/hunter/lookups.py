"""Hunter's Email Finder and Email Verifier."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from providers.simulator.dialect import Call, Dialect, Handlers, Section, as_number
from providers.simulator.hunter.replies import CLAIMED, complain
from providers.simulator.knowledge import Known
from providers.simulator.population import Company, Person
from providers.simulator.spelling import is_address, is_domain, to_domain
from providers.simulator.wire import Fields, Reply, Request, reply

CHARGED_VERDICTS = {"valid", "invalid", "accept_all"}
# Verifications per domain and day that the provider allows.
DOMAIN_CAP = 200


class Lookups(Section):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._seen: set[str] = set()
        self._checked_domains: Counter[str] = Counter()

    def handlers(self) -> Handlers:
        return {
            "GET /email-finder": self._find,
            "GET /email-finder/found": lambda call: self._find(call, published=True),
            "GET /email-verifier": self._verify,
        }

    def _find(self, call: Call, *, published: bool = False) -> Reply:
        """A `published` address is one that was seen on the web."""
        request = call.request
        if call.account.name == "test":
            return self._found(request, self.world.showcase)
        if problem := self._check_finder(request):
            return problem
        person = self._person(request)
        if person is not None and person.claimed:
            return complain(*CLAIMED)
        known = self.world.known("hunter", person) if person is not None else None
        if published and known is not None and not sources(known.email, ""):
            known = None
        if person is None or known is None:
            return reply(200, {"data": self._missed(request), "meta": _finder_meta(request)})
        what = f"{person.full_name.casefold()}@{person.company.domain}"
        self.charge(call, "email-finder", what, meter="searches")
        return self._found(request, person)

    def _check_finder(self, request: Request) -> Reply | None:
        text = request.text
        if not (text("domain") or text("company") or text("linkedin_handle")):
            return complain(400, "wrong_params", "You are missing the domain parameter")
        if text("domain") and not is_domain(to_domain(text("domain"))):
            return complain(400, "invalid_domain", "The domain name is invalid.")
        if not _has_name(request) and not text("linkedin_handle"):
            details = "You are missing the first_name and last_name parameters, or full_name"
            return complain(400, "wrong_params", details)
        for name in ("first_name", "last_name", "full_name"):
            if text(name) and not any(letter.isalpha() for letter in text(name)):
                return complain(400, f"invalid_{name}", f"The supplied {name} is invalid.")
        duration = as_number(request.query.get("max_duration"), 10)
        if duration is None or not 3 <= duration <= 20:
            details = "The supplied max_duration is invalid."
            return complain(400, "invalid_max_duration", details)
        return None

    def _person(self, request: Request) -> Person | None:
        if handle := request.text("linkedin_handle"):
            return self.world.person(linkedin_url=handle)
        company = self._company(request)
        if company is None:
            return None
        return self.world.person(_name(request), company.domain)

    def _company(self, request: Request) -> Company | None:
        domain = request.text("domain")
        return self.world.company(domain or None, name=request.text("company"))

    def _found(self, request: Request, person: Person) -> Reply:
        known = self.world.known("hunter", person)
        assert known is not None
        data = {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": known.email,
            "score": known.confidence,
            "domain": person.company.domain,
            "accept_all": known.claim == "catch_all",
            "position": person.job_title,
            "twitter": None,
            "linkedin_url": person.linkedin_url,
            "phone_number": person.phone if person.id % 3 == 0 else None,
            "company": person.company.name,
            "sources": sources(known.email, person.company.domain),
            "verification": verification_of(person, known),
        }
        return reply(200, {"data": data, "meta": _finder_meta(request)})

    def _missed(self, request: Request) -> Fields:
        company = self._company(request)
        return {
            "first_name": request.text("first_name") or None,
            "last_name": request.text("last_name") or None,
            "email": None,
            "score": None,
            "domain": company.domain if company else to_domain(request.text("domain")) or None,
            "accept_all": None,
            "position": None,
            "twitter": None,
            "linkedin_url": None,
            "phone_number": None,
            "company": company.name if company else None,
            "sources": [],
            "verification": {"date": None, "status": None},
        }

    def _verify(self, call: Call) -> Reply:
        address = call.request.text("email").casefold()
        if call.account.name == "test":
            return self._verdict(call.request, self.world.showcase.email)
        if not address:
            return complain(400, "wrong_params", "You are missing the email parameter")
        if not is_address(address):
            return complain(400, "invalid_email", "The supplied email is invalid.")
        person = self.world.person(email=address)
        if person is not None and person.claimed:
            return complain(*CLAIMED)
        return self._unfinished(call, address) or self._answer(call, address)

    def _unfinished(self, call: Call, address: str) -> Reply | None:
        company = self.world.company(address.rpartition("@")[2])
        known = address in self._seen
        if company is not None and company.smtp == "erratic" and not known:
            self._seen.add(address)
            details = "The verification failed because of an unexpected SMTP reply. Retry later."
            return complain(222, "unexpected_smtp_response", details)
        waiting = {"data": {"email": address}, "meta": {"params": {"email": address}}}
        if call.stuck:
            return reply(202, waiting)
        if known or not self.world.is_slow_to_verify(address):
            return None
        id_ = f"{call.account.name}:{address}"
        task = self.tasks.get(call.account, id_) or self.tasks.start(call.account, None, id_=id_)
        if not self.tasks.poll(task):
            return reply(202, waiting)
        self.tasks.drop(task)
        return None

    def _answer(self, call: Call, address: str) -> Reply:
        self._seen.add(address)
        status = hunter_status(self.world.mailbox(address), webmail=self._is_webmail(address))
        if status in CHARGED_VERDICTS:
            self.charge(call, "email-verifier", address, meter="verifications")
        return self._verdict(call.request, address)

    def _is_webmail(self, address: str) -> bool:
        return self.world.is_webmail(address.rpartition("@")[2])

    def _verdict(self, request: Request, address: str) -> Reply:
        domain = address.rpartition("@")[2]
        mailbox, webmail = self.world.mailbox(address), self._is_webmail(address)
        status = hunter_status(mailbox, webmail=webmail)
        data = {
            "status": status,
            "result": _RESULTS.get(status, "risky"),
            "_deprecation_notice": "Using result is deprecated, use status instead",
            "score": _SCORES[status],
            "email": address,
            "regexp": True,
            "gibberish": False,
            "disposable": mailbox == "disposable",
            "webmail": webmail,
            "mx_records": mailbox != "no_domain",
            "smtp_server": mailbox != "no_domain",
            # A server that lets nobody ask leaves these open.
            "smtp_check": None if mailbox == "unknown" else mailbox in {"valid", "catch_all"},
            "accept_all": None if mailbox == "unknown" else mailbox == "catch_all",
            "block": mailbox == "unknown",
            "sources": sources(address, domain),
        }
        meta = {"params": {"email": request.text("email") or None}}
        self._checked_domains[domain] += 1
        left = str(max(0, DOMAIN_CAP - self._checked_domains[domain])).encode()
        return reply(200, {"data": data, "meta": meta}, (b"x-ratelimit-remaining", left))


_RESULTS = {"valid": "deliverable", "invalid": "undeliverable"}
_SCORES = {
    "valid": 100, "invalid": 0, "accept_all": 70, "webmail": 50, "disposable": 50, "unknown": 30,
}  # fmt: skip


def hunter_status(mailbox: str, *, webmail: bool) -> str:
    """The provider's word for what the world knows of an address."""
    if webmail:
        return "webmail"
    return {"catch_all": "accept_all", "no_domain": "invalid"}.get(mailbox, mailbox)


def verification_of(person: Person, known: Known) -> Fields:
    """What is shown of an earlier verification; of unsure addresses there may be none."""
    if known.claim == "unknown" and person.id % 2:
        return {"date": None, "status": None}
    status = "accept_all" if known.claim == "catch_all" else known.claim
    return {"date": f"2026-{person.id % 9 + 1:02d}-{person.id % 28 + 1:02d}", "status": status}


def sources(address: str, domain: str) -> list[Fields]:
    """None to two pages on which the address was seen, always the same for one address."""
    random = Random(address)
    return [
        {
            "domain": domain,
            "uri": f"http://{domain}/{page}",
            "extracted_on": f"{random.randrange(2018, 2022)}-0{random.randrange(1, 10)}-15",
            "last_seen_on": f"{random.randrange(2022, 2026)}-0{random.randrange(1, 10)}-28",
            "still_on_page": random.random() < 0.7,
        }
        for page in ("about", "team")[: random.randrange(3)]
    ]


def _has_name(request: Request) -> bool:
    return bool(
        request.text("full_name") or (request.text("first_name") and request.text("last_name"))
    )


def _name(request: Request) -> str:
    first, last = request.text("first_name"), request.text("last_name")
    return f"{first} {last}" if first and last else request.text("full_name")


def _finder_meta(request: Request) -> dict[str, Any]:
    names = ("first_name", "last_name", "full_name", "domain", "company", "max_duration")
    return {"params": {name: request.text(name) or None for name in names}}
