"""How long a call may take, what became of it when it took too long, and who lets it leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from providers.errors import (
    InvalidQuery,
    MalformedResponse,
    OutOfCredits,
    TaskFailed,
    TimedOut,
    Unsupported,
)

LONGEST_CALL = 60.0
BACKSTOP = 0.25
_call: ContextVar[Span] = ContextVar("provider_call")


class Leave(Protocol):
    """Awaited before a request is sent; raises ProviderError to keep it here.

    `own` is the call's own request, not one that only signs in. `left` is awaited once there is a
    connection and the first bytes have left.
    """

    def __call__(self, path: str, *, own: bool, seconds: float) -> Awaitable[None]: ...
    def left(self) -> Awaitable[None]: ...


@dataclass
class Span:
    """When a call must be done, and whether its own request was ever sent."""

    deadline: float
    sent: bool = False
    leave: Leave | None = None


def span() -> Span:
    """The span of the running call."""
    return _call.get()


def seconds_left() -> float:
    """Seconds until the running call must be done."""
    return max(0.001, _call.get().deadline - asyncio.get_running_loop().time())


TRIPS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)


# Refusals that asking again would only repeat.
REFUSALS = (OutOfCredits, InvalidQuery, Unsupported)


class Bounded:
    """Bounds everything inside; the transport's clocks run first, as they know what was sent.

    A refusal of what is `spent` on already has cost that much, in thousandths of a unit.
    """

    def __init__(self, seconds: float, *, spent: int = 0, leave: Leave | None = None):
        self._spent = spent
        now = asyncio.get_running_loop().time()
        self._call = Span(now + min(seconds, LONGEST_CALL), leave=leave)
        self._timeout = asyncio.timeout_at(self._call.deadline + BACKSTOP)

    async def __aenter__(self) -> None:
        self._token = _call.set(self._call)
        await self._timeout.__aenter__()

    async def __aexit__(self, *failure: Any) -> None:
        _call.reset(self._token)
        try:
            await self._timeout.__aexit__(*failure)
        except TimeoutError:
            raise TimedOut(uncertain=self._call.sent) from None
        if self._spent and isinstance(failure[1], REFUSALS):
            raise TaskFailed(str(failure[1]), units=self._spent) from failure[1]
        if isinstance(failure[1], TRIPS):
            raise MalformedResponse("could not be read", uncertain=self._call.sent) from failure[1]
