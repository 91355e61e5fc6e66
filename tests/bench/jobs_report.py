"""Figures of jobs, one plant after the other: `make bench ARGS=jobs`."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tests.bench.figures import machine
from tests.bench.jobs import (
    fairness,
    first_result,
    growth,
    memory_of_rows,
    percentile,
    speeds,
    taking_in,
)
from tests.gates.works import Works, works


class Figure(Struct, frozen=True):
    """`met` is None where nothing was promised."""

    name: str
    value: str
    target: str = ""
    met: bool | None = None


@asynccontextmanager
async def plant() -> AsyncIterator[Works]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with works(Path(folder), "", people=400) as site:
            yield site


async def of_rows_that_wait(site: Works) -> list[Figure]:
    await site.start("--no-jobs")
    seconds, held = await taking_in(site), await memory_of_rows(site)
    return [
        Figure("10,000 rows taken in", f"{seconds:.2f} s", "under 1 s", seconds < 1),
        Figure(
            "store's memory for a queued row", f"{held:.0f} bytes", "at most 2 KiB", held <= 2048
        ),
    ]


async def of_the_first_result(site: Works) -> list[Figure]:
    await site.start()
    found = await first_result(site)
    name = "first result seen after its answer"
    return [Figure(name, f"{found * 1000:.0f} ms", "at most 1 s", found <= 1)]


async def of_both_together(site: Works) -> list[Figure]:
    found = await speeds(site, await site.start(), rounds=5, calls=80)
    alone, beside = percentile(found.callers_alone), percentile(found.callers_beside)
    rows = statistics.mean(found.rows_alone), statistics.mean(found.rows_beside)
    return [
        Figure("p95 of callers, upstream at 100 ms", f"{alone * 1000:.0f} ms"),
        Figure("p95 of callers beside a job", f"{beside * 1000:.0f} ms"),
        Figure(
            "callers beside a job / alone",
            f"{found.callers:.2f} x",
            "at most 1.5 x",
            found.callers <= 1.5,
        ),
        Figure("rows a second of a job, upstream at 100 ms", f"{rows[0]:.0f}"),
        Figure("rows a second beside callers", f"{rows[1]:.0f}"),
        Figure(
            "a job beside callers / alone",
            f"{found.rows:.2f} x",
            "at least 0.5 x",
            found.rows >= 0.5,
        ),
    ]


async def of_teams(site: Works) -> list[Figure]:
    index = await fairness(site, 200)
    return [Figure("Jain's index of 8 teams", f"{index:.4f}", "at least 0.99", index >= 0.99)]


async def of_memory(site: Works) -> list[Figure]:
    await site.start("--no-jobs")
    few, many = await growth(site, await site.start("worker"), 1000, 10_000)
    return [
        Figure("a worker's memory after 1,000 rows", f"{few / 1024:.1f} MiB"),
        Figure(
            "a worker's memory after 10,000 rows",
            f"{many / 1024:.1f} MiB",
            "as much",
            many - few <= 4096,
        ),
    ]


SCENES: tuple[Callable[[Works], Awaitable[list[Figure]]], ...] = (
    of_rows_that_wait,
    of_the_first_result,
    of_both_together,
    of_teams,
    of_memory,
)


async def measure() -> list[Figure]:
    found: list[Figure] = []
    for scene in SCENES:
        async with plant() as site:
            found += await scene(site)
        sys.stderr.write(f"{scene.__name__.replace('_', ' ')}\n")
    return found


def describe(figures: list[Figure]) -> str:
    """A Markdown table under a line that names the machine."""
    lines = [machine(), "", "| figure | value | target |", "|---|---|---|"]
    words = {True: ", met", False: ", missed", None: ""}
    lines += [f"| {one.name} | {one.value} | {one.target}{words[one.met]} |" for one in figures]
    return "\n".join(lines) + "\n"
