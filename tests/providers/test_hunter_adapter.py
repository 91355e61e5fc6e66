"""What is particular to Hunter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import MalformedResponse
from providers.model import (
    Answer,
    Company,
    CountEmails,
    DomainEmails,
    EmailCount,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Place,
    SearchCompanies,
    SearchDomain,
    Ticket,
    VerifyEmail,
)
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

PROFILE = "https://www.linkedin.com/in/ada-l%C3%B6we"
QUERY = VerifyEmail(email="a+b@engine.example")
PERSON = FindEmail(full_name="Ada Lovelace", company="Engine & Co")
VERDICT = {"reply": {"data": {"status": "valid"}}}
MISS = {"reply": {"data": {"email": None}}}


def page(rows: int, total: int | None) -> dict[str, Any]:
    emails = [{"value": f"p{number}@engine.example"} for number in range(rows)]
    return {"reply": {"data": {"emails": emails}, "meta": {"results": total}}}


@pytest.mark.parametrize("body", ["", "<html>", '{"data": {"email": "x"}}', '{"errors": []}'])
async def test_a_202_is_a_ticket_whatever_its_body(body: str, stage: StageMaker) -> None:
    """Asked again at the same address, and counted once."""
    staged = stage("hunter", [{"status": 202, "reply": body}, VERDICT])
    ticket = await staged.adapter.ask(QUERY, seconds=5)
    assert isinstance(ticket, Ticket)
    assert ticket.state == {}
    answer = await staged.adapter.collect(QUERY, ticket, seconds=5)
    assert isinstance(answer, Answer)
    assert answer.units == 1000
    first, second = staged.player.requests
    assert first.url == second.url
    assert first.url.params["email"] == "a+b@engine.example"
    assert first.url.query == b"email=a%2Bb%40engine.example"


@pytest.mark.parametrize(
    "rows, total, after, following",
    [
        (10, 35, None, "10"),
        (10, 35, "10", "20"),
        (5, 35, "30", None),
        (10, 10, None, None),
        (0, 35, "10", None),
        (10, None, None, None),
    ],
)
async def test_a_domain_is_paged_by_offset(
    rows: int, total: int | None, after: str | None, following: str | None, stage: StageMaker
) -> None:
    staged = stage("hunter", [page(rows, total)])
    query = SearchDomain(domain="engine.example", limit=10)
    answer = await staged.adapter.ask(query, seconds=5, after=after)
    assert isinstance(answer, Answer)
    assert (answer.rows, answer.total, answer.next) == (rows, total, following)
    assert staged.player.requests[0].url.params["offset"] == (after or "0")


@pytest.mark.parametrize(
    "query, params",
    [
        (PERSON, {"full_name": "Ada Lovelace", "company": "Engine & Co"}),
        (
            FindEmail(first_name="Ada", last_name="L", full_name="Ada L", domain="e.example"),
            {"first_name": "Ada", "last_name": "L", "domain": "e.example"},
        ),
        (
            FindEmail(first_name="Ada", full_name="Ada L", domain="e.example", company="E"),
            {"first_name": "Ada", "full_name": "Ada L", "domain": "e.example"},
        ),
        (FindEmail(linkedin_url=PROFILE), {"linkedin_handle": "ada-löwe"}),
        (FindEmail(full_name="Ada L", linkedin_url=PROFILE), {"linkedin_handle": "ada-löwe"}),
        (
            FindEmail(full_name="Ada L", domain="e.example", linkedin_url=PROFILE),
            {"full_name": "Ada L", "domain": "e.example"},
        ),
    ],
)
async def test_the_finder_sends_what_it_needs(
    query: FindEmail, params: dict[str, str], stage: StageMaker
) -> None:
    await stage("hunter", [{**MISS, "params": params}]).lookup(query)


@pytest.mark.parametrize(
    "seconds, told", [(60, None), (12, None), (10.5, "9"), (6.5, "5"), (3.5, "3"), (0.9, "3")]
)
async def test_the_finder_searches_no_longer_than_there_is_time(
    seconds: float, told: str | None, stage: StageMaker
) -> None:
    """It takes 3 to 20 seconds, and 10 unless told."""
    staged = stage("hunter", [MISS])
    await staged.adapter.ask(PERSON, seconds=seconds)
    assert staged.player.requests[0].url.params.get("max_duration") == told


@pytest.mark.parametrize(
    "query, fits",
    [
        (FindEmail(first_name="A", last_name="B", domain="e.example"), True),
        (FindEmail(full_name="A B", company="E"), True),
        (FindEmail(full_name="A B", company="E", kind="personal"), False),
        (FindEmail(first_name="A", domain="e.example"), False),
        (FindEmail(linkedin_url="https://www.linkedin.com/in/a"), True),
        (FindEmail(linkedin_url="https://www.linkedin.com/in/a", kind="personal"), False),
    ],
)
def test_the_finder_takes_a_professional_name_at_a_company_or_a_profile(
    query: FindEmail, fits: bool
) -> None:
    assert ADAPTERS["hunter"].offers["emails.find"].fits(query) is fits


async def test_a_company_is_counted_under_the_domain_hunter_found(stage: StageMaker) -> None:
    params = {"domain": "engine.example"}
    reply = {"data": {"total": 2}, "meta": {"params": params}}
    sent = {"company": "Engine", "type": "generic"}
    staged = stage("hunter", [{"params": sent, "reply": reply}])
    answer = await staged.lookup(CountEmails(company="Engine", address_type="role"))
    assert answer.data == EmailCount(domain="engine.example", total=2)


async def test_what_is_known_of_the_company_comes_along(stage: StageMaker) -> None:
    reply = page(1, 1)
    reply["reply"]["data"] |= {
        "country": "US",
        "city": "Palo Alto",
        "headcount": "10001+",
        "linkedin": "engine-inc",
        "linked_domains": ["engine.test.example"],
    }
    reply["reply"]["data"]["emails"][0]["phone_number"] = "(650) 253-0000"
    answer = await stage("hunter", [reply]).lookup(SearchDomain(domain="engine.example"))
    assert isinstance(answer.data, DomainEmails)
    company = answer.data.company
    assert company is not None
    assert (company.headcount_min, company.headcount_max) == (10001, None)
    assert company.linkedin_url == "https://www.linkedin.com/company/engine-inc"
    assert company.location is not None
    assert (company.location.city, company.location.country) == ("Palo Alto", "US")
    assert answer.data.emails[0].phone == "+16502530000"


@pytest.mark.parametrize(
    "limit, size, rows, asked, worst, charged",
    [
        (1, {}, 10, "10", 1000, 1000),
        (10, {}, 10, "10", 1000, 1000),
        (25, {}, 30, "30", 3000, 3000),
        (25, {}, 11, "30", 3000, 2000),
        (25, {}, 0, "30", 3000, 0),
        (100, {}, 100, "100", 10_000, 10_000),
        (25, {"page_size": "10"}, 10, "10", 3000, 1000),
    ],
)
async def test_a_page_of_a_domain_is_made_of_whole_credits(
    limit: int,
    size: dict[str, str],
    rows: int,
    asked: str,
    worst: int,
    charged: int,
    stage: StageMaker,
) -> None:
    """Ten addresses begun cost a credit, so that asking for fewer would waste the rest of it."""
    staged = stage("hunter", [page(rows, 500)], **size)
    query = SearchDomain(domain="engine.example", limit=limit)
    offer = ADAPTERS["hunter"].offers["domains.search"]
    answer = await staged.lookup(query)
    assert staged.player.requests[0].url.params["limit"] == asked
    assert (answer.rows, offer.charged_units(query, answer)) == (rows, charged)
    assert offer.worst_units(query) == worst


async def test_a_companys_fields_are_free_where_it_has_no_addresses(stage: StageMaker) -> None:
    reply = page(0, 0)
    reply["reply"]["data"]["organization"] = "Engine"
    query = EnrichCompany(company="Engine")
    answer = await stage("hunter", [reply]).lookup(query)
    assert isinstance(answer.data, Company)
    assert (answer.data.name, answer.units) == ("Engine", 0)


@pytest.mark.parametrize("body", ["<html>Not found</html>", "", '{"message": "no route"}'])
async def test_a_404_that_is_not_hunters_own_is_no_miss(body: str, stage: StageMaker) -> None:
    queries = EnrichPerson(email="ada@engine.example"), EnrichCompany(domain="engine.example")
    for query in queries:
        with pytest.raises(MalformedResponse):
            await stage("hunter", [{"status": 404, "reply": body}]).lookup(query)


FRANCE = Place(country="FR")


@pytest.mark.parametrize(
    "query, fits",
    [
        (SearchCompanies(industries=["Software"]), True),
        (SearchCompanies(technologies=["php"]), True),
        (SearchCompanies(locations=[FRANCE]), True),
        (SearchCompanies(locations=[FRANCE, Place(country="France", city="Paris")]), True),
        (SearchCompanies(locations=[Place(country="US", state="texas")]), True),
        (SearchCompanies(locations=[Place(country="US", state="Utopia")]), False),
        (SearchCompanies(locations=[Place(country="FR", state="Texas")]), False),
        (SearchCompanies(locations=[Place(city="Paris")]), False),
        (SearchCompanies(), False),
        (SearchCompanies(industries=["Software"], functions=["Sales"]), False),
        (SearchCompanies(industries=["Software"], tlds=["com"]), False),
        (SearchCompanies(industries=["Software"], added_after="2026-01-01T00:00:00Z"), False),
    ],
)
def test_discover_takes_only_what_it_can_filter_by(query: SearchCompanies, fits: bool) -> None:
    assert ADAPTERS["hunter"].offers["companies.search"].fits(query) is fits


async def test_discover_turns_its_page_by_offset_and_is_free(stage: StageMaker) -> None:
    """Its first page of 100 needs no paid plan, as long as neither size nor place is named."""
    rows = [{"domain": f"d{number}.example", "organization": "D"} for number in range(100)]
    first = {"reply": {"data": rows, "meta": {"results": 130}}}
    query = SearchCompanies(industries=["Software"], limit=25)
    staged = stage("hunter", [first])
    answer = await staged.lookup(query)
    assert (answer.rows, answer.next, answer.total) == (100, "100", 130)
    assert not {"limit", "offset"} & set(json.loads(staged.player.requests[0].content))
    staged = stage("hunter", [{"reply": {"data": rows[:30], "meta": {"results": 130}}}])
    rest = await staged.adapter.ask(query, seconds=5, after="100")
    assert isinstance(rest, Answer)
    assert (rest.rows, rest.next) == (30, None)
    assert json.loads(staged.player.requests[0].content)["offset"] == 100
    offer = ADAPTERS["hunter"].offers["companies.search"]
    assert offer.charged_units(query, answer) == offer.worst_units(query) == 0


async def test_an_address_is_always_there_so_that_requiring_one_asks_nothing(
    stage: StageMaker,
) -> None:
    staged = stage("hunter", [page(0, 0)])
    required = SearchDomain(domain="engine.example", required_fields=["email"])
    await staged.lookup(required)
    assert "required_field" not in staged.player.requests[0].url.params
