"""What is good enough, one row for each rule of the contract."""

from __future__ import annotations

import pytest

from gateway.lookup.judge import Accept, Outcome, judge, strength
from providers.model import (
    Company,
    CountEmails,
    Datum,
    DomainEmails,
    Email,
    EmailCount,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    ListedEmail,
    Location,
    Person,
    Query,
    SearchCompanies,
    SearchContacts,
    SearchDomain,
    Status,
    Verification,
    VerifyEmail,
)

FIND = FindEmail(full_name="Ada Lovelace", domain="a.example")
ADDRESS = "ada@a.example"
PROFILE = "https://www.linkedin.com/in/ada"


@pytest.mark.parametrize(
    "status, confidence, accept, outcome",
    [
        ("valid", 97, Accept(), "accepted"),
        ("valid", None, Accept(), "accepted"),
        ("valid", 90, Accept(min_confidence=90), "accepted"),
        ("valid", 89, Accept(min_confidence=90), "weak"),
        ("valid", None, Accept(min_confidence=1), "weak"),
        ("valid", 99, Accept(statuses=("catch_all",)), "weak"),
        ("catch_all", 99, Accept(), "weak"),
        ("catch_all", 50, Accept(statuses=("valid", "catch_all")), "accepted"),
        ("unknown", 99, Accept(), "weak"),
        ("unknown", 50, Accept(statuses=("unknown",)), "accepted"),
        ("invalid", 99, Accept(), "empty"),
        ("disposable", 99, Accept(), "empty"),
        ("disposable", 99, Accept(statuses=("disposable",)), "accepted"),
        ("invalid", 10, Accept(statuses=("invalid",), min_confidence=50), "empty"),
    ],
)
def test_find_is_judged_by_status_and_confidence(
    status: Status, confidence: int | None, accept: Accept, outcome: Outcome
) -> None:
    found = Email(email=ADDRESS, status=status, confidence=confidence)
    assert judge(FIND, found, accept) == outcome


@pytest.mark.parametrize(
    "status, outcome",
    [
        ("valid", "accepted"),
        ("catch_all", "accepted"),
        ("disposable", "accepted"),
        ("invalid", "accepted"),
        ("unknown", "weak"),
    ],
)
def test_verify_is_any_verdict_but_unknown(status: Status, outcome: Outcome) -> None:
    found = Verification(email=ADDRESS, status=status)
    assert judge(VerifyEmail(email=ADDRESS), found, Accept(min_confidence=100)) == outcome


BY_EMAIL, BY_PROFILE = EnrichPerson(email=ADDRESS), EnrichPerson(linkedin_url=PROFILE)
WANTING = EnrichPerson(email=ADDRESS, want=["emails"])
BY_DOMAIN, BY_NAME = EnrichCompany(domain="a.example"), EnrichCompany(company="A")


@pytest.mark.parametrize(
    "query, data, outcome",
    [
        (BY_EMAIL, Person(full_name="Ada Lovelace"), "accepted"),
        (BY_EMAIL, Person(emails=[Email(email="other@a.example")]), "accepted"),
        (BY_EMAIL, Person(emails=[Email(email=ADDRESS)]), "empty"),
        (BY_EMAIL, Person(emails=[Email(email="Ada@A.example")]), "empty"),
        (WANTING, Person(full_name="Ada", emails=[Email(email="Ada@A.example")]), "weak"),
        (WANTING, Person(emails=[Email(email="ada@home.example")]), "accepted"),
        (BY_EMAIL, Person(emails=[Email(email=ADDRESS)], domain="a.example"), "empty"),
        (BY_EMAIL, Person(location=Location()), "empty"),
        (BY_EMAIL, Person(location=Location(country="GB")), "accepted"),
        (BY_PROFILE, Person(linkedin_url=PROFILE), "empty"),
        (BY_PROFILE, Person(linkedin_url=PROFILE, phone="+4420"), "accepted"),
        (BY_DOMAIN, Company(domain="a.example", website="https://a.example"), "empty"),
        (BY_DOMAIN, Company(domain="a.example", name="A"), "accepted"),
        (BY_DOMAIN, Company(domain="a.example", technologies=["python"]), "accepted"),
        (BY_NAME, Company(name="A"), "empty"),
        (BY_NAME, Company(name="A", headcount_min=10), "accepted"),
        (BY_NAME, None, "empty"),
    ],
)
def test_enrich_needs_a_field_beyond_the_input(
    query: Query, data: Datum | None, outcome: Outcome
) -> None:
    assert judge(query, data, Accept()) == outcome


ROW = ListedEmail(email=ADDRESS, status="unknown")


@pytest.mark.parametrize(
    "query, data, outcome",
    [
        (SearchDomain(domain="a.example"), DomainEmails(emails=[ROW]), "accepted"),
        (SearchDomain(domain="a.example"), DomainEmails(organization="A"), "empty"),
        (SearchContacts(), [Person()], "accepted"),
        (SearchContacts(), [], "empty"),
        (SearchCompanies(), [Company()], "accepted"),
        (SearchCompanies(), None, "empty"),
        (CountEmails(domain="a.example"), EmailCount(total=0), "accepted"),
        (CountEmails(domain="a.example"), EmailCount(total=7, webmail=True), "accepted"),
        (CountEmails(domain="a.example"), EmailCount(total=0, webmail=True), "weak"),
    ],
)
def test_a_search_needs_a_row_and_a_count_a_number(
    query: Query, data: Datum | None, outcome: Outcome
) -> None:
    assert judge(query, data, Accept()) == outcome


def test_weak_answers_rank_catch_all_before_unknown_then_by_confidence() -> None:
    ranked = [
        Email(email=ADDRESS, status="unknown", confidence=None),
        Email(email=ADDRESS, status="unknown", confidence=90),
        Email(email=ADDRESS, status="catch_all", confidence=10),
        Email(email=ADDRESS, status="catch_all", confidence=11),
        Email(email=ADDRESS, status="valid", confidence=1),
    ]
    strengths = [strength(one) for one in ranked]
    assert strengths == sorted(set(strengths))
