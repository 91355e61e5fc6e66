"""A ceiling per team and minute, counted in the process."""

from __future__ import annotations

import time

import pytest

from gateway.guard import rates
from gateway.guard.rates import Meter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [120.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    monkeypatch.setattr(rates, "CEILING", 2)
    return now


def test_each_team_has_its_ceiling_in_each_minute(clock: list[float]) -> None:
    meter = Meter()
    assert [meter.count("a")[0] for _ in range(3)] == [1, 0, -1]
    assert meter.count("b")[0] == 1
    clock[0] = 179.9
    assert meter.count("a") == (-2, 1)
    clock[0] = 180.0
    assert meter.count("a") == (1, 60)
