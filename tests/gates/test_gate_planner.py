"""The learned order beside the best there is; what it is made of is not left out unnoticed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from gateway.lookup.planning import bounces, estimation, lessons, planner, record, teaching
from gateway.lookup.planning.bounces import Estimate, Estimates
from gateway.lookup.planning.estimation import normals
from gateway.lookup.planning.terms import (
    Cells,
    Policy,
    Question,
    Rating,
    State,
    Statistics,
)
from tests.bench.planning import deliveries, timing
from tests.bench.planning.campaigns import (
    RHOS,
    against_static,
    correlated,
    habits,
    silenced,
    valued,
)
from tests.bench.planning.ratios import Figure
from tests.gates.conftest import Campaign

# The long forms take up to an hour each.
pytestmark = pytest.mark.timeout(7200)

# Figures of time are of a machine that others use too.
GENEROSITY = 1.25


def assert_met(figures: Iterable[Figure]) -> None:
    missed = [str(figure) for figure in figures if not figure.met]
    assert not missed, missed


@pytest.fixture
def by_hit_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds most comes first, whatever it costs."""

    def rank(rating: Rating, policy: Policy, place: int) -> planner.Rank:
        return bool(rating.reason), -rating.chance, 0, place

    monkeypatch.setattr(planner, "_rank", rank)


@pytest.fixture
def without_missed_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit is a hit, whoever has missed before."""

    def path_of(segment: str, state: State) -> str:
        return estimation.path_of(segment, State())

    monkeypatch.setattr(planner, "path_of", path_of)
    monkeypatch.setattr(teaching, "path_of", path_of)


@pytest.fixture
def without_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a provider once was it is for good."""
    monkeypatch.setattr(lessons, "Z_SQUARED", 10**9)


@pytest.mark.parametrize("rho", RHOS)
def test_the_learned_order_costs_what_the_best_does(rho: float, campaign: Campaign) -> None:
    worlds, records = campaign.size(short=(3, 1200), full=(40, 3000))
    assert_met(correlated(worlds, records, rho))


@pytest.mark.usefixtures("by_hit_rate")
def test_an_order_by_hit_rate_is_noticed() -> None:
    with pytest.raises(AssertionError, match="learned, from record 500"):
        assert_met(correlated(2, 800, 0.5))


@pytest.mark.gate_long
@pytest.mark.parametrize("rho", RHOS)
def test_with_a_value_the_loss_is_what_the_bests_is(rho: float) -> None:
    assert_met(valued(20, 3000, rho))


@pytest.mark.parametrize("rho", RHOS)
def test_a_provider_that_silently_fails_is_left(rho: float, campaign: Campaign) -> None:
    worlds, history = campaign.size(short=(2, 1500), full=(20, 3000))
    assert_met(silenced(worlds, history, rho))


@pytest.mark.usefixtures("without_drift")
def test_statistics_that_never_begin_anew_are_noticed() -> None:
    with pytest.raises(AssertionError, match="300 to 400 after the loss"):
        assert_met(silenced(1, 3000, 0.5))


def test_a_habit_does_not_come_true_by_itself(campaign: Campaign) -> None:
    for rho in campaign.size(short=(0.8,), full=RHOS):
        assert_met(habits(campaign.size(short=5, full=20), rho))


@pytest.mark.usefixtures("without_missed_sets")
def test_statistics_without_missed_sets_are_noticed() -> None:
    with pytest.raises(AssertionError, match="500 to 1000"):
        assert_met(habits(4, 0.8))


def test_hardly_a_window_costs_more_than_a_fixed_order(campaign: Campaign) -> None:
    worlds, records = campaign.size(short=(1, 2000), full=(10, 6000))
    assert_met(against_static(worlds, records))


@pytest.mark.usefixtures("by_hit_rate")
def test_windows_that_cost_more_are_noticed() -> None:
    with pytest.raises(AssertionError, match="windows at most"):
        assert_met(against_static(1, 1000))


def assert_quick() -> None:
    figures = {figure.name: figure for figure in timing.timed(500)}
    for name in ("next step / loop", "with verifications / loop", "full plan / loop"):
        assert figures[name].value <= GENEROSITY * figures[name].most, figures[name]


@pytest.mark.paced
def test_a_decision_is_quick() -> None:
    assert_quick()


@pytest.mark.paced
def test_a_planner_that_thinks_three_times_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def thrice(question: Question, statistics: Statistics) -> Rating | None:
        for lookup in ("another", "a third"):
            planner.next_step(msgspec.structs.replace(question, seed=lookup), statistics)
        return planner.next_step(question, statistics)

    monkeypatch.setattr(timing, "next_step", thrice)
    with pytest.raises(AssertionError, match="next step / loop"):
        assert_quick()


def test_a_thousand_decisions_are_replayed() -> None:
    assert_met([timing.replayed(1000)])


def test_decisions_that_are_not_kept_whole_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    used = record._used

    def forgetful(cells: Cells, levels: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
        return used(cells, levels[:-1])

    monkeypatch.setattr(record, "_used", forgetful)
    with pytest.raises(AssertionError, match="byte for byte"):
        assert_met([timing.replayed(200)])


def test_addresses_bounce_no_more_than_was_asked(campaign: Campaign) -> None:
    seeds, sends = campaign.size(short=(1, 14_000), full=(10, 20_000))
    assert_met(deliveries.bounces(seeds, sends))


def test_an_acceptance_that_learns_nothing_is_noticed() -> None:
    def by_status(estimate: Estimate, asked: float, seed: str, provider: str) -> bool:
        return normals(seed, provider)[0] < 1

    with pytest.raises(AssertionError, match="realised"):
        assert_met(deliveries.bounces(1, 12_000, by_status))


def test_estimates_that_nobody_corrects_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_commonly_said(mine: Cells, everybodys: Cells) -> Estimates:
        return bounces.estimates_of({}, {})

    monkeypatch.setattr(deliveries, "estimates_of", as_commonly_said)
    with pytest.raises(AssertionError, match="calibration error"):
        assert_met([deliveries.calibration(1, 12_000)])
