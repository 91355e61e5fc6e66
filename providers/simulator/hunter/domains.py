"""Hunter's Domain Search, Email Count and Domain Finder."""

from __future__ import annotations

from collections import Counter
from typing import Any

from providers.simulator import names
from providers.simulator.dialect import Call, Dialect, Handlers, Refused, Section, as_number
from providers.simulator.hunter.entries import (
    DEPARTMENTS,
    REQUIRED,
    TYPES,
    VERIFICATIONS,
    Entries,
    Entry,
    choose,
)
from providers.simulator.hunter.places import is_within, read_places
from providers.simulator.hunter.replies import bounds, refuse, refuse_used_up
from providers.simulator.population import Company
from providers.simulator.spelling import fold, is_domain, to_domain
from providers.simulator.wire import Fields, Reply, Request, reply

PAGE_OF_FREE_PLANS = 10


class Domains(Section):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._entries = Entries(self.world)

    def handlers(self) -> Handlers:
        return {
            "GET /domain-search": self._search,
            "POST /domain-search": self._search,
            "GET /domain-search/found": lambda call: self._search(call, published=True),
            "GET /email-count": self._count,
            "GET /domain-finder": self._find,
        }

    def _search(self, call: Call, *, published: bool = False) -> Reply:
        """A `published` address is one that was seen on the web."""
        request = call.request
        _check(request)
        limit, offset = bounds(request, default=10)
        if call.account.plan == "Free" and limit + offset > PAGE_OF_FREE_PLANS:
            raise refuse(400, "pagination_error", "Upgrade your plan to get more than 10 emails.")
        company = self._target(call)
        chosen = self._chosen(request, company, published=published)
        page = [entry.fields for entry in chosen[offset : offset + limit]]
        if page and company is not None and call.account.name != "test":
            units = -(-len(page) // 10)
            self.charge(call, "domain-search", company.domain, meter="searches", units=units)
        data = {**self._describe(request, company), "emails": page, "linked_domains": []}
        meta = {
            "results": len(chosen),
            "limit": limit,
            "offset": offset,
            "params": _params(request),
        }
        return reply(200, {"data": data, "meta": meta})

    def _chosen(
        self, request: Request, company: Company | None, *, published: bool = False
    ) -> list[Entry]:
        """Locations are those of the company; nothing else is known of where people are."""
        places = request.fields.get("location")
        if places is not None and request.method != "POST":
            raise refuse(400, "wrong_params", "The location filter needs a POST request.")
        where = read_places(places, "location")
        if company is None or not is_within(company, where):
            return []
        chosen = choose(request, self._entries.of(company))
        return [e for e in chosen if e.fields["sources"]] if published else chosen

    def _count(self, call: Call) -> Reply:
        request = call.request
        _check(request)
        entries = self._chosen(request, self._target(call))
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

    def _find(self, call: Call) -> Reply:
        """Free, and yet refused once the searches are used up."""
        request = call.request
        if call.account.left(self.stage.bill, "searches") <= 0:
            raise Refused(refuse_used_up(call.account))
        wanted, limit = fold(request.text("company")), as_number(request.fields.get("limit"), 5)
        perfect = request.flag("perfect_match") or False
        if len(wanted) < 3 or limit is None or not 1 <= limit <= 10:
            raise refuse(400, "wrong_params", "The company is too short or the limit wrong.")
        found = [c for c in self.world.companies if _resembles(c, wanted, perfect=perfect)]
        found.sort(key=lambda company: len(company.name))
        data = [self._suggest(company) for company in found[:limit]]
        params = {"company": request.text("company"), "limit": limit, "perfect_match": perfect}
        return reply(200, {"data": data, "meta": {"results": len(data), "params": params}})

    def _suggest(self, company: Company) -> Fields:
        return {
            "domain": company.domain,
            "company_name": company.name,
            "logo": f"https://logos.hunter.io/{company.domain}",
            "email_count": len(self._entries.of(company)),
        }

    def _target(self, call: Call) -> Company | None:
        if call.account.name == "test":
            return self.world.showcase.company
        domain = call.request.text("domain")
        return self.world.company(domain or None, name=call.request.text("company"))

    def _describe(self, request: Request, company: Company | None) -> Fields:
        domain = company.domain if company else to_domain(request.text("domain")) or None
        about = _about(company) if company is not None else {}
        return {
            "domain": domain,
            "disposable": self.world.is_disposable(domain or ""),
            "webmail": self.world.is_webmail(domain or ""),
            "accept_all": company.catch_all if company else False,
            **dict.fromkeys(_UNKNOWN),
            "technologies": [],
            **about,
        }


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


def _resembles(company: Company, wanted: str, *, perfect: bool) -> bool:
    name = fold(company.name)
    return name == wanted if perfect else wanted in name or name in wanted


def _check(request: Request) -> None:
    text = request.text
    if not (text("domain") or text("company")):
        raise refuse(400, "wrong_params", "You are missing the domain parameter")
    domain, company = to_domain(text("domain")), text("company")
    if not is_domain(domain) if domain else len(company) < 3:
        raise refuse(400, "wrong_params", "The domain or company is invalid")
    if text("type") and text("type") not in TYPES:
        raise refuse(400, "invalid_type", "The supplied type is invalid.")
    for name, allowed in (("seniority", names.SENIORITIES), ("department", DEPARTMENTS)):
        if not set(request.texts(name)) <= set(allowed):
            raise refuse(400, f"invalid_{name}", f"The supplied {name} is invalid.")
    for name, allowed in (("required_field", REQUIRED), ("verification_status", VERIFICATIONS)):
        if not set(request.texts(name)) <= set(allowed):
            raise refuse(400, "wrong_params", f"The supplied {name} is invalid.")


def _params(request: Request) -> dict[str, Any]:
    names_ = ("domain", "company", "type", "seniority", "department")
    return {name: request.text(name) or None for name in names_}
