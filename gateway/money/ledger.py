"""Two-phase money: admit, dispatch, hold, settle, each one script in the store."""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from gateway.money.journal import Journal
from gateway.money.windows import Window, windows_at
from gateway.store.connection import Store, StoreDown
from gateway.store.script import Script
from gateway.telemetry.metrics import count_store_call

BASE = "{pgw}:"
LIVE, SANDBOX = BASE + "live:", BASE + "sandbox:"
DAY = 24 * 3600 * 1000
LEDGER_KEEP = 400 * DAY

_pack = msgspec.msgpack.Encoder().encode

EntryState = Literal["posted", "voided", "in_doubt"]


class Bid(Struct, kw_only=True):
    """One step as the script sees it; `slot` names its cache entry and its flight.

    `units` and `cost` are the worst case, `price` micro-units per unit, `lease` and `max_age`
    milliseconds. `direct` records the dispatch together with the reservation.
    """

    index: int
    slot: str
    rid: str
    provider: str
    operation: str
    credential: str
    units: int
    cost: int
    price: int
    max_age: int
    lease: int
    free: bool
    direct: bool


class Claim(Struct, kw_only=True):
    """Who asks, within what, for which of `steps`; `spent` is this lookup's posted + in doubt.

    `again` marks a lookup run a second time: what its first run bought is told to it, and counted
    unless it is among the `booked` entries that make up `spent`.
    """

    lookup: str
    team: str
    key: str
    scopes: list[str]
    persons: list[str]
    tag: str = ""
    spent: int = 0
    max_cost: int = -1
    since: int = 0
    patient: bool = True
    again: bool = False
    booked: list[str] = []
    steps: list[Bid] = []
    keep: int = LEDGER_KEEP
    root: str = ""
    base: str = BASE
    windows: tuple[Window, ...] = ()


class Obstacle(Struct):
    """A budget that a step did not fit; money in micro-units, `resets_at` in ms, 0 for never."""

    scope: str
    period: str
    spent: int
    reserved: int
    limit: int
    resets_at: int


class Skip(Struct):
    """A step passed over; `cost` is in doubt under `rid` since this lookup ran first."""

    index: int
    reason: str
    budget: Obstacle | None = None
    rid: str = ""
    cost: int = 0


class Rate(Struct):
    """Requests a team has left in this minute; `resets` in seconds."""

    limit: int
    remaining: int
    resets: int


class Admission(Struct):
    """What a script found for the first step that can run, and the steps it passed over.

    `blob` is the cached answer, or the ticket to collect. `rid`, `units` and `cost` of a cached
    one say what it cost this lookup when it ran first.
    """

    kind: Literal[
        "cached",
        "joined",
        "resumed",
        "reserved",
        "wait",
        "none",
        "done",
        "suppressed",
        "revoked",
        "clock",
        "limited",
        "gone",
    ]
    skipped: list[Skip] = []
    since: int = 0
    index: int = -1
    rid: str = ""
    at: int = 0
    units: int = 0
    cost: int = 0
    blob: bytes = b""
    credential: str = ""
    own: bool = False
    dispatched: bool = False
    now: int = 0
    rate: Rate | None = None


class Keepsake(Struct):
    """How an answer is cached; `life` in ms, `cap` the number of entries kept.

    `marks` name the persons in it: an objection to one of them stops every later read.
    """

    slot: str
    life: int
    cap: int
    marks: list[str] = []


class Settlement(Struct, kw_only=True):
    """How an entry ends; `next` admits the step after it in the same script.

    `persons` are who was asked about: suppressed if `objected`, or if the answer names someone
    who is.
    """

    rid: str
    state: EntryState
    outcome: str
    reason: str = ""
    units: int = 0
    cost: int = 0
    cache: Keepsake | None = None
    persons: list[str] = []
    objected: bool = False
    job: str | None = None
    next: Claim | None = None
    root: str = ""
    keep: int = LEDGER_KEEP


class Fate(Struct):
    """What has become of an entry; `state` is empty if it is gone."""

    state: str
    outcome: str
    reason: str
    ticketed: bool
    credential: str


