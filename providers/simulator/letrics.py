"""Letrics' contacts and companies; what its one page leaves open is chosen here and said so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from providers.simulator.accounts import Account
from providers.simulator.dialect import (
    Call,
    Dialect,
    Handlers,
    Presented,
    Refused,
    Section,
    as_number,
    bearer,
)
from providers.simulator.population import Company, Person
from providers.simulator.searches import SearchCache
from providers.simulator.wire import Fields, Reply, Request, reply

REFUSALS: dict[int, tuple[str, str]] = {
    401: ("unauthorized", "The API key is missing or invalid."),
    402: ("out_of_credits", "You have no credits left."),
    404: ("not_found", "The requested resource does not exist."),
    429: ("rate_limited", "Too many requests."),
}
MOST = 100

CompanyTest = Callable[[Company, str], bool]
PersonTest = Callable[[Person, str], bool]


def complain(status: int, identifier: str, details: str) -> Reply:
    return reply(status, {"errors": [{"id": identifier, "code": status, "details": details}]})


class Searches(Section):
    """Assumed: POST with JSON, the members of `meta`, the names of all fields of a row."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        world = self.world
        self._people = [p for p in world.people if world.known(self.name, p) is not None]
        self._employers = [c for c in world.companies if world.staff(c)]
        self._found = SearchCache()

    def handlers(self) -> Handlers:
        return {
            f"{method} {path}": handler
            for path, handler in (("/contacts", self._contacts), ("/companies", self._companies))
            for method in ("POST", "GET")
        }

    def _contacts(self, call: Call) -> Reply:
        people = self._search(call.request, self._find_people)
        return _page(call.request, people, self._to_contact)

    def _companies(self, call: Call) -> Reply:
        companies = self._search(call.request, self._find_companies)
        return _page(call.request, companies, _to_company)

    def _search(self, request: Request, find: Callable[[Request], list[Any]]) -> list[Any]:
        filters = {n: v for n, v in request.fields.items() if n not in {"page", "per_page"}}
        return self._found.rows(request.path, filters, lambda: find(request))

    def _find_people(self, request: Request) -> list[Person]:
        keep = _company_filter(request)
        employers = {c.domain for c in self._employers if keep(c)}
        people = [p for p in self._people if p.company.domain in employers]
        for name, test in PERSON_TESTS.items():
            people = _narrow(people, request, name, test)
        for name, holds in FLAGS.items():
            if _flag(request, name):
                people = [p for p in people if holds(self, p)]
        return people

    def _find_companies(self, request: Request) -> list[Company]:
        keep = _company_filter(request)
        return [company for company in self._employers if keep(company)]

    def knows_personal(self, person: Person) -> bool:
        known = self.world.known(self.name, person)
        return known is not None and known.personal

    def _to_contact(self, person: Person) -> Fields:
        known = self.world.known(self.name, person)
        private = [person.personal_email] if self.knows_personal(person) else []
        return {
            "id": person.id + 1,
            "name": person.full_name,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "title": person.job_title,
            "department": person.department,
            "seniority": person.seniority,
            "is_decision_maker": person.seniority == "executive",
            "emails": [known.email] if known is not None else [],
            "personal_emails": private,
            "linkedin": person.linkedin_url,
            "company": _to_company(person.company),
        }


class Letrics(Dialect):
    name: ClassVar[str] = "letrics"
    prefix: ClassVar[str] = "/letrics/api/v1"
    sections: ClassVar[tuple[type[Section], ...]] = (Searches,)

    def credential(self, request: Request) -> Presented | None:
        key = bearer(request.header(b"authorization"))
        return Presented(key, "header:authorization") if key else None

    def refuse(self, status: int, request: Request) -> Reply:
        identifier, details = REFUSALS.get(status, ("server_error", "Something went wrong."))
        return complain(status, identifier, details)

    def refuse_credits(self, account: Account) -> Reply:
        return complain(402, *REFUSALS[402])

    def refuse_unreadable(self, request: Request) -> Reply:
        return complain(400, "invalid_input", "The body is not JSON.")


def _to_company(company: Company) -> Fields:
    return {
        "id": company.id + 1,
        "name": company.name,
        "domain": company.domain,
        "industry": company.industry,
        "functions": [company.function],
        "headcount": company.band,
        "founded_year": company.founded,
        "location": {
            "city": company.city,
            "state": company.state or None,
            "country": company.country,
        },
        "technologies": list(company.technologies),
        "linkedin": company.linkedin_url,
        "phone": company.phone,
        "created_at": company.added_at,
    }


