"""Every spelling of a question is one question, and two questions are never one."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guard.suppression import marks_of, marks_of_person
from gateway.lookup.identity import canonical, fold, names_of, normalise, slot_of
from gateway.lookup.spelling import QueryError, clean_domain, clean_email
from providers.model import (
    CountEmails,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Hints,
    Place,
    Query,
    SearchCompanies,
    SearchContacts,
    SearchDomain,
    VerifyEmail,
)

KEY = bytes(32)
ZOE: dict[str, Any] = {
    "first_name": "Zoë",
    "last_name": "O'Connell",
    "domain": "blue-harbor.example",
}


def slot(query: Query) -> str:
    parts = ("emails.find", "hunter", "", "")
    return slot_of(parts, canonical(normalise(query)), KEY)


def marks(query: Query) -> list[str]:
    query = normalise(query)
    return marks_of(query, names_of(query), KEY)


SPELLINGS: list[dict[str, Any]] = [
    {},
    {"first_name": "ZOË", "last_name": "O'CONNELL"},
    {"first_name": "zoë", "last_name": "o'connell"},
    {"first_name": "Zoe", "last_name": "O'Connell"},
    {"first_name": "Zoe\u0308"},
    {"first_name": "  Zoë  "},
    {"first_name": "Zoë\t", "last_name": "\nO'Connell"},
    {"last_name": "O\u2019Connell"},
    {"last_name": "O\u02bcConnell"},
    {"first_name": "Ｚｏë"},
    {"first_name": "Zo\u200bë"},
    {"first_name": "Zo\u00adë"},
    {"domain": "Blue-Harbor.EXAMPLE"},
    {"domain": "www.blue-harbor.example"},
    {"domain": "https://www.blue-harbor.example/team?x=1"},
    {"domain": "http://blue-harbor.example:8080"},
    {"domain": "blue-harbor.example."},
    {"domain": "blue-harbor。example"},
    {"company": "Blue Harbor"},
    {"full_name": "Somebody Else"},
    {"kind": "professional"},
    {"hints": Hints()},
    {"domain": "blue-harbor.example/team?from=https://other.example"},
]
FULL_NAMES = [
    "Zoë O'Connell",
    "zoë  o'connell",
    "O'Connell, Zoë",
    "O'CONNELL,ZOE",
    " O'Connell , Zoë ",
    "Zoë O'Connell,",
    "Zoë\u00a0O\u2019Connell",
]


@pytest.mark.parametrize("changes", SPELLINGS, ids=str)
def test_one_person_in_every_spelling_is_one_slot(changes: dict[str, Any]) -> None:
    assert slot(FindEmail(**ZOE | changes)) == slot(FindEmail(**ZOE))


@pytest.mark.parametrize("name", FULL_NAMES)
def test_a_full_name_is_first_and_last_name(name: str) -> None:
    assert slot(FindEmail(full_name=name, domain=ZOE["domain"])) == slot(FindEmail(**ZOE))


@pytest.mark.parametrize(
    "one, other",
    [
        ("Ada Lovelace, Jr.", "Ada Lovelace Jr"),
        ("Lovelace, Ada, Jr.", "Ada Lovelace Jr."),
        ("Ada Lovelace, CPA", "Ada Lovelace CPA"),
        ("Lovelace, Ada, RN", "Ada Lovelace RN"),
        ("Ada Lovelace, PhD", "Ada Lovelace Ph.D."),
        ("Lovelace, Ada, Ph. D.", "Ada Lovelace PhD"),
        ("Ada Lovelace, M.D., Ph.D.", "Ada Lovelace MD PhD"),
        ("J. R. R. Tolkien", "J R R Tolkien"),
        ("Smith\u2011Jones, Anne", "Anne Smith-Jones"),
        ("Søren Bjørnstad", "Soren Bjornstad"),
        ("Łukasz Żukowska", "Lukasz Zukowska"),
        ("Strauß, Jürgen", "jurgen strauss"),
    ],
)
def test_two_spellings_of_a_name_are_one(one: str, other: str) -> None:
    queries = [FindEmail(full_name=name, domain="a.example") for name in (one, other)]
    assert slot(queries[0]) == slot(queries[1])


def test_an_objection_knows_a_degree_in_both_spellings() -> None:
    """That of "Ph.D." was kept as it came apart."""
    dotted, plain = (
        marks(FindEmail(full_name=f"Ada Lovelace {degree}", domain="a.example"))
        for degree in ("Ph.D.", "PhD")
    )
    assert set(plain) < set(dotted)
    assert set(marks_of_person([], None, [b"ada lovelace ph d\0a.example"], KEY)) < set(dotted)


@pytest.mark.parametrize("domain", ["acme.test", "acme.local", "acme.invalid", "acme.example"])
def test_whatever_is_a_domain_has_addresses(domain: str) -> None:
    assert clean_domain(domain, "") == domain
    assert clean_email(f"Ada@{domain}", "") == f"ada@{domain}"


@pytest.mark.parametrize("address", ["ada@localhost", "ada@test", "ada@", "ada", "a b@acme.test"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(QueryError):
        clean_email(address, "")


@pytest.mark.parametrize(
    "one, other",
    [
        (
            FindEmail(full_name="Thomas James", domain="a.example"),
            FindEmail(full_name="James Thomas", domain="a.example"),
        ),
        (
            FindEmail(full_name="Ada Byron", domain="a.example"),
            FindEmail(full_name="Ada Byron", domain="b.example"),
        ),
        (
            FindEmail(full_name="Ada Byron", domain="a.example"),
            FindEmail(full_name="Ada Byron", domain="a.example", kind="personal"),
        ),
        (
            FindEmail(full_name="かがわ はな", domain="a.example"),
            FindEmail(full_name="かかわ はな", domain="a.example"),
        ),
        (VerifyEmail(email="ada+news@a.example"), VerifyEmail(email="ada@a.example")),
        (VerifyEmail(email="josé@a.example"), VerifyEmail(email="jose@a.example")),
        (
            EnrichPerson(linkedin_url="linkedin.com/in/josé"),
            EnrichPerson(linkedin_url="linkedin.com/in/jose"),
        ),
        (
            EnrichPerson(linkedin_url="linkedin.com/pub/ada-lovelace/1/2a/3b4"),
            EnrichPerson(linkedin_url="linkedin.com/pub/ada-lovelace/1/2b/3b4"),
        ),
        (EnrichCompany(domain="www.example"), EnrichCompany(domain="example.www.example")),
    ],
)
def test_two_questions_stay_two(one: Query, other: Query) -> None:
    assert slot(one) != slot(other)


@pytest.mark.parametrize(
    "given, sent",
    [
        ("https://uk.linkedin.com/in/Ada-Lovelace/", "ada-lovelace"),
        ("linkedin.com/in/ada-lovelace?trk=x#about", "ada-lovelace"),
        ("linkedin.com/in/ada-lovelace?from=https://x.example", "ada-lovelace"),
        ("//www.linkedin.com/in/ada-lovelace/de", "ada-lovelace"),
        ("https://www.linkedin.com/pub/ada-lovelace/1/2a/3b4", "ada-lovelace-3b402a1"),
        ("https://www.linkedin.com/comm/in/Ada?midToken=x", "ada"),
        ("linkedin.com/mwlite/in/ada", "ada"),
        ("https://www.linkedin.com/in/jos%C3%A9", "jos%C3%A9"),
        ("https://www.linkedin.com/in/JOSÉ", "jos%C3%A9"),
        ("https://www.linkedin.com/in/a%2Fb", "a%2Fb"),
    ],
)
def test_a_profile_has_one_address(given: str, sent: str) -> None:
    query = normalise(EnrichPerson(linkedin_url=given))
    assert query == EnrichPerson(linkedin_url=f"https://www.linkedin.com/in/{sent}")


def test_an_address_is_lower_case_and_keeps_its_tag() -> None:
    query = normalise(VerifyEmail(email=" Ada+News@Bücher.EXAMPLE "))
    assert query == VerifyEmail(email="ada+news@xn--bcher-kva.example")


@pytest.mark.parametrize(
    "query, pointer",
    [
        (FindEmail(full_name="Ada Lovelace"), ""),
        (FindEmail(first_name="Ada", domain="a.example"), ""),
        (FindEmail(full_name=", ,", domain="a.example"), "/full_name"),
        (FindEmail(full_name="\u200b", domain="a.example"), "/full_name"),
        (FindEmail(full_name="Ada\x00Lovelace", domain="a.example"), "/full_name"),
        (FindEmail(full_name="A B", domain="a.example", hints=Hints(phone=" ")), "/hints/phone"),
        (EnrichPerson(), ""),
        (EnrichCompany(), ""),
        (SearchDomain(), ""),
        (CountEmails(), ""),
        *[
            (CountEmails(domain=domain), "/domain")
            for domain in (
                "localhost", "a b.example", "-a.example", "a..example", "127.0.0.1", "http://[::1]",
                "[", "http://[abc", "ex℀mple.example", f"{'a' * 64}.example", "xn--\u0301.example",
                ".".join(["a" * 60] * 5), "https://", "www.", "co.uk", "www.com.au",
                "☃" * 70 + ".example",
            )
        ],
        *[
            (VerifyEmail(email=email), "/email")
            for email in ("ada", "ada@", "@a.example", "ada@@a.example", "a b@a.example", "ada@a")
        ],
        *[
            (EnrichPerson(linkedin_url=url), "/linkedin_url")
            for url in (
                "https://www.linkedin.com/company/x", "https://notlinkedin.com/in/ada",
                "https://linkedin.com.evil.example/in/ada", "http://[", "linkedin.com/in/%ff",
                "linkedin.com/in/%00", "linkedin.com/in/", "linkedin.com/in/%20",
            )
        ],
        (SearchContacts(job_titles=["CEO", " "]), "/job_titles/1"),
        (SearchCompanies(locations=[Place(city="\x01")]), "/locations/0/city"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_where_it_stands(query: Query, pointer: str) -> None:
    with pytest.raises(QueryError) as refused:
        normalise(query)
    assert refused.value.pointer == pointer


def test_lists_are_the_same_in_any_order() -> None:
    one = SearchContacts(
        job_titles=["CEO", "cto"], locations=[Place(city="Köln"), Place(city="X")]
    )
    other = SearchContacts(
        job_titles=["CTO", "ceo"], locations=[Place(city="x"), Place(city="koln")]
    )
    assert slot(one) == slot(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "personal"},
        {"hints": Hints(job_title="CEO")},
        {"company": "Blue Harbor"},
        {"first_name": "ZOE"},
        {"linkedin_url": "linkedin.com/in/zoe"},
    ],
    ids=str,
)
def test_an_objection_knows_the_person_whatever_is_asked(changes: dict[str, Any]) -> None:
    asked = marks(FindEmail(**ZOE | changes))
    assert set(asked) & set(marks(FindEmail(**ZOE)))


def test_an_objection_folds_the_tag_of_an_address() -> None:
    assert marks(VerifyEmail(email="Ada+x@a.example")) == marks(
        EnrichPerson(email="ada@a.example")
    )


words = st.text(min_size=1, max_size=20)
hosts = st.text(alphabet=string.ascii_letters + string.digits + "-.äßøμ。\uff37w/:@", max_size=20)
addresses = st.builds("{}@{}.example".format, words, hosts)
queries = st.one_of(
    st.builds(FindEmail, full_name=words, domain=hosts.map("{}.example".format)),
    st.builds(FindEmail, first_name=words, last_name=words, company=words),
    st.builds(FindEmail, linkedin_url=words.map("linkedin.com/in/{}".format)),
    st.builds(VerifyEmail, email=addresses),
    st.builds(CountEmails, domain=hosts),
    st.builds(SearchContacts, job_titles=st.lists(words, max_size=3)),
)


@settings(max_examples=300, deadline=None)
@given(queries)
def test_normalising_twice_changes_nothing(query: Query) -> None:
    try:
        once = normalise(query)
    except QueryError:
        return
    assert normalise(once) == once
    assert canonical(normalise(once)) == canonical(once)


@settings(max_examples=300, deadline=None)
@given(words)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "given, sent",
    [
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T08:00:05Z", "2026-01-31T08:00:05Z"),
        (" 2026-01-31t08:00:05.999z ", "2026-01-31T08:00:05Z"),
        ("2026-01-31T08:00", "2026-01-31T08:00:00Z"),
        ("2026-01-31 00:30:00+02:00", "2026-01-30T22:30:00Z"),
        ("0999-01-01", "0999-01-01T00:00:00Z"),
        ("2026-02-30", None),
        ("2026-01-31T24:30", None),
        ("2026-W05-1", None),
        ("2026-01-31x08:00", None),
        ("0001-01-01T00:00+10:00", None),
        ("20260131", None),
        ("1767225600", None),
        ("yesterday", None),
    ],
)
def test_a_moment_is_sent_in_utc(given: str, sent: str | None) -> None:
    if sent is None:
        with pytest.raises(QueryError) as refused:
            normalise(SearchCompanies(added_before=given))
        assert refused.value.pointer == "/added_before"
    else:
        found = normalise(SearchContacts(added_after=given, added_before=given))
        assert found == SearchContacts(added_after=sent, added_before=sent)


def test_an_interval_of_moments_is_not_reversed() -> None:
    with pytest.raises(QueryError) as refused:
        normalise(SearchCompanies(added_after="2026-01-02", added_before="2026-01-01T23:59:59Z"))
    assert refused.value.pointer == "/added_after"
