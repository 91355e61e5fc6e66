"""The items that this process has on loan: renewed until they are given back, or lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gateway.jobs.queue import Queue
from gateway.jobs.seats import Seat
from gateway.lookup.lookup import Lookup
from gateway.money.terms import Place
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger

log = get_logger()

RENEW = 5.0


class Holds:
    """By place; without a lookup as long as there is none, or none that may be stopped."""

    def __init__(self, queue: Queue):
        self._queue = queue
        self._held: dict[Place, Lookup | None] = {}

    def __contains__(self, place: Place) -> bool:
        return place in self._held

    @contextmanager
    def held(self, place: Place, lookup: Lookup | None = None) -> Iterator[None]:
        self._held[place] = lookup
        try:
            yield
        finally:
            self._held.pop(place, None)

    async def keep(self) -> None:
        """Renew the leases for ever."""
        while True:
            await asyncio.sleep(RENEW)
            try:
                lost = await self._queue.keep(list(self._held)) if self._held else []
            except StoreDown:
                continue
            except Exception as error:  # noqa: BLE001 - what fails once must not end this for good
                log.error("leases.not_renewed", error=type(error).__name__)
                continue
            for place in lost:
                if place in self._held:
                    # What it has bought is settled; of the item, another writes.
                    log.warning("item.lost", job=place.job, item=place.item)
                    stop(self._held.pop(place))

    def cancel(self, job: str) -> None:
        for place, lookup in self._held.items():
            if place.job == job:
                stop(lookup)

    def wake(self) -> None:
        """Whatever only waits is laid aside."""
        for lookup in self._held.values():
            if lookup is not None and isinstance(lookup.rest, Seat):
                lookup.rest.stop()

    def all(self) -> dict[Place, Lookup | None]:
        return dict(self._held)

    async def give_back(self, held: Mapping[Place, Lookup | None]) -> None:
        """To whoever wants them; those that the store does not take run out."""
        await asyncio.gather(*(self._give_back(*each) for each in held.items()))

    async def _give_back(self, place: Place, lookup: Lookup | None) -> None:
        with contextlib.suppress(StoreDown):
            await self._queue.park(place, 0.0, lookup.progress() if lookup else b"")


def stop(lookup: Lookup | None) -> None:
    """No further step of it starts, and it waits for nothing."""
    if lookup is not None:
        lookup.deadline = 0.0
        if isinstance(lookup.rest, Seat):
            lookup.rest.stop()


def is_stopped(lookup: Lookup) -> bool:
    return lookup.deadline == 0.0
