"""Money is whole micro-units, rounded once; every instant lies in one day and one month."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.money.amounts import cost_of, to_micros, to_money, to_units
from gateway.money.windows import PERIODS, Window, windows_at

ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Africa/Cairo",
         "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Asia/Beirut"]  # fmt: skip


@pytest.mark.parametrize(
    "units, price, cost",
    [
        (1000, 49_000, 49_000),
        (500, 49_001, 24_501),
        (500, 49_000, 24_500),
        (1, 499, 0),
        (1, 500, 1),
        (1, 1499, 1),
        (1, 1500, 2),
        (5000, 10_000, 50_000),
        (0, 49_000, 0),
        (10**9, 10**6, 10**12),
    ],
)
def test_a_cost_is_rounded_half_up_once(units: int, price: int, cost: int) -> None:
    assert cost_of(units, price) == cost


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_cost_is_the_decimal_product(units: int, price: int) -> None:
    exact = Decimal(units) * price / 1000
    assert cost_of(units, price) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    "micros, text",
    [
        (0, "0"),
        (1, "0.000001"),
        (49_000, "0.049"),
        (1_000_000, "1"),
        (10_000_000, "10"),
        (1_234_567_890, "1234.56789"),
        (10**15, "1000000000"),
    ],
)
def test_money_is_plain_decimal_text(micros: int, text: str) -> None:
    assert to_money(micros) == text
    assert to_micros(Decimal(text)) == micros


@given(st.integers(0, 2**53))
def test_money_survives_its_text(micros: int) -> None:
    assert to_micros(Decimal(to_money(micros))) == micros


@pytest.mark.parametrize(
    "amount, micros", [("0.0000005", 1), ("0.0000004", 0), ("0.0000015", 2), ("0.1", 100_000)]
)
def test_less_than_a_micro_is_rounded_half_up(amount: str, micros: int) -> None:
    assert to_micros(Decimal(amount)) == micros


@pytest.mark.parametrize("units, shown", [(1000, 1), (1500, 1.5), (0, 0), (1, 0.001)])
def test_units_are_decimal_numbers(units: int, shown: float) -> None:
    assert to_units(units) == shown
    assert isinstance(to_units(units), int if units % 1000 == 0 else float)


def millis(zone: str, *local: int) -> int:
    moment = datetime(*local, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]
    return int(moment.astimezone(UTC).timestamp() * 1000)


def hours(window: Window) -> float:
    return (window.ends - window.starts) / 3_600_000


@pytest.mark.parametrize(
    "zone, moment, day, length",
    [
        ("UTC", (2026, 11, 21, 23, 59), "d:2026-11-21", 24),
        ("Europe/Berlin", (2026, 3, 29, 12), "d:2026-03-29", 23),
        ("Europe/Berlin", (2026, 10, 25, 2, 30), "d:2026-10-25", 25),
        ("Europe/Berlin", (2028, 2, 29, 0), "d:2028-02-29", 24),
        ("America/New_York", (2026, 3, 8, 1, 59), "d:2026-03-08", 23),
        ("America/Sao_Paulo", (2018, 11, 4, 12), "d:2018-11-04", 23),
        ("Australia/Lord_Howe", (2026, 4, 5, 12), "d:2026-04-05", 24.5),
    ],
)
def test_a_day_is_the_calendars(
    zone: str, moment: tuple[int, ...], day: str, length: float
) -> None:
    window = windows_at(millis(zone, *moment), ZoneInfo(zone))[0]
    assert (window.id, hours(window)) == (day, length)


@pytest.mark.parametrize(
    "moment, month, days",
    [
        ((2027, 2, 14), "m:2027-02", 28),
        ((2028, 2, 29), "m:2028-02", 29),
        ((2026, 12, 31, 23, 59, 59), "m:2026-12", 31),
    ],
)
def test_a_month_is_the_calendars(moment: tuple[int, ...], month: str, days: int) -> None:
    window = windows_at(millis("UTC", *moment), ZoneInfo("UTC"))[1]
    assert (window.id, hours(window) / 24) == (month, days)


# Clocks put back over midnight, put on over midnight, and a day that never was.
ODD = [
    ("America/Havana", 687330000000),
    ("Asia/Amman", 811116000000),
    ("America/Sao_Paulo", 1541300400000),
    ("Asia/Beirut", 1679868000000),
    ("Pacific/Apia", 1325239200000),
]
places = st.tuples(st.sampled_from(ZONES), st.integers(0, 4 * 10**12))
odd_places = st.tuples(st.sampled_from(ODD), st.integers(-2 * 86_400_000, 2 * 86_400_000)).map(
    lambda drawn: (drawn[0][0], drawn[0][1] + drawn[1])
)


@settings(max_examples=500, deadline=None)
@given(places | odd_places)
def test_every_instant_is_in_exactly_one_window_of_each_period(place: tuple[str, int]) -> None:
    zone, now = ZoneInfo(place[0]), place[1]
    windows = windows_at(now, zone)
    assert tuple(window.period for window in windows) == PERIODS
    for at, window in enumerate(windows[:2]):
        assert window.starts <= now < window.ends
        assert windows_at(window.starts, zone)[at] == window
        assert windows_at(window.ends - 1, zone)[at] == window
        following = windows_at(window.ends, zone)[at]
        assert following.starts == window.ends
        assert following.id != window.id
