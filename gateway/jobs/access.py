"""What is held of one person, and why: found as an erasure finds it, and nothing is changed."""

from __future__ import annotations

from gateway.jobs.readers import Readers
from gateway.jobs.traces import Seeker, Trace
from gateway.lookup.subject import Subject

# What was found may name the person otherwise: it is searched for that, too.
MOST_PASSES = 4


class Access:
    def __init__(self, seeker: Seeker, readers: Readers):
        self._seeker = seeker
        self._readers = readers

    async def traces(self, subject: Subject) -> list[Trace]:
        """Everything that names the person, oldest first. Raises StoreDown."""
        found: list[Trace] = []
        for _ in range(MOST_PASSES):
            found, links = await self._search(subject), Subject()
            for trace in found:
                links.learn(trace.links)
            if not subject.learn(links):
                break
        return sorted(found, key=lambda trace: (trace.obtained or 0, trace.place))

    async def _search(self, subject: Subject) -> list[Trace]:
        found: list[Trace] = []
        async for spots in self._seeker.spots(subject):
            for spot in spots:
                trace = await self._readers.read(spot, subject)
                found += [trace] if trace is not None else []
        return found
