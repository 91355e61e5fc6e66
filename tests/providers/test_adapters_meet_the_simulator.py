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
    CountEmails,
    DomainEmails,
    Email,
    EmailCount,
    EnrichCompany,
    FindEmail,
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


async def test_a_company_is_enriched(simulator: RunningSimulator, transport: Transport) -> None:
    adapter = adapter_of("snov", simulator, transport)
    charged, found = 0, 0
    for domain in {person.domain for person in people(10)}:
        query = EnrichCompany(domain=domain)
        answer = await lookup(adapter, query)
        charged += adapter.offers["companies.enrich"].charged_units(query, answer)
        found += answer.data is not None
    assert found
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


def test_every_adapter_is_met() -> None:
    assert set(SECRETS) == set(ADAPTERS)
