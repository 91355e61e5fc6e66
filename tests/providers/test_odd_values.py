"""Odd values of lesser fields lose nothing else; of a field that decides they lose the reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Struct

from providers.base import decode
from providers.errors import MalformedResponse
from providers.model import (
    Company,
    EnrichPerson,
    FindEmail,
    Person,
    Query,
    SearchContacts,
    SearchDomain,
    VerifyEmail,
)
from providers.values.lesser import Lesser

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

ADDRESS = "ada@engine.example"
FIND = FindEmail(full_name="Ada Lovelace", domain="engine.example")
VERIFY = VerifyEmail(email=ADDRESS)
SEARCH = SearchDomain(domain="engine.example")
PERSON = EnrichPerson(email=ADDRESS)
CONTACTS = SearchContacts(job_titles=["manager"], limit=3)

FOUND = {"email": ADDRESS, "score": 97, "position": "Countess"}
ENTRY = {"value": ADDRESS, "confidence": 97, "position": "Countess"}


def hunter_page(entry: dict[str, Any], **of_the_domain: Any) -> dict[str, Any]:
    return {"data": {"emails": [entry], **of_the_domain}, "meta": {"results": 1}}


def first_email(data: Any) -> Any:
    return data.emails[0]


def company(data: Any) -> Any:
    return data.company


Case = tuple[str, Query, Any, Callable[[Any], Any], dict[str, Any]]
KEPT: list[Case] = [
    ("hunter", FIND, {"data": FOUND | {"phone_number": 14155550100}}, lambda data: data,
     {"email": ADDRESS, "phone": "+14155550100", "confidence": 97, "job_title": "Countess"}),
    ("hunter", FIND, {"data": FOUND | {"score": 97.5}}, lambda data: data,
     {"email": ADDRESS, "confidence": None, "job_title": "Countess"}),
    ("hunter", FIND, {"data": FOUND | {"score": ""}}, lambda data: data,
     {"email": ADDRESS, "confidence": None, "job_title": "Countess"}),
    ("hunter", FIND, {"data": FOUND | {"sources": [{"uri": None}, {"uri": "u", "domain": 5}]}},
     lambda data: data.sources[0], {"url": "u"}),
    ("hunter", VERIFY, {"data": {"status": "valid", "score": "high", "regexp": "perhaps"}},
     lambda data: data, {"status": "valid", "confidence": None}),
    ("hunter", SEARCH, hunter_page(ENTRY | {"confidence": [], "seniority": {}}), first_email,
     {"email": ADDRESS, "confidence": None, "seniority": None, "job_title": "Countess"}),
    ("hunter", SEARCH, hunter_page(ENTRY, technologies=["x", None]), company,
     {"technologies": ["x"]}),
    ("hunter", SEARCH, hunter_page(ENTRY, technologies="x", city="Paris"),
     lambda data: data.company.location, {"city": "Paris"}),
    ("hunter", SEARCH, hunter_page(ENTRY, postal_code=94105),
     lambda data: data.company.location, {"postal_code": "94105"}),
    ("hunter", SEARCH, hunter_page(ENTRY, headcount=51), company,
     {"headcount": "51", "headcount_min": 51, "headcount_max": 51}),
    ("hunter", PERSON, {"data": {"name": {"fullName": "Ada L"}, "email": ADDRESS, "geo": [],
                                 "employment": {"title": 5, "name": "Engine"}}},
     lambda data: data, {"full_name": "Ada L", "company": "Engine", "job_title": "5"}),
    ("snov", PERSON, {"success": True, "name": "Ada L", "social": {}, "country": []},
     lambda data: data, {"full_name": "Ada L", "linkedin_url": None}),
    ("snov", PERSON, {"success": True, "name": "Ada L",
                      "social": [None, {"type": "linkedIn", "link": "linkedin.com/in/ada"}]},
     lambda data: data, {"linkedin_url": "https://www.linkedin.com/in/ada"}),
    ("snov", PERSON, {"success": True, "name": "Ada L",
                      "currentJob": [{"companyName": "Engine", "postal": 6902}, "Baker"]},
     lambda data: data.jobs[0].location, {"postal_code": "6902"}),
]  # fmt: skip


@pytest.mark.parametrize("provider, query, reply, of, members", KEPT)
async def test_odd_values_of_lesser_fields_lose_nothing_else(
    provider: str,
    query: Query,
    reply: Any,
    of: Callable[[Any], Any],
    members: dict[str, Any],
    stage: StageMaker,
) -> None:
    answer = await stage(provider, [{"reply": reply}]).lookup(query)
    found = of(answer.data)
    assert {name: getattr(found, name) for name in members} == members


DECIDING: list[tuple[str, Query, Any]] = [
    ("hunter", FIND, {"data": FOUND | {"email": ["x"]}}),
    ("hunter", FIND, {"data": FOUND | {"verification": {"status": {}}}}),
    ("hunter", FIND, {"data": FOUND | {"accept_all": "perhaps"}}),
    ("hunter", VERIFY, {"data": {"status": 5}}),
    ("hunter", VERIFY, {"data": {"status": "webmail", "smtp_check": "perhaps"}}),
    ("hunter", SEARCH, hunter_page({"value": None, "confidence": ""})),
    ("hunter", SEARCH, {"data": {"emails": {}, "headcount": 51}, "meta": {}}),
    ("snov", PERSON, {"success": True, "name": {}, "social": {}}),
]


@pytest.mark.parametrize("provider, query, reply", DECIDING)
async def test_odd_values_of_deciding_fields_lose_the_reply(
    provider: str, query: Query, reply: Any, stage: StageMaker
) -> None:
    with pytest.raises(MalformedResponse) as caught:
        await stage(provider, [{"reply": reply}]).lookup(query)
    assert caught.value.uncertain
    assert caught.value.__cause__ is None


async def test_a_greylisted_address_is_one_whatever_else_is_odd(stage: StageMaker) -> None:
    data = {"smtpStatus": "greylisted", "isGibberish": "perhaps"}
    entry = {"status": {"identifier": "complete"}, "data": data}
    staged = stage("snov", [{"reply": {"success": True, ADDRESS: entry}}])
    ticket = await staged.adapter.peek(VERIFY, seconds=5)
    assert getattr(ticket, "slow", False)


def letrics_page(*rows: Any) -> dict[str, Any]:
    return {"reply": {"data": list(rows), "meta": {"total": len(rows)}}}


@pytest.mark.parametrize("odd", [{}, {"industry": "Software"}, {"name": None, "domain": 5}])
async def test_a_company_that_nobody_names_takes_no_contact_with_it(
    odd: Any, stage: StageMaker
) -> None:
    row = {"name": "Ada", "company": odd, "domain": "engine.example"}
    answer = await stage("letrics", [letrics_page(row)]).lookup(CONTACTS)
    assert answer.data == [Person(full_name="Ada", domain="engine.example")]


async def test_a_row_that_names_nobody_takes_no_other_with_it(stage: StageMaker) -> None:
    rows = ({"job_title": "Manager"}, {"name": "Ada", "company": {"name": "Engine"}}, None)
    answer = await stage("letrics", [letrics_page(*rows)]).lookup(CONTACTS)
    assert answer.data == [Person(full_name="Ada", company=Company(name="Engine"))]
    assert answer.rows == 3


@pytest.mark.parametrize("rows", [[{"job_title": "Manager"}] * 2, [None], ["Ada"]])
async def test_rows_of_which_none_names_anybody_are_malformed(
    rows: list[Any], stage: StageMaker
) -> None:
    with pytest.raises(MalformedResponse) as caught:
        await stage("letrics", [letrics_page(*rows)]).lookup(CONTACTS)
    assert caught.value.uncertain


class Inner(Struct):
    name: str
    size: Lesser[int] = None


class Outer(Struct):
    either: list[Inner] | Inner
    inner: Lesser[Inner] = None
    flag: Lesser[bool] = None
    words: Lesser[list[str]] = None


@pytest.mark.parametrize(
    "told, read",
    [
        ('{"either":{"name":"a","size":"x"}}', Outer(Inner("a"))),
        ('{"either":[{"name":"a","size":[]},{"name":"b","size":"7"}]}',
         Outer([Inner("a"), Inner("b", 7)])),
        ('{"either":[],"inner":{"size":1},"flag":2}', Outer([])),
        ('{"either":[],"inner":{"name":7,"size":1}}', Outer([])),
        ('{"either":[],"inner":{"name":"a","size":{}},"flag":true}',
         Outer([], Inner("a"), flag=True)),
        ('{"either":[],"words":["a",true,7,null,["b"],1.5]}', Outer([], words=["a", "7"])),
        ('{"either":[],"words":{"0":"a"},"other":1e999}', None),
    ],
)  # fmt: skip
def test_what_is_lost_is_as_small_as_can_be(told: str, read: Outer | None) -> None:
    if read is None:
        with pytest.raises(MalformedResponse):
            decode(told.encode(), Outer)
    else:
        assert decode(told.encode(), Outer) == read
