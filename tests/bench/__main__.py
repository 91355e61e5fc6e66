"""Performance figures of this machine: `make bench`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.bench import jobs_report, polling
from tests.bench.figures import Figures, Round, describe
from tests.bench.planning.ratios import described
from tests.bench.rounds import run_round
from tests.bench.stand import Stand


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="CPU and latency of the gateway beside an httpx call and a bare ASGI echo.",
        epilog="examples: make bench ARGS='--rounds 3 --lookups 400'; make bench ARGS=jobs",
    )
    parser.add_argument("what", nargs="?", choices=("calls", "jobs", "polls"), default="calls")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (7)")
    parser.add_argument("--lookups", type=int, default=600, help="requests per figure and round")
    parser.add_argument("--check", action="store_true", help="exit 1 if a target is missed")
    options = parser.parse_args()
    if options.what == "jobs":
        return _report_jobs(check=options.check)
    if options.what == "polls":
        return _report_polls(check=options.check)
    figures = asyncio.run(_measure(options.rounds, options.lookups))
    sys.stdout.write(describe(figures))
    return 1 if options.check and figures.missed() else 0


def _report_jobs(*, check: bool) -> int:
    figures = asyncio.run(jobs_report.measure())
    sys.stdout.write(jobs_report.describe(figures))
    return 1 if check and any(figure.met is False for figure in figures) else 0


def _report_polls(*, check: bool) -> int:
    figures = polling.figures(2000)
    sys.stdout.write(described("Polls of slow answers, 2,000 tasks in each world", figures))
    return 1 if check and not all(figure.met for figure in figures) else 0


async def _measure(rounds: int, lookups: int) -> Figures:
    """The simulator and the load on one core, the gateway and its rivals on the other."""
    found: list[Round] = []
    async with Stand() as stand:
        await run_round(stand, lookups)  # Warms caches, connections and branch predictors.
        for number in range(rounds):
            found.append(await run_round(stand, lookups))
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
    return Figures(found)


if __name__ == "__main__":
    sys.exit(main())
