"""Adapters and simulator, written apart from the same documents, agree on replies and charges."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import providers.simulator
from providers.base import Account, Adapter
from providers.model import (
    Answer,
    Company,
    CountEmails,
    DomainEmails,
    Email,
    EmailCount,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Person,
    Place,
    Query,
    SearchCompanies,
    SearchContacts,
    SearchDomain,
    VerifyEmail,
)
from providers.registry import ADAPTERS, create
from providers.simulator.testing import RunningSimulator, running_simulator
from providers.simulator.world import World
from providers.transport import Transport

SECRETS = {
    "hunter": {"api_key": "sim-hunter-key"},
    "snov": {"client_id": "sim-snov-client", "client_secret": "sim-snov-secret"},
    "sixtyfour": {"api_key": "sim-sixtyfour-key"},
    "letrics": {"token": "sim-letrics-token"},
}
PEOPLE = Path(providers.simulator.__file__).with_name("people-200.csv")


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator(World()) as running:
        yield running


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport()
    yield made
    await made.aclose()


def adapter_of(
    name: str, simulator: RunningSimulator, transport: Transport, **options: str
) -> Adapter:
    url = str(getattr(simulator.endpoints, name))
    return create(name, Account(url, SECRETS[name], options), transport)


async def lookup(adapter: Adapter, query: Query, after: str | None = None) -> Answer:
    found = await adapter.peek(query, seconds=10) if after is None else None
    if found is None:
        found = await adapter.ask(query, seconds=10, after=after)
    for _poll in range(50):
        if isinstance(found, Answer):
            return found
        found = await adapter.collect(query, found, seconds=10)
    raise AssertionError("still a ticket after 50 polls")


def people(count: int) -> list[FindEmail]:
    with PEOPLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:count]
    return [
        FindEmail(
            first_name=row["First Name"],
            last_name=row["Last Name"],
            company=row["Company"],
            domain=row["Company Website"].partition("//")[2].strip("/").removeprefix("www.")
            or row["Company Website"].removeprefix("www."),
        )
        for row in rows
    ]


@pytest.mark.parametrize(
    "name, options",
    [("hunter", {}), ("snov", {}), ("snov", {"finder": "v2"}), ("sixtyfour", {})],
    ids=["hunter", "snov", "snov_v2", "sixtyfour"],
)
async def test_finders_and_verifiers_find_and_count_what_is_billed(
    name: str, options: dict[str, str], simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of(name, simulator, transport, **options)
    charged, found = 0, []
    for person in people(15):
        answer = await lookup(adapter, person)
        charged += adapter.offers["emails.find"].charged_units(person, answer)
        if isinstance(answer.data, Email):
            found.append(answer.data.email)
    assert len(found) > 5
    if "emails.verify" in adapter.offers:
        for address in found:
            check = VerifyEmail(email=address)
            answer = await lookup(adapter, check)
            assert answer.data is not None
            charged += adapter.offers["emails.verify"].charged_units(check, answer)
    assert charged == 1000 * sum(row.units for row in simulator.bill.rows)


async def test_personal_addresses_cost_what_is_billed(
    simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of("sixtyfour", simulator, transport)
    charged, kinds = 0, set()
    for person in people(15):
        query = FindEmail(full_name=f"{person.first_name} {person.last_name}", kind="personal",
                          company=person.company, domain=person.domain)  # fmt: skip
        answer = await lookup(adapter, query)
        charged += adapter.offers["emails.find"].charged_units(query, answer)
        kinds |= {answer.data.kind} if isinstance(answer.data, Email) else set()
    assert kinds == {"personal"}
    assert charged == 1000 * sum(row.units for row in simulator.bill.rows)


async def test_a_domain_is_listed_page_by_page(
    simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of("hunter", simulator, transport)
    domain = people(1)[0].domain
    counted = await lookup(adapter, CountEmails(domain=domain))
    assert isinstance(counted.data, EmailCount)
    query, after, listed, charged = SearchDomain(domain=domain, limit=2), None, [], 0
    for _page in range(50):
        answer = await lookup(adapter, query, after)
        charged += adapter.offers["domains.search"].charged_units(query, answer)
        if isinstance(answer.data, DomainEmails):
            listed += [email.email for email in answer.data.emails]
        after = answer.next
        if after is None:
            break
    assert len(listed) == len(set(listed)) == counted.data.total > 0
    assert charged == 1000 * sum(row.units for row in simulator.bill.rows)


@pytest.mark.parametrize("query", [SearchContacts(limit=10), SearchCompanies(limit=10)])
async def test_searches_turn_pages(
    query: SearchCompanies, simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of("letrics", simulator, transport)
    first = await lookup(adapter, query)
    assert first.rows == 10
    second = await lookup(adapter, query, first.next)
    assert second.rows
    assert first.data != second.data


def owners(simulator: RunningSimulator, provider: str, count: int) -> list[tuple[str, str]]:
    """Profile and address of persons, some of whom the provider does not know."""
    world = simulator.world
    found = [(p.linkedin_url, world.known(provider, p)) for p in world.people if p.linkedin_url]
    return [
        (str(url), known.email if known else f"nobody-{at}@blue-harbor.example")
        for at, (url, known) in enumerate(found[:count])
    ]


@pytest.mark.parametrize("provider", ["hunter", "snov"])
@pytest.mark.parametrize("operation", ["emails.find", "people.enrich", "people.enrich by email"])
async def test_a_person_is_found_by_profile_and_address(
    provider: str, operation: str, simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of(provider, simulator, transport, profile_reads="5")
    name, _, by_email = operation.partition(" ")
    charged, hits = 0, 0
    for url, email in owners(simulator, provider, 12):
        query: Query = FindEmail(linkedin_url=url)
        if name == "people.enrich":
            query = EnrichPerson(email=email) if by_email else EnrichPerson(linkedin_url=url)
        answer = await lookup(adapter, query)
        charged += adapter.offers[name].charged_units(query, answer)
        if isinstance(answer.data, Person):
            hits += answer.data.full_name is not None and answer.data.company is not None
        elif isinstance(answer.data, Email):
            hits += answer.data.email == email
    assert 3 < hits < 12
    assert charged == 1000 * sum(row.units for row in simulator.bill.rows)


@pytest.mark.parametrize("provider", ["hunter", "snov"])
async def test_companies_are_enriched(
    provider: str, simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of(provider, simulator, transport)
    queries = [EnrichCompany(domain=domain) for domain in ("blue-harbor.example", "no.example")]
    queries += [EnrichCompany(company="Blue Harbor"), EnrichCompany(company="Nobody Knows It")]
    charged, found = 0, []
    for query in filter(adapter.offers["companies.enrich"].fits, queries):
        answer = await lookup(adapter, query)
        charged += adapter.offers["companies.enrich"].charged_units(query, answer)
        found += [answer.data.name] if isinstance(answer.data, Company) else []
    assert found == ["Blue Harbor"] * (2 if provider == "hunter" else 1)
    assert charged == 1000 * sum(row.units for row in simulator.bill.rows)


@pytest.mark.parametrize(
    "query",
    [
        SearchDomain(domain="blue-harbor.example", limit=100),
        SearchDomain(domain="blue-harbor.example", address_type="role"),
        SearchDomain(domain="blue-harbor.example", address_type="person"),
        SearchDomain(domain="blue-harbor.example", job_titles=["officer", "account", "designer"]),
        SearchDomain(domain="blue-harbor.example", required_fields=["email"], limit=7),
        SearchDomain(domain="no.example"),
    ],
    ids=["all", "roles", "people", "titles", "addresses", "nothing"],
)
async def test_a_domains_lists_are_turned_to_their_end_and_billed(
    query: SearchDomain, simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of("snov", simulator, transport)
    offer = adapter.offers["domains.search"]
    emails, people, after, charged = [], [], None, 0
    for _page in range(50):
        answer = await lookup(adapter, query, after)
        charged += offer.charged_units(query, answer)
        assert offer.charged_units(query, answer) <= offer.worst_units(query)
        if isinstance(answer.data, DomainEmails):
            emails += [row.email for row in answer.data.emails]
            people += [row.full_name for row in answer.data.people]
        after = answer.next
        if after is None:
            break
    assert bool(emails or people) == (query.domain != "no.example")
    assert not (people and query.required_fields)
    assert charged == 1000 * sum(row.units for row in simulator.bill.rows)


async def test_both_count_what_they_list(
    simulator: RunningSimulator, transport: Transport
) -> None:
    query, counted = CountEmails(domain="blue-harbor.example"), {}
    for provider in ("hunter", "snov"):
        answer = await lookup(adapter_of(provider, simulator, transport), query)
        assert isinstance(answer.data, EmailCount)
        counted[provider] = answer.data.total
    adapter, listed = adapter_of("snov", simulator, transport), SearchDomain(domain=query.domain)
    answer = await lookup(adapter, listed)
    assert isinstance(answer.data, DomainEmails)
    assert len(answer.data.emails) == counted["snov"] > 0
    assert counted["hunter"] > 0
    webmail = await lookup(adapter, CountEmails(domain="freemail.example"))
    assert isinstance(webmail.data, EmailCount)
    assert (webmail.data.total, webmail.data.webmail) == (0, True)


async def test_companies_are_discovered_for_nothing(
    simulator: RunningSimulator, transport: Transport
) -> None:
    adapter = adapter_of("hunter", simulator, transport)
    query = SearchCompanies(
        locations=[Place(country="DE"), Place(country="US", state="California")]
    )
    answer = await lookup(adapter, query)
    assert answer.rows == answer.total
    told = [company.domain for company in answer.data if isinstance(company, Company)]  # type: ignore[union-attr]
    assert len(set(told)) == answer.rows > 0
    assert simulator.bill.rows == []


def test_every_adapter_is_met() -> None:
    assert set(SECRETS) == set(ADAPTERS)
