"""Whether the store is there, said once when that changes and not with every call."""

from __future__ import annotations

import time

from gateway.telemetry.log import get_logger

log = get_logger()

# A store that refuses writes still answers reads: it is back once it has refused nothing for so
# many seconds.
CALM = 5.0
# Whoever waited in vain must not wait for its next call too: so long after a silence of the store,
# in seconds, calls fail at once.
LULL = 0.1


class Condition:
    """One that never answered was not lost: whoever wants to start with it says what is wrong."""

    def __init__(self) -> None:
        self._failed_at: float | None = None
        self._silent_at: float | None = None
        self.seen = False

    @property
    def is_silent(self) -> bool:
        """Whether the latest word of it, moments ago, was none."""
        return self._silent_at is not None and time.monotonic() - self._silent_at < LULL

    def fell_silent(self) -> None:
        if self.seen:
            self._silent_at = time.monotonic()

    def failed(self, reason: str) -> None:
        if not self.seen:
            return
        if self._failed_at is None:
            log.warning("store.lost", reason=reason)
        self._failed_at = time.monotonic()

    def answered(self) -> None:
        self.seen = True
        self._silent_at = None
        if self._failed_at is not None and time.monotonic() - self._failed_at > CALM:
            self._failed_at = None
            log.info("store.found")
