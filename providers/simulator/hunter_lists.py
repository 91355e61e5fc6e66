"""Hunter's Domain Search, Email Count and account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from providers.simulator import names
from providers.simulator.dialect import Call, as_number
from providers.simulator.hunter_lookups import Charge, Complain, sources, verification_of
from providers.simulator.knowledge import Known
from providers.simulator.population import Company, Person
from providers.simulator.spelling import is_domain, to_domain
from providers.simulator.stage import Stage
from providers.simulator.wire import Fields, Reply, Request, reply

DEPARTMENTS = tuple(names.TITLES)
TYPES = ("personal", "generic")
REQUIRED = ("full_name", "position", "phone_number")


class Entry(NamedTuple):
    """An address of a company; a role address has no person."""

    fields: Fields
    person: Person | None


class HunterLists:
    def __init__(self, stage: Stage, complain: Complain, charge: Charge) -> None:
        self._stage = stage
        self._world = stage.world
        self._complain = complain
        self._charge = charge
        self._entries: dict[str, list[Entry]] = {}

    def search(self, call: Call) -> Reply:
        request = call.request
        if problem := self._check(request):
            return problem
        limit, offset = (as_number(request.query.get(n), d) for n, d in _PAGE)
        if limit is None or offset is None or not 1 <= limit <= 100 or offset < 0:
            return self._complain(
                400, "pagination_error", "The supplied limit or offset is invalid."
            )
        company = self._target(call)
        chosen = _filter(request, self._known(company)) if company is not None else []
        page = [entry.fields for entry in chosen[offset : offset + limit]]
        if page and company is not None and call.account.name != "test":
            self._charge(call, "domain-search", company.domain, meter="searches")
        data = {**self._describe(request, company), "emails": page, "linked_domains": []}
        meta = {
            "results": len(chosen),
            "limit": limit,
            "offset": offset,
            "params": _params(request),
        }
        return reply(200, {"data": data, "meta": meta})

    def count(self, call: Call) -> Reply:
        request = call.request
        if problem := self._check(request):
            return problem
        company = self._target(call)
        entries = _filter(request, self._known(company)) if company is not None else []
        people = [entry.person for entry in entries if entry.person is not None]
        departments = Counter(person.department for person in people)
        seniorities = Counter(person.seniority for person in people)
        data = {
            "total": len(entries),
            "personal_emails": len(people),
            "generic_emails": len(entries) - len(people),
            "department": {name: departments[name] for name in DEPARTMENTS},
            "seniority": {name: seniorities[name] for name in names.SENIORITIES},
        }
        params = {name: request.text(name) or None for name in ("domain", "company", "type")}
        return reply(200, {"data": data, "meta": {"params": params}})

    def account(self, call: Call) -> Reply:
        meters = {name: self._usage(call, name) for name in ("searches", "verifications")}
        data = {
            "first_name": "Simulated",
            "last_name": "Customer",
            "email": f"{call.account.name}@customer.example",
            "plan_name": "Pro",
            "plan_level": 3,
            "reset_date": "2027-01-01",
            "team_id": 1,
            "calls": {
                "_deprecation_notice": "Sums the searches and the verifications, giving an "
                "unprecise look of the requests available",
                **{k: sum(m[k] for m in meters.values()) for k in ("used", "available")},
            },
            "requests": meters,
        }
        return reply(200, {"data": data})

    def _usage(self, call: Call, meter: str) -> dict[str, int]:
        used = self._stage.bill.used("hunter", call.account.name, meter)
        return {"used": used, "available": call.account.allowance.get(meter, 0)}

    def _check(self, request: Request) -> Reply | None:
        text = request.text
        if not (text("domain") or text("company")):
            return self._complain(400, "wrong_params", "You are missing the domain parameter")
        domain, company = to_domain(text("domain")), text("company")
        if not is_domain(domain) if domain else len(company) < 3:
            return self._complain(400, "wrong_params", "The domain or company is invalid")
        if text("type") and text("type") not in TYPES:
            return self._complain(400, "invalid_type", "The supplied type is invalid.")
        for name, allowed in (("seniority", names.SENIORITIES), ("department", DEPARTMENTS)):
            if not set(request.texts(name)) <= set(allowed):
                return self._complain(400, f"invalid_{name}", f"The supplied {name} is invalid.")
        if not set(request.texts("required_field")) <= set(REQUIRED):
            return self._complain(400, "wrong_params", "The supplied required_field is invalid.")
        return None

    def _target(self, call: Call) -> Company | None:
        if call.account.name == "test":
            return self._world.showcase.company
        domain = call.request.text("domain")
        return self._world.company(domain or None, name=call.request.text("company"))

    def _known(self, company: Company) -> list[Entry]:
        """All addresses that Hunter has of the company, surest first."""
        if company.domain not in self._entries:
            people = [self._personal(person) for person in self._world.staff(company)]
            entries = [entry for entry in people if entry is not None]
            entries += [_generic(company, role) for role in company.roles]
            entries.sort(key=lambda entry: (-entry.fields["confidence"], entry.fields["value"]))
            self._entries[company.domain] = entries
        return self._entries[company.domain]

    def _personal(self, person: Person) -> Entry | None:
        known = self._world.known("hunter", person)
        if known is None or person.claimed:
            return None
        return Entry(_to_entry(person, known), person)

    def _describe(self, request: Request, company: Company | None) -> Fields:
        domain = company.domain if company else to_domain(request.text("domain")) or None
        empty = dict.fromkeys(_UNKNOWN)
        about = _about(company) if company is not None else {}
        return {
            "domain": domain,
            "disposable": self._world.is_disposable(domain or ""),
            "webmail": self._world.is_webmail(domain or ""),
            "accept_all": company.catch_all if company else False,
            **empty,
            "technologies": [],
            **about,
        }


_PAGE = (("limit", 10), ("offset", 0))
_UNKNOWN = (
    "pattern", "organization", "description", "industry", "twitter", "facebook", "linkedin",
    "instagram", "youtube", "country", "state", "city", "postal_code", "street", "headcount",
    "company_type",
)  # fmt: skip


def _about(company: Company) -> Fields:
    return {
        "pattern": company.pattern,
        "organization": company.name,
        "industry": company.industry,
        "linkedin": company.linkedin_url,
        "technologies": list(company.technologies),
        "country": company.country_code,
        "state": company.state or None,
        "city": company.city,
        "headcount": company.band,
        "company_type": "Privately Held",
    }


def _to_entry(person: Person, known: Known) -> Fields:
    return {
        "value": known.email,
        "type": "personal",
        "confidence": known.confidence,
        "sources": sources(known.email, person.company.domain),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "position": person.job_title,
        "seniority": person.seniority,
        "department": person.department,
        "linkedin": person.linkedin_url,
        "twitter": None,
        "phone_number": person.phone if person.id % 3 == 0 else None,
        "verification": verification_of(person, known),
    }


def _generic(company: Company, role: str) -> Entry:
    absent = ("first_name", "last_name", "position", "seniority", "department", "linkedin")
    address = f"{role}@{company.domain}"
    fields = {
        "value": address,
        "type": "generic",
        "confidence": 80 + len(role),
        "sources": sources(address, company.domain),
        **dict.fromkeys((*absent, "twitter", "phone_number")),
        "verification": {"date": None, "status": None},
    }
    return Entry(fields, None)


def _filter(request: Request, entries: list[Entry]) -> list[Entry]:
    tests = [_within(n, request.texts(n)) for n in ("type", "seniority", "department")]
    statuses = request.texts("verification_status")
    titles = [title.casefold() for title in request.texts("job_titles")]
    required = [{"full_name": "last_name"}.get(n, n) for n in request.texts("required_field")]
    return [
        entry
        for entry in entries
        if all(test(entry.fields) for test in tests)
        and (not statuses or entry.fields["verification"]["status"] in statuses)
        and (not titles or _has_title(entry.fields, titles))
        and all(entry.fields[name] is not None for name in required)
    ]


def _within(name: str, wanted: list[str]) -> Callable[[Fields], bool]:
    return lambda fields: not wanted or fields[name] in wanted


def _has_title(fields: Fields, titles: list[str]) -> bool:
    position = (fields["position"] or "").casefold()
    return any(title in position for title in titles)


def _params(request: Request) -> dict[str, Any]:
    names_ = ("domain", "company", "type", "seniority", "department")
    return {name: request.text(name) or None for name in names_}
