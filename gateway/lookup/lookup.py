"""The state of one lookup while its waterfall runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from gateway.lookup.attempts import Attempt, Tally
from gateway.lookup.judge import Outcome, strength
from gateway.lookup.marking import Asked
from gateway.lookup.planner import Plan
from gateway.lookup.planning.bounces import Estimates
from gateway.lookup.resting import Rest
from gateway.lookup.routing import Route
from gateway.money.terms import Place, Rate
from providers.base import LONGEST_CALL
from providers.model import Datum, Provenance, Query

if TYPE_CHECKING:
    from gateway.lookup.course import Course

JOB_TIMEOUT = 3600.0
# What a provider may take by its own account: Hunter's finder searches for ten seconds.
PATIENCE = 10.0


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks. `key` is '' for the bootstrap key, which no record in the store can revoke."""

    team: str
    key: str
    scopes: frozenset[str]
    name: str = ""

    def budget_scopes(self) -> list[str]:
        scopes = [f"team:{self.team}", "all"]
        return [*scopes, f"key:{self.key}"] if self.key else scopes


@dataclass(kw_only=True)
class Candidate:
    """An answer and where it came from; `fetched_at` in milliseconds since the epoch.

    `origins` is where each field came from, where several are asked for fields that are wanted.
    """

    data: Datum | None
    provider: str
    outcome: Outcome
    cached: bool
    fetched_at: int
    next: str | None = None
    total: int | None = None
    verified_by: str | None = None
    credential: str = ""
    origins: dict[str, Provenance] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Of what is put together the fullest; of single answers the strongest."""
        fields = len(self.origins)
        return (fields, *strength(self.data)) if self.data else (fields, 0, 0)


class Progress(Struct):
    """What a job must not forget when its process dies; `since` by the store's clock.

    `begun` is when it was first run, in seconds since the epoch; `due` from when on it only waits
    for its turn, 0 if it does not.
    """

    attempts: list[Attempt]
    tally: Tally
    since: int = 0
    begun: float = 0.0
    due: float = 0.0


def tally_in(progress: bytes | None) -> Tally:
    """The money of a lookup when its progress was kept."""
    return msgspec.msgpack.decode(progress, type=Progress).tally if progress else Tally()


@dataclass(kw_only=True)
class Lookup:
    """A question, who asks, and what has come of it so far; times of the event loop's clock.

    A verification has its `parent`'s deadline, job and money. `again` marks a job that another
    process began. `held` counts among its team's and key's lookups at once. `rest` is what
    whoever runs it as a job lets it do while it waits. `skip` rows of the answer
    were served by an earlier page; `raw` replies of the providers are wanted, too. `bounces` is
    how often addresses bounce, by provider, if that decides. `request_id` names its decisions,
    where it has one of its own. `checks` is what verifying an uncertain answer costs, by finder,
    if that is wanted.
    """

    id: str
    caller: Caller
    operation: str
    query: Query
    canonical: bytes
    route: Route
    plan: Plan
    asked: Asked
    wait: float
    tag: str = ""
    request_id: str = ""
    after: str | None = None
    credential: str | None = None
    skip: int = 0
    place: Place | None = None
    rest: Rest | None = None
    cap: str = ""
    bulk: bool = False
    raw: bool = False
    parent: Lookup | None = None
    again: bool = False
    started: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    deadline: float = 0.0
    since: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    course: Course | None = None
    winner: Candidate | None = None
    best: Candidate | None = None
    empties: int = 0
    failures: int = 0
    raws: dict[str, bytes] = field(default_factory=dict)
    upstream: float = 0.0
    rate: Rate | None = None
    held: bool = False
    begun: float = field(default_factory=time.time)
    bounces: Mapping[str, Estimates] = field(default_factory=dict)
    checks: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.deadline = self.started + (self.route.timeout or self.wait)

    def become_job(self, place: Place) -> None:
        """The exchange is over, the lookup goes on; its default timeout grows to an hour."""
        self.place = place
        if self.route.timeout is None:
            self.deadline = self.started + JOB_TIMEOUT

    @property
    def head(self) -> Lookup:
        """The lookup that the caller asked for."""
        return self.parent or self

    def seconds_left(self) -> float:
        return self.head.deadline - asyncio.get_running_loop().time()

    @property
    def is_pressed(self) -> bool:
        """Whether the caller, or a route, has set a time after which nothing is waited for."""
        return self.head.route.timeout is not None

    def seconds_for(self, *, last: bool) -> float:
        """All the time left for the last step, half of it while another remains.

        Without a timeout of the caller's the end of the exchange ends no call: an answer that is
        being bought is waited for, by the job that the lookup becomes.
        """
        left = max(0.05, self.seconds_left())
        share = left if last else left / 2
        if not self.is_pressed:
            return max(share, LONGEST_CALL if last else PATIENCE)
        return share

    @property
    def scopes(self) -> list[str]:
        """The budgets it is paid from; `cap` is that of its job alone."""
        cap = self.head.cap
        return [*self.caller.budget_scopes(), *([cap] if cap else [])]

    @property
    def spent(self) -> int:
        return self.tally.posted + self.tally.in_doubt

    @property
    def answer(self) -> Candidate | None:
        """What is delivered: the accepted answer, else the best weak one."""
        return self.winner or self.best

    @property
    def was_free(self) -> bool:
        """Whether what is kept was enough, and nobody was asked."""
        made = any(item.was_made for item in self.attempts)
        return not made and any(item.cached for item in self.attempts)

    @property
    def all_cached(self) -> bool:
        return bool(self.attempts) and all(item.cached for item in self.attempts)

    def progress(self, due: float = 0.0) -> bytes:
        head = self.head
        attempts = head.attempts if head is self else head.attempts + self.attempts
        kept = Progress(attempts, self.tally, head.since, head.begun, due)
        return msgspec.msgpack.encode(kept)

    def restore(self, body: bytes) -> None:
        """Take up what `progress` kept; what was skipped or cached will be found out again."""
        kept = msgspec.msgpack.decode(body, type=Progress)
        self.tally, self.since = kept.tally, kept.since
        if kept.begun:
            # The time that it may take went on while nobody ran it, but for its wait in line.
            in_line = max(0.0, self.begun - kept.due) if kept.due else 0.0
            gone = max(0.0, self.begun - kept.begun - in_line)
            self.begun, self.started = self.begun - gone, self.started - gone
            self.deadline -= gone
        self.attempts = [item for item in kept.attempts if item.was_made]
        self.failures = sum(item.outcome in ("failed", "in_doubt") for item in self.attempts)
