"""How long the simulated providers take to answer, and to finish what they were asked to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Literal

ProfileName = Literal["zero", "fast", "real"]


@dataclass(slots=True, frozen=True)
class Spread:
    """A log-normal spread: half of the draws lie below `median` seconds."""

    median: float = 0.0
    sigma: float = 0.0
    longest: float = 60.0

    def draw(self, random: Random) -> float:
        if self.median == 0 or self.sigma == 0:
            return self.median
        return min(self.median * math.exp(random.gauss(0, self.sigma)), self.longest)


@dataclass(slots=True, frozen=True)
class Profile:
    """`polls` is how often a task says that it is not finished, whatever the time."""

    call: Spread
    task: Spread
    greylisting: Spread
    polls: int = 0


# The real one: some 0.2 s a call, tasks of 1 to 4 s with one in fifty beyond 10.
PROFILES: dict[ProfileName, Profile] = {
    "zero": Profile(Spread(), Spread(), Spread(), polls=1),
    "fast": Profile(Spread(0.002, 0.3), Spread(0.05, 0.2), Spread(0.3)),
    "real": Profile(Spread(0.15, 0.6, 3), Spread(2, 0.75, 40), Spread(900)),
}


class Latency:
    def __init__(self, profile: ProfileName = "fast", seed: int = 7) -> None:
        self._random = Random(seed)
        self._default = PROFILES[profile]
        self._by_provider: dict[str, Profile] = {}

    def put(self, profile: Profile, provider: str | None = None) -> None:
        """Without a provider the profile holds for all, and replaces what was set for one."""
        if provider is None:
            self._default = profile
            self._by_provider.clear()
        else:
            self._by_provider[provider] = profile

    def profile(self, provider: str) -> Profile:
        return self._by_provider.get(provider, self._default)

    def call(self, provider: str) -> float:
        return self.profile(provider).call.draw(self._random)

    def task(self, provider: str) -> float:
        return self.profile(provider).task.draw(self._random)
