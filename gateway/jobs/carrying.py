"""From an item on loan to a lookup that can run, and from its end to its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.jobs.queue import Queue
from gateway.jobs.records import Claimed, Request, Result, Work
from gateway.lookup.attempts import Tally
from gateway.lookup.desk import Desk, NotConfigured, Unanswerable
from gateway.lookup.endings import Objected
from gateway.lookup.identity import QueryError
from gateway.lookup.lookup import Caller, Lookup, tally_in
from gateway.money.terms import Place
from gateway.telemetry.log import get_logger
from providers.model import QUERIES

log = get_logger()

MOST_DEATHS = 10
WAIT = 20.0


class Buried(Exception):
    """Every process that worked on the item died; nobody tries it again."""


@dataclass
class Unanswered(Exception):
    """An item that ends without a lookup; no result if its job is gone.

    `booked` are the entries that the result's cost counts.
    """

    result: Result | None
    tells: bool = False
    booked: Sequence[str] = ()


# Stands for what an item that nobody can read was asked.
UNREADABLE = Request(
    operation="",
    caller=Caller(team="", key="", scopes=frozenset()),
    routing=None,
    request_id="",
)
Conclude = Callable[[Lookup | None, BaseException | None, Request], Result]


class Carrier:
    def __init__(self, desk: Desk, queue: Queue, conclude: Conclude):
        self._desk = desk
        self._queue = queue
        self.conclude = conclude

    async def prepare(self, claimed: Claimed, place: Place) -> tuple[Lookup, Request]:
        """A lookup ready to run. Raises Unanswered, StoreDown."""
        work = await self._work(claimed, place)
        if work is None:
            raise Unanswered(None)
        if work.cancelled:
            spent = _spent(work)
            raise Unanswered(_cancelled(spent.posted), booked=spent.booked)
        if claimed.deaths:
            log.info("item.taken_over", job=place.job, item=place.item, deaths=claimed.deaths)
        try:
            if not work.query:
                # Whom it asks about was erased.
                raise Objected
            if claimed.deaths > MOST_DEATHS:
                # Whatever kills its workers would kill the next one, too.
                log.error("item.buried", job=place.job, item=place.item, deaths=claimed.deaths)
                raise Buried
            lookup = self._lookup(work, place, claimed)
            return lookup, work.request
        except (QueryError, NotConfigured, Unanswerable, Buried, Objected) as error:
            result = self.conclude(None, error, work.request)
            spent = _spent(work)
            result.cost = spent.posted
            raise Unanswered(result, work.request.events, spent.booked) from None

    async def _work(self, claimed: Claimed, place: Place) -> Work | None:
        """What another version has written may be read by others of it, but not for ever."""
        try:
            return await self._queue.work(claimed)
        except msgspec.MsgspecError:
            log.error("item.unreadable", job=place.job, item=place.item, deaths=claimed.deaths)
            if claimed.deaths <= MOST_DEATHS:
                raise
            raise Unanswered(self.conclude(None, Buried(), UNREADABLE)) from None

    def _lookup(self, work: Work, place: Place, claimed: Claimed) -> Lookup:
        """What was bought is in the cache, what is under way in its ticket: run it again."""
        request = work.request
        query = msgspec.json.decode(work.query, type=QUERIES[request.operation])
        lookup = self._desk.prepare(
            request.operation,
            query,
            request.caller,
            routing=request.routing,
            wait=WAIT,
            tag=request.tag,
            after=request.after,
            credential=request.credential,
        )
        lookup.id = request.lookup or f"{place.job}.{place.item}"
        lookup.request_id = request.request_id if request.lookup else lookup.id
        lookup.again = claimed.deaths > 0 or work.progress is not None
        lookup.cap = f"job:{place.job}" if request.capped else ""
        lookup.bulk = claimed.lane == "bulk"
        lookup.raw = request.raw
        lookup.become_job(place)
        if work.progress:
            lookup.restore(work.progress)
            # What was in its way then will be found out again.
            lookup.tally.retry_after = lookup.tally.obstacle = None
        # Bought since the job began is fresh enough, even for a caller who bypasses the cache.
        lookup.since = lookup.since or work.created
        return lookup

    def objected(self, lookup: Lookup, request: Request) -> Result:
        """The end of a lookup about someone who objected."""
        return self.conclude(lookup, Objected(), request)

    def cancelled(self, lookup: Lookup) -> Result:
        return _cancelled(lookup.tally.posted)


def _spent(work: Work) -> Tally:
    """An item's money so far; what another version has kept of it can't be read here."""
    try:
        return tally_in(work.progress)
    except msgspec.MsgspecError:
        return Tally()


def _cancelled(cost: int) -> Result:
    return Result(outcome="cancelled", cost=cost, body=b"null")
