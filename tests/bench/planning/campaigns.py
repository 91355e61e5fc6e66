"""What was promised of the learned order, measured world by world."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice, pairwise
from random import Random

from gateway.lookup.planning.terms import Policy
from tests.bench.planning.learner import Learner, Record, run
from tests.bench.planning.oracle import Choose, Oracle, tree_along
from tests.bench.planning.ratios import (
    Figure,
    Spread,
    cost_ratio,
    coverage,
    loss_ratio,
    spread_figure,
)
from tests.bench.planning.rivals import RIVALS, Rival, best_fixed, cheapest, expected_of, listed
from tests.bench.planning.world import PROVIDERS, World, make_world

RHOS = (0.0, 0.5, 0.8)
TELLING = 1.12
Make = Callable[[World], Learner]


def correlated(worlds: int, records: int, rho: float, make: Make = Learner) -> list[Figure]:
    """From record 500 on, after nothing was known; the rivals know from the start."""
    runs, rivals = [], {name: list[float]() for name in RIVALS}
    for seed in range(worlds):
        oracle = Oracle(make_world(seed, rho))
        runs.append(run(make(oracle.world), oracle, Random(seed), records))
        best = oracle.over_all([one.expected for one in oracle.best])
        for name, rival in RIVALS.items():
            mine = expected_of(oracle, rival)
            rivals[name].append(mine.cost / mine.chance / (best.cost / best.chance))
    return [
        _of_cost(f"rho {rho}, learned, from record 500", runs, 500, records, most=1.02),
        Figure(
            f"rho {rho}, coverage / oracle",
            Spread(tuple(coverage(one[500:]) for one in runs)).mean,
            least=0.995,
        ),
        *[
            _of_cost(f"rho {rho}, learned, records {low} to {high}", runs, low, high)
            for low, high in _windows(records)
        ],
        *[
            spread_figure(f"rho {rho}, {name}", Spread(tuple(found)))
            for name, found in rivals.items()
        ],
    ]


def _windows(records: int) -> list[tuple[int, int]]:
    edges = [edge for edge in (0, 500, 1000, 2000) if edge < records] + [records]
    return list(pairwise(edges))


def _of_cost(
    name: str, runs: list[list[Record]], low: int, high: int, most: float = float("inf")
) -> Figure:
    return spread_figure(name, Spread(tuple(cost_ratio(one[low:high]) for one in runs)), most=most)


def valued(
    worlds: int, records: int, rho: float, make: Callable[..., Learner] = Learner
) -> list[Figure]:
    """With a value that makes about a third of the providers not worth asking somewhere."""
    runs, losses = [], []
    for seed in range(worlds):
        world = make_world(seed, rho)
        value = _telling_value(world)
        oracle = Oracle(world, value)
        learner = make(world, Policy(value=value))
        runs.append(run(learner, oracle, Random(seed), records)[500:])
        losses.append(loss_ratio(value)(runs[-1]))
    return [
        spread_figure(f"rho {rho}, cost + forgone value", Spread(tuple(losses)), most=1.02),
        spread_figure(f"rho {rho}, cost per accepted", Spread(tuple(map(cost_ratio, runs)))),
        spread_figure(f"rho {rho}, coverage / oracle", Spread(tuple(map(coverage, runs)))),
    ]


def _telling_value(world: World) -> int:
    """The price of an answer of the providers that are asked third."""
    oracle = Oracle(world)
    prices = []
    for segment, best in enumerate(oracle.best):
        order = []
        tree = best.tree
        while tree:
            order.append(tree[0])
            tree = tree[1]
        two = oracle.expect(segment, tree_along(order[:2]))
        three = oracle.expect(segment, tree_along(order[:3]))
        prices.append((three.cost - two.cost) / (three.chance - two.chance))
    return round(sum(prices) / len(prices))


def silenced(
    worlds: int, history: int, rho: float, make: Make = Learner, *, keep: float = 0.25
) -> list[Figure]:
    """The best provider loses three quarters of its hits, and nobody says so."""
    runs = []
    for seed, before, after in islice(_telling_losses(rho, keep), worlds):
        learner, random = make(before.world), Random(seed)
        run(learner, before, random, history)
        runs.append(run(learner, after, random, 1200, name="after"))
    return [
        _of_cost(f"rho {rho}, records 300 to 400 after the loss", runs, 300, 400, most=1.10),
        _of_cost(f"rho {rho}, records 1000 to 1200", runs, 1000, 1200, most=1.05),
        *[
            _of_cost(f"rho {rho}, records {low} to {high}", runs, low, high)
            for low, high in ((0, 25), (25, 50), (50, 100), (100, 200), (200, 300))
        ],
    ]


def _telling_losses(rho: float, keep: float) -> Iterator[tuple[int, Oracle, Oracle]]:
    """Worlds with a leader, in which who goes on as before would pay too much for good."""
    for seed in count():
        before = Oracle(make_world(seed, rho, leader=True))
        firsts = [0.0] * len(PROVIDERS)
        for share, best in zip(before.world.shares, before.best, strict=True):
            firsts[best.tree[0] if best.tree else 0] += share
        loser = firsts.index(max(firsts))
        after = Oracle(before.world.silenced(loser, keep))
        stubborn = after.over_all(
            [after.expect(at, best.tree) for at, best in enumerate(before.best)]
        )
        best_now = after.over_all([one.expected for one in after.best])
        if stubborn.cost / stubborn.chance >= TELLING * best_now.cost / best_now.chance:
            yield seed, before, after


def habits(worlds: int, rho: float, make: Make = Learner) -> list[Figure]:
    """After 3,000 records bought in the listed order: it must not come true by itself."""
    runs, as_listed = [], _always(list(range(len(PROVIDERS))))
    for seed in range(worlds):
        oracle, random = Oracle(make_world(seed, rho)), Random(seed)
        learner = make(oracle.world)
        for _ in range(3000):
            segment, outcomes = oracle.world.draw(random)
            learner.buy(segment, outcomes, as_listed)
        runs.append(run(learner, oracle, random, 1000))
    return [
        _of_cost(f"rho {rho}, first 100 records", runs, 0, 100),
        _of_cost(f"rho {rho}, records 500 to 1000", runs, 500, 1000, most=1.03),
    ]


def against_static(worlds: int, records: int, make: Make = Learner) -> list[Figure]:
    """Windows of 1,000 records, from the first on, on the same draws as a configured order."""
    figures = []
    for name, rival in (("listed", listed), ("cheapest", cheapest)):
        figures += _windowed(name, rival, (worlds, records), make, least=0.95)
    return figures


def against_the_best_fixed(worlds: int, records: int) -> list[Figure]:
    """The same against whoever configured the best of all orders knowing what nobody knows."""
    return _windowed("best fixed", best_fixed, (worlds, records), Learner)


def _windowed(
    name: str,
    rival: Rival,
    size: tuple[int, int],
    make: Make,
    *,
    least: float = float("-inf"),
) -> list[Figure]:
    worlds, records = size
    ratios = tuple(
        ratio
        for rho in RHOS
        for seed in range(worlds)
        for ratio in _paired(make, make_world(seed, rho), rival, records, seed)
    )
    good = sum(ratio <= 1.02 for ratio in ratios) / len(ratios)
    return [
        Figure(f"windows at most 1.02 x {name}, of {len(ratios)}", good, least=least),
        spread_figure(f"cost / {name}", Spread(ratios)),
    ]


def _paired(make: Make, world: World, rival: Rival, records: int, seed: int) -> list[float]:
    learner, random, ratios = make(world), Random(seed), []
    fixed = [_always(rival(world, at)) for at in range(len(world.kinds))]
    bystander = Learner(world)
    mine = static = 0
    for number in range(records):
        segment, outcomes = world.draw(random)
        choose = learner.chooser(segment, str(number))
        mine += learner.buy(segment, outcomes, choose).cost
        static += bystander.buy(segment, outcomes, fixed[segment]).cost
        if number % 1000 == 999:
            ratios.append(mine / static)
            mine = static = 0
    return ratios


def _always(order: list[int]) -> Choose:
    return lambda missed, weak: order[len(missed)]
