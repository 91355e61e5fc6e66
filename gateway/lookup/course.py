"""The course of one lookup: who comes next, what each answer teaches, what is kept of why."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, get_args

from msgspec import UNSET, UnsetType

from gateway.lookup.bids import Bids
from gateway.lookup.bookshelf import Bookshelf
from gateway.lookup.chronicles import Chronicle, End, digest, encode, name_of
from gateway.lookup.judge import had_of, judge, wanting_nothing
from gateway.lookup.planning.hunches import Hunch, plan_with, saves_money
from gateway.lookup.planning.planner import rate
from gateway.lookup.planning.record import Trace, guessed_in, to_move
from gateway.lookup.planning.teaching import Found, book_of, teach
from gateway.lookup.planning.terms import (
    Hand,
    Plan,
    Question,
    Rating,
    State,
    Statistics,
)
from gateway.lookup.questions import question_of, statistics_of
from gateway.money.terms import Memo
from providers.model import Datum, Email, Verification

if TYPE_CHECKING:
    from gateway.lookup.called import Called
    from gateway.lookup.calls import Call
    from gateway.lookup.lookup import Lookup
    from gateway.lookup.planning.lessons import Lesson

USEFUL = get_args(Found)
MISSES = ("weak", "empty")


class Decision(NamedTuple):
    """`ratings` None if the order did not depend on them."""

    state: State
    statistics: Statistics
    ratings: list[Rating] | None


class Course:
    """Of a lookup under way."""

    def __init__(self, lookup: Lookup, bids: Bids, shelf: Bookshelf):
        self._lookup = lookup
        self._bids = bids
        self._shelf = shelf
        self._question: Question | None = None
        self._decisions: list[Decision] = []
        self.hunch: Hunch | None = None
        self._kept = (0, 0)

    @property
    def operation(self) -> str:
        return self._lookup.operation

    @property
    def question(self) -> Question:
        if self._question is None:
            self._question = question_of(self._lookup, self._shelf)
        return self._question

    @property
    def is_set(self) -> bool:
        """Whether it has been thought about at all."""
        return bool(self._decisions)

    def decide(self, start: int) -> None:
        """Put the steps from `start` on into the order that is right by now."""
        if start >= len(self._bids):
            return
        state = self._state(start)
        if self._decisions and self._decisions[-1].state == state:
            return
        ratings, statistics = None, statistics_of(self._lookup, self._shelf)
        if self._lookup.route.order == "learned" and self._matters(start):
            ratings = rate(self.question, statistics, state)
            self._arrange(start, ratings)
        self._decisions.append(Decision(state, statistics, ratings))

    def consider(self, hunch: Hunch) -> bool:
        """Whether a guess is tried before anybody is asked; whether it may cost so much, the
        ledger decides.
        """
        self.hunch = hunch
        return saves_money(hunch, self.question.policy)

    def _matters(self, start: int) -> bool:
        """One step has no order, but may not be worth its money."""
        return len(self._bids) - start > 1 or self._lookup.route.value is not None

    def _state(self, start: int) -> State:
        """Who has had their turn, and what came of it."""
        lookup = self._lookup
        done = dict.fromkeys(step.provider for step in lookup.plan.steps[:start])
        missed = dict.fromkeys(
            item.provider
            for item in lookup.attempts
            if item.outcome in MISSES
            and item.operation == lookup.operation
            and item.provider in done
        )
        best = lookup.best.data if lookup.best else None
        return State(
            missed=tuple(missed),
            hand=hand_of(best),
            spent=lookup.spent,
            failed=tuple(name for name in done if name not in missed),
            told=tuple(name for name, there in had_of(lookup.query, best).items() if there),
        )

    def _arrange(self, start: int, ratings: Sequence[Rating]) -> None:
        place = {rating.provider: at for at, rating in enumerate(ratings)}
        steps, indexes = self._lookup.plan.steps, range(start, len(self._bids))
        order = sorted(indexes, key=lambda at: place[steps[at].provider])
        if order != list(indexes):
            self._bids.rearrange(order)
        left = {rating.provider for rating in ratings if rating.reason == "not_worth_it"}
        for at in indexes:
            self._bids[at].unwanted = self._bids[at].provider in left

    def follow(self, start: int, index: int, passed: Iterable[int]) -> int:
        """Where step `index` is, once those from `start` on that it overtook come after it."""
        gone = sorted(at for at in passed if start <= at < index)
        kept = [at for at in range(start, index) if at not in gone]
        if not kept:
            return index
        self._bids.rearrange([*gone, index, *kept, *range(index + 1, len(self._bids))])
        return start + len(gone)

    def lesson(self, call: Call, called: Called) -> list[Lesson]:
        """What a call teaches; nothing if it failed, is in doubt, or goes on with a list."""
        lookup, answer, name = self._lookup, called.answer, call.step.provider
        if answer is None or lookup.after:
            return []
        if not self.is_set:  # The call was another's, who is gone: nobody knows what it went by.
            return []
        decision, data = self._decisions[-1], answer.data
        lesson = teach(
            book_of(lookup.operation, name),
            self.question.segment,
            decision.state,
            found_of(lookup, data),
            cells=decision.statistics.get(name, {}),
            prior=self.question.policy.prior,
            millis=round(seconds_of_call(call, called) * 1000),
            replied=math.ceil(call.replied * 1000),
            rows=answer.rows,
            confidence=confidence_of(data),
            had=had_of(lookup.query, data),
        )
        return [lesson]

    def plan(self) -> Plan:
        """What was planned before anybody was asked."""
        if self._decisions:
            statistics = self._decisions[0].statistics
        else:
            statistics = statistics_of(self._lookup, self._shelf)
        return plan_with(self.question, statistics, self.hunch)

    @property
    def is_kept(self) -> bool:
        """Whether all that was decided, and came of it, is in what was made last."""
        return self._kept == (len(self._decisions), len(self._lookup.attempts))

    def chronicle(self) -> bytes:
        """What is kept of it so far."""
        self._kept = (len(self._decisions), len(self._lookup.attempts))
        question, moves, digests = self.question, [], []
        for state, statistics, ratings in self._decisions:
            moves.append(to_move(question, statistics, state))
            digests.append(digest(ratings or rate(question, statistics, state)))
        trace, at = Trace(question, tuple(moves), self.hunch), round(time.time() * 1000)
        digests += [digest([one]) for one in guessed_in(trace)]
        return encode(Chronicle(self._lookup.operation, at, trace, tuple(digests), self._ends()))

    def _ends(self) -> tuple[End, ...]:
        lookup = self._lookup
        return tuple(
            End(one.provider, one.outcome, one.reason or "", one.cached)
            for one in lookup.attempts
            if one.operation == lookup.operation
        )

    def memo(self, life: int, cap: int) -> Memo | None:
        """Where it is kept; None for what is nobody's request."""
        lookup = self._lookup
        if lookup.parent is not None:
            return None
        return Memo(name_of(lookup.caller.team, lookup.request_id or lookup.id), life, cap)


