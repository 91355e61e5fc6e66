"""One lookup going down its waterfall, step by step."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.lookup import cache, tickets
from gateway.lookup.attempts import AttemptOutcome
from gateway.lookup.bids import Bids
from gateway.lookup.called import Called
from gateway.lookup.calls import Call
from gateway.lookup.counter import Counter
from gateway.lookup.course import Course
from gateway.lookup.departures import NotSent
from gateway.lookup.endings import Objected, check
from gateway.lookup.hand import Hand
from gateway.lookup.judging import judged
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.marking import marks_in
from gateway.lookup.planner import Step, to_step
from gateway.lookup.reporting import report, report_cached, report_skipped
from gateway.lookup.settling import book, outcome_of_call, to_candidate, to_settlement
from gateway.lookup.trying import seek, try_pattern
from gateway.lookup.withholding import clear, sift, struck, withhold
from gateway.money.terms import Admission, Fate, Settlement
from gateway.store.connection import StoreDown
from gateway.telemetry.metrics import count_cost
from gateway.vault.bench import WAITS
from providers.errors import Suppressed

if TYPE_CHECKING:
    from gateway.lookup.waterfall import Waterfall

LOOK_AGAIN = 0.5
BUDGET_PATIENCE = 1.0
# Endings of a call that say nothing about the provider: whoever joined it asks for itself.
UNSHARED = ("", "expired", "owner_gone")


class Descent:
    """One lookup going down its waterfall."""

    def __init__(self, waterfall: Waterfall, lookup: Lookup, bids: Bids):
        self.waterfall = waterfall
        self.ledger = waterfall.ledger
        self.lookup = lookup
        self.bids = bids
        self.counter = Counter(waterfall, lookup, bids)
        self.course = lookup.course = Course(lookup, bids, waterfall.shelf)
        self._refused: set[str] = set()
        self.hand = Hand(waterfall, lookup)

    async def to_its_end(self) -> None:
        for left in self.lookup.plan.left_out:
            self._note(left.provider, "skipped", reason=left.reason)
            if left.until:
                self.lookup.tally.may_ask_in(max(1.0, left.until - time.time()))
        if not self._is_kept_lately:
            self.course.decide(0)
            await self._try_pattern()
        found = await self._begin()
        while found.kind not in ("none", "done"):
            found = await self._follow(found)
        await self.hand.check_postponed()
        if not (self.course.is_kept or self.lookup.was_free):
            _ = self.waterfall.go_on(self.counter.remember(self.course))
        store, root = self.ledger.store, self.ledger.root
        if answer := self.lookup.answer:
            await self._check_again(answer)
            answer.data = await withhold(store, root, answer.data, self._key)
        raws = self.lookup.raws if self.lookup.raw else {}
        self.lookup.raws = await clear(store, root, raws, self._key)

    async def _check_again(self, answer: Candidate) -> None:
        """What was in hand while others were asked may be about somebody who objected meanwhile.

        A winner was checked by the script that settled or served it, unless it was put together.
        """
        lookup = self.lookup
        is_checked = answer is lookup.winner and not (answer.verified_by or answer.origins)
        if is_checked or lookup.parent is not None:
            return
        marks = [*lookup.asked.persons, *lookup.asked.places, *marks_in(answer.data, self._key)]
        if await struck(self.ledger.store, self.ledger.root, marks):
            raise Objected

    @property
    def _is_kept_lately(self) -> bool:
        """Where an answer is likely to be kept it is only thought about once it is not."""
        return self.bids.is_served_first and self.waterfall.lately.knows(self.bids.slots())

    async def _begin(self) -> Admission:
        """The first step; the money for a guess that came to nothing is spent by now."""
        if self.lookup.winner:
            return Admission("done")
        if not self._is_kept_lately:
            self.course.decide(0)
        return await self._admit(0)

    async def _think(self, index: int) -> Admission:
        """What was taken to be kept is not: who comes first is to be decided after all."""
        self.course.decide(index)
        if index == 0:
            await self._try_pattern()
        if self.lookup.winner:
            return Admission("done")
        self.course.decide(index)
        return await self._admit(index)

    async def _try_pattern(self) -> None:
        """An address as its domain makes them comes before all providers, if it may be asked."""
        if self._is_late() or not (trial := await seek(self.waterfall, self.lookup, self.bids)):
            return
        if not self.course.consider(trial.hunch):
            return
        if found := await try_pattern(self.waterfall, self.lookup, trial):
            self.hand.take(found)

    @property
    def _key(self) -> bytes:
        return self.waterfall.data_key.value

    async def _follow(self, found: Admission) -> Admission:
        check(found)
        match found.kind:
            case "cached":
                return await self._serve(found)
            case "joined":
                return await self._join(found)
            case "resumed":
                return await self._resume(found)
            case "unplanned":
                return await self._think(found.index)
            case "wait":
                return await self._admit(found.index)
            case "account":
                return await self._change_account(found)
            case _:
                return await self._ask(found)

    async def _admit(self, index: int, *, late: bool = False) -> Admission:
        """Admit the first runnable step from `index` on; patient while others may release.

        `late` looks for what has become of a ticket, whatever the time; so does a lookup that is
        run again, as it may have one.
        """
        patience, again = time.monotonic() + BUDGET_PATIENCE, self.lookup.head.again
        while True:
            if not (late or (again and index < len(self.bids))) and self._is_over(index):
                return Admission("none")
            patient = time.monotonic() < patience
            claim = self.bids.claim(index, patient=patient, planned=self.course.is_set)
            try:
                found = await self.ledger.admit(claim)
            except StoreDown:
                self.counter.regret(index)
                raise
            self._told(index, found)
            if again and self._is_late() and found.kind in ("reserved", "wait"):
                self.counter.regret(index)
                _ = self._is_over(found.index)
                return Admission("none")
            if found.kind != "wait":
                return found
            index = found.index
            await asyncio.sleep(random.uniform(0.01, 0.03))

    def _told(self, start: int, found: Admission) -> None:
        """Report what was passed over; what was found before its turn comes before the others."""
        report_skipped(self.lookup, found)
        if found.index > start:
            passed = [skip.index for skip in found.skipped]
            found.index = self.course.follow(start, found.index, passed)

    def _is_over(self, index: int) -> bool:
        """Whether no step may start any more; those left are reported."""
        if index < len(self.bids) and not self._is_late():
            return False
        for at in range(index, len(self.bids)):
            self._note(self.bids[at].provider, "skipped", reason="timed_out")
        return True

    async def _serve(self, found: Admission) -> Admission:
        answer = cache.unpack(self.lookup.operation, found.blob)
        await sift(self.ledger.store, self.ledger.root, answer, self._key)
        bid = self.bids[found.index]
        self.waterfall.lately.note(bid.slot)
        outcome = judged(self.lookup, bid.provider, answer.data)
        report_cached(self.lookup, bid.provider, outcome, found)
        candidate = Candidate(
            data=answer.data,
            provider=bid.provider,
            outcome=outcome,
            cached=True,
            fetched_at=found.at,
            next=answer.next,
            total=answer.total,
            # A list goes on with the account that it began with.
            credential=found.credential or bid.credential,
        )
        if answer.raw:
            self.lookup.raws[bid.provider] = answer.raw
        if await self.hand.wants_check(candidate, found.index + 1):
            await self.hand.check(candidate)
        self.hand.take(candidate)
        return await self._after(found.index)

    async def _after(self, index: int) -> Admission:
        if self.lookup.winner:
            return Admission("done")
        self.course.decide(index + 1)
        return await self._admit(index + 1)

    async def _join(self, found: Admission) -> Admission:
        """Wait for the call that is under way; share its failure, read its answer."""
        index, late, waited = found.index, False, time.monotonic()
        while True:
            await self._linger(found.rid, time.monotonic() - waited)
            fate = await self.ledger.fate(found.rid)
            if fate.outcome in ("failed", "in_doubt") and fate.reason not in UNSHARED:
                return await self._share(index, fate)
            late = late or fate.ticketed
            if self._is_late() and not late:
                break
            found = await self._admit(index, late=late)
            if self._is_late() and found.kind in ("reserved", "wait"):
                self.counter.regret(index)
                break
            if found.kind != "joined" or found.index != index:
                return found
        self._note(self.bids[index].provider, "failed", reason="timed_out")
        _ = self._is_over(index + 1)
        return Admission("none")

    async def _linger(self, rid: str, waited: float) -> None:
        """Wait for a call of somebody else's; raises Parked once that takes too long."""
        rest = self.lookup.head.rest
        if rest is None:
            await self.waterfall.flights.wait(rid, LOOK_AGAIN)
            return
        rest.check(waited)
        async with rest.resting():
            await self.waterfall.flights.wait(rid, LOOK_AGAIN)

    def _is_late(self) -> bool:
        return self.lookup.seconds_left() <= 0

    async def _share(self, index: int, fate: Fate) -> Admission:
        """The failure of the call that was joined is this lookup's, too."""
        if fate.reason == Suppressed.reason:
            raise Objected
        if fate.reason in WAITS and self._has_account(index, fate.credential):
            return await self._admit(index)
        outcome: AttemptOutcome = "in_doubt" if fate.outcome == "in_doubt" else "failed"
        self._note(self.bids[index].provider, outcome, reason=fate.reason)
        return await self._admit(index + 1)

    def _has_account(self, index: int, refused: str) -> bool:
        """Whether the step can be made after all, with another account than the `refused` one.

        A page of a list stays with the account that the list began with.
        """
        self._refused.add(refused)
        step, lookup = self.lookup.plan.steps[index], self.lookup
        if lookup.credential is not None or step.credential.id not in self._refused:
            return lookup.credential is None
        spare = self.waterfall.market.spare(
            lookup.operation, step.provider, lookup.caller.team, self._refused
        )
        if spare is None:
            return False
        steps = list(lookup.plan.steps)
        steps[index] = to_step(lookup.query, spare)
        lookup.plan = msgspec.structs.replace(lookup.plan, steps=tuple(steps))
        self.bids.replace(index, steps[index])
        return True

    async def _change_account(self, found: Admission) -> Admission:
        """The account's units are used up, or it is left alone for a while; take another one of
        the provider's, if there is one.
        """
        index = found.index
        if found.wait:
            self.lookup.tally.may_ask_in(found.wait / 1000)
        if not self._has_account(index, self.bids[index].credential):
            self.bids.make_do(index)
        return await self._admit(index)

    async def _resume(self, found: Admission) -> Admission:
        """Collect a ticket whose owner is gone; it was paid for already."""
        kept = tickets.unpack(found.blob)
        credential = self.waterfall.market.credential(found.credential)
        if credential is None:
            self._note(kept.provider, "skipped", reason="no_credential")
            return await self._admit(found.index + 1)
        step = kept.step(credential, self.lookup.plan.steps[found.index].offer)
        call = self._call(found, step)
        # What it finds is for those who may know what its account bought.
        call.slot = kept.slot
        called = await self.waterfall.dialler.resume(call, kept)
        return await self._conclude(found, call, called, own=found.own)

    async def _ask(self, found: Admission) -> Admission:
        call = self._call(found, self.lookup.plan.steps[found.index])
        try:
            called = await self.waterfall.dialler.perform(call, dispatched=found.dispatched)
        except NotSent:
            self.counter.regret(found.index)
            raise
        return await self._conclude(found, call, called, own=True)

    def _call(self, found: Admission, step: Step) -> Call:
        self.lookup.since = found.since
        return Call(
            step=step,
            adapter=self.waterfall.adapter_of(step.credential),
            operation=self.lookup.operation,
            query=self.lookup.query,
            after=self.lookup.after,
            slot=self.bids[found.index].slot,
            rid=found.rid,
            seconds=self.bids.seconds_for(found.index),
            usual=self.bids.usual(found.index),
            asked=self.lookup.asked,
            lookup=self.lookup,
        )

    async def _conclude(
        self, found: Admission, call: Call, called: Called, *, own: bool
    ) -> Admission:
        """Report, settle and go on: all that follows a call."""
        lookup, following = self.lookup, found.index + 1
        await self.waterfall.market.heard(call.step.credential, called.error)
        if self._was_refused(found, called):
            following -= self._has_account(found.index, call.step.credential.id)
        if called.answer is not None:
            # What is bought is settled all the same, and looked through again before delivery.
            with contextlib.suppress(StoreDown):
                await sift(self.ledger.store, self.ledger.root, called.answer, self._key)
        candidate = to_candidate(lookup, call, called)
        outcome = outcome_of_call(called, candidate)
        self._report(call, called, outcome, own=own)
        doubtful = candidate is not None and await self.hand.wants_check(candidate, following)
        if candidate is not None and not doubtful:
            self.hand.take(candidate)
        settlement = self._settlement(call, called, outcome)
        # With another account it is asked once more.
        settlement.ends = settlement.ends and following > found.index
        ended = lookup.winner or doubtful or called.stops
        if not (ended or self._is_over(following)):
            self.course.decide(following)
            settlement.next = self.bids.claim(following, patient=True)
        admitted = await self.counter.conclude(settlement, called, following, self.course)
        if called.stops or admitted.kind == "suppressed":
            raise Objected
        self._told(following, admitted)
        if candidate is not None and doubtful:
            await self.hand.check(candidate)
            self.hand.take(candidate)
            return await self._after(found.index)
        return admitted

    def _settlement(self, call: Call, called: Called, outcome: AttemptOutcome) -> Settlement:
        keeping = self.waterfall.keeping
        settlement = to_settlement(
            self.lookup, call, called, outcome, hash_key=self._key, keeping=keeping
        )
        settlement.lessons = self.course.lesson(call, called)
        return settlement

    def _was_refused(self, found: Admission, called: Called) -> bool:
        """Whether the call cost nothing because of its account; a ticket stays with its own."""
        reason = called.error.reason if called.error else ""
        return found.kind == "reserved" and called.state == "voided" and reason in WAITS

    def _report(self, call: Call, called: Called, outcome: AttemptOutcome, *, own: bool) -> None:
        lookup = self.lookup
        book(lookup.tally, call, called, own=own)
        count_cost(call.step.provider, called.cost)
        lookup.upstream += called.upstream
        self._note(
            call.step.provider,
            outcome,
            cached=not own,
            units=called.units if own else 0,
            cost=called.cost if own else 0,
            elapsed=called.upstream,
            reason=called.error.reason if called.error else None,
        )
        if called.answer is not None and called.answer.raw:
            lookup.raws[call.step.provider] = called.answer.raw

    def _note(self, provider: str, outcome: AttemptOutcome, **details: Any) -> None:
        report(self.lookup, provider, outcome, **details)
