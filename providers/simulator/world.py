"""The world behind the simulated providers: who exists, which mailboxes do, who knows what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from providers.simulator import names
from providers.simulator.knowledge import COVERAGE, Chances, Known, draw_knowledge
from providers.simulator.population import Company, Person, Registrar, make_companies
from providers.simulator.spelling import fold, natural_order, to_domain, to_profile

Mailbox = Literal["valid", "invalid", "catch_all", "disposable", "unknown", "no_domain"]


@dataclass(slots=True, frozen=True, kw_only=True)
class WorldSettings:
    """Shares are 0..1; `rho` is the chance that a provider's record is copied from the others'."""

    coverage: Mapping[str, float] = field(default_factory=lambda: dict(COVERAGE))
    rho: float = 0.5
    stale: float = 0.05
    prompt: float = 0.35
    personal: float = 0.6
    mailboxes: float = 0.9
    claimed: float = 0.01
    catch_all: float = 0.12
    slow_to_verify: float = 0.1


class World:
    """Deterministic in `seed`, `people`, `companies` and `settings`.

    Every lookup is one dictionary access; the first person is known, truthfully and as valid, to
    every provider.
    """

    def __init__(
        self,
        seed: int = 7,
        people: int = 2000,
        companies: int | None = None,
        settings: WorldSettings | None = None,
    ) -> None:
        self.seed = seed
        self.settings = settings or WorldSettings()
        random = Random(seed)
        count = companies or max(5, people // 8)
        self.companies = make_companies(random, count, self.settings.catch_all)
        self.people = self._populate(random, people)
        self._index_companies()
        self._index_people()
        self.knowledge = self._inform(random)

    @property
    def showcase(self) -> Person:
        """The person that every provider finds, for demonstrations."""
        return self.people[0]

    def _populate(self, random: Random, count: int) -> list[Person]:
        registrar = Registrar(
            random, mailboxes=self.settings.mailboxes, claimed=self.settings.claimed
        )
        weights = [company.headcount**0.3 for company in self.companies]
        employers = random.choices(self.companies, weights, k=count)
        employers[:1] = self.companies[:1]
        return [registrar.register(i, company) for i, company in enumerate(employers)]

    def _index_companies(self) -> None:
        self._by_domain = {company.domain: company for company in self.companies}
        self._by_company_name = {fold(company.name): company for company in self.companies}
        self._staff: dict[str, list[Person]] = {c.domain: [] for c in self.companies}
        self._roles = {f"{role}@{c.domain}": c for c in self.companies for role in c.roles}

    def _index_people(self) -> None:
        self._by_name: dict[tuple[str, str], Person] = {}
        self._by_profile: dict[str, Person] = {}
        self._by_email: dict[str, Person] = {}
        for person in self.people:
            self._staff[person.company.domain].append(person)
            for name in _spellings(person):
                self._by_name.setdefault((fold(name), person.company.domain), person)
            if person.linkedin_url:
                self._by_profile[to_profile(person.linkedin_url)] = person
            self._by_email[person.email] = person
            if person.personal_email:
                self._by_email[person.personal_email] = person

    def _inform(self, random: Random) -> list[dict[str, Known]]:
        chances = Chances(
            coverage=self.settings.coverage,
            rho=self.settings.rho,
            stale=self.settings.stale,
            prompt=self.settings.prompt,
            personal=self.settings.personal,
        )
        taken = set(self._by_email)
        return [draw_knowledge(random, person, chances, taken) for person in self.people]

    def person(
        self,
        name: str | None = None,
        domain: str | None = None,
        *,
        email: str | None = None,
        linkedin_url: str | None = None,
    ) -> Person | None:
        """Look up by address, by profile URL, or by name and domain in any case and accents."""
        if email is not None:
            return self._by_email.get(email.strip().casefold())
        if linkedin_url is not None:
            return self._by_profile.get(to_profile(linkedin_url))
        return self._by_name.get((fold(natural_order(name or "")), to_domain(domain or "")))

    def company(self, domain: str | None = None, *, name: str | None = None) -> Company | None:
        if domain:
            return self._by_domain.get(to_domain(domain))
        return self._by_company_name.get(fold(name or ""))

    def staff(self, company: Company) -> list[Person]:
        return self._staff[company.domain]

    def known(self, provider: str, person: Person) -> Known | None:
        return self.knowledge[person.id].get(provider)

    def is_webmail(self, domain: str) -> bool:
        return domain in names.WEBMAIL_DOMAINS

    def is_disposable(self, domain: str) -> bool:
        return domain in names.DISPOSABLE_DOMAINS

    def mailbox(self, address: str) -> Mailbox:
        """What a perfect verifier would find out about an address; plus-tags deliver."""
        local, _, domain = address.strip().casefold().rpartition("@")
        if self.is_disposable(domain):
            return "disposable"
        company = self._by_domain.get(domain)
        if company is None and not self.is_webmail(domain):
            return "no_domain"
        if company is not None and company.smtp == "blocks":
            return "unknown"
        if company is not None and company.catch_all:
            return "catch_all"
        return "valid" if self._delivers(f"{local.split('+')[0]}@{domain}") else "invalid"

    def _delivers(self, address: str) -> bool:
        person = self._by_email.get(address)
        if person is None:
            return address in self._roles
        return person.has_mailbox or address == person.personal_email

    def is_slow_to_verify(self, address: str) -> bool:
        """Whether checking the address takes longer than a provider lets a call wait."""
        return Random(f"{self.seed}:{address.casefold()}").random() < self.settings.slow_to_verify


def _spellings(person: Person) -> tuple[str, ...]:
    latin = person.latin_name
    if latin == person.full_name:
        return (latin,)
    return person.full_name, f"{person.last_name}{person.first_name}", latin
