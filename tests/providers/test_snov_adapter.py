"""What is particular to Snov.io."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import OutOfCredits, Suppressed, Unavailable
from providers.model import (
    Answer,
    Email,
    EnrichCompany,
    FindEmail,
    Ticket,
    Verification,
    VerifyEmail,
)
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

ADDRESS = "Ada@engine.example"
CHECK = VerifyEmail(email="ada@engine.example")
PERSON = FindEmail(full_name="Ada Lovelace", domain="engine.example")
FIND = ADAPTERS["snov"].offers["emails.find"]
VERIFY = ADAPTERS["snov"].offers["emails.verify"]


def names(word: str, *emails: tuple[str, str]) -> dict[str, Any]:
    found = [{"email": address, "emailStatus": status} for address, status in emails]
    data = {"emails": found} if word != "in_progress" else []
    return {"reply": {"success": True, "data": data, "status": {"identifier": word}}}


def verdict(word: str, status: str | None = None) -> dict[str, Any]:
    data: Any = {"smtpStatus": status} if status else []
    entry = {"status": {"identifier": word}, "data": data}
    return {"reply": {"success": True, ADDRESS: entry}}


async def test_what_is_there_already_is_free(stage: StageMaker) -> None:
    staged = stage("snov", [names("complete", ("b@e.example", "unknown"), (ADDRESS, "valid"))])
    answer = await staged.lookup(PERSON)
    assert isinstance(answer.data, Email)
    assert (answer.data.email, FIND.charged_units(PERSON, answer)) == (ADDRESS, 0)
    assert len(staged.player.requests) == 1


async def test_a_search_that_runs_already_is_waited_for_and_not_pushed_again(
    stage: StageMaker,
) -> None:
    exchanges = [names("in_progress"), names("in_progress"), names("complete", (ADDRESS, "valid"))]
    staged = stage("snov", exchanges)
    answer = await staged.lookup(PERSON)
    assert FIND.charged_units(PERSON, answer) == 0
    assert {request.url.path for request in staged.player.requests} == {
        "/root/v1/get-emails-from-names"
    }


async def test_a_push_is_paid_even_if_nothing_comes_of_it(stage: StageMaker) -> None:
    staged = stage("snov", [names("not_found"), {"reply": {"sent": True}}, names("not_found")])
    answer = await staged.lookup(PERSON)
    assert answer.data is None
    assert FIND.charged_units(PERSON, answer) == 1000


async def test_a_search_that_completed_without_addresses_is_empty(stage: StageMaker) -> None:
    assert (await stage("snov", [names("complete")]).lookup(PERSON)).data is None


async def test_what_was_not_queued_is_not_charged(stage: StageMaker) -> None:
    for query, seen in ((PERSON, names("not_found")), (CHECK, verdict("not_verified"))):
        reply = {"success": True, "sent": False, ADDRESS: {"sent": False}}
        with pytest.raises(Unavailable) as caught:
            await stage("snov", [seen, {"reply": reply}]).lookup(query)
        assert not caught.value.uncertain


@pytest.mark.parametrize("before", [True, False], ids=["read", "pushed"])
async def test_a_greylisted_mailbox_is_a_slow_ticket(before: bool, stage: StageMaker) -> None:
    seen = [] if before else [verdict("not_verified"), {"reply": {"success": True}}]
    later = [verdict("complete", "greylisted"), verdict("complete", "valid")]
    staged = stage("snov", seen + later)
    ticket = await staged.adapter.peek(CHECK, seconds=5)
    if ticket is None:
        pushed = await staged.adapter.ask(CHECK, seconds=5)
        assert isinstance(pushed, Ticket)
        ticket = await staged.adapter.collect(CHECK, pushed, seconds=5)
    assert isinstance(ticket, Ticket)
    assert ticket.slow
    answer = await staged.adapter.collect(CHECK, ticket, seconds=5)
    assert isinstance(answer, Answer)
    assert isinstance(answer.data, Verification)
    assert (answer.data.status, answer.data.email) == ("valid", "ada@engine.example")
    assert VERIFY.charged_units(CHECK, answer) == (0 if before else 1000)


@pytest.mark.parametrize("word", ["in_progress", "not_verified"])
async def test_a_pushed_address_is_waited_for(word: str, stage: StageMaker) -> None:
    push = {"reply": {"success": True, ADDRESS: {"sent": True}}, "form": {"emails[]": CHECK.email}}
    exchanges = [verdict("not_verified"), push, verdict(word), verdict("complete", "not_valid")]
    answer = await stage("snov", exchanges).lookup(CHECK)
    assert isinstance(answer.data, Verification)
    assert (answer.data.status, answer.data.checks.smtp_check) == ("invalid", False)


V2 = [
    (
        PERSON,
        "/v2/emails-by-domain-by-name",
        {"rows": [{"first_name": "Ada", "last_name": "Lovelace", "domain": "engine.example"}]},
        [{"people": "Ada Lovelace", "result": [{"email": ADDRESS, "smtp_status": "valid"}]}],
    ),
    (
        CHECK,
        "/v2/email-verification",
        {"emails": ["ada@engine.example"]},
        [{"email": ADDRESS, "result": {"smtp_status": "valid", "is_webmail": False}}],
    ),
]


@pytest.mark.parametrize("query, family, body, data", V2, ids=["finder", "verifier"])
async def test_the_newer_family_starts_a_task_and_asks_for_its_result(
    query: FindEmail | VerifyEmail, family: str, body: Any, data: Any, stage: StageMaker
) -> None:
    result = {"request": f"GET {family}/result", "params": {"task_hash": "h1"}}
    start = {"request": f"POST {family}/start", "json": body}
    exchanges = [
        start | {"reply": {"data": {"task_hash": "h1"}}},
        result | {"reply": {"status": "in progress", "data": []}},
        result | {"reply": {"status": "in_progress", "data": []}},
        result | {"reply": {"status": "completed", "data": data}},
    ]
    answer = await stage("snov", exchanges, finder="v2").lookup(query)
    assert isinstance(answer.data, Email | Verification)
    assert answer.data.status == "valid"


@pytest.mark.parametrize("query, family, body, data", V2, ids=["finder", "verifier"])
async def test_a_ticket_is_collected_where_it_was_bought(
    query: FindEmail | VerifyEmail, family: str, body: Any, data: Any, stage: StageMaker
) -> None:
    """Also after the account was switched to the other family."""
    result = {"request": f"GET {family}/result", "reply": {"status": "completed", "data": data}}
    ticket = Ticket(state={"family": family, "task_hash": "h1"})
    answer = await stage("snov", [result]).adapter.collect(query, ticket, seconds=5)
    assert isinstance(answer, Answer)
    assert answer.data is not None


async def test_a_task_that_ends_without_credits_is_out_of_credits(stage: StageMaker) -> None:
    exchanges = [
        {"reply": {"data": {"task_hash": "h1"}}},
        {"reply": {"status": "not_enough_credits", "data": []}},
    ]
    with pytest.raises(OutOfCredits):
        await stage("snov", exchanges, finder="v2").lookup(PERSON)


async def test_a_company_unknown_to_snov_is_empty(stage: StageMaker) -> None:
    unknown: list[Any] = [[], {"company_name": None}, {"company_name": ""}]
    for data in unknown:
        exchanges = [
            {"reply": {"data": [], "meta": {"task_hash": "h1"}}},
            {"reply": {"status": "completed", "data": data}},
        ]
        answer = await stage("snov", exchanges).lookup(EnrichCompany(domain="engine.example"))
        assert answer.data is None


@pytest.mark.parametrize(
    "query, fits",
    [
        (FindEmail(first_name="A", last_name="B", domain="e.example"), True),
        (FindEmail(full_name="A B", domain="e.example"), True),
        (FindEmail(full_name="A van der B", domain="e.example"), True),
        (FindEmail(full_name="A C B", domain="e.example"), False),
        (FindEmail(full_name="A", domain="e.example"), False),
        (FindEmail(full_name="A B", company="E"), False),
        (FindEmail(full_name="A B", domain="e.example", kind="personal"), False),
    ],
)
def test_the_finder_takes_a_certain_name_at_a_domain(query: FindEmail, fits: bool) -> None:
    assert FIND.fits(query) is fits


async def test_a_greylisted_mailbox_is_a_slow_ticket_in_the_newer_family_too(
    stage: StageMaker,
) -> None:
    checked = {"smtp_status": "unknown", "unknown_status_reason": "greylist"}
    result = {"reply": {"status": "completed", "data": [{"result": checked}]}}
    staged = stage("snov", [{"reply": {"data": {"task_hash": "h1"}}}, result], finder="v2")
    ticket = await staged.adapter.ask(CHECK, seconds=5)
    assert isinstance(ticket, Ticket)
    later = await staged.adapter.collect(CHECK, ticket, seconds=5)
    assert isinstance(later, Ticket)
    assert later.slow
    assert later.state == ticket.state


HIDDEN = {"smtp_status": "unknown", "unknown_status_reason": "hidden_by_owner"}


@pytest.mark.parametrize(
    "query, data",
    [
        (CHECK, [{"email": ADDRESS, "result": HIDDEN}]),
        (PERSON, [{"people": "Ada Lovelace", "result": [{"email": ADDRESS, **HIDDEN}]}]),
    ],
    ids=["verifier", "finder"],
)
async def test_an_address_that_its_owner_hides_is_an_objection(
    query: FindEmail | VerifyEmail, data: Any, stage: StageMaker
) -> None:
    result = {"reply": {"status": "completed", "data": data}}
    staged = stage("snov", [{"reply": {"data": {"task_hash": "h1"}}}, result], finder="v2")
    with pytest.raises(Suppressed) as caught:
        await staged.lookup(query)
    assert ADDRESS not in str(caught.value)


@pytest.mark.parametrize(
    "plan, searches, addresses",
    [
        ("starter", 200, 500),
        ("pro-5k", 400, 1000),
        ("pro-20k", 600, 1400),
        ("pro-50k", 800, 2000),
        ("pro-100k", 1000, 4000),
    ],
)
def test_hourly_limits_are_those_of_the_plan(plan: str, searches: int, addresses: int) -> None:
    """As snov.txt states them of each finder and each verifier."""
    rates = ADAPTERS["snov"].rates_of_plan({"plan": plan})
    assert {rate.seconds for rate in rates} == {3600}
    assert {rate.paths: rate.number for rate in rates} == {
        ("/v1/get-emails-from-names",): searches,
        ("/v1/add-names-to-find-emails",): searches,
        ("/v1/get-emails-verification-status",): addresses,
        ("/v1/add-emails-to-verification",): addresses,
    }
    assert not ADAPTERS["snov"].rates_of_plan({})


@pytest.mark.parametrize("plan", [{}, {"plan": "starter"}, {"plan": "starter", "finder": "v2"}])
def test_addresses_that_a_plan_counts_are_not_sent_together(
    plan: dict[str, str], stage: StageMaker
) -> None:
    """A permit is one request, which may hold one address then."""
    is_counted = "plan" in plan and "finder" not in plan
    told = stage("snov", [], **plan).adapter.alike(VerifyEmail(email=ADDRESS))
    assert told == (None if is_counted else "addresses")
