"""What was measured, against what was promised."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Round:
    """CPU in microseconds per call, latency in milliseconds (medians of one caller)."""

    rival_us: float
    uncached_us: float
    store_us: float
    echo_us: float
    cached_us: float
    direct_ms: float
    through_ms: float
    hit_ms: float


@dataclass(frozen=True)
class Target:
    """A figure and the most it may be."""

    name: str
    of: Callable[[Round], float]
    most: float
    unit: str


TARGETS = (
    Target(
        "CPU of a bought lookup / one httpx call", lambda r: r.uncached_us / r.rival_us, 0.5, "x"
    ),
    Target("added latency, bought lookup", lambda r: r.through_ms - r.direct_ms, 1.5, "ms"),
    Target("latency of a cache hit", lambda r: r.hit_ms, 0.8, "ms"),
)
PLAIN = (
    ("CPU of a bought lookup, gateway", lambda r: r.uncached_us, "us"),
    ("CPU of a bought lookup, store beside it", lambda r: r.store_us, "us"),
    ("CPU of a cache hit, gateway", lambda r: r.cached_us, "us"),
    ("CPU of one default httpx.AsyncClient call", lambda r: r.rival_us, "us"),
    ("CPU of a bare ASGI echo", lambda r: r.echo_us, "us"),
    ("CPU of a bought lookup / bare echo", lambda r: r.uncached_us / r.echo_us, "x"),
    ("latency straight to the provider", lambda r: r.direct_ms, "ms"),
    ("latency through the gateway", lambda r: r.through_ms, "ms"),
)


@dataclass(frozen=True)
class Figures:
    """Ratios are taken within each round; what is shown is the median over the rounds."""

    rounds: list[Round]

    def spread(self, of: Callable[[Round], float]) -> tuple[float, float, float]:
        values = sorted(of(round_) for round_ in self.rounds)
        return values[0], statistics.median(values), values[-1]

    def missed(self) -> list[Target]:
        return [target for target in TARGETS if self.spread(target.of)[1] > target.most]


def describe(figures: Figures) -> str:
    """A Markdown table under a line that names the machine."""
    lines = [
        f"{machine()[:-1]}; {len(figures.rounds)} rounds.",
        "",
        "| figure | median | min to max | target |",
    ]
    lines.append("|---|---|---|---|")
    for target in TARGETS:
        met = "met" if target not in figures.missed() else "missed"
        aim = f"at most {target.most} {target.unit}, {met}"
        lines.append(_row(target.name, figures.spread(target.of), target.unit, aim))
    for name, of, unit in PLAIN:
        lines.append(_row(name, figures.spread(of), unit, ""))
    return "\n".join(lines) + "\n"


def _row(name: str, spread: tuple[float, float, float], unit: str, aim: str) -> str:
    low, middle, high = (f"{value:.0f}" if unit == "us" else f"{value:.2f}" for value in spread)
    return f"| {name} | {middle} {unit} | {low} to {high} | {aim} |"


def machine() -> str:
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, data on {_filesystem()}."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _filesystem() -> str:
    """The file system under the temporary directory: its fsync is part of the figures."""
    best, kind = "", "?"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, name, *_ = line.split()
        if "/tmp".startswith(place) and len(place) > len(best):
            best, kind = place, name
    return kind
