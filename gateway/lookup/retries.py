"""How often a process asks a second time."""

from __future__ import annotations

MOST_SAVED, SHARE = 5.0, 0.1


class RetryBudget:
    """Second tries of a process: one for every ten first ones, saved up to a few."""

    def __init__(self) -> None:
        self._tries = MOST_SAVED

    def earn(self) -> None:
        self._tries = min(MOST_SAVED, self._tries + SHARE)

    def spend(self) -> bool:
        if self._tries < 1:
            return False
        self._tries -= 1
        return True