def confidence_of(data: Datum | None) -> int | UnsetType | None:
    """Of an address that is there; of a verdict that there is none it says nothing of others."""
    if isinstance(data, Email) or (isinstance(data, Verification) and data.status == "valid"):
        return data.confidence
    return UNSET


def seconds_of_call(call: Call, called: Called) -> float:
    """How long its provider took. A row of a job waits for its turn, too, and may be laid aside:
    that says nothing of the provider.
    """
    is_row = call.lookup is not None and call.lookup.head.bulk
    return (call.replied + call.took if is_row else 0.0) or called.upstream


def hand_of(data: Datum | None) -> Hand:
    """The weak answer that is the best so far."""
    if data is None:
        return ""
    return "catch_all" if isinstance(data, Email) and data.status == "catch_all" else "unknown"


def found_of(lookup: Lookup, data: Datum | None) -> Found:
    """What came of a call, whatever its caller accepts."""
    if data is None or data == []:
        return "empty"
    if isinstance(data, Email):
        return data.status if data.status in USEFUL else "useless"  # type: ignore[return-value]
    outcome = judge(wanting_nothing(lookup.query), data, lookup.route.accept)
    return {"accepted": "valid", "weak": "unknown", "empty": "empty"}[outcome]  # type: ignore[return-value]
