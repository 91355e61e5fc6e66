"""The addresses that Hunter has of a company, and the filters of its Domain Search."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from providers.simulator import names
from providers.simulator.hunter.lookups import sources, verification_of
from providers.simulator.knowledge import Known
from providers.simulator.population import Company, Person
from providers.simulator.wire import Fields, Request
from providers.simulator.world import World

DEPARTMENTS = tuple(names.TITLES)
TYPES = ("personal", "generic")
REQUIRED = ("full_name", "position", "phone_number")
VERIFICATIONS = ("valid", "accept_all", "unknown")


class Entry(NamedTuple):
    """An address of a company; a role address has no person."""

    fields: Fields
    person: Person | None


class Entries:
    """Put together once for each company."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._entries: dict[str, list[Entry]] = {}

    def of(self, company: Company) -> list[Entry]:
        entries = self._entries.get(company.domain)
        if entries is None:
            people = (self._personal(person) for person in self._world.staff(company))
            entries = [entry for entry in people if entry is not None]
            entries += [_generic(company, role) for role in company.roles]
            entries.sort(key=lambda entry: (-entry.fields["confidence"], entry.fields["value"]))
            self._entries[company.domain] = entries
        return entries

    def count(self, company: Company) -> Fields:
        """As Discover says it."""
        entries = self.of(company)
        personal = sum(1 for entry in entries if entry.person is not None)
        return {"personal": personal, "generic": len(entries) - personal, "total": len(entries)}

    def _personal(self, person: Person) -> Entry | None:
        known = self._world.known("hunter", person)
        if known is None or person.claimed:
            return None
        return Entry(_to_entry(person, known), person)


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


def choose(request: Request, entries: list[Entry]) -> list[Entry]:
    """Those that pass every filter of the request."""
    tests = [_within(n, request.texts(n)) for n in ("type", "seniority", "department")]
    statuses = request.texts("verification_status")
    titles = [title.casefold() for title in request.texts("job_titles")]
    required = [{"full_name": "last_name"}.get(n, n) for n in request.texts("required_field")]
    deciders = request.flag("decision_maker")
    return [
        entry
        for entry in entries
        if all(test(entry.fields) for test in tests)
        and (not statuses or entry.fields["verification"]["status"] in statuses)
        and (not titles or _has_title(entry.fields, titles))
        and (deciders is None or (entry.fields["seniority"] == "executive") is deciders)
        and all(entry.fields[name] is not None for name in required)
    ]


def _within(name: str, wanted: list[str]) -> Callable[[Fields], bool]:
    return lambda fields: not wanted or fields[name] in wanted


def _has_title(fields: Fields, titles: list[str]) -> bool:
    position = (fields["position"] or "").casefold()
    return any(title in position for title in titles)
