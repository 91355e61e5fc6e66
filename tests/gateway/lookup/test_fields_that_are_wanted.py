"""`want`: others are asked until the fields are there, and their answers are put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, get_args

import httpx
import pytest

from gateway.lookup import identity, merging
from gateway.lookup.cache import DAY
from gateway.lookup.judge import Accept
from gateway.lookup.lookup import Candidate
from gateway.lookup.merging import join
from providers.model import Company, CompanyField, Email, EnrichPerson, Person, PersonField, Query
from tests.gateway.lookup.scene import Scene, attempts, cost, outcome, until
from tests.gateway.lookup.supposing import explained

Check = Callable[[Scene], Awaitable[None]]
BOTH = {"providers": ["snov", "hunter"]}
ADA = Person(full_name="Ada Lovelace", company="Blue Harbor", domain="blue-harbor.example")


async def enrich(
    scene: Scene, email: str, *want: str, query: str = "", **routing: Any
) -> httpx.Response:
    body = {"email": email, "routing": BOTH | routing} | ({"want": [*want]} if want else {})
    reply = await scene.gateway.post(f"/v1/people/enrich{query}", body)
    assert reply.status_code == 200, reply.text
    return reply


def known_to_both(scene: Scene) -> str:
    """Snov.io tells of former jobs, Hunter of the seniority."""
    return scene.person(hunter="valid", snov="valid").email


async def it_goes_on_until_the_fields_are_there(scene: Scene) -> None:
    email = known_to_both(scene)
    reply = await enrich(scene, email, "jobs", "seniority", query="?include=raw")
    assert attempts(reply) == [("snov", "weak", None), ("hunter", "accepted", None)]
    body = reply.json()
    data, fields = body["data"], body["data"]["provenance"]["fields"]
    assert data["seniority"]
    assert data["jobs"]
    assert fields["jobs"]["provider"] == fields["job_title"]["provider"] == "snov"
    assert fields["seniority"]["provider"] == "hunter"
    assert set(fields) == {name for name, value in data.items() if value} - {"provenance"}
    assert [one["provenance"]["provider"] for one in data["emails"]] == ["snov"]
    assert set(body["meta"]["raw"]) == {"snov", "hunter"}
    assert cost(reply) == scene.billed() == Decimal("0.079")


async def what_is_wanted_is_no_other_question(scene: Scene) -> None:
    email = known_to_both(scene)
    await enrich(scene, email, "seniority")
    again = await enrich(scene, email, "seniority", "jobs")
    plain = await enrich(scene, email)
    assert cost(again) == cost(plain) == 0
    assert again.json()["meta"]["cached"] is True
    assert scene.charges() == 2


CHECKS: list[Check] = [it_goes_on_until_the_fields_are_there, what_is_wanted_is_no_other_question]


@pytest.mark.parametrize("check", CHECKS)
async def test_wanted_fields(scene: Scene, check: Check) -> None:
    await check(scene)


async def test_answers_that_are_not_put_together_are_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("hand", "judging"):
        monkeypatch.setattr(f"gateway.lookup.{module}.is_merged", lambda _: False)
    with pytest.raises(AssertionError):
        await it_goes_on_until_the_fields_are_there(scene)


async def test_a_question_that_is_another_for_what_is_wanted_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    canonical = identity.canonical

    def wanting(query: Query) -> bytes:
        return canonical(query) + str(getattr(query, "want", "")).encode()

    monkeypatch.setattr("gateway.lookup.desk.canonical", wanting)
    with pytest.raises(AssertionError):
        await what_is_wanted_is_no_other_question(scene)


async def test_nobody_else_is_asked_once_it_is_there(scene: Scene) -> None:
    reply = await enrich(scene, known_to_both(scene), "jobs", "job_title")
    assert attempts(reply) == [("snov", "accepted", None)]
    fields = reply.json()["data"]["provenance"]["fields"]
    assert {one["provider"] for one in fields.values()} == {"snov"}


async def test_without_wants_the_first_answer_is_enough(scene: Scene) -> None:
    reply = await enrich(scene, known_to_both(scene))
    assert attempts(reply) == [("snov", "accepted", None)]
    assert "fields" not in reply.json()["data"]["provenance"]


async def test_what_nobody_knows_leaves_the_fullest_answer_and_is_not_bought_again(
    scene: Scene,
) -> None:
    email = known_to_both(scene)
    reply = await enrich(scene, email, "skills", "seniority")
    assert attempts(reply) == [("snov", "weak", None), ("hunter", "weak", None)]
    assert outcome(reply) == "weak"
    assert reply.json()["data"]["seniority"]
    assert reply.json()["data"]["jobs"]
    again = await enrich(scene, email, "skills", "seniority")
    assert cost(again) == 0
    assert scene.charges() == 2
    assert again.json()["meta"]["cached"] is True


async def test_what_one_caller_wants_says_nothing_of_a_provider(
    scene: Scene,
) -> None:
    await enrich(scene, known_to_both(scene), "skills")
    for provider in ("snov", "hunter"):
        counts = await scene.store.call("HGET", f"{{pgw}}:live:learn:people.enrich:{provider}", "")
        assert counts == b"1 1 1 0 0", provider


async def test_what_one_caller_misses_is_kept_as_long_as_any_answer(scene: Scene) -> None:
    """For whoever wants no such field it is accepted."""
    await enrich(scene, known_to_both(scene), "skills")
    kept = [key async for key in scene.store.scan("{pgw}:live:cache:*")]
    lives = [int(await scene.store.call("HGET", key, "life")) for key in kept]
    assert lives == [30 * DAY, 30 * DAY]


async def test_who_never_has_what_is_wanted_does_not_come_first(scene: Scene) -> None:
    """Snov.io is cheaper and knows as many, but of nobody how senior they are."""
    books = [f"{{pgw}}:live:learn:people.enrich:{provider}" for provider in ("snov", "hunter")]
    await enrich(scene, known_to_both(scene), "seniority", "seniority")
    had = [await scene.store.call("HGET", book, "@has:seniority") for book in books]
    assert had == [b"1 0 0 0 0", b"1 1 0 0 0"]
    for book, counts in zip(books, ("500 0 0 0 0", "500 500 0 0 0"), strict=True):
        await scene.store.call("HSET", book, "@has:seniority", counts)
        await scene.store.call("HSET", book, "", "9000 8000 8000 0 0")
    assert await first(scene, "seniority", until_is="hunter") == "hunter"
    assert await first(scene, "jobs") == await first(scene) == "snov"
    reply = await enrich(scene, known_to_both(scene), "seniority", order="learned")
    assert attempts(reply) == [("hunter", "accepted", None)]
    assert (await explained(scene, reply))["replayed"] is True


async def first(scene: Scene, *want: str, until_is: str = "") -> str:
    """Whom a quote has first, once it is that one."""
    body = {"email": "ada@elsewhere.com"} | ({"want": [*want]} if want else {})
    routing = BOTH | {"order": "learned"}
    asked = {"operation": "people.enrich", "input": body, "routing": routing}

    async def found() -> str:
        reply = await scene.gateway.post("/v1/quote", asked)
        name = str(reply.json()["data"]["steps"][0]["provider"])
        return name if until_is in ("", name) else ""

    return str(await until(found, 2))


async def test_one_who_knows_nothing_takes_nothing_away(scene: Scene) -> None:
    person = scene.person(snov="valid")
    reply = await enrich(scene, person.email, "seniority")
    assert attempts(reply) == [("snov", "weak", None), ("hunter", "empty", None)]
    assert reply.json()["data"]["jobs"]


async def test_companies_are_put_together_too(scene: Scene) -> None:
    domain = scene.person(hunter="valid").company.domain
    body = {"domain": domain, "want": ["technologies"], "routing": BOTH}
    reply = await scene.gateway.post("/v1/companies/enrich", body)
    assert attempts(reply) == [("snov", "weak", None), ("hunter", "accepted", None)]
    fields = reply.json()["data"]["provenance"]["fields"]
    assert (fields["name"]["provider"], fields["technologies"]["provider"]) == ("snov", "hunter")


async def test_rows_of_a_job_want_fields_as_well(scene: Scene) -> None:
    email = known_to_both(scene)
    table = f"email,want\n{email},seniority; jobs\n"
    headers = {"content-type": "text/csv"}
    params = {"operation": "people.enrich", "routing": '{"providers": ["snov", "hunter"]}'}
    made = await scene.gateway.client.post(
        "/v1/jobs", content=table, headers=headers, params=params
    )
    job = await scene.job(made)
    assert job["counts"]["accepted"] == 1
    rows = await scene.gateway.client.get(f"/v1/jobs/{job['id']}/results")
    assert rows.json()["data"][0]["data"]["provenance"]["fields"]["jobs"]["provider"] == "snov"


@pytest.mark.parametrize(
    "path, body",
    [
        ("people", {"email": "a@b.example", "want": ["salary"]}),
        ("companies", {"domain": "b.example", "want": ["skills"]}),
    ],
)
async def test_a_field_that_there_is_not_is_refused(
    scene: Scene, path: str, body: dict[str, Any]
) -> None:
    reply = await scene.gateway.post(f"/v1/{path}/enrich", body)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/want/0"


def test_whatever_is_told_can_be_wanted() -> None:
    for kind, names in ((Person, PersonField), (Company, CompanyField)):
        assert [*get_args(names), "provenance"] == [*kind.__struct_fields__]


def made(person: Person = ADA, **more: Any) -> Person:
    return Person(**{name: getattr(person, name) for name in person.__struct_fields__} | more)


JOINED: list[tuple[Any, Any, dict[str, Any] | None]] = [
    (ADA, Person(phone="+4930901820"), {"phone": "+4930901820"}),
    (ADA, made(phone="+4930901820", job_title="CTO"), {"job_title": "CTO"}),
    (ADA, Person(domain="other.example", job_title="CTO", skills=["x"]),
     {"job_title": None, "skills": ["x"]}),
    (made(domain=None), Person(company=Company(name="BLUE HARBOR"), job_title="CTO"),
     {"job_title": "CTO", "company": "Blue Harbor"}),
    (ADA, Person(full_name="Ada King", first_name="Ada", phone="+4930901820"),
     {"first_name": None, "full_name": "Ada Lovelace", "phone": "+4930901820"}),
    (made(linkedin_url="https://www.linkedin.com/in/ada"),
     Person(linkedin_url="https://www.linkedin.com/in/eve", phone="+4930901820"), None),
    (Company(name="A", headcount="11-50"), Company(headcount_min=500, phone="+4930901820"),
     {"headcount_min": None, "phone": "+4930901820"}),
    (Company(domain="a.example"), Company(domain="b.example", phone="+4930901820"), None),
    (None, Company(domain="b.example"), None),
]  # fmt: skip


@pytest.mark.parametrize("known, other, fields", JOINED)
def test_only_what_belongs_together_is_put_together(
    known: Any, other: Any, fields: dict[str, Any] | None
) -> None:
    joint = join(known, other)
    if fields is None:
        assert joint is None
    else:
        assert {name: getattr(joint, name) for name in fields} == fields


def test_addresses_are_gathered_once_each() -> None:
    one = made(emails=[Email(email="ada@blue-harbor.example")])
    other = made(emails=[Email(email="ADA@blue-harbor.example"), Email(email="ada@home.example")])
    joint = join(one, other)
    assert isinstance(joint, Person)
    assert [email.email for email in joint.emails] == [
        "ada@blue-harbor.example",
        "ada@home.example",
    ]
    assert len(one.emails) == 1


def test_contradictions_that_nobody_minds_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "_differ", lambda *_: False)
    wrong = 0
    for known, other, fields in JOINED:
        joint = join(known, other)
        told = joint and {name: getattr(joint, name) for name in fields or ()}
        wrong += told != fields
    assert wrong >= 3


def nothing_wanted_is_put_away() -> None:
    """The second knows the title, at another employer than the first names."""
    lookup = SimpleNamespace(
        query=EnrichPerson(email="ada@blue-harbor.example", want=["job_title"]),
        route=SimpleNamespace(accept=Accept()),
        best=candidate(made(company="Foo", domain="foo.example"), "snov", "weak"),
    )
    other = candidate(made(company="Bar", domain="bar.example", job_title="CTO"), "hunter")
    found: Any = merging.merged(lookup, other)  # type: ignore[arg-type]
    assert (found.provider, found.outcome, found.data.job_title) == ("hunter", "accepted", "CTO")


def candidate(data: Person, provider: str, outcome: Any = "accepted") -> Candidate:
    return Candidate(
        data=data, provider=provider, outcome=outcome, cached=False, fetched_at=1_790_000_000
    )


def test_who_alone_has_what_is_wanted_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_wanted_is_put_away()
    monkeypatch.setattr(merging, "_lacks", lambda *_: False)
    with pytest.raises(AssertionError):
        nothing_wanted_is_put_away()
