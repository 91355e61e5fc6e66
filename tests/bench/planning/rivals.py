"""Orders that people use: as configured, by price, by hit rate for the price."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

from tests.bench.planning.oracle import Expected, Oracle, tree_along
from tests.bench.planning.world import World

# The order of one segment of a world.
Rival = Callable[[World, int], list[int]]


def listed(world: World, segment: int) -> list[int]:
    return list(range(len(world.options)))


def cheapest(world: World, segment: int) -> list[int]:
    return sorted(listed(world, segment), key=lambda at: world.options[at].worst)


def best_fixed(world: World, segment: int) -> list[int]:
    """The order that is cheapest over all segments, by the truth."""
    oracle = Oracle(world)

    def cost(order: tuple[int, ...]) -> float:
        tree = tree_along(order)
        segments = range(len(world.kinds))
        return oracle.over_all([oracle.expect(at, tree) for at in segments]).cost

    order = min(permutations(range(len(world.options))), key=cost)
    return list(order)


def by_hit_rate_for_the_price(world: World, segment: int) -> list[int]:
    """With the true rates, which nobody has."""

    def worth(at: int) -> float:
        hits = sum(kind.weight * kind.answered[at] for kind in world.kinds[segment])
        return -hits / world.options[at].worst

    return sorted(listed(world, segment), key=worth)


RIVALS: dict[str, Rival] = {
    "listed": listed,
    "cheapest": cheapest,
    "hit rate / price": by_hit_rate_for_the_price,
}


def expected_of(oracle: Oracle, rival: Rival) -> Expected:
    """Of one record of any segment."""
    segments = range(len(oracle.world.kinds))
    trees = [tree_along(rival(oracle.world, segment)) for segment in segments]
    return oracle.over_all([oracle.expect(at, tree) for at, tree in enumerate(trees)])
