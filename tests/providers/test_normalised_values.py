"""What comes back in one spelling: doing it twice changes nothing, and nothing makes it fail."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.model import Department, Location, Seniority
from providers.values.countries import to_country, to_country_name
from providers.values.dates import to_day, to_moment, to_year
from providers.values.headcount import to_headcount
from providers.values.links import (
    to_domain,
    to_linkedin_url,
    to_site_domain,
    to_twitter,
    to_website,
)
from providers.values.names import join_name, split_name, to_full_name, to_name
from providers.values.phones import to_phone
from providers.values.places import to_place, to_us_state
from providers.values.roles import find_department, find_seniority
from providers.values.shares import to_percent

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.text(), max_size=3),
    st.dictionaries(st.sampled_from(["date", "timezone", "x"]), st.text(), max_size=3),
)
TEXT = st.one_of(st.none(), st.text(), st.sampled_from([" ", ",", "LAST, First", "http://", "@"]))


@pytest.mark.parametrize(
    "written, name",
    [
        ("Ada  Lovelace ", "Ada Lovelace"),
        ("Zoe\u0308", "Zoë"),
        ("Ada\u200b\u00a0Love\u00adlace", "Ada Lovelace"),
        ("田中\u3000太郎", "田中 太郎"),
        ("\x00\u200e", None),
        ("", None),
        (None, None),
    ],
)
def test_names_are_composed_and_single_spaced(written: str | None, name: str | None) -> None:
    assert to_name(written) == name


@pytest.mark.parametrize(
    "written, name",
    [
        ("Lovelace, Ada", "Ada Lovelace"),
        ("LOVELACE,ADA", "ADA LOVELACE"),
        ("King, Jr., Martin Luther", "Martin Luther King, Jr."),
        ("Sammy Davis, Jr.", "Sammy Davis, Jr."),
        ("van Beethoven, Ludwig", "Ludwig van Beethoven"),
        ("Ada Lovelace, PhD, MBA", "Ada Lovelace, PhD, MBA"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("Jr.", "Jr."),
        (",", None),
    ],
)
def test_a_whole_name_is_in_the_order_it_is_spoken(written: str, name: str | None) -> None:
    assert to_full_name(written) == name


@pytest.mark.parametrize(
    "full, parts",
    [
        ("Lovelace, Ada", ("Ada", "Lovelace")),
        ("Sammy Davis Jr.", ("Sammy", "Davis")),
        ("Davis, Sammy, III", ("Sammy", "Davis")),
        ("Dr. Ada Lovelace", ("Ada", "Lovelace")),
        ("Prof. Dr. Ada von Lovelace", ("Ada", "von Lovelace")),
        ("田中 太郎", ("太郎", "田中")),
        ("김 민수", ("민수", "김")),
        ("田中太郎", None),
        ("Ada Augusta Lovelace", None),
        ("Dr. Lovelace", None),
    ],
)
def test_a_whole_name_comes_apart_only_where_that_is_certain(
    full: str, parts: tuple[str, str] | None
) -> None:
    assert split_name(full) == parts


@pytest.mark.parametrize(
    "written, domain",
    [
        ("https://jobs.engine.co.uk/openings", "engine.co.uk"),
        ("www.engine.example", "engine.example"),
        ("engine.github.io", "engine.github.io"),
        ("http://www.bücher.example/", "xn--bcher-kva.example"),
        ("co.uk", "co.uk"),
        ("http://", None),
        ("http:\\/\\/", None),
        (None, None),
    ],
)
def test_the_domain_of_a_page_is_the_one_that_was_registered(
    written: str | None, domain: str | None
) -> None:
    assert to_site_domain(written) == domain


@pytest.mark.parametrize(
    "written, handle",
    [
        ("@Ada", "Ada"),
        ("Ada", "Ada"),
        ("https://twitter.com/Ada/", "Ada"),
        ("https://x.com/Ada?lang=en", "Ada"),
        ("@", None),
        (None, None),
    ],
)
def test_handles(written: str | None, handle: str | None) -> None:
    assert to_twitter(written) == handle


@pytest.mark.parametrize(
    "written, page, path",
    [
        ("HTTPS://de.LinkedIn.com/in/Ada-Lovelace/?trk=x", "in", "in/ada-lovelace"),
        ("https://de.linkedin.com/in/Ada-Lovelace/de?trk=x#top", "in", "in/ada-lovelace"),
        ("https://www.linkedin.com/in/l%C3%B6we", "in", "in/l%C3%B6we"),
        ("linkedin.com/in/löwe/", "in", "in/l%C3%B6we"),
        ("Engine-Inc", "company", "company/engine-inc"),
        ("company/EngineInc", "in", "company/engineinc"),
        ("https://www.linkedin.com/company/1523574/about", "company", "company/1523574"),
        ("https://www.linkedin.com/pub/ada/1/2a/3b4", "in", "pub/ada/1/2a/3b4"),
        ("https://www.linkedin.com/in/", "in", None),
        ("https://elsewhere.example/in/ada", "in", None),
        ("?", "in", None),
    ],
)
def test_a_profile_has_one_spelling(written: str, page: Any, path: str | None) -> None:
    expected = f"https://www.linkedin.com/{path}" if path else None
    assert to_linkedin_url(written, page) == expected


@pytest.mark.parametrize(
    "written, moment",
    [
        ({"date": "2020-07-14 13:10:46.000000", "timezone_type": 3, "timezone": "UTC"},
         "2020-07-14T13:10:46Z"),
        ({"date": "2020-07-14 13:10:46", "timezone": "Europe/Kiev"}, "2020-07-14T10:10:46Z"),
        ({"date": "2020-07-14 13:10:46", "timezone": "+03:00"}, "2020-07-14T10:10:46Z"),
        ({"date": "2020-07-14 13:10:46", "timezone": "-0730"}, "2020-07-14T20:40:46Z"),
        ({"date": "2020-07-14 13:10:46", "timezone": "Atlantis/Main"}, None),
        ("2021-01-01 12:00:00 UTC", "2021-01-01T12:00:00Z"),
        ("2021-01-01T12:00:00Z", "2021-01-01T12:00:00Z"),
        ("2021-01-01T12:00:00.123+02:00", "2021-01-01T10:00:00Z"),
        ("2018-02-07 10:12:28", "2018-02-07T10:12:28Z"),
        ("2018-02-07", "2018-02-07T00:00:00Z"),
        (1605571200, "2020-11-17T00:00:00Z"),
        (1605571200.9, "2020-11-17T00:00:00Z"),
        (1605571200000, "2020-11-17T00:00:00Z"),
        (17, None),
        (True, None),
        ("yesterday", None),
        ("2018-02-31", None),
        (None, None),
    ],
)  # fmt: skip
def test_moments(written: Any, moment: str | None) -> None:
    assert to_moment(written) == moment


@pytest.mark.parametrize(
    "written, percent",
    [("77%", 77.0), ("77 %", 77.0), ("12.5%", 12.5), ("12,5%", 12.5), (77, 77.0), ("0%", 0.0),
     ("%", None), ("many", None), (True, None), (None, None), (float("nan"), None)],
)  # fmt: skip
def test_percents(written: Any, percent: float | None) -> None:
    assert to_percent(written) == percent


@pytest.mark.parametrize(
    "written, least, most",
    [
        ("11\u201350", 11, 50),
        ("11 to 50", 11, 50),
        ("<10", None, 10),
        ("fewer than 10", None, 10),
        ("more than 10,000", 10_000, None),
        (">5000", 5000, None),
        ("10000 or more", 10_000, None),
        ("1.001-5.000", 1001, 5000),
    ],
)
def test_bands_in_words(written: str, least: int | None, most: int | None) -> None:
    assert to_headcount(written)[1:] == (least, most)


@pytest.mark.parametrize(
    "written, code",
    [
        ("the Netherlands", "NL"),
        ("TRINIDAD & TOBAGO", "TT"),
        ("St. Lucia", "LC"),
        ("Cote d\u2019Ivoire", "CI"),
        ("Korea (Republic of)", "KR"),
        ("U.S.A.", "US"),
        ("DEU", "DE"),
        ("Turkiye", "TR"),
        ("São Tomé and Príncipe", "ST"),
        ("Congo, Democratic Republic of the", "CD"),
    ],
)
def test_countries_as_these_apis_spell_them(written: str, code: str) -> None:
    assert to_country(written) == code


@pytest.mark.parametrize(
    "line, country, place",
    [
        ("Framingham, Massachusetts, United States", None, ("Framingham", "Massachusetts", "US")),
        ("Greater Atlanta Area", "US", ("Greater Atlanta Area", None, "US")),
        ("Singapore", "SG", (None, None, "SG")),
        ("Paris, France", None, ("Paris", None, "FR")),
        ("Paris, France", "US", ("Paris", "France", "US")),
        ("Paris", None, ("Paris", None, None)),
    ],
)
def test_places_in_one_line(line: str, country: str | None, place: tuple[str | None, ...]) -> None:
    city, state, code = place
    assert to_place(line, country) == Location(city=city, state=state, country=code)


def test_nowhere_is_no_place() -> None:
    assert to_place(" , ") is None
    assert to_place(None) is None
    assert to_us_state("ca") == to_us_state(" California ") == "CA"
    assert to_us_state("Bavaria") is None


@pytest.mark.parametrize(
    "word, seniority, department",
    [
        ("C-Suite", "executive", "executive"),
        ("c_level", "executive", "executive"),
        ("Vice President", "executive", None),
        ("Director", "senior", None),
        ("Manager", "senior", None),
        ("Entry", "junior", None),
        ("Information Technology", None, "it"),
        ("Engineering & Technical", None, "it"),
        ("Human Resources", None, "hr"),
        ("Customer Success", None, "support"),
        ("Public-Relations", None, "communication"),
        ("Underwater Basketry", None, None),
        ("", None, None),
    ],
)
def test_all_providers_words_lead_to_the_same(
    word: str, seniority: str | None, department: str | None
) -> None:
    assert find_seniority(word) == seniority
    assert find_department(word) == department


def test_our_own_words_lead_to_themselves() -> None:
    assert [find_seniority(word) for word in get_args(Seniority)] == list(get_args(Seniority))
    assert [find_department(word) for word in get_args(Department)] == list(get_args(Department))


IDEMPOTENT: list[Callable[[str | None], str | None]] = [
    to_name, to_full_name, to_domain, to_site_domain, to_website, to_linkedin_url, to_twitter,
    to_country, to_country_name, to_phone, find_seniority, find_department,
]  # fmt: skip


@pytest.mark.parametrize("change", IDEMPOTENT, ids=lambda change: getattr(change, "__name__", "x"))
@given(written=TEXT)
def test_a_second_time_changes_nothing(
    change: Callable[[Any], str | None], written: str | None
) -> None:
    once = change(written or "")
    assert once is None or change(once) == once


@given(written=ANYTHING)
def test_nothing_makes_a_value_fail(written: Any) -> None:
    for read in (to_day, to_moment, to_year, to_headcount, to_percent, to_phone):
        read(written)
    moment = to_moment(written)
    assert moment is None or to_moment(moment) == moment
    day = to_day(written)
    assert day is None or to_day(day) == day


@given(first=TEXT, last=TEXT)
def test_a_joined_name_is_composed_and_comes_apart_or_not(
    first: str | None, last: str | None
) -> None:
    whole = join_name(first, last)
    assert whole is None or unicodedata.is_normalized("NFC", whole)
    parts = split_name(whole)
    assert parts is None or all(parts)


@given(line=TEXT, country=st.sampled_from([None, "US", "DE"]))
def test_a_place_never_loses_the_country_it_was_given(
    line: str | None, country: str | None
) -> None:
    place = to_place(line, country)
    assert place is None or place.country in {country, to_country((line or "").split(",")[-1])}
    assert country is None or (place is not None and place.country == country)
