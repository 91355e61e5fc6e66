"""Time that goes by, by the store's clock, while providers are asked: whoever expires is swept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.guard.permits import Passage, Permits
from gateway.jobs import sweeper
from gateway.money.ledger import Ledger
from providers.base import BACKSTOP, LONGEST_CALL
from providers.simulator.app import SimulatorApp
from tests.gateway.money.books import MINUTE, entries
from tests.gateway.money.conftest import shift

# As long as one exchange can be, and longer than any lease of one.
LONGEST = LONGEST_CALL + BACKSTOP
EXPIRED = LONGEST_CALL + 20.0
Event = Callable[[], Awaitable[None]]


@dataclass
class Waits:
    """`before` are what happens when a provider is asked at a path, one each time, and `permits`
    before a call looks for its permit; `seen` are the states of the entries at a provider's door.
    The gateway's own sweeper leaves everything alone.
    """

    ledger: Ledger
    gone_by: float = 0.0
    before: dict[str, list[Event]] = field(default_factory=dict)
    permits: list[Event] = field(default_factory=list)
    seen: dict[str, list[str]] = field(default_factory=dict)

    async def exchange(self) -> None:
        """The longest there is."""
        await self.pass_by(LONGEST)

    async def expire(self) -> None:
        """A process that is not there for a while, and somebody who tidies up after it."""
        await self.pass_by(EXPIRED)

    async def pass_by(self, seconds: float, *, is_swept: bool = True) -> None:
        self.gone_by += seconds
        await shift(self.ledger.store, round(self.gone_by * 1000))
        if is_swept:
            await self.ledger.sweep(MINUTE)

    async def states(self, provider: str) -> list[str]:
        rows = await entries(self.ledger.store)
        return [row["state"] for row in rows if row["provider"] == provider]

    async def asked(self, provider: str, path: str) -> None:
        if events := self.before.get(path):
            await events.pop(0)()
        self.seen.setdefault(path, []).extend(await self.states(provider))


def waiting(ledger: Ledger, patch: pytest.MonkeyPatch) -> Waits:
    """At the doors of the simulators, and of the gateways."""
    waits, answer, take = Waits(ledger), SimulatorApp._answer, Permits.take

    async def answered(self: SimulatorApp, dialect: Any, request: Any, *rest: Any) -> None:
        await waits.asked(dialect.name, dialect.route(request).endpoint.path)
        await answer(self, dialect, request, *rest)

    async def taken(self: Permits, *args: Any, **more: Any) -> Passage:
        if waits.permits:
            await waits.permits.pop(0)()
        return await take(self, *args, **more)

    patch.setattr(SimulatorApp, "_answer", answered)
    patch.setattr(Permits, "take", taken)
    patch.setattr(sweeper, "PERIOD", 3600.0)
    return waits