class Ledger:
    """The store's scripts, typed. Every method raises StoreDown."""

    def __init__(
        self,
        store: Store,
        *,
        root: str,
        zone: ZoneInfo,
        keep: int = LEDGER_KEEP,
        journal: Journal | None = None,
    ):
        self.store = store
        self._journal = journal
        self.root = root
        self.zone = zone
        self.keep = keep
        self._windows = windows_at(_now(), zone)
        self._scripts = {name: Script.load(name) for name in SCRIPTS}
        self._admission = msgspec.msgpack.Decoder(Admission, strict=False)

    async def admit(self, claim: Claim) -> Admission:
        """Serve, join or reserve the first step that can run."""
        while True:
            packed = _pack(self._ready(claim))
            found = await self._run("admit", packed)
            if found.kind != "clock":
                self._record(claim, found)
                return found
            self._windows = windows_at(found.now, self.zone)

    async def dispatch(self, rid: str, lease: int) -> bool:
        """Record that bytes are about to leave; False if the reservation is gone."""
        script = self._scripts["dispatch"]
        granted = bool(await self.store.run(script, [self.root], [rid, lease]))
        if granted and self._journal is not None:
            self._journal.dispatched(rid)
        return granted

    async def hold(self, rid: str, ticket: bytes, lease: int) -> bool:
        """Keep a ticket before its first poll; False if the entry is closed."""
        script = self._scripts["hold"]
        return bool(await self.store.run(script, [self.root], [rid, ticket, lease]))

    async def settle(
        self, settlement: Settlement, *, answer: bytes = b"", progress: bytes = b""
    ) -> Admission:
        """Close an entry and admit the next step, if one is given."""
        settlement.root, settlement.keep = self.root, self.keep
        if settlement.next is not None:
            self._ready(settlement.next)
        found = await self._run("settle", _pack(settlement), answer, progress)
        if self._journal is not None:
            end = settlement
            self._journal.settled(end.rid, end.state, end.units, end.cost)
        if settlement.next is not None:
            self._record(settlement.next, found)
        if found.kind == "clock" and settlement.next is not None:
            self._windows = windows_at(found.now, self.zone)
            return await self.admit(settlement.next)
        return found

    async def fate(self, rid: str) -> Fate:
        """What has become of an entry of whoever."""
        fields = ("state", "outcome", "reason", "credential", "ticket")
        found = await self.store.call("HMGET", f"{self.root}entry:{rid}", *fields)
        state, outcome, reason, account = ((value or b"").decode() for value in found[:4])
        return Fate(state, outcome, reason, bool(found[4]), account)

    def _record(self, claim: Claim, found: Admission) -> None:
        if self._journal is None or found.kind != "reserved":
            return
        bid = next(step for step in claim.steps if step.rid == found.rid)
        self._journal.reserved(
            bid.rid,
            team=claim.team,
            key=claim.key,
            provider=bid.provider,
            operation=bid.operation,
            credential=bid.credential,
            units=bid.units,
            cost=bid.cost,
            price=bid.price,
            free=bid.free,
            dispatched=found.dispatched,
        )

    def _ready(self, claim: Claim) -> Claim:
        # Out of date at midnight: the store says so, as only its clock counts.
        claim.windows = self._windows
        claim.root, claim.keep = self.root, self.keep
        return claim

    async def _run(self, name: str, *args: bytes) -> Admission:
        try:
            packed, blob = await self.store.run(self._scripts[name], [self.root], args)
        except StoreDown:
            count_store_call("failed")
            raise
        count_store_call("ok")
        found = self._admission.decode(packed)
        found.blob = blob
        return found


SCRIPTS = ("admit", "dispatch", "hold", "settle")


PROCESS = secrets.token_hex(8)
_numbers = itertools.count()


def next_id(prefix: str) -> str:
    """A name that nobody else has, for what is made with every request: `lkp_`, `res_`."""
    return f"{prefix}_{PROCESS}{next(_numbers):08x}"


def new_id(prefix: str) -> str:
    """A name that no one guesses and nobody else has: `lkp_`, `res_`, `job_` ..."""
    return f"{prefix}_{secrets.token_hex(12)}"


def _now() -> int:
    return int(time.time() * 1000)
