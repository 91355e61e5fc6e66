"""Snov.io's lists of a domain: turned page by page, and paid for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import OutOfCredits, TaskFailed
from providers.model import Answer, DomainEmails, SearchDomain, Ticket
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

OFFER = ADAPTERS["snov"].offers["domains.search"]
ROOT = "/v2/domain-search"
SEARCH = f"{ROOT}/prospects/search-emails"
DOMAIN = "engine.example"
STARTED = {"reply": {"data": [], "meta": {"task_hash": "h"}}}
NO_CREDITS = {"status": 400, "reply": {"message": "Sorry, you ran out of credits"}}


def start(name: str, **params: str) -> dict[str, Any]:
    asked = {"domain": DOMAIN, **params}
    return {"request": f"POST {ROOT}/{name}/start", "params": asked, **STARTED}


def result(name: str, data: list[Any], **meta: Any) -> dict[str, Any]:
    reply = {"data": data, "meta": meta, "links": [], "status": "completed"}
    return {"request": f"GET {ROOT}/{name}/result/h", "reply": reply}


def addresses(*names: str) -> list[dict[str, str]]:
    return [{"email": f"{name}@{DOMAIN}"} for name in names]


def prospects(count: int) -> list[dict[str, str]]:
    return [
        {
            "first_name": f"P{number}",
            "last_name": "Q",
            "position": "Engineer",
            "search_emails_start": f"https://api.snov.io{SEARCH}/start/p{number}",
        }
        for number in range(count)
    ]


def found(*emails: str) -> dict[str, Any]:
    data = {"emails": [{"email": email, "smtp_status": "valid"} for email in emails]}
    return {"reply": {"data": data if emails else [], "status": "completed"}}


async def turn(staged: Any, query: SearchDomain, after: str | None) -> Answer:
    got = await staged.adapter.ask(query, seconds=5, after=after)
    while isinstance(got, Ticket):
        got = await staged.adapter.collect(query, got, seconds=5)
    assert isinstance(got, Answer)
    return got


async def test_all_three_lists_follow_one_another_and_each_page_is_paid(
    stage: StageMaker,
) -> None:
    query, after, told, charged = SearchDomain(domain=DOMAIN), None, [], 0
    staged = stage(
        "snov",
        [
            start("domain-emails"),
            result("domain-emails", addresses("a", "b"), next="n1"),
            start("domain-emails", next="n1"),
            result("domain-emails", addresses("c"), next=""),
            start("generic-contacts"),
            result("generic-contacts", addresses("info")),
            start("prospects"),
            result("prospects", prospects(20), total_count=21),
            start("prospects", page="2"),
            result("prospects", prospects(1), total_count=21),
        ],
    )
    for _page in range(6):
        answer = await turn(staged, query, after)
        assert isinstance(answer.data, DomainEmails)
        told.append((len(answer.data.emails), len(answer.data.people)))
        charged += OFFER.charged_units(query, answer)
        after = answer.next
        if after is None:
            break
    assert told == [(2, 0), (1, 0), (1, 0), (0, 20), (0, 1)]
    assert charged == 5 * 1000


async def test_an_empty_list_is_free_and_gives_way_to_the_next(stage: StageMaker) -> None:
    staged = stage(
        "snov",
        [
            start("domain-emails"),
            result("domain-emails", []),
            start("generic-contacts"),
            result("generic-contacts", addresses("info")),
        ],
    )
    query = SearchDomain(domain=DOMAIN)
    answer = await staged.lookup(query)
    assert isinstance(answer.data, DomainEmails)
    assert answer.data.emails[0].address_type == "role"
    assert OFFER.charged_units(query, answer) == 1000
    assert answer.next == "prospects||0"


async def test_only_as_many_addresses_are_bought_as_are_asked_for(stage: StageMaker) -> None:
    """The rest of a page of prospects goes on where it was left, and is not paid for again."""
    query = SearchDomain(domain=DOMAIN, required_fields=["email"], limit=2)
    page = result("prospects", prospects(3), total_count=3)
    first = [start("prospects"), page, STARTED, STARTED, found(f"p0@{DOMAIN}"), found(), page]
    staged = stage("snov", first)
    answer = await staged.lookup(query)
    assert isinstance(answer.data, DomainEmails)
    assert [row.full_name for row in answer.data.emails] == ["P0 Q"]
    assert answer.data.people == []
    assert OFFER.charged_units(query, answer) == 2000 <= OFFER.worst_units(query) == 3000
    assert answer.next == "prospects||2"
    asked = [request.url.path.rpartition("/")[2] for request in staged.player.requests[2:4]]
    assert asked == ["p0", "p1"]
    rest = [start("prospects"), page, STARTED, found(f"p2@{DOMAIN}"), page]
    answer = await turn(stage("snov", rest), query, answer.next)
    assert OFFER.charged_units(query, answer) == 1000
    assert answer.next is None


@pytest.mark.parametrize(
    "exchanges, units",
    [
        ([result("prospects", prospects(2)), NO_CREDITS], 1000),
        ([result("prospects", prospects(2)), STARTED, STARTED, found("a@b"), NO_CREDITS], 2000),
    ],
)
async def test_what_was_spent_before_the_credits_ran_out_is_told(
    exchanges: list[dict[str, Any]], units: int, stage: StageMaker
) -> None:
    query = SearchDomain(domain=DOMAIN, required_fields=["email"])
    with pytest.raises(TaskFailed) as caught:
        await stage("snov", [start("prospects"), *exchanges]).lookup(query)
    assert caught.value.units == sum(caught.value.once.values()) == units
    assert isinstance(caught.value.__cause__, OutOfCredits)


async def test_what_is_bought_while_a_ticket_is_collected_can_be_refused(
    stage: StageMaker,
) -> None:
    """Not a poll that can: those are asked again, by the status of the refusal."""
    exchanges = [start("domain-emails"), result("domain-emails", []), NO_CREDITS]
    with pytest.raises(OutOfCredits) as caught:
        await stage("snov", exchanges).lookup(SearchDomain(domain=DOMAIN))
    assert caught.value.status is None
    query = SearchDomain(domain=DOMAIN, required_fields=["email"], limit=1)
    rest = [start("prospects"), result("prospects", prospects(2)), NO_CREDITS]
    with pytest.raises(OutOfCredits) as caught:
        await turn(stage("snov", rest), query, "prospects||1")
    assert caught.value.status is None


async def test_an_address_search_is_asked_again_and_not_started_again(stage: StageMaker) -> None:
    query = SearchDomain(domain=DOMAIN, required_fields=["email"])
    page = result("prospects", prospects(1), total_count=1)
    pending = {"reply": {"data": [], "status": "in progress"}}
    staged = stage(
        "snov", [start("prospects"), page, STARTED, pending, found("a@b.example"), page]
    )
    answer = await staged.lookup(query)
    assert OFFER.charged_units(query, answer) == 2000
    assert sum(request.method == "POST" for request in staged.player.requests) == 2


async def test_an_address_search_under_way_is_not_asked_again_at_once(stage: StageMaker) -> None:
    query = SearchDomain(domain=DOMAIN, required_fields=["email"])
    page = result("prospects", prospects(1), total_count=1)
    pending = {"reply": {"data": [], "status": "in_progress"}}
    staged = stage("snov", [start("prospects"), page, STARTED, pending])
    ticket = await staged.adapter.ask(query, seconds=5)
    waits = []
    for _ in range(3):
        assert isinstance(ticket, Ticket)
        ticket = await staged.adapter.collect(query, ticket, seconds=5)
        assert isinstance(ticket, Ticket)
        waits.append((ticket.wait, sum(ticket.once.values())))
    assert waits == [(0, 1000), (0, 1000), (None, 1000)]


@pytest.mark.parametrize(
    "query, fits",
    [
        (SearchDomain(domain=DOMAIN), True),
        (SearchDomain(domain=DOMAIN, address_type="role"), True),
        (SearchDomain(domain=DOMAIN, address_type="role", required_fields=["email"]), True),
        (SearchDomain(domain=DOMAIN, required_fields=["email", "job_title", "full_name"]), True),
        (SearchDomain(domain=DOMAIN, job_titles=["x"] * 10), True),
        (SearchDomain(domain=DOMAIN, job_titles=["x"] * 11), False),
        (SearchDomain(domain=DOMAIN, required_fields=["phone"]), False),
        (SearchDomain(domain=DOMAIN, seniorities=["senior"]), False),
        (SearchDomain(domain=DOMAIN, departments=["it"]), False),
        (SearchDomain(domain=DOMAIN, address_type="role", job_titles=["x"]), False),
        (SearchDomain(domain=DOMAIN, address_type="role", required_fields=["full_name"]), False),
        (SearchDomain(company="Engine"), False),
    ],
)
def test_a_domain_is_searched_only_by_what_can_be_held_against_its_rows(
    query: SearchDomain, fits: bool
) -> None:
    assert OFFER.fits(query) is fits


async def test_a_row_without_what_is_required_is_left_out_but_paid(stage: StageMaker) -> None:
    rows = [{"first_name": "A", "last_name": "B", "position": None}]
    query = SearchDomain(domain=DOMAIN, required_fields=["job_title"])
    answer = await stage("snov", [start("prospects"), result("prospects", rows)]).lookup(query)
    assert answer.data is None
    assert OFFER.charged_units(query, answer) == 1000
