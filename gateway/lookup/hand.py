"""What a lookup has in hand: the answer that is accepted, the best so far, those to be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.lookup.doubting import is_doubtful
from gateway.lookup.lookup import Candidate, Lookup
from gateway.lookup.merging import is_merged, merged

if TYPE_CHECKING:
    from gateway.lookup.waterfall import Waterfall


class Hand:
    """Of one lookup under way."""

    def __init__(self, waterfall: Waterfall, lookup: Lookup):
        self._waterfall = waterfall
        self._lookup = lookup
        self._postponed: list[Candidate] = []
        self._weak: list[Candidate] = []
        self._check: Lookup | None = None

    def take(self, candidate: Candidate) -> None:
        """Take the candidate as the winner, keep it as the best so far, or count it out."""
        lookup = self._lookup
        if is_merged(lookup):
            candidate = merged(lookup, candidate)
        if candidate.outcome == "accepted":
            lookup.winner = candidate
        elif candidate.outcome == "empty":
            lookup.empties += 1
        else:
            self._weak.append(candidate)
            lookup.best = self._best()

    def _best(self) -> Candidate | None:
        """Of those that no check has found to be something else."""
        weak = [one for one in self._weak if one.outcome == "weak"]
        return max(weak, key=lambda one: one.rank, default=None)

    async def wants_check(self, candidate: Candidate, following: int) -> bool:
        """Whether it is checked before the step `following`, if it is to be checked at all."""
        if not is_doubtful(self._lookup, candidate):
            return False
        doubts = self._waterfall.doubts
        when, self._check = await doubts.turn(self._waterfall, self._lookup, candidate, following)
        if when == "later":
            self._postponed.append(candidate)
        return when == "now"

    async def check(self, candidate: Candidate) -> None:
        """Have another provider verify the address, by the lookup that was planned for it."""
        child, self._check = self._check, None
        await self._waterfall.doubts.check(self._waterfall, self._lookup, candidate, child)

    async def check_postponed(self) -> None:
        """Those that were not worth it while others could be asked."""
        lookup = self._lookup
        for candidate in self._postponed:
            if lookup.winner or lookup.seconds_left() <= 0:
                return
            await self.check(candidate)
            lookup.best = self._best()
            self.take(candidate)
