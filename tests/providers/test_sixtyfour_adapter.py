"""What is particular to Sixtyfour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import MalformedResponse, TaskFailed
from providers.model import Email, FindEmail, Hints, Kind
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

PERSON = FindEmail(full_name="Ada Lovelace", company="Engine")
HOME = FindEmail(full_name="Ada Lovelace", company="Engine", kind="personal")
FIND = ADAPTERS["sixtyfour"].offers["emails.find"]
AT_WORK = ["ada@engine.example", "OK", "COMPANY"]
AT_HOME = ["ada@mail.example", "OK", "PERSONAL"]
STARTED = {"reply": {"task_id": "t1", "status": "RUNNING"}}


def job(status: str, **members: Any) -> list[dict[str, Any]]:
    return [dict(STARTED), {"reply": {"status": status, **members}}]


async def test_a_personal_address_is_asked_for_and_answered(stage: StageMaker) -> None:
    result = {"email": [AT_WORK], "personal_email": [AT_HOME]}
    exchanges = job("completed", result=result)
    exchanges[0] |= {"json": {"lead": {"name": "Ada Lovelace", "company": "Engine"}}}
    exchanges[0]["json"]["mode"] = "PERSONAL"
    answer = await stage("sixtyfour", exchanges).lookup(HOME)
    assert isinstance(answer.data, Email)
    assert (answer.data.email, answer.data.kind) == ("ada@mail.example", "personal")
    assert answer.data.domain is None
    assert FIND.charged_units(HOME, answer) == 20_000


async def test_everything_known_of_the_person_is_sent(stage: StageMaker) -> None:
    lead = {
        "name": "Ada Lovelace",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "company": "Engine",
        "domain": "engine.example",
        "linkedin": "https://www.linkedin.com/in/ada",
        "title": "Engineer",
        "phone": "+442071234567",
        "location": "London",
    }
    query = FindEmail(
        first_name="Ada",
        last_name="Lovelace",
        company="Engine",
        domain="engine.example",
        linkedin_url="https://www.linkedin.com/in/ada",
        hints=Hints(job_title="Engineer", phone="+442071234567", location="London"),
    )
    exchanges = job("completed", result={"email": []})
    exchanges[0] |= {"json": {"lead": lead, "mode": "PROFESSIONAL"}}
    assert (await stage("sixtyfour", exchanges).lookup(query)).data is None


async def test_a_result_may_stand_beside_its_status(stage: StageMaker) -> None:
    answer = await stage("sixtyfour", job("completed", email=[AT_WORK])).lookup(PERSON)
    assert isinstance(answer.data, Email)
    assert answer.data.domain == "engine.example"


@pytest.mark.parametrize(
    "query, members, units",
    [
        (PERSON, {"charge_amount": 5, "result": {"email": [AT_WORK]}}, 5_000),
        (PERSON, {"charge_amount": 7.5, "result": {"email": [AT_WORK]}}, 7_500),
        (PERSON, {"charge_amount": 0, "result": {"email": [AT_WORK]}}, 0),
        (PERSON, {"charge_amount": 2, "result": {"email": []}}, 2_000),
        (PERSON, {"result": {"email": [AT_WORK], "cost_cents": 4}}, 4_000),
        (PERSON, {"result": {"email": [AT_WORK]}}, 5_000),
        (PERSON, {"result": {"email": []}}, 0),
        (HOME, {"result": {"personal_email": [AT_HOME]}}, 20_000),
    ],
)
async def test_the_charge_is_the_providers_word_else_the_price(
    query: FindEmail, members: dict[str, Any], units: int, stage: StageMaker
) -> None:
    answer = await stage("sixtyfour", job("completed", **members)).lookup(query)
    assert FIND.charged_units(query, answer) == units


@pytest.mark.parametrize(
    "word", ["pending", "queued", "RUNNING", "processing", "continued_as_new", "never heard of"]
)
async def test_whatever_is_not_final_is_polled_on(word: str, stage: StageMaker) -> None:
    exchanges = job("Completed", result={"email": [AT_WORK]})
    exchanges.insert(1, {"reply": {"status": word}})
    staged = stage("sixtyfour", exchanges)
    assert (await staged.lookup(PERSON)).data is not None
    assert len(staged.player.requests) == 3


@pytest.mark.parametrize("word", ["failed", "CANCELLED", "terminated", "timed_out"])
@pytest.mark.parametrize(
    "members, units",
    [({}, None), ({"charge_amount": 0}, 0), ({"charge_amount": 5}, 5000)],
    ids=["charge_unknown", "free", "charged"],
)
async def test_a_job_that_ends_without_an_answer_is_a_failed_task(
    word: str, members: dict[str, Any], units: int | None, stage: StageMaker
) -> None:
    with pytest.raises(TaskFailed) as caught:
        await stage("sixtyfour", job(word, **members)).lookup(PERSON)
    assert caught.value.units == units
    assert caught.value.uncertain is (units is None)


@pytest.mark.parametrize("entry", [[], ["a@e.example"], ["a@e.example", "OK", "COMPANY", "x"]])
async def test_a_tuple_of_another_length_is_malformed(entry: list[str], stage: StageMaker) -> None:
    with pytest.raises(MalformedResponse):
        await stage("sixtyfour", job("completed", result={"email": [entry]})).lookup(PERSON)


@pytest.mark.parametrize("kind, units", [("professional", 5_000), ("personal", 20_000)])
def test_a_personal_address_costs_more(kind: Kind, units: int) -> None:
    assert FIND.worst_units(FindEmail(full_name="A B", kind=kind)) == units


@pytest.mark.parametrize(
    "query, fits",
    [
        (FindEmail(linkedin_url="https://www.linkedin.com/in/ada"), True),
        (FindEmail(full_name="Ada Lovelace"), True),
        (FindEmail(first_name="Ada", company="Engine", kind="personal"), True),
        (FindEmail(domain="engine.example"), False),
    ],
)
def test_the_finder_takes_any_person(query: FindEmail, fits: bool) -> None:
    assert FIND.fits(query) is fits
