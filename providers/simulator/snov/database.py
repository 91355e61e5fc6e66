"""Snov.io's database search for prospects and companies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from providers.simulator.dialect import Call, Handlers, as_number
from providers.simulator.population import Company, Person
from providers.simulator.snov.book import Book
from providers.simulator.snov.later import LaterSection
from providers.simulator.snov.listings import reveal_url, start_reveal, to_emails
from providers.simulator.snov.replies import wrong
from providers.simulator.spelling import fold
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, Request, reply

ROOT = "/v2/database-search"
A_PAGE = 50
LEVELS: Mapping[str, str] = {
    "c_level": "executive", "vp_level": "executive", "director_level": "executive",
    "manager_level": "senior", "staff": "junior",
}  # fmt: skip
DEPARTMENTS: Mapping[str, tuple[str, ...]] = {
    "engineering": ("it",), "human_resources": ("hr",), "it_is": ("it",),
    "finance_administration": ("finance", "legal", "management"), "operations": ("operations",),
    "marketing": ("marketing", "communication", "design"), "sales": ("sales",),
    "support": ("support",), "other": ("education", "health", "executive"),
}  # fmt: skip


class Search(NamedTuple):
    """What matches, and the page that is shown of it."""

    rows: list[Any]
    page: int

    @property
    def shown(self) -> list[Any]:
        return self.rows[(self.page - 1) * A_PAGE : self.page * A_PAGE]


class Database(LaterSection):
    """Assumed: a location is an object, or a list of them."""

    def handlers(self) -> Handlers:
        emails = f"{ROOT}/prospects/search-emails"
        return {
            f"POST {ROOT}/prospects/start": self._start_prospects,
            f"GET {ROOT}/prospects/result/{{task_hash}}": self._prospects,
            f"POST {emails}/start/{{prospect_hash}}": self._start_emails,
            f"GET {emails}/result/{{task_hash}}": lambda call: self.answer(call, _to_profile),
            f"POST {ROOT}/companies/start": self._start_companies,
            f"GET {ROOT}/companies/result/{{task_hash}}": self._companies,
        }

    def _start_prospects(self, call: Call) -> Reply:
        filters = _filters(call.request)
        firms = {c.domain for c in self._firms(filters.get("company") or {})}
        wanted = filters.get("prospect") or {}
        people = [
            person
            for person in self.world.people
            if person.company.domain in firms
            and not person.claimed
            and self.world.known("snov", person) is not None
            and _suits(person, wanted)
        ]
        return self._begun(call, Search(people, _page(call.request)), "prospects")

    def _prospects(self, call: Call) -> Reply:
        return self.answer(call, lambda task: self._shown_people(call, task))

    def _shown_people(self, call: Call, task: Task) -> Fields:
        book = self.stage.book(call.account, lambda: Book(self.world))
        search: Search = task.result
        rows = [_to_hidden(person, call.request.base, book) for person in search.shown]
        return _shown(task, "prospects", rows)

    def _start_emails(self, call: Call) -> Reply:
        task = start_reveal(self, call)
        links = {"result": f"{call.request.base}{ROOT}/prospects/search-emails/result/{task.id}"}
        return reply(200, {"data": [], "meta": {"task_hash": task.id}, "links": links})

    def _start_companies(self, call: Call) -> Reply:
        filters = _filters(call.request)
        wanted = filters.get("company") or {}
        firms = self._firms({"locations": filters.get("locations"), **wanted})
        search = Search(firms, _page(call.request))
        if search.shown:
            what = msgspec.json.encode([filters, search.page], order="deterministic").decode()
            self.charge_once(call, "database-search-companies", what)
        return self._begun(call, search, "companies")

    def _companies(self, call: Call) -> Reply:
        return self.answer(
            call, lambda t: _shown(t, "companies", [_to_company(c) for c in t.result.shown])
        )

    def _begun(self, call: Call, search: Search, kind: str) -> Reply:
        def show(task: Task) -> Fields:
            if kind == "prospects":
                return self._shown_people(call, task)
            return _shown(task, kind, [_to_company(company) for company in search.shown])

        task = self.begin(call, search, show)
        meta = {"task_hash": task.id, "page": search.page}
        links = {"result": f"{call.request.base}{ROOT}/{kind}/result/{task.id}"}
        return reply(200, {"data": [], "meta": meta, "links": links})

    def _firms(self, wanted: Fields) -> list[Company]:
        return [company for company in self.world.companies if _is_wanted(company, wanted)]


def _filters(request: Request) -> Fields:
    filters = request.fields.get("filters")
    if not isinstance(filters, dict) or not filters:
        raise wrong("The filters field is required")
    for name in ("prospect", "company"):
        if not isinstance(filters.get(name) or {}, dict):
            raise wrong(f"The filters.{name} field must be an object")
    return filters


def _page(request: Request) -> int:
    page = as_number(request.fields.get("page"), 1)
    if page is None or page < 1:
        raise wrong("The page field must be at least 1")
    return page


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def _passes(wanted: Any, holds: Callable[[Any], bool]) -> bool:
    """Any of the included values and none of the excluded ones."""
    sides = wanted if isinstance(wanted, dict) else {}
    included, excluded = (_listed(sides.get(side)) for side in ("include", "exclude"))
    return (not included or any(map(holds, included))) and not any(map(holds, excluded))


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, dict) and value else _as_list(value or None)


def _is_in(company: Company, place: Any) -> bool:
    wanted = fold(str(place.get("locality") if isinstance(place, dict) else place))
    return wanted in {fold(company.city), fold(company.state), fold(company.country)}


def _is_wanted(company: Company, wanted: Fields) -> bool:
    founded = wanted.get("founded")
    founded = founded if isinstance(founded, dict) else {}
    first, last = (as_number(founded.get(n), d) for n, d in (("from", 0), ("till", 9999)))
    sizes, traits = _as_list(wanted.get("size")), _as_list(wanted.get("specialities"))
    return (
        _passes(wanted.get("name"), lambda name: fold(str(name)) == fold(company.name))
        and _passes(wanted.get("locations"), lambda place: _is_in(company, place))
        and _passes(wanted.get("industries"), lambda i: fold(str(i)) == fold(company.industry))
        and (not sizes or company.band in sizes)
        and (not traits or company.function in traits)
        and (first or 0) <= company.founded <= (last or 9999)
    )


def _suits(person: Person, wanted: Fields) -> bool:
    title = person.job_title.casefold()
    names = (("first_name", person.first_name), ("last_name", person.last_name))
    return (
        _passes(wanted.get("job_titles"), lambda word: str(word).casefold() in title)
        and _passes(
            wanted.get("management_levels"),
            lambda level: LEVELS.get(str(level)) == person.seniority,
        )
        and _passes(
            wanted.get("departments"), lambda n: person.department in DEPARTMENTS.get(str(n), ())
        )
        and _passes(wanted.get("locations"), lambda place: _is_in(person.company, place))
        and _passes(
            wanted.get("skills"), lambda skill: str(skill).lower() in person.company.technologies
        )
        and all(not wanted.get(key) or fold(str(wanted[key])) == fold(name) for key, name in names)
    )


def _shown(task: Task, kind: str, rows: list[Fields]) -> Fields:
    search: Search = task.result
    data = {
        "total": len(search.rows),
        "page": search.page,
        "total_pages": -(-len(search.rows) // A_PAGE),
        kind: rows,
    }
    meta = {"task_hash": task.id, "page": search.page}
    return {"data": data, "meta": meta, "links": [], "status": "completed"}


def _place(company: Company) -> str:
    return ", ".join(part for part in (company.city, company.state, company.country) if part)


def _to_hidden(person: Person, base: str, book: Book) -> Fields:
    """Half of the name and of the profile is masked until the address was paid for."""
    company = person.company
    lists = [p.list_ids[0] for p in book.prospects_of(person.email) if p.list_ids]
    url = person.linkedin_url
    return {
        "first_name": person.first_name,
        "last_name": f"{person.last_name[:2]}***",
        "job_title": person.job_title,
        "location": _place(company),
        "linkedin_url": f"{url.rpartition('/')[0]}/{url.rpartition('/')[2][:2]}******"
        if url
        else None,
        "industry": company.industry,
        **({"list_id": lists[0]} if lists else {}),
        "email_and_hidden_info_reveal": reveal_url(base, ROOT, person),
        "company": {
            "name": company.name,
            "domain": company.domain,
            "location": _place(company),
            "industry": company.industry,
            "size": company.band,
        },
    }


def _to_profile(task: Task) -> Fields:
    person: Person = task.result[0]
    shown = to_emails(task)
    names = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "linkedin_url": person.linkedin_url,
    }
    return {**shown, "data": {**shown["data"], **names}}


def _to_company(company: Company) -> Fields:
    low = company.headcount * 100_000
    return {
        "name": company.name,
        "domain": company.domain,
        "location": _place(company),
        "industry": company.industry,
        "size": company.band,
        "revenue": {"min": low, "max": 2 * low, "reported": 0},
        "logo_url": None,
    }
