"""Addresses that a provider is not sure of: checked by another's verifier when that pays.

A verification is one more box to be opened: it comes before the providers left if an accepted
answer costs less by it than by any of them, and after them if not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from gateway.guard.breakers import Breakers
from gateway.lookup.bouncing import Bounces
from gateway.lookup.judging import judged
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.planner import Step
from gateway.lookup.planning.bounces import WEIGHT as DELIVERIES
from gateway.lookup.planning.bounces import Estimate
from gateway.lookup.planning.confirming import (
    UNCERTAIN,
    book_of,
    chance_of,
    is_worth,
    lesson_of,
)
from gateway.lookup.planning.estimation import WEIGHT
from gateway.lookup.planning.terms import Prior
from gateway.lookup.planning.verdicts import Verdict, word_for
from gateway.lookup.reporting import report
from gateway.money.ledger import Ledger
from gateway.store.connection import StoreDown
from providers.base import Charge
from providers.model import Email, Status, Verification

if TYPE_CHECKING:
    from gateway.lookup.waterfall import Waterfall

When = Literal["now", "later", "never"]
VerificationOf = Callable[[Lookup, str, str], Lookup | None]
PRIOR = Prior()


def is_doubtful(lookup: Lookup, candidate: Candidate) -> bool:
    """Whether the caller wants it checked: a weak address of which nothing is known.

    One of which its finder is not as sure as is wanted is not accepted, whoever checks it.
    """
    data = candidate.data
    return (
        lookup.route.verify == "uncertain"
        and isinstance(data, Email)
        and data.status == UNCERTAIN
        and candidate.outcome == "weak"
        and (data.confidence or 0) >= lookup.route.accept.min_confidence
    )


class Turn(NamedTuple):
    """When an address is checked, and by which lookup if that is now."""

    when: When
    child: Lookup | None = None


class Doubts:
    """Of one process."""

    def __init__(self, ledger: Ledger, bounces: Bounces, verification_of: VerificationOf):
        self._bounces = bounces
        self._doing = Breakers(ledger.store, ledger.root)
        self._verification_of = verification_of

    async def turn(
        self, waterfall: Waterfall, lookup: Lookup, candidate: Candidate, following: int
    ) -> Turn:
        """Whether checking it is cheaper per accepted answer than each step from `following` on.

        Never if it is dearer than what an answer is worth, or nobody can; at once if the store
        can't be asked, or what a verifier said is kept.
        """
        child = self._child(lookup, candidate)
        if child is None:
            return Turn("never")
        step, value = child.plan.steps[0], lookup.route.value
        try:
            chance = await self._confirms(candidate.provider)
            rest = lookup.plan.steps[following:]
            others = [await self._index(one, lookup.operation) for one in rest]
            is_kept = await waterfall.is_kept(child)
        except StoreDown:
            return Turn("now", child)
        if is_kept:
            return Turn("now", child)
        if not is_worth(step.cost, chance, value):
            report(child, step.provider, "skipped", reason="not_worth_it")
            lookup.attempts += child.attempts
            return Turn("never")
        is_next = not others or step.cost / chance <= min(others)
        return Turn("now", child) if is_next else Turn("later")

    def _child(self, lookup: Lookup, candidate: Candidate) -> Lookup | None:
        assert isinstance(candidate.data, Email)
        return self._verification_of(lookup, candidate.data.email, candidate.provider)

    async def _confirms(self, provider: str) -> float:
        """How often an uncertain address of the provider turns out valid."""
        return chance_of(await self._bounces.cells(book_of(provider)))

    async def _index(self, step: Step, operation: str) -> float:
        """Money per accepted answer."""
        doing = await self._doing.doing(step.provider, operation)
        asked, hits = (doing.asked, doing.hits) if doing else (0, 0)
        hit = (hits + WEIGHT * PRIOR.hit) / (asked + WEIGHT)
        per_hit = step.offer.charge is not Charge.PER_CALL
        return step.cost / (PRIOR.valid if per_hit else hit * PRIOR.valid)

    async def check(
        self,
        waterfall: Waterfall,
        lookup: Lookup,
        candidate: Candidate,
        child: Lookup | None = None,
    ) -> None:
        """Have another provider verify the address; what both say replaces the status.

        Without a `child` it is found out anew who can: accounts may have changed meanwhile.
        """
        child = child or self._child(lookup, candidate)
        if child is None:
            return
        try:
            await waterfall.run(child)
        finally:
            lookup.attempts += child.attempts
            lookup.failures += child.failures
            lookup.upstream += child.upstream
            lookup.raws = child.raws | lookup.raws
        if child.answer is not None and not child.answer.cached:
            await self._learn(candidate.provider, child.answer)
        if child.winner is not None:
            await self._believe(lookup, candidate, child.winner)

    async def _learn(self, finder: str, verdict: Candidate) -> None:
        valid = isinstance(verdict.data, Verification) and verdict.data.status == "valid"
        with contextlib.suppress(StoreDown):
            await self._bounces.teach([lesson_of(finder, valid=valid)])

    async def _believe(self, lookup: Lookup, candidate: Candidate, verdict: Candidate) -> None:
        assert isinstance(candidate.data, Email)
        assert isinstance(verdict.data, Verification)
        said = [
            (candidate.provider, candidate.data.status),
            (verdict.provider, verdict.data.status),
        ]
        estimate: Estimate | None = None
        with contextlib.suppress(StoreDown):
            estimate = await self._bounces.combined(said)
        candidate.data = msgspec.structs.replace(candidate.data, status=word_of(said, estimate))
        candidate.verified_by = verdict.provider
        candidate.outcome = judged(lookup, verdict.provider, candidate.data, estimate)


def word_of(said: Sequence[Verdict], estimate: Estimate | None) -> Status:
    """The verifier's word, until enough addresses of which both said so were delivered."""
    if estimate is None or estimate.weight < 2 * DELIVERIES:
        return said[-1][1]
    return word_for(estimate.chance, said)
