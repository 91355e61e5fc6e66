"""What an adapter makes of its provider's words."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from gateway.telemetry.log import get_logger
from providers.base import TRIPS
from providers.errors import MalformedResponse

if TYPE_CHECKING:
    from gateway.lookup.calls import Call

log = get_logger()
T = TypeVar("T")


async def read(call: Call, work: Awaitable[T]) -> T:
    """What `work` gives; words that the adapter trips over are a reply that can't be read."""
    try:
        return await work
    except MalformedResponse as error:
        if error.__cause__ is not None:
            _log_trip(call, error.__cause__)
        raise
    except TRIPS as error:
        _log_trip(call, error)
        raise MalformedResponse("the reply could not be read", uncertain=True) from error


def _log_trip(call: Call, error: BaseException) -> None:
    name = type(error).__name__
    log.error("adapter.tripped", provider=call.step.provider, error=name)
