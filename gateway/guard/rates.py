"""Requests per minute of teams that were given no limit: a ceiling per process."""

from __future__ import annotations

import time

CEILING = 1_000_000


class Meter:
    """Counts in memory; the store counts only for teams that have a limit."""

    def __init__(self) -> None:
        self._minute = 0
        self._used: dict[str, int] = {}

    def count(self, team: str) -> tuple[int, int]:
        """Requests the team has left under CEILING, negative if over it; seconds to the next."""
        minute, past = divmod(time.time(), 60)
        if minute != self._minute:
            self._minute, self._used = int(minute), {}
        used = self._used[team] = self._used.get(team, 0) + 1
        return CEILING - used, 60 - int(past)
