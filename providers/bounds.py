"""How long a call may take, what became of it when it took too long, and who lets it leave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from providers.errors import (
    InvalidQuery,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    TaskFailed,
    TimedOut,
    Unsupported,
)

LONGEST_CALL = 60.0
BACKSTOP = 0.25
# Nobody answers in less.
SHORTEST = 0.05
_call: ContextVar[Span] = ContextVar("provider_call")


class Leave(Protocol):
    """Awaited before a request is sent; raises ProviderError to keep it here.

    `own` is the call's own request, not one that only signs in. `left` is awaited once there is a
    connection and the first bytes have left.
    """

    def __call__(self, path: str, *, own: bool, seconds: float) -> Awaitable[None]: ...
    def left(self) -> Awaitable[None]: ...


class Span:
    """When a call must be done, and whether its own request was ever sent.

    What goes by while it waits for a permit, or for a connection of this side, is not the
    provider's doing.
    """

    def __init__(self, seconds: float, leave: Leave | None = None):
        self.leave = leave
        self.sent = False
        self._began = _now()
        self._waited = 0.0
        self._waits_since: float | None = None
        self.deadline = self._began + seconds

    def left(self) -> float:
        """Seconds until it must be done."""
        return max(0.001, self.deadline - _now())

    def wait(self) -> None:
        """It waits until it may go."""
        self._waits_since = _now()

    def go(self, own: bool) -> None:
        """It has a connection. Raises TimedOut if it came too late to be of any use."""
        if self._waits_since is not None:
            self._waited += _now() - self._waits_since
            self._waits_since = None
        if self.left() < min(SHORTEST, self._waited):
            raise self.told(TimedOut("no connection in time"))
        self.sent |= own

    @property
    def is_kept_waiting(self) -> bool:
        """Whether that took most of the time."""
        waits = 0.0 if self._waits_since is None else _now() - self._waits_since
        return self._waited + waits > (_now() - self._began) / 2

    def told(self, error: ProviderError) -> ProviderError:
        """The error of this call; being late is held against nobody who was not waited for."""
        if isinstance(error, TimedOut):
            error.local = error.local or self.is_kept_waiting
        return error


def _now() -> float:
    return asyncio.get_running_loop().time()


def span() -> Span:
    """The span of the running call."""
    return _call.get()


def seconds_left() -> float:
    """Seconds until the running call must be done."""
    return _call.get().left()


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


@contextmanager
def purchase() -> Iterator[None]:
    """For what is bought while a ticket is collected: a refusal has no status, as of no poll."""
    try:
        yield
    except OutOfCredits as error:
        raise OutOfCredits(error.detail) from error


class Bounded:
    """Bounds everything inside; the transport's clocks run first, as they know what was sent.

    A refusal of what is `spent` on already has cost that much, in thousandths of a unit by what
    they are charged for.
    """

    def __init__(
        self, seconds: float, *, spent: Mapping[str, int] = {}, leave: Leave | None = None
    ):
        self._spent = spent
        self._call = Span(min(seconds, LONGEST_CALL), leave)
        self._timeout = asyncio.timeout_at(self._call.deadline + BACKSTOP)

    async def __aenter__(self) -> None:
        self._token = _call.set(self._call)
        await self._timeout.__aenter__()

    async def __aexit__(self, *failure: Any) -> None:
        _call.reset(self._token)
        try:
            await self._timeout.__aexit__(*failure)
        except TimeoutError:
            raise self._call.told(TimedOut(uncertain=self._call.sent)) from None
        if self._spent and isinstance(failure[1], REFUSALS):
            units = sum(self._spent.values())
            raise TaskFailed(str(failure[1]), units=units, once=self._spent) from failure[1]
        if isinstance(failure[1], TRIPS):
            raise MalformedResponse("could not be read", uncertain=self._call.sent) from failure[1]
