"""Addresses and profiles are found in any text, as their owner writes them."""

from __future__ import annotations

import time

import pytest

from gateway.guard.suppression import marks_of_person
from gateway.lookup.identifiers import emails_in, profiles_in, text_of
from gateway.lookup.marking import marks_in_raws, marks_in_text
from gateway.lookup.subject import people_in, subject_of

PAT = "pat.o'neil@blue-harbor.example"
PROFILE = "https://www.linkedin.com/in/ada"


@pytest.mark.parametrize(
    "text, found",
    [
        (PAT, [PAT]),
        (f"Pat.O'Neil@Blue-Harbor.example,{PAT}", [PAT, PAT]),
        (f"'{PAT}'", [PAT]),
        (f"['ada@a.example', '{PAT}']", ["ada@a.example", PAT]),
        ("to='ada@a.example'", ["ada@a.example"]),
        ("''ada@a.example''", ["ada@a.example"]),
        ("ada@b\u00fccher.example", ["ada@xn--bcher-kva.example"]),
        ("ada@bu\u0308cher.example", ["ada@xn--bcher-kva.example"]),
        ("an ada@\u0909\u0926\u093e\u0939\u0930\u0923.example", ["ada@xn--p1b6ci4b4b3a.example"]),
    ],
)
def test_an_address_is_found_whole(text: str, found: list[str]) -> None:
    assert list(emails_in(text)) == found


def test_an_apostrophe_makes_nobody_else_of_its_owner() -> None:
    [person] = people_in({"full_name": "Pat O'Neil", "email": PAT})
    assert person.emails == {PAT}
    assert subject_of(email=PAT).is_named_in(b'{"email": "%b"}' % PAT.encode())
    neil = subject_of(email="neil@blue-harbor.example")
    assert not neil.is_named_in(b'{"email": "%b"}' % PAT.encode())


@pytest.mark.parametrize("piece", ["a'", "''a", "a", "'", "a.'"])
def test_no_text_takes_long(piece: str) -> None:
    began = time.perf_counter()
    assert list(emails_in(piece * 100_000 + " @")) == []
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "text",
    [
        "https://www.linkedin.com:443/in/ada",
        "linkedin.com./in/Ada",
        "http://de.linkedin.com//in/ada/?x=1",
    ],
)
def test_a_profile_is_found_whatever_stands_before_its_path(text: str) -> None:
    assert list(profiles_in(text)) == [PROFILE]


def test_what_is_cut_short_is_read_as_the_json_that_it_was() -> None:
    cut = b'{"name": "Jos\\u00e9", "url": "https:\\/\\/linkedin.com\\/in\\/ada", "x": "\\ud83d'
    text = text_of(cut)
    assert "José" in text
    assert list(profiles_in(text)) == [PROFILE]
    assert list(emails_in(text_of(b'{"email": "\\u0061da\\u0040a.example", '))) == [
        "ada@a.example"
    ]


@pytest.mark.parametrize("text", ["l'adresse d'ada@a.example", "b'ada@a.example'"])
def test_a_word_run_into_an_address_hides_nobody(text: str) -> None:
    """Whoever objected is found behind it; nobody is erased for whom it might be."""
    marks = marks_of_person(["ada@a.example"], None, [], bytes(32))
    assert set(marks) <= set(marks_in_text(text, bytes(32)))
    assert not subject_of(email="ada@a.example").is_named_in(text.encode())


def test_a_reply_has_the_marks_of_the_domains_that_it_names_addresses_of() -> None:
    marks = marks_in_raws([b'{"email": "ada@mail.quiet.example"}'], bytes(32))
    assert {"domain:quiet.example", "domain:mail.quiet.example"} <= set(marks)
