"""Two-phase money: admit, dispatch, hold, settle, each one script in the store."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.money.amounts import cost_of
from gateway.money.journal import Journal
from gateway.money.terms import (
    Admission,
    Claim,
    Fate,
    Resolution,
    Settlement,
)
from gateway.money.windows import windows_at
from gateway.store.connection import Argument, Store, StoreDown
from gateway.store.script import Script
from gateway.telemetry.metrics import count_store_call

BASE = "{pgw}:"
LIVE, SANDBOX = BASE + "live:", BASE + "sandbox:"
DAY = 24 * 3600 * 1000
LEDGER_KEEP = 400 * DAY
# Assumed: how long a provider remembers what it charged a single time.
ONCE = 400 * DAY
STAY = Script.load("stay_busy")

_pack = msgspec.msgpack.Encoder().encode


class Mark:
    """How far this process has seen the ledger; `outdated` once the store was behind it."""

    def __init__(self) -> None:
        self.seq = 0
        self.era = 0
        self.outdated = False

    def seen(self) -> tuple[int, int]:
        return self.seq, self.era

    def see(self, found: Admission) -> bool:
        """Whether the ledger was accepted anew since."""
        if found.kind == "outdated":
            self.outdated = True
        elif found.era > self.era:
            self.seq, self.era, self.outdated = found.seq, found.era, False
            return True
        elif found.era == self.era:
            self.seq = max(self.seq, found.seq)
        return False


class Outdated(StoreDown):
    """The store is older than what this process has seen of it: what it forgot was paid for."""

    def __init__(self) -> None:
        super().__init__("the store came back older than its callers; reconcile it")


class Ledger:
    """The store's scripts, typed. Every method raises StoreDown."""

    def __init__(
        self,
        store: Store,
        *,
        root: str,
        zone: ZoneInfo,
        journal: Journal | None = None,
    ):
        self.store = store
        self._journal = journal
        self.root = root
        self.zone = zone
        self.mark = Mark()
        # What this process reserves from here on is of the era that it knows.
        self._fresh = PROCESS
        self._windows = windows_at(_now(), zone)
        self._scripts = {name: Script.load(name) for name in SCRIPTS}
        self._admission = msgspec.msgpack.Decoder(Admission, strict=False)

    async def admit(self, claim: Claim) -> Admission:
        """Serve, join or reserve the first step that can run. Raises Outdated."""
        while True:
            packed = _pack(self._ready(claim))
            found = await self._run("admit", packed)
            if found.kind != "clock":
                self._record(claim, found)
                if found.kind == "outdated":
                    raise Outdated
                return found
            self._windows = windows_at(found.now, self.zone)

    async def dispatch(self, rid: str, lease: int) -> bool:
        """Record that bytes are about to leave; False if the reservation is gone.

        Raises Outdated.
        """
        seq = int(await self._call("dispatch", rid, lease))
        if seq and self._journal is not None:
            self._journal.dispatched(rid, seq)
        return bool(seq)

    async def renew(self, rid: str, lease: int) -> bool:
        """Its owner is alive; False if the entry is closed. Raises Outdated."""
        return bool(await self._call("renew", rid, lease))

    def dispatched(self, rid: str, seq: int) -> None:
        """A call was recorded as dispatched together with its permit."""
        self.mark.seq = max(self.mark.seq, seq)
        if self._journal is not None:
            self._journal.dispatched(rid, seq)

    async def hold(
        self,
        rid: str,
        ticket: bytes,
        lease: int,
        *,
        marks: Iterable[str] = (),
        bare: bytes = b"",
        place: str = "",
        breaker: str = "",
        begins: bool = False,
    ) -> bool:
        """Keep a ticket before its first poll, or only what is `bare` of it if one of `marks` has
        objected; False if the entry is closed. It is found under `place`, too, if there is one.
        `breaker` is what its provider does well, if that is told. One that `begins` is dispatched
        by this. Raises Outdated.
        """
        operands = (rid, ticket, lease, bare, " ".join(marks), breaker, place)
        flags = int(self._is_fresh(rid)), int(begins)
        seq = int(await self._call("hold", *operands, *flags))
        if begins and seq and self._journal is not None:
            self._journal.dispatched(rid, seq)
        return bool(seq)

    async def sweep(self, lease: int) -> list[bytes]:
        """Close what was left open: rid, ticket, account of each that is to be collected within
        `lease` ms. Raises Outdated.
        """
        found: list[bytes] = await self._call("sweep", lease)
        return found

    async def settle(
        self,
        settlement: Settlement,
        *,
        answer: bytes = b"",
        bare: bytes = b"",
        progress: bytes = b"",
        trace: bytes = b"",
    ) -> Admission:
        """Close an entry and admit the next step, if one is given.

        The answer is kept; `bare` of it, if anything, should one of its `others` have objected.
        `trace` is what its memo names. Raises Outdated.
        """
        settlement.root = self.root
        if settlement.once:
            before = await self.charged_before(settlement.rid, settlement.once)
            settlement.units = max(0, settlement.units - before)
            settlement.cost = cost_of(settlement.units, settlement.price)
            settlement.once = {}
        settlement.mark, settlement.era = self.mark.seen()
        settlement.fresh = settlement.fresh and self._is_fresh(settlement.rid)
        if settlement.next is not None:
            self._ready(settlement.next)
        found = await self._run("settle", _pack(settlement), answer, progress, bare, trace)
        if found.kind == "outdated":
            raise Outdated
        if self._journal is not None:
            end = settlement
            self._journal.settled(end.rid, end.state, end.units, end.cost, found.closed)
        if settlement.next is not None:
            self._record(settlement.next, found)
        if found.kind == "clock" and settlement.next is not None:
            self._windows = windows_at(found.now, self.zone)
            again = await self.admit(settlement.next)
            # The entry was settled by the first reply, which alone says what came of that.
            again.closed, again.drifted = found.closed, found.drifted
            return again
        return found

    async def charges(self, rid: str, mark: str) -> bool:
        """Whether `rid` is the one charged for what an account is charged for a single time."""
        held = await self.store.call(
            "SET", f"{self.root}once:{mark}", rid, "NX", "GET", "PX", ONCE
        )
        return held in (None, rid.encode())

    async def charged_before(self, rid: str, once: Mapping[str, int]) -> int:
        """Thousandths of units that the account was charged for another call than `rid`."""
        before = 0
        for mark, units in once.items():
            before += 0 if await self.charges(rid, mark) else units
        return before

    async def release(self, scopes: Iterable[str], lookup: str) -> None:
        """The lookup no longer counts among those of `scopes` that run at once."""
        for scope in scopes:
            await self.store.call("ZREM", f"{BASE}busy:{scope}", lookup)

    async def stay(self, scopes: Iterable[str], lookup: str) -> None:
        """One that runs for long counts for another while."""
        await self.store.run(STAY, [f"{BASE}busy:{scope}" for scope in scopes], [lookup])

    async def resolve(self, rid: str, word: Resolution) -> str:
        """End a doubt by somebody's word; the state the entry had, '' if there is none.

        Raises Outdated.
        """
        operands = (rid, word.state, word.units, word.cost, word.note, word.by)
        had: bytes = await self._call("resolve", *operands)
        if had == b"in_doubt" and self._journal is not None:
            self._journal.settled(rid, word.state, word.units, word.cost, self.mark.seq)
        return had.decode()

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
            seq=found.seq,
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
            slot=bid.slot,
            unit=bid.unit,
            lookup=claim.lookup,
            job=next((scope for scope in claim.scopes if scope.startswith("job:")), ""),
        )

    def _ready(self, claim: Claim) -> Claim:
        # Out of date at midnight: the store says so, as only its clock counts.
        claim.windows, claim.root = self._windows, self.root
        claim.mark, claim.era = self.mark.seq, self.mark.era
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
        if self.mark.see(found):
            self._fresh = f"{PROCESS}{next(_numbers):08x}"
            if self._journal is not None:
                self._journal.turn(self.mark.era)
        return found

    async def _call(self, name: str, *operands: Argument) -> Any:
        """A script that is told, last of all, how far this process has seen the ledger."""
        told = (*operands, *self.mark.seen())
        found = await self.store.run(self._scripts[name], [self.root], told)
        if found == b"outdated":
            self.mark.outdated = True
            raise Outdated
        return found

    def _is_fresh(self, rid: str) -> bool:
        """Whether this process reserved it in the ledger's present era."""
        name = rid.partition("_")[2]
        return name.startswith(PROCESS) and name >= self._fresh


SCRIPTS = ("admit", "renew", "dispatch", "hold", "settle", "sweep", "resolve")


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
