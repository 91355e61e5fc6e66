"""What asking one provider now comes to: its index, and whether it is worth it.

Asking costs `a` whatever comes and `b + v` for an answer, which comes with chance `h` and is
accepted with chance `q`: ascending `e = (a + h(b + v)) / (h q)` is the cheapest order of
independent providers, and close to it for others as long as h and q are those behind the misses.
With a `value` V a provider is a box of Weitzman's: worth V if accepted, less if weak. It is opened
while it is expected to bring more than it costs beyond what is in hand; without weak answers that
is while e is below V.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.lookup.planning.estimation import (
    confident,
    drawn,
    normals,
    places_of,
    posterior,
    prior_of,
    rows_of,
    seconds_of,
    share_of,
)
from gateway.lookup.planning.terms import MILLION, Cells, Option, Policy, Rating, State

# What can't be had at any price; an index is a whole number.
NEVER = 10**15
WEAK = ("catch_all", "unknown")


class Chances(NamedTuple):
    """Of an answer, and that it is accepted."""

    h: float
    q: float


class Charges(NamedTuple):
    """Money for asking, and for an answer."""

    a: float
    b: float


class Scale:
    """Weighs options by one policy in one state; `levels` are the cells of what is asked."""

    def __init__(self, policy: Policy, state: State, levels: Sequence[str], seed: str):
        self._policy = policy
        self._levels = levels
        self._seed = seed
        self._left = NEVER if policy.max_cost is None else policy.max_cost - state.spent
        self._places = places_of(policy.accept)
        self._prior = prior_of(policy.prior, policy.accept)
        self._weak = [name for name in WEAK if name not in policy.accept]
        value = policy.value or 0
        worth = [share * value / MILLION for share in policy.worth]
        self._worth = dict(zip(WEAK, worth, strict=True))
        self._held = self._worth.get(state.hand, 0.0)

    def weigh(self, option: Option, cells: Cells) -> Rating:
        mean, draw, seen = self._chances(option, cells)
        charges = self._charges(option, cells)
        delay = 0.0
        if self._policy.wait_price:
            delay = self._policy.wait_price * seconds_of(cells, self._policy.prior)
        priced = Charges(charges.a + delay, charges.b)
        return Rating(
            provider=option.provider,
            index=_index(priced, draw),
            mean=_index(priced, mean),
            cost=int(charges.a + mean.h * charges.b + 0.5),
            chance=int(mean.h * mean.q * MILLION + 0.5),
            worst=option.worst,
            seen=seen,
            reason=option.barred or self._reason(option, cells, priced, draw),
        )

    def _chances(self, option: Option, cells: Cells) -> tuple[Chances, Chances, int]:
        """By what is known, and as drawn for this lookup; and how many calls are known."""
        hits, misses, wanted, unwanted, seen = posterior(
            cells, self._levels, self._places, self._prior
        )
        h, q = hits / (hits + misses), wanted / (wanted + unwanted)
        first, second = normals(self._seed, option.provider)
        h_drawn, q_drawn = drawn(hits, misses, first), drawn(wanted, unwanted, second)
        if self._policy.min_confidence:
            sure = self._confident(cells)
            q, q_drawn = q * sure, q_drawn * sure
        if option.verify is not None and "unknown" in self._weak:
            gained = self._share(cells, "unknown") * option.confirms / MILLION
            q, q_drawn = min(1.0, q + gained), min(1.0, q_drawn + gained)
        return Chances(h, q), Chances(h_drawn, q_drawn), seen

    def _charges(self, option: Option, cells: Cells) -> Charges:
        b = float(option.per_hit)
        if option.per_row:
            b += option.per_row * rows_of(cells, option.rows)
        if option.verify is not None and "unknown" in self._weak:
            b += option.verify * self._share(cells, "unknown")
        return Charges(float(option.per_call), b)

    def _share(self, cells: Cells, status: str) -> float:
        place = places_of((status,))[0]
        return share_of(cells, self._levels, place, getattr(self._policy.prior, status))

    def _confident(self, cells: Cells) -> float:
        """The share of accepted answers that are confident enough; of all kinds alike."""
        least = self._policy.min_confidence
        kinds = [name for name in self._policy.accept if name in ("valid", *WEAK)]
        shares = [(self._share(cells, name), confident(cells, name, least)) for name in kinds]
        total = sum(share for share, _ in shares)
        return sum(share * sure for share, sure in shares) / total if total else 0.0

    def _reason(self, option: Option, cells: Cells, charges: Charges, chances: Chances) -> str:
        """Why it is not asked; empty if it is."""
        if option.worst > self._left:
            return "over_budget"
        policy = self._policy
        if policy.value is None or policy.order != "learned":
            return ""
        won = chances.q * (policy.value - self._held)
        if any(policy.worth):
            won += sum(
                self._share(cells, name) * max(0.0, self._worth[name] - self._held)
                for name in self._weak
            )
        return "" if chances.h * (won - charges.b) > charges.a else "not_worth_it"


def _index(charges: Charges, chances: Chances) -> int:
    accepted = chances.h * chances.q
    if accepted <= 0:
        return NEVER
    return min(NEVER, int((charges.a + chances.h * charges.b) / accepted + 0.5))
