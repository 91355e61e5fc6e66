"""What a domain search at Snov.io lists: prospects, addresses, role addresses; and their price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode

from providers.simulator.dialect import Call, Handlers, as_number
from providers.simulator.population import Person
from providers.simulator.snov.later import (
    LaterSection,
    domain_of,
    generic_of,
    seal,
    unseal,
)
from providers.simulator.snov.replies import lost, plain_date, wrong
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, Request, reply

ROOT = "/v2/domain-search"
PROSPECTS_A_PAGE = 20
ADDRESSES_A_PAGE = 50
MOST_POSITIONS = 10
# The name in the path, and the tab that the replies speak of.
TABS = {"domain-emails": "emails", "generic-contacts": "service"}


class Sought(NamedTuple):
    """One page of addresses; `offset` is where it begins."""

    path: str
    domain: str
    offset: int
    given: str


class Page(NamedTuple):
    """One page of prospects."""

    domain: str
    number: int
    positions: list[str]


class Listings(LaterSection):
    def handlers(self) -> Handlers:
        emails = f"{ROOT}/prospects/search-emails"
        handlers: dict[str, Callable[[Call], Reply]] = {
            f"POST {ROOT}/prospects/start": self._start_prospects,
            f"GET {ROOT}/prospects/result/{{task_hash}}": self._prospects,
            f"POST {emails}/start/{{prospect_hash}}": self._start_emails,
            f"GET {emails}/result/{{task_hash}}": lambda call: self.answer(call, to_emails),
            f"GET {ROOT}/domain-emails/result/{{task_hash}}": self._addresses,
            f"GET {ROOT}/generic-contacts/result/{{task_hash}}": self._addresses,
        }
        for path in TABS:
            handlers[f"POST {ROOT}/{path}/start"] = self._starter(path)
        return handlers

    def _start_prospects(self, call: Call) -> Reply:
        request, base = call.request, call.request.base
        page = Page(domain_of(request), _page_number(request), request.texts("positions"))
        if len(page.positions) > MOST_POSITIONS:
            raise wrong("The positions field may not have more than 10 items")
        if self._people(page):
            what = f"{page.domain} page {page.number} {sorted(page.positions)}"
            self.charge_once(call, "domain-search-prospects", what)
        task = self.begin(call, page, lambda task: self._shown_prospects(task, base))
        links = {"result": f"{base}{ROOT}/prospects/result/{task.id}"}
        return reply(200, {"data": [], "meta": _page_meta(page, task), "links": links})

    def _prospects(self, call: Call) -> Reply:
        return self.answer(call, lambda task: self._shown_prospects(task, call.request.base))

    def _people(self, page: Page) -> list[Person]:
        company = self.world.company(page.domain)
        people = self.people_of(company) if company is not None else []
        wanted = [position.casefold() for position in page.positions]
        return [
            p for p in people if not wanted or any(w in p.job_title.casefold() for w in wanted)
        ]

    def _shown_prospects(self, task: Task, base: str) -> Fields:
        page: Page = task.result
        people, start = self._people(page), (page.number - 1) * PROSPECTS_A_PAGE
        shown = people[start : start + PROSPECTS_A_PAGE]
        more = start + PROSPECTS_A_PAGE < len(people)
        query = [("domain", page.domain), ("page", str(page.number + 1))]
        query += [("positions[]", position) for position in page.positions]
        return {
            "data": [_to_prospect(person, base) for person in shown],
            "meta": {**_page_meta(page, task), "total_count": len(people)},
            "links": {"next": f"{base}{ROOT}/prospects/start?{urlencode(query)}" if more else ""},
            "status": "completed",
        }

    def _start_emails(self, call: Call) -> Reply:
        """Assumed: charged at the start, once for a prospect, and only with an address."""
        task = start_reveal(self, call)
        links = {"result": f"{call.request.base}{ROOT}/prospects/search-emails/result/{task.id}"}
        return reply(200, {"data": [], "meta": {"task_hash": task.id}, "links": links})

    def _starter(self, path: str) -> Callable[[Call], Reply]:
        return lambda call: self._start_addresses(call, path)

    def _start_addresses(self, call: Call, path: str) -> Reply:
        request, base = call.request, call.request.base
        domain, given = domain_of(request), request.text("next")
        offset = unseal(f"{path}:{domain}", given) if given else 0
        if offset is None:
            raise wrong("The next field is invalid")
        sought = Sought(path, domain, offset, given)
        if self._all(sought)[offset:]:
            self.charge_once(call, f"domain-search-{path}", f"{domain} from {offset}")
        task = self.begin(call, sought, lambda task: self._shown_addresses(task, base))
        meta = {"domain": domain, "tab": TABS[path], "task_hash": task.id, "next": given}
        links = {"result": f"{base}{ROOT}/{path}/result/{task.id}"}
        return reply(200, {"data": [], "meta": meta, "links": links})

    def _addresses(self, call: Call) -> Reply:
        return self.answer(call, lambda task: self._shown_addresses(task, call.request.base))

    def _all(self, sought: Sought) -> list[str]:
        company = self.world.company(sought.domain)
        if company is None:
            return []
        return generic_of(company) if sought.path in _GENERIC else self.addresses_of(company)

    def _shown_addresses(self, task: Task, base: str) -> Fields:
        sought: Sought = task.result
        path, domain, found = sought.path, sought.domain, self._all(sought)
        end = sought.offset + ADDRESSES_A_PAGE
        after = seal(f"{path}:{domain}", end) if end < len(found) else ""
        link = f"{base}{ROOT}/{path}/start?domain={quote(domain)}&next={after}" if after else ""
        meta = {
            "domain": domain,
            "tab": TABS[path],
            "task_hash": task.id,
            "next": after,
            "total_count": len(found),
        }
        return {
            "data": [{"email": address} for address in found[sought.offset : end]],
            "meta": meta,
            "links": {"next": link},
            "status": "completed",
        }


_GENERIC = {"generic-contacts"}


def _page_number(request: Request) -> int:
    number = as_number(request.fields.get("page"), 1)
    if number is None or number < 1:
        raise wrong("The page field must be at least 1")
    return number


def _page_meta(page: Page, task: Task) -> Fields:
    return {
        "domain": page.domain,
        "tab": "prospects",
        "task_hash": task.id,
        "page": page.number,
        "positions": page.positions,
    }


def reveal_url(base: str, root: str, person: Person) -> str:
    """The full URL of a POST that searches a prospect's address."""
    return f"{base}{root}/prospects/search-emails/start/{seal('prospect', person.id)}"


def _to_prospect(person: Person, base: str) -> Fields:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "position": person.job_title,
        "source_page": person.linkedin_url or "",
        "search_emails_start": reveal_url(base, ROOT, person),
    }


def start_reveal(section: LaterSection, call: Call) -> Task:
    """Search the address of the prospect in the path; an unknown one is a 404."""
    number = unseal("prospect", call.request.segments["prospect_hash"])
    if number is None or number >= len(section.world.people):
        raise lost()
    person = section.world.people[number]
    known = section.world.known("snov", person)
    email = known.email if known is not None and not person.claimed else None
    if known is not None and email is not None:
        section.charge_once(call, "prospect-emails", email)
    found = [{"email": email, "smtp_status": "valid" if known.claim == "valid" else "unknown"}
             ] if known is not None and email else []  # fmt: skip
    return section.begin(call, (person, found, datetime.now(UTC)), to_emails)


def to_emails(task: Task) -> Fields:
    """`links` is an array here."""
    _, found, at = task.result
    data = {"searching_date": plain_date(at), "emails": found}
    return {"data": data, "meta": {"task_hash": task.id}, "links": [], "status": "completed"}
