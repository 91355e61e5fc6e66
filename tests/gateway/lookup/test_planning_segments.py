"""Lookups that are alike share their statistics, and there are never many kinds of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lookup.planning.segments import segment_of
from providers.model import (
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    Query,
    SearchContacts,
    VerifyEmail,
)

URL = "https://www.linkedin.com/in/ada"


@pytest.mark.parametrize(
    "query, headcount, segment",
    [
        (FindEmail(full_name="Ada", domain="a.com"), None, "com..p"),
        (FindEmail(full_name="Ada", domain="a.de"), 12, "de.s.p"),
        (FindEmail(full_name="Ada", domain="a.co.uk"), 51, "uk.m.p"),
        (FindEmail(full_name="Ada", domain="a.io"), 501, "generic.l.p"),
        (FindEmail(full_name="Ada", domain="a.edu"), None, "public..p"),
        (FindEmail(full_name="Ada", domain="a.vu"), None, "other..p"),
        (FindEmail(full_name="Ada", domain="xn--80ak6aa92e.xn--p1ai"), None, "other..p"),
        (FindEmail(full_name="Ada", company="Acme"), None, "-..p"),
        (FindEmail(linkedin_url=URL), None, "-..u"),
        (FindEmail(linkedin_url=URL, domain="a.com"), None, "com..p"),
        (FindEmail(linkedin_url=URL, kind="personal"), None, "-..h"),
        (VerifyEmail(email="ada@a.fr"), None, "fr..p"),
        (VerifyEmail(email="ada@gmail.com"), None, "com..h"),
        (VerifyEmail(email="info+x@a.fr"), None, "fr..r"),
        (EnrichPerson(email="ada@gmail.com"), None, "com..h"),
        (EnrichPerson(linkedin_url=URL), None, "-..u"),
        (EnrichCompany(domain="a.nl"), None, "nl..p"),
        (SearchContacts(job_titles=["CTO"]), None, "-..p"),
    ],
)
def test_a_query_has_its_segment(query: Query, headcount: int | None, segment: str) -> None:
    assert segment_of(query, headcount) == segment


@given(st.from_regex(r"[a-z]{1,9}\.[a-z]{2,24}", fullmatch=True), st.integers(0, 10**7))
def test_segments_are_of_a_short_list(domain: str, headcount: int) -> None:
    place, size, kind = segment_of(FindEmail(full_name="A", domain=domain), headcount).split(".")
    assert place in {"com", "generic", "public", "other"} or len(place) == 2
    assert size in {"s", "m", "l"}
    assert kind == "p"