def _same(mine: str, wanted: str) -> bool:
    return mine.casefold() == wanted.casefold()


def _is_there(company: Company, wanted: str) -> bool:
    """`city:A||B||C`, `state:B||C`, `country:C`; an empty part matches anything."""
    scope, colon, rest = wanted.partition(":")
    places = {
        "city": (company.city, company.state, company.country),
        "state": (company.state, company.country),
        "country": (company.country,),
    }
    parts = rest.split("||")
    if not colon or scope not in places or len(parts) != len(places[scope]):
        raise Refused(complain(400, "invalid_input", "A location has the wrong form."))
    return all(
        not part or _same(mine, part) for mine, part in zip(places[scope], parts, strict=True)
    )


PERSON_TESTS: dict[str, PersonTest] = {
    "job_titles": lambda person, wanted: wanted.casefold() in person.job_title.casefold(),
    "departments": lambda person, wanted: _same(person.department, wanted),
    "seniorities": lambda person, wanted: _same(person.seniority, wanted),
}
COMPANY_TESTS: dict[str, CompanyTest] = {
    "locations": _is_there,
    "functions": lambda company, wanted: _same(company.function, wanted),
    "industries": lambda company, wanted: _same(company.industry, wanted),
    "tlds": lambda company, wanted: company.domain.endswith("." + wanted.lower().lstrip(".")),
    "technologies": lambda company, wanted: wanted.lower() in company.technologies,
}
# Both editions' names of the first flag.
FLAGS: dict[str, Callable[[Searches, Person], bool]] = {
    "has_personal_emails": Searches.knows_personal,
    "has_personal_email": Searches.knows_personal,
    "has_linkedin_profile": lambda _, person: person.linkedin_url is not None,
    "is_decision_maker": lambda _, person: person.seniority == "executive",
}
# Of the newer edition, for contacts as well.
COMPANY_FLAGS: dict[str, Callable[[Company], bool]] = {
    "company_has_generic_email": lambda company: bool(company.roles),
    "company_has_linkedin_profile": lambda company: company.linkedin_url is not None,
}


def _company_filter(request: Request) -> Callable[[Company], bool]:
    wanted = {name: _texts(request, name) for name in COMPANY_TESTS}
    unwanted = {name: _texts(request, f"exclude_{name}") for name in COMPANY_TESTS}
    after, before = _moment(request, "added_after"), _moment(request, "added_before")
    flags = [holds for name, holds in COMPANY_FLAGS.items() if _flag(request, name)]

    def keep(company: Company) -> bool:
        if after is not None and _parse(company.added_at) < after:
            return False
        if before is not None and _parse(company.added_at) > before:
            return False
        return all(holds(company) for holds in flags) and all(
            (not wanted[name] or any(test(company, word) for word in wanted[name]))
            and not any(test(company, word) for word in unwanted[name])
            for name, test in COMPANY_TESTS.items()
        )

    return keep


def _narrow(people: list[Person], request: Request, name: str, test: PersonTest) -> list[Person]:
    wanted, unwanted = _texts(request, name), _texts(request, f"exclude_{name}")
    return [
        person
        for person in people
        if (not wanted or any(test(person, word) for word in wanted))
        and not any(test(person, word) for word in unwanted)
    ]


def _page(request: Request, rows: list[Any], to_row: Callable[[Any], Fields]) -> Reply:
    page = as_number(request.fields.get("page"), 1)
    size = as_number(request.fields.get("per_page"), 25)
    if page is None or page < 1 or size is None or not 1 <= size <= MOST:
        raise Refused(complain(400, "invalid_input", "page or per_page is out of range."))
    shown = rows[(page - 1) * size : page * size]
    meta = {
        "page": page,
        "per_page": size,
        "total": len(rows),
        "total_pages": -(-len(rows) // size),
    }
    return reply(200, {"data": [to_row(row) for row in shown], "meta": meta})


def _texts(request: Request, name: str) -> list[str]:
    value = request.fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Refused(complain(400, "invalid_input", f"{name} must be an array of strings."))
    return value


def _flag(request: Request, name: str) -> bool:
    """Only true is described; false filters nothing."""
    value = request.fields.get(name)
    if value not in (None, True, False, "true", "false"):
        raise Refused(complain(400, "invalid_input", f"{name} must be a boolean."))
    return value in (True, "true")


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment(request: Request, name: str) -> datetime | None:
    text = request.text(name)
    if not text:
        return None
    try:
        moment = _parse(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(complain(400, "invalid_input", f"{name} must be an ISO 8601 UTC time."))
    return moment
