"""Waiting for slow answers: without a worker's slot, and at last without its memory."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

# A wait that is longer is not worth being kept in memory, in seconds.
PARK_AFTER = 30.0


class Parked(Exception):
    """The lookup is laid aside; run again in `seconds` it takes its ticket up where it is.

    `tasks` are what the provider calls what it waits for.
    """

    def __init__(self, seconds: float):
        super().__init__("laid aside")
        self.seconds = seconds
        self.tasks: tuple[str, ...] = ()


class Rest(Protocol):
    """What whoever runs a lookup lets it do while it only waits."""

    def is_too_long(self, seconds: float) -> bool:
        """Whether a wait that long is not for here."""

    def check(self, seconds: float) -> None:
        """Raise Parked if a wait that long is not for here."""

    def resting(self) -> AbstractAsyncContextManager[None]:
        """Others may work meanwhile."""

    async def sleep(self, seconds: float, bell: asyncio.Event) -> None:
        """Others may work until the bell at the latest.

        Raises Parked as soon as nothing may wait here any more.
        """
