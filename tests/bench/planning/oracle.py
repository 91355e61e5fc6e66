"""What a policy costs under a world's true distribution, and what the best of all would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.bench.planning.world import Kind, World

# Whom to ask, and how to go on after nothing and after a weak answer; () is to stop.
Tree = tuple[()] | tuple[int, "Tree", "Tree"]
# From who has missed and whether something weak is in hand to whom to ask, None to stop.
Choose = Callable[[tuple[int, ...], bool], int | None]


class Expected(NamedTuple):
    """Micro-units, and the chance of an accepted answer."""

    cost: float
    chance: float

    def loss(self, value: float) -> float:
        """With `value` forgone for each record without an answer."""
        return self.cost + value * (1 - self.chance)


def tree_of(choose: Choose, count: int) -> Tree:
    """All that `choose` may come to do with one record."""

    def grow(missed: tuple[int, ...], *, weak: bool) -> Tree:
        at = choose(missed, weak) if len(missed) < count else None
        if at is None:
            return ()
        after = (*missed, at)
        dry = grow(after, weak=weak)
        return at, dry, dry if weak else grow(after, weak=True)

    return grow((), weak=False)


class Oracle:
    """Exact sums over one world's kinds of records."""

    def __init__(self, world: World, value: float | None = None):
        self.world = world
        self.value = value
        self._known: dict[tuple[int, Tree], Expected] = {}
        self.best = [self._best(kinds) for kinds in world.kinds]

    def expect(self, segment: int, tree: Tree) -> Expected:
        """Cost and chance of one record of a segment."""
        found = self._known.get((segment, tree))
        if found is None:
            kinds = self.world.kinds[segment]
            found = self._expect(kinds, [kind.weight for kind in kinds], tree)
            self._known[segment, tree] = found
        return found

    def over_all(self, found: Sequence[Expected]) -> Expected:
        """One for each segment, by the segments' shares."""
        pairs = list(zip(self.world.shares, found, strict=True))
        return Expected(
            sum(share * one.cost for share, one in pairs),
            sum(share * one.chance for share, one in pairs),
        )

    def _expect(self, kinds: tuple[Kind, ...], weights: list[float], tree: Tree) -> Expected:
        if not tree:
            return Expected(0.0, 0.0)
        at, dry, weak = tree
        asked = self._ask(kinds, weights, at)
        if dry is weak:
            left = [a + b for a, b in zip(asked.dry, asked.weak, strict=True)]
            parts = [self._expect(kinds, left, dry)]
        else:
            parts = [
                self._expect(kinds, asked.dry, dry),
                self._expect(kinds, asked.weak, weak),
            ]
        return Expected(
            asked.cost + sum(part.cost for part in parts),
            asked.chance + sum(part.chance for part in parts),
        )

    def _ask(self, kinds: tuple[Kind, ...], weights: list[float], at: int) -> Asked:
        option = self.world.options[at]
        asked, hits, chance = sum(weights), 0.0, 0.0
        dry, weak = [], []
        for weight, kind in zip(weights, kinds, strict=True):
            hits += weight * kind.answered[at]
            chance += weight * kind.accepted[at]
            weak.append(weight * kind.weak[at])
            dry.append(weight * (1 - kind.accepted[at] - kind.weak[at]))
        return Asked(asked * option.per_call + hits * option.per_hit, chance, dry, weak)

    def _best(self, kinds: tuple[Kind, ...]) -> Best:
        return self._descend(kinds, [kind.weight for kind in kinds], (), weak=False)

    def _descend(
        self, kinds: tuple[Kind, ...], weights: list[float], missed: tuple[int, ...], *, weak: bool
    ) -> Best:
        """The best of all orders and all stops, from here on.

        Without a value nobody is left out: what can be had is to be had.
        """
        stop = Best((), Expected(0.0, 0.0))
        found = [stop] if self.value is not None or len(missed) == len(self.world.options) else []
        for at in range(len(self.world.options)):
            if at in missed:
                continue
            asked, after = self._ask(kinds, weights, at), (*missed, at)
            if weak:
                left = [a + b for a, b in zip(asked.dry, asked.weak, strict=True)]
                dry = self._descend(kinds, left, after, weak=True)
                then, tree = [dry], (at, dry.tree, dry.tree)
            else:
                dry = self._descend(kinds, asked.dry, after, weak=False)
                soft = self._descend(kinds, asked.weak, after, weak=True)
                then, tree = [dry, soft], (at, dry.tree, soft.tree)
            cost = asked.cost + sum(one.expected.cost for one in then)
            chance = asked.chance + sum(one.expected.chance for one in then)
            found.append(Best(tree, Expected(cost, chance)))
        return min(
            found, key=lambda one: one.expected.cost - (self.value or 0) * one.expected.chance
        )


@dataclass(frozen=True)
class Asked:
    """One provider asked of the records that are left, and which are left after it."""

    cost: float
    chance: float
    dry: list[float]
    weak: list[float]


@dataclass(frozen=True)
class Best:
    tree: Tree
    expected: Expected


def tree_along(order: Sequence[int]) -> Tree:
    """A fixed order, whatever comes."""
    tree: Tree = ()
    for at in reversed(order):
        tree = (at, tree, tree)
    return tree
