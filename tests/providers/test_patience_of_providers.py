"""Whatever Retry-After says, it is a bounded number of seconds or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from providers.base import retry_after
from providers.patience import LONGEST, seconds_in

WORDS: dict[str, float | None] = {
    "120": 120.0,
    " 0 ": 0.0,
    "0000000000090": 90.0,
    "86401": LONGEST,
    "1763740000": LONGEST,
    "1" + "0" * 20: LONGEST,
    "9" * 400: LONGEST,
    "9" * 60_000: LONGEST,
    "Wed, 21 Oct 2015 07:28:00 GMT": 0.0,
    "Wed, 21 Oct 9999 07:28:00 GMT": LONGEST,
    "Wed, 21 Oct 99999999999999999999 07:28:00 GMT": None,
    "Wed, 21 Oct 2015 07:28:00 +99999999999999999999": None,
    "Wed, 21 Oct 2015 07:28:00 -0000": 0.0,
    "Sun Nov  6 08:49:37 1994": 0.0,
    "Sunday, 06-Nov-94 08:49:37 GMT": 0.0,
    "": None,
    "-5": None,
    "+5": None,
    "1_0": None,
    "1e9": None,
    "inf": None,
    "nan": None,
    "soon": None,
    "\u00b2": None,
    "\u0665": None,
    "Wed, \u00b2 Oct 2015 07:28:00 GMT": None,
}


@pytest.mark.parametrize("text", WORDS)
def test_both_forms_of_retry_after_are_read(text: str) -> None:
    assert seconds_in(text) == WORDS[text]
    headers = httpx.Headers([(b"retry-after", text.encode())])
    assert retry_after(headers) == WORDS[text]


def test_a_moment_to_come_is_so_far_away() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 80 < (seconds_in(moment) or 0) <= 90


def test_a_moment_in_the_words_of_c_is_so_far_away_too() -> None:
    """RFC 9110 has recipients read it; it is in UTC."""
    moment = (datetime.now(UTC) + timedelta(seconds=90)).ctime()
    assert 80 < (seconds_in(moment) or 0) <= 90


def test_nothing_said_is_nothing() -> None:
    assert retry_after(httpx.Headers()) is None
