"""What an objection recognises a person by: never the person's own words."""

from __future__ import annotations

import pytest

from gateway.guard.suppression import fold_tag, marks_of, marks_of_address
from providers.model import CountEmails, EnrichPerson, FindEmail, Query, VerifyEmail

KEY, OTHER_KEY = bytes(32), bytes([1]) * 32
PROFILE = "https://www.linkedin.com/in/ada"


@pytest.mark.parametrize(
    "query, names, marks",
    [
        (FindEmail(full_name="Ada", domain="a.example"), [b"ada"], 1),
        (FindEmail(full_name="Ada", domain="a.example", company="A"), [b"ada", b"ada2"], 2),
        (FindEmail(linkedin_url=PROFILE), [], 1),
        (EnrichPerson(email="ada@a.example", linkedin_url=PROFILE), [], 2),
        (VerifyEmail(email="ada@a.example"), [], 1),
        (CountEmails(domain="a.example"), [], 0),
    ],
)
def test_a_query_has_a_mark_for_each_name_of_its_person(
    query: Query, names: list[bytes], marks: int
) -> None:
    assert len(set(marks_of(query, names, KEY))) == marks


def test_one_address_is_one_mark_wherever_it_stands() -> None:
    asked = marks_of(VerifyEmail(email="ada+x@a.example"), [], KEY)
    assert asked == marks_of(EnrichPerson(email="ada@a.example"), [], KEY)
    assert asked == marks_of_address("Ada@A.example", KEY)


def test_a_profile_is_one_mark_wherever_it_stands() -> None:
    by_find = marks_of(FindEmail(linkedin_url=PROFILE), [], KEY)
    assert by_find == marks_of(EnrichPerson(linkedin_url=PROFILE), [], KEY)


def test_a_mark_tells_nothing_without_the_key() -> None:
    query = VerifyEmail(email="ada@a.example")
    assert marks_of(query, [], KEY) != marks_of(query, [], OTHER_KEY)
    assert "ada" not in marks_of(query, [], KEY)[0]


@pytest.mark.parametrize(
    "email, folded",
    [("ada+x@a.example", "ada@a.example"), ("a+b+c@a.example", "a@a.example"),
     ("ada@a.example", "ada@a.example"), ("+x@a.example", "+x@a.example")],
)  # fmt: skip
def test_a_tag_is_folded_away(email: str, folded: str) -> None:
    assert fold_tag(email) == folded


def test_a_plus_in_front_is_no_tag() -> None:
    """Or one objection would be that of all whose addresses begin with one."""
    assert marks_of_address("+ada@a.example", KEY) != marks_of_address("+bob@a.example", KEY)
