"""Figures of the planner: `python -m tests.bench.planning`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from tests.bench.planning.campaigns import (
    RHOS,
    against_static,
    against_the_best_fixed,
    correlated,
    habits,
    silenced,
    valued,
)
from tests.bench.planning.deliveries import bounces
from tests.bench.planning.ratios import Figure, described
from tests.bench.planning.timing import replayed, timed

Part = Callable[[argparse.Namespace], list[Figure]]

PARTS: dict[str, tuple[str, Part]] = {
    "correlated": (
        "Cost per accepted answer over the oracle's: all orders and all stops, mean (min to max)",
        lambda asked: _each(lambda rho: correlated(asked.worlds, asked.records, rho)),
    ),
    "valued": (
        "With a value at which some providers are not worth asking, from record 500",
        lambda asked: _each(lambda rho: valued(asked.worlds, asked.records, rho)),
    ),
    "silenced": (
        "The best provider silently loses 75 % of its hits after 3,000 records",
        lambda asked: _each(lambda rho: silenced(asked.worlds, 3000, rho)),
    ),
    "habits": (
        "Learned from 3,000 records that were bought in the listed order",
        lambda asked: _each(lambda rho: habits(asked.worlds, rho)),
    ),
    "static": (
        "Windows of 1,000 records against a configured order, paired draws",
        lambda asked: [
            *against_static(max(1, asked.worlds // 4), 2 * asked.records),
            *against_the_best_fixed(max(1, asked.worlds // 4), 2 * asked.records),
        ],
    ),
    "bounces": (
        "max_bounce on 20,000 deliveries, 5 % of the outcomes late",
        lambda asked: bounces(max(1, asked.worlds // 4)),
    ),
    "timing": ("Time of a decision", lambda asked: timed()),
    "replay": ("Replay", lambda asked: [replayed()]),
}


def _each(figures: Callable[[float], list[Figure]]) -> list[Figure]:
    return [figure for rho in RHOS for figure in figures(rho)]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.planning",
        description="The learned order beside the best there is, in worlds of known chances.",
        epilog="example: python -m tests.bench.planning correlated --worlds 8",
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if left out")
    parser.add_argument("--worlds", type=int, default=40, help="for each rho (40)")
    parser.add_argument("--records", type=int, default=3000, help="of each world (3000)")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"parts: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    missed = [figure for figure in _measured(asked) if not figure.met]
    return 1 if asked.check and missed else 0


def _measured(asked: argparse.Namespace) -> Iterator[Figure]:
    print(f"Seeds of worlds: 0 to {asked.worlds - 1} for each rho of {RHOS}.\n")
    for name in asked.parts or PARTS:
        title, part = PARTS[name]
        figures = part(asked)
        print(described(title, figures), flush=True)
        yield from figures


if __name__ == "__main__":
    sys.exit(main())
