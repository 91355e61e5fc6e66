"""How long a provider takes to reply, and whether a call gave it as long as it usually needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from providers.errors import TimedOut

if TYPE_CHECKING:
    from gateway.lookup.calls import Call
    from gateway.lookup.departures import Departure


@contextmanager
def timed(call: Call, departure: Departure) -> Iterator[None]:
    """Count how long the replies take, without the waits for our own permits.

    That a provider had less time than it usually needs, and did not reply in it, is not its doing.
    """
    began = time.monotonic()
    try:
        yield
    except TimedOut as error:
        given = call.replied + call.seconds - departure.waited
        error.local = error.local or given < call.usual
        raise
    call.replied += time.monotonic() - began - departure.waited


def too_late() -> TimedOut:
    """The free read has left too little time for what is paid."""
    error = TimedOut("too little time was left")
    error.local = True
    return error
