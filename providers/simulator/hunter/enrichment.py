"""Hunter's enrichment of persons and companies; a miss is a 404."""

from __future__ import annotations

from uuid import NAMESPACE_DNS, uuid5

from providers.simulator.dialect import Call, Handlers, Section
from providers.simulator.hunter.replies import CLAIMED, lost, refuse
from providers.simulator.knowledge import Known
from providers.simulator.population import Company, Person
from providers.simulator.spelling import is_address, is_domain, to_domain, to_profile
from providers.simulator.wire import Fields, Reply, Request, reply

TIME_ZONES = {
    "US": ("America/New_York", -5), "CA": ("America/Toronto", -5), "BR": ("America/Sao_Paulo", -3),
    "GB": ("Europe/London", 0), "DE": ("Europe/Berlin", 1), "FR": ("Europe/Paris", 1),
    "NL": ("Europe/Amsterdam", 1), "SE": ("Europe/Stockholm", 1), "SG": ("Asia/Singapore", 8),
    "IN": ("Asia/Kolkata", 5),
}  # fmt: skip


class Enrichment(Section):
    """Assumed: one search a hit; which keys `clearbit_format` adds."""

    def handlers(self) -> Handlers:
        return {
            "GET /people/find": self._person,
            "GET /companies/find": self._company,
            "GET /combined/find": self._both,
        }

    def _person(self, call: Call) -> Reply:
        person, known = self._find(call.request, handles=True)
        self.charge(call, "people/find", known.email, meter="searches")
        clearbit = bool(call.request.flag("clearbit_format"))
        data = _to_person(person, known, clearbit=clearbit)
        return reply(200, {"data": data, "meta": _meta(call.request, "email", "linkedin_handle")})

    def _company(self, call: Call) -> Reply:
        request = call.request
        domain = to_domain(request.text("domain"))
        if not is_domain(domain):
            raise refuse(400, "wrong_params", "You are missing the domain parameter")
        company = self.world.company(domain)
        if company is None:
            raise lost("Company")
        self.charge(call, "companies/find", domain, meter="searches")
        data = _to_company(company, clearbit=bool(request.flag("clearbit_format")))
        return reply(200, {"data": data, "meta": _meta(request, "domain")})

    def _both(self, call: Call) -> Reply:
        request = call.request
        person, known = self._find(request, handles=False)
        self.charge(call, "combined/find", known.email, meter="searches")
        clearbit = bool(request.flag("clearbit_format"))
        data = {
            "person": _to_person(person, known, clearbit=clearbit),
            "company": _to_company(person.company, clearbit=clearbit),
        }
        return reply(200, {"data": data, "meta": _meta(request, "email")})

    def _find(self, request: Request, *, handles: bool) -> tuple[Person, Known]:
        """The handle counts if both are given."""
        handle = request.text("linkedin_handle") if handles else ""
        email = request.text("email")
        if not handle and not email:
            raise refuse(400, "wrong_params", "You are missing the email parameter")
        if not handle and not is_address(email):
            raise refuse(400, "invalid_email", "The supplied email is invalid.")
        person = (
            self.world.person(linkedin_url=handle) if handle else self.world.person(email=email)
        )
        if person is not None and person.claimed:
            raise refuse(*CLAIMED)
        known = self.world.known(self.name, person) if person is not None else None
        if person is None or known is None:
            raise lost("Person")
        return person, known


def _meta(request: Request, *names: str) -> Fields:
    return {name: request.text(name) for name in names if request.text(name)}


def _to_person(person: Person, known: Known, *, clearbit: bool) -> Fields:
    company = person.company
    zone, offset = TIME_ZONES[company.country_code]
    more = dict.fromkeys(("bio", "site", "avatar", "gender", "aboutme", "gravatar", "github"))
    return {
        "id": str(uuid5(NAMESPACE_DNS, known.email)),
        "name": {
            "fullName": person.full_name,
            "givenName": person.first_name,
            "familyName": person.last_name,
        },
        "email": known.email,
        "location": _place(company),
        "timeZone": zone,
        "utcOffset": offset,
        "geo": _to_geo(company),
        "employment": _to_employment(person),
        "twitter": {"handle": None},
        "linkedin": {"handle": to_profile(person.linkedin_url) if person.linkedin_url else None},
        "fuzzy": False,
        "emailProvider": company.domain,
        "indexedAt": "2026-08-30",
        "phone": person.phone if person.id % 3 == 0 else None,
        "activeAt": "2026-09-03",
        "inactiveAt": None,
        **(more if clearbit else {}),
    }


def _to_employment(person: Person) -> Fields:
    return {
        "domain": person.company.domain,
        "name": person.company.name,
        "title": person.job_title,
        "role": person.department,
        "subRole": None,
        "seniority": person.seniority,
    }


def _to_geo(company: Company) -> Fields:
    return {
        "city": company.city,
        "state": company.state or None,
        "stateCode": None,
        "country": company.country,
        "countryCode": company.country_code,
        "lat": None,
        "lng": None,
    }


def _place(company: Company) -> str:
    return ", ".join(part for part in (company.city, company.state, company.country) if part)


def _to_company(company: Company, *, clearbit: bool) -> Fields:
    slug = company.linkedin_url.rpartition("/")[2] if company.linkedin_url else None
    metrics: Fields = {"employees": company.band, "trafficRank": "medium"}
    if clearbit:
        metrics |= {"employees": company.headcount, "employeesRange": company.band}
    return {
        "id": str(uuid5(NAMESPACE_DNS, company.domain)),
        "name": company.name,
        "legalName": company.name,
        "domain": company.domain,
        "category": {
            "sector": company.function,
            "industryGroup": company.industry,
            "industry": company.industry,
            "subIndustry": None,
        },
        "tags": [company.function],
        "description": f"{company.name} is at home in {company.city}.",
        "foundedYear": company.founded,
        "location": _place(company),
        "geo": _to_geo(company),
        "phone": company.phone,
        "logo": f"https://logos.hunter.io/{company.domain}",
        "linkedin": {"handle": f"company/{slug}" if slug else None},
        **{network: {"handle": None} for network in ("facebook", "twitter")},
        "type": "private",
        "company_type": "privately held",
        "metrics": metrics,
        "tech": list(company.technologies),
        "fundingRounds": [],
    }
