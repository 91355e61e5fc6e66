"""Dates, numbers, places and names as providers write them, in ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.values.countries import NAME_OF, to_country, to_country_name
from providers.values.dates import to_day, to_year
from providers.values.headcount import to_headcount
from providers.values.links import to_domain, to_linkedin_url, to_website
from providers.values.names import join_name, split_name
from providers.values.phones import to_phone


@pytest.mark.parametrize(
    "written, day",
    [
        ("2021-05-18", "2021-05-18"),
        ("2021-01-01 12:00:00 UTC", "2021-01-01"),
        ("2021-01-01T12:00:00Z", "2021-01-01"),
        ({"date": "2020-07-14 13:10:46.000000", "timezone_type": 3}, "2020-07-14"),
        ("2021-13-01", None),
        ("18/05/2021", None),
        ("", None),
        (None, None),
        (1605571200, "2020-11-17"),
        (1605571200000, "2020-11-17"),
        (17, None),
        (True, None),
    ],
)
def test_days(written: Any, day: str | None) -> None:
    assert to_day(written) == day


@pytest.mark.parametrize(
    "written, year",
    [("2017", 2017), (2017, 2017), ("founded in 1899", 1899), ("n/a", None), (17, None)],
)
def test_years(written: Any, year: int | None) -> None:
    assert to_year(written) == year


@pytest.mark.parametrize(
    "written, least, most",
    [
        ("51-200", 51, 200),
        ("501-1000", 501, 1000),
        ("1,001-5,000", 1001, 5000),
        ("1001 - 5000 employees", 1001, 5000),
        ("201-500 employees", 201, 500),
        ("10001+", 10001, None),
        ("10,001+", 10001, None),
        ("10K+", 10000, None),
        ("5K-10K", 5000, 10000),
        ("1.5K", 1500, 1500),
        ("1,5k-2.25 K", 1500, 2250),
        ("1.2M+", 1_200_000, None),
        ("10 000+", 10000, None),
        ("1 001 - 5\u202f000", 1001, 5000),
        ("1.001-5.000", 1001, 5000),
        ("10.5", None, None),
        ("1.5B", None, None),
        ("12,34", None, None),
        ("120", 120, 120),
        (120, 120, 120),
        ("200-51", None, None),
        ("many", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_headcounts(written: Any, least: int | None, most: int | None) -> None:
    assert to_headcount(written)[1:] == (least, most)


@given(st.one_of(st.none(), st.integers(), st.text()))
def test_headcounts_never_fail_and_never_turn_round(written: Any) -> None:
    band = to_headcount(written)
    if band.least is not None and band.most is not None:
        assert 0 <= band.least <= band.most


@pytest.mark.parametrize(
    "written, country, phone",
    [
        ("13477050819", None, "+13477050819"),
        ("+1 347 705 0819", None, "+13477050819"),
        ("00442071838750", None, "+442071838750"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("+442071838750", "US", "+442071838750"),
        (13477050819, None, "+13477050819"),
        ("020 7183 8750", None, None),
        ("00 44 20 7183 8750", None, "+442071838750"),
        ("(507) 284-2511", None, None),
        ("(507) 284-2511", "US", "+15072842511"),
        ("6465551234", None, None),
        ("6465551234", "US", "+16465551234"),
        ("646-555-12345", None, None),
        ("13477050819", "GB", "+13477050819"),
        ("99999999999", None, None),
        ("call me", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_phones(written: Any, country: str | None, phone: str | None) -> None:
    assert to_phone(written, country) == phone


@given(st.text())
def test_phones_never_fail(written: str) -> None:
    phone = to_phone(written)
    assert phone is None or phone.startswith("+")


@pytest.mark.parametrize(
    "written, code",
    [
        ("US", "US"),
        ("us", "US"),
        ("United States", "US"),
        ("united kingdom", "GB"),
        ("UK", "GB"),
        ("Brazil", "BR"),
        ("Czechia", "CZ"),
        ("Atlantis", None),
        ("", None),
        (None, None),
    ],
)
def test_countries(written: str | None, code: str | None) -> None:
    assert to_country(written) == code


def test_every_country_has_a_name_that_leads_back() -> None:
    assert len(NAME_OF) == 249
    assert all(to_country(to_country_name(code)) == code for code in NAME_OF)


@pytest.mark.parametrize(
    "written, domain",
    [
        ("https://WWW.Engine.example/about?x=1", "engine.example"),
        ("engine.example:8080", "engine.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("Engine", None),
        ("", None),
        (None, None),
    ],
)
def test_domains(written: str | None, domain: str | None) -> None:
    assert to_domain(written) == domain


@given(st.text())
def test_domains_never_fail(written: str) -> None:
    domain = to_domain(written)
    assert domain is None or domain.isascii()


@pytest.mark.parametrize(
    "written, url",
    [
        ("ada", "https://www.linkedin.com/in/ada"),
        ("in/ada", "https://www.linkedin.com/in/ada"),
        ("http://uk.linkedin.com/in/ada/?trk=x", "https://www.linkedin.com/in/ada"),
        ("linkedin.com/in/ada", "https://www.linkedin.com/in/ada"),
        ("", None),
        (None, None),
    ],
)
def test_profiles(written: str | None, url: str | None) -> None:
    assert to_linkedin_url(written) == url


def test_websites_have_a_scheme() -> None:
    assert to_website("engine.example") == "https://engine.example"
    assert to_website("http://engine.example") == "http://engine.example"
    assert to_website(" ") is None


@pytest.mark.parametrize(
    "full, parts",
    [
        ("Ada Lovelace", ("Ada", "Lovelace")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
        ("Oscar de la Renta", ("Oscar", "de la Renta")),
        ("Ana García López", None),
        ("Ada", None),
        ("", None),
        (None, None),
    ],
)
def test_a_full_name_is_split_only_where_that_is_certain(
    full: str | None, parts: tuple[str, str] | None
) -> None:
    assert split_name(full) == parts


def test_names_are_joined_from_what_is_there() -> None:
    assert join_name("Ada", "Lovelace") == "Ada Lovelace"
    assert join_name(None, "Lovelace") == "Lovelace"
    assert join_name(None, "") is None
