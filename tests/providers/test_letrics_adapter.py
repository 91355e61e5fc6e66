"""What is particular to Letrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import MalformedResponse
from providers.letrics import to_place
from providers.model import Answer, Company, Person, Place, SearchCompanies, SearchContacts
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

CONTACTS = SearchContacts(job_titles=["manager"], limit=2)
COMPANIES = SearchCompanies(industries=["Software"], limit=2)


def page(rows: list[Any], **meta: int) -> dict[str, Any]:
    return {"reply": {"data": rows, "meta": meta}}


@pytest.mark.parametrize(
    "place, told",
    [
        (Place(city="San Francisco", state="California", country="US"), "SF"),
        (Place(state="California", country="us"), "state:California||United States"),
        (Place(city="London", country="GB"), "city:London||||United Kingdom"),
        (Place(country="BR"), "country:Brazil"),
        (Place(country="Brazil"), "country:Brazil"),
        (Place(city="London"), "city:London"),
        (Place(city="Austin", state="Texas"), "city:Austin||Texas"),
        (Place(), None),
    ],
)
def test_a_place_is_told_in_their_grammar(place: Place, told: str | None) -> None:
    if told == "SF":
        told = "city:San Francisco||California||United States"
    assert to_place(place) == told


@pytest.mark.parametrize(
    "rows, meta, after, following",
    [
        (2, {"total": 5}, None, "2"),
        (2, {"total": 5}, "2", "3"),
        (1, {"total": 5}, "3", None),
        (2, {"total": 2}, None, None),
        (2, {}, None, "2"),
        (1, {}, None, None),
        (0, {"total": 5}, "9", None),
    ],
)
async def test_rows_are_paged_and_counted(
    rows: int, meta: dict[str, int], after: str | None, following: str | None, stage: StageMaker
) -> None:
    sent = {"industries": ["Software"], "page": int(after or 1), "per_page": 2}
    staged = stage("letrics", [page([{"name": "Engine"}] * rows, **meta) | {"json": sent}])
    answer = await staged.adapter.ask(COMPANIES, seconds=5, after=after)
    assert isinstance(answer, Answer)
    assert (answer.rows, answer.next, answer.total) == (rows, following, meta.get("total"))
    assert ADAPTERS["letrics"].offers["companies.search"].charged_units(COMPANIES, answer) == (
        rows * 1000
    )


async def test_paths_filters_and_fields_can_be_set(stage: StageMaker) -> None:
    row = {"person": {"called": "Ada"}, "mails": [{"address": "ada@engine.example"}]}
    exchange = page([row]) | {
        "request": "POST /people",
        "json": {"decision_maker": True, "page": 1, "per_page": 25},
    }
    staged = stage(
        "letrics",
        [exchange],
        contacts__path="/people",
        filter__decision_maker="decision_maker",
        contact__full_name="person.called|name",
        contact__emails="mails",
    )
    answer = await staged.lookup(SearchContacts(decision_maker=True))
    assert isinstance(answer.data, list)
    (person,) = answer.data
    assert isinstance(person, Person)
    assert person.full_name == "Ada"
    assert [email.email for email in person.emails] == ["ada@engine.example"]


async def test_a_contacts_company_may_be_a_name(stage: StageMaker) -> None:
    row = {
        "first_name": "Ada",
        "last_name": "L",
        "company": "Engine",
        "domain": "WWW.Engine.example",
    }
    answer = await stage("letrics", [page([row])]).lookup(CONTACTS)
    assert isinstance(answer.data, list)
    (person,) = answer.data
    assert isinstance(person, Person)
    assert (person.full_name, person.company) == ("Ada L", "Engine")
    assert person.domain == "engine.example"


async def test_odd_values_of_lesser_fields_lose_nothing_else(stage: StageMaker) -> None:
    row = {"name": "Engine", "technologies": "React", "headcount": 120, "founded": "n/a"}
    answer = await stage("letrics", [page([{**row, "phone": [], "location": "London"}])]).lookup(
        COMPANIES
    )
    expected = Company(name="Engine", headcount="120", headcount_min=120, headcount_max=120)
    assert answer.data == [expected]


@pytest.mark.parametrize("query", [CONTACTS, COMPANIES])
async def test_rows_that_name_nobody_are_malformed(
    query: SearchCompanies, stage: StageMaker
) -> None:
    with pytest.raises(MalformedResponse) as caught:
        await stage("letrics", [page([{"something": "else"}])]).lookup(query)
    assert caught.value.uncertain


@pytest.mark.parametrize("flag", [False, None])
async def test_false_is_no_filter(flag: bool | None, stage: StageMaker) -> None:
    """Only `true` is described."""
    sent = {"page": 1, "per_page": 25}
    query = SearchContacts(has_personal_email=flag, decision_maker=flag)
    await stage("letrics", [page([]) | {"json": sent}]).lookup(query)
