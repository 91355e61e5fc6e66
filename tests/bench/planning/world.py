"""Worlds whose providers resell each other's data, with their joint distribution known exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import Literal

from gateway.lookup.planning.terms import Option, priced

Outcome = Literal["accepted", "weak", "useless", "empty"]

PROVIDERS = ("alder", "birch", "cedar", "dogwood", "elm")
SEGMENTS = ("com.s.p", "de.m.p", "uk.l.p")
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record, within which providers are independent of each other.

    For each provider the chances that its answer is accepted, that it is weak, that there is one.
    """

    weight: float
    accepted: tuple[float, ...]
    weak: tuple[float, ...]
    answered: tuple[float, ...]


@dataclass(frozen=True)
class World:
    """Who asks what (`shares` of the segments), for how much, and what there is to be found."""

    name: str
    options: tuple[Option, ...]
    shares: tuple[float, ...]
    kinds: tuple[tuple[Kind, ...], ...]

    @cached_property
    def _weights(self) -> list[list[float]]:
        return [[kind.weight for kind in kinds] for kinds in self.kinds]

    def draw(self, random: Random) -> tuple[int, tuple[Outcome, ...]]:
        """A record's segment, and what each provider would say."""
        segment = random.choices(range(len(SEGMENTS)), self.shares)[0]
        kind = random.choices(self.kinds[segment], self._weights[segment])[0]
        return segment, tuple(
            _outcome(random.random(), kind, at) for at in range(len(self.options))
        )

    def silenced(self, provider: int, keep: float) -> World:
        """The same world after a provider has lost all but `keep` of its hits."""
        kinds = tuple(
            tuple(_silenced(kind, provider, keep) for kind in kinds) for kinds in self.kinds
        )
        return replace(self, name=f"{self.name}, silenced", kinds=kinds)


def _outcome(luck: float, kind: Kind, at: int) -> Outcome:
    if luck < kind.accepted[at]:
        return "accepted"
    if luck < kind.accepted[at] + kind.weak[at]:
        return "weak"
    return "useless" if luck < kind.answered[at] else "empty"


def _silenced(kind: Kind, provider: int, keep: float) -> Kind:
    def cut(chances: tuple[float, ...]) -> tuple[float, ...]:
        less = chances[provider] * keep
        return (*chances[:provider], less, *chances[provider + 1 :])

    return Kind(kind.weight, cut(kind.accepted), cut(kind.weak), cut(kind.answered))


def make_world(seed: int, rho: float, *, catch_all: float = 0.1, leader: bool = False) -> World:
    """Five providers fed by two sources; with chance `rho` a record is its source's.

    A source's record is one number: all its copiers with enough coverage have it, and the stale
    ones are stale together. In domains that take everything no answer is better than weak. The
    first of the providers may be a `leader`: good everywhere, paid for each call, and the others
    are one and a half to two and a half times as dear for what they find.
    """
    random = Random(f"world {seed} {rho}")
    count = len(PROVIDERS)
    shares = [random.uniform(0.5, 1.5) for _ in SEGMENTS]
    bases = [random.uniform(0.2, 0.8) for _ in range(count)]
    coverage = [
        [min(0.95, max(0.05, base + random.uniform(-0.35, 0.35))) for base in bases]
        for _ in SEGMENTS
    ]
    quality = [random.uniform(0.75, 0.98) for _ in range(count)]
    options = tuple(_option(random, name) for name in PROVIDERS)
    sources = [random.randrange(2) for _ in range(count)]
    if leader:
        for row in coverage:
            row[0] = random.uniform(0.75, 0.9)
        options = _led(random, coverage, quality)
    kinds = tuple(_kinds(row, quality, sources, rho, catch_all) for row in coverage)
    total = sum(shares)
    return World(f"{seed}/{rho}", options, tuple(share / total for share in shares), kinds)


def _led(random: Random, coverage: list[list[float]], quality: list[float]) -> tuple[Option, ...]:
    """Prices by which the first provider is the cheapest of all for what it finds."""
    reach = [sum(column) / len(coverage) for column in zip(*coverage, strict=True)]
    price = round(0.04 * MICRO)
    options = [priced(PROVIDERS[0], "per_call", price, worst=price)]
    dearness = price / (reach[0] * quality[0])
    for at in range(1, len(PROVIDERS)):
        each = dearness * random.uniform(1.5, 2.5) * quality[at]
        if random.random() < 0.5:
            made = priced(PROVIDERS[at], "per_hit", round(each), worst=round(each))
        else:
            each *= reach[at]
            made = priced(PROVIDERS[at], "per_call", round(each), worst=round(each))
        options.append(made)
    return tuple(options)


def _option(random: Random, name: str) -> Option:
    """One to ten cents, for a call or for a hit."""
    price = round(0.01 * 10 ** random.random() * MICRO)
    charge: Literal["per_call", "per_hit"] = "per_call" if random.random() < 0.5 else "per_hit"
    return priced(name, charge, price, worst=price)


def _kinds(
    coverage: list[float],
    quality: list[float],
    sources: list[int],
    rho: float,
    catch_all: float,
) -> tuple[Kind, ...]:
    """Between two neighbouring cuts of a source's number nobody behaves differently."""
    cuts = [sorted({0.0, 1.0} | _cuts(coverage, quality, sources, one)) for one in (0, 1)]
    made = []
    for low, high in pairwise(cuts[0]):
        for left, right in pairwise(cuts[1]):
            luck = [(low, left)[source] for source in sources]
            weight = (high - low) * (right - left)
            kind = _kind(weight * (1 - catch_all), luck, coverage, quality, rho)
            made += [kind, _weakened(kind, weight * catch_all)]
    return tuple(made)


def _cuts(
    coverage: list[float], quality: list[float], sources: list[int], source: int
) -> set[float]:
    mine = [at for at, fed in enumerate(sources) if fed == source]
    return {coverage[at] for at in mine} | {coverage[at] * quality[at] for at in mine}


def _kind(
    weight: float, luck: list[float], coverage: list[float], quality: list[float], rho: float
) -> Kind:
    """Half of the answers that are not accepted are weak."""
    accepted, answered = [], []
    for number, reach, good in zip(luck, coverage, quality, strict=True):
        accepted.append(rho * (number < reach * good) + (1 - rho) * reach * good)
        answered.append(rho * (number < reach) + (1 - rho) * reach)
    weak = [(some - best) / 2 for some, best in zip(answered, accepted, strict=True)]
    return Kind(weight, tuple(accepted), tuple(weak), tuple(answered))


def _weakened(kind: Kind, weight: float) -> Kind:
    return Kind(weight, (0.0,) * len(kind.accepted), kind.answered, kind.answered)
