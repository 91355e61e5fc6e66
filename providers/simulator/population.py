"""The simulated companies and people, drawn once from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from providers.simulator import names
from providers.simulator.spelling import to_local_part

SmtpHabit = Literal["plain", "blocks", "greylists", "erratic"]


@dataclass(slots=True, frozen=True, kw_only=True)
class Company:
    id: int
    name: str
    domain: str
    industry: str
    function: str
    headcount: int
    city: str
    state: str
    country: str
    country_code: str
    phone: str
    founded: int
    technologies: tuple[str, ...]
    catch_all: bool
    smtp: SmtpHabit
    pattern: str
    roles: tuple[str, ...]
    added_at: str
    linkedin_url: str | None

    @property
    def band(self) -> str:
        """The head count as the ranges these services print."""
        for low, high in ((1, 10), (11, 50), (51, 200), (201, 500), (501, 1000), (1001, 5000)):
            if self.headcount <= high:
                return f"{low}-{high}"
        return "5001-10000" if self.headcount <= 10000 else "10001+"


@dataclass(slots=True, frozen=True, kw_only=True)
class Person:
    """Somebody who exists; `email` is the address their employer would give them.

    It takes mail only when `has_mailbox`. `claimed` persons have objected to being processed.
    """

    id: int
    first_name: str
    last_name: str
    latin_name: str
    job_title: str
    seniority: str
    department: str
    company: Company
    email: str
    has_mailbox: bool
    personal_email: str | None
    linkedin_url: str | None
    phone: str
    claimed: bool

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


def make_companies(random: Random, count: int, catch_all: float) -> list[Company]:
    labels = [(a, n) for n in names.NOUNS for a in names.ADJECTIVES]
    random.shuffle(labels)
    labels.remove(("Blue", "Harbor"))
    labels.insert(0, ("Blue", "Harbor"))
    return [_make_company(random, i, labels, catch_all) for i in range(count)]


def _make_company(
    random: Random, number: int, labels: list[tuple[str, str]], catch_all: float
) -> Company:
    name = _name_company(number, labels)
    slug = name.lower().replace(" ", "-")
    city, state, country, code, dial = random.choice(names.PLACES)
    industry, function = random.choice(names.INDUSTRIES)
    plain = number == 0
    linkedin_url = f"https://www.linkedin.com/company/{slug}-sim"
    return Company(
        id=number,
        name=name,
        domain=f"{slug}.example",
        industry=industry,
        function=function,
        headcount=max(3, round(random.lognormvariate(4.6, 1.4))),
        city=city,
        state=state,
        country=country,
        country_code=code,
        phone=f"{dial}{random.randrange(10**3):04d}",
        founded=random.randrange(1950, 2025),
        technologies=tuple(sorted(random.sample(names.TECHNOLOGIES, random.randrange(2, 8)))),
        catch_all=random.random() < catch_all and not plain,
        smtp="plain" if plain else _draw_habit(random),
        pattern=names.PATTERNS[0] if plain else random.choice(names.PATTERNS),
        roles=tuple(random.sample(names.ROLES, random.randrange(6))),
        added_at=_draw_moment(random),
        linkedin_url=linkedin_url if random.random() < 0.8 else None,
    )


def _name_company(number: int, labels: list[tuple[str, str]]) -> str:
    """The labels with ever another suffix, so that no name comes twice."""
    turn, index = divmod(number, len(labels))
    suffix = names.SUFFIXES[turn % len(names.SUFFIXES)]
    serial = str(turn // len(names.SUFFIXES) or "")
    return " ".join(word for word in (*labels[index], suffix, serial) if word)


def _draw_moment(random: Random) -> str:
    year, month, day = (
        random.randrange(2019, 2026),
        random.randrange(1, 13),
        random.randrange(1, 29),
    )
    return f"{year}-{month:02d}-{day:02d}T{random.randrange(24):02d}:00:00Z"


def _draw_habit(random: Random) -> SmtpHabit:
    habits: tuple[SmtpHabit, ...] = ("plain", "blocks", "greylists", "erratic")
    return random.choices(habits, (94, 3, 2, 1))[0]


class Registrar:
    """Hands out people so that no two share an address, nor a name at one company."""

    def __init__(self, random: Random, *, mailboxes: float, claimed: float) -> None:
        self._random = random
        self._mailboxes = mailboxes
        self._claimed = claimed
        self._names: set[tuple[str, int]] = set()
        self._addresses: set[str] = set()

    def register(self, number: int, company: Company) -> Person:
        first, last, latin = self._name_for(company, showcase=number == 0)
        return self._describe(number, company, (first, last), latin)

    def _name_for(self, company: Company, *, showcase: bool) -> tuple[str, str, tuple[str, str]]:
        given = family = ("Ada", "Ada")
        family = ("Lovelace", "Lovelace")
        while not showcase or (given[1] + family[1], company.id) in self._names:
            given, family = self._draw_name()
            if (given[1] + family[1], company.id) not in self._names:
                break
        self._names.add((given[1] + family[1], company.id))
        return given[0], family[0], (given[1], family[1])

    def _draw_name(self) -> tuple[tuple[str, str], tuple[str, str]]:
        if self._random.random() < 0.02:
            return self._random.choice(names.CJK_NAMES)
        first = self._random.choice(names.FIRST_NAMES)
        last = self._random.choice(names.LAST_NAMES)
        return (first, first), (last, last)

    def _describe(
        self, number: int, company: Company, name: tuple[str, str], latin: tuple[str, str]
    ) -> Person:
        random, showcase = self._random, number == 0
        department = random.choice(list(names.TITLES))
        level = random.choices((0, 1, 2), (50, 32, 18))[0]
        slug = "-".join(to_local_part(word) for word in latin)
        return Person(
            id=number,
            first_name=name[0],
            last_name=name[1],
            latin_name=" ".join(latin),
            job_title=names.TITLES[department][level],
            seniority=names.SENIORITIES[level],
            department=department,
            company=company,
            email=self._address(latin, company.pattern, company.domain),
            has_mailbox=random.random() < self._mailboxes or showcase,
            personal_email=self._personal_address(latin)
            if random.random() < 0.6 or showcase
            else None,
            linkedin_url=f"https://www.linkedin.com/in/{slug}-sim{number}"
            if random.random() < 0.85 or showcase
            else None,
            phone=f"{company.phone[:-4]}{random.randrange(10**3):04d}",
            claimed=random.random() < self._claimed and not showcase,
        )

    def _personal_address(self, latin: tuple[str, str]) -> str:
        domain = self._random.choice(names.WEBMAIL_DOMAINS)
        return self._address(latin, "{first}.{last}", domain)

    def _address(self, latin: tuple[str, str], pattern: str, domain: str) -> str:
        first, last = (to_local_part(word) for word in latin)
        local = pattern.format(first=first, last=last, f=first[0])
        address, serial = f"{local}@{domain}", 2
        while address in self._addresses:
            address, serial = f"{local}{serial}@{domain}", serial + 1
        self._addresses.add(address)
        return address
