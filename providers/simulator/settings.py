"""What a simulator is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from providers.simulator.latency import ProfileName


@dataclass(slots=True, frozen=True, kw_only=True)
class SimulatorSettings:
    """`bill` is a file that the charges are appended to and read back from at the next start."""

    latency: ProfileName = "fast"
    bill: Path | None = None
    seed: int = 7
