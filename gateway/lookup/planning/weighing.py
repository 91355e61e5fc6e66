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
    PLACES,
    Chances,
    Posterior,
    confident,
    drawn,
    having,
    normals,
    places_of,
    posterior,
    prior_of,
    rows_of,
    seconds_of,
    share_of,
)
from gateway.lookup.planning.terms import MILLION, Cells, Option, Policy, Rating, State
from providers.model import Status

# What can't be had at any price; an index is a whole number.
NEVER = 10**15
WEAK = ("catch_all", "unknown")
# Who is left out is not heard of again: it is weighed as if it were so many of the draw's standard
# deviations better than known, or as it was drawn, if that is better still.
DOUBT = 1.0


class Charges(NamedTuple):
    """Money for asking, and for an answer."""

    a: float
    b: float


class Wanted(NamedTuple):
    """What is accepted of a provider's answers: their `places` among counts, how many they are
    `prior` to any, and those which are weak.
    """

    statuses: tuple[Status, ...]
    places: tuple[int, ...]
    prior: tuple[float, float]
    weak: tuple[str, ...]


class Scale:
    """Weighs options by one policy in one state; `levels` are the cells of what is asked."""

    def __init__(self, policy: Policy, state: State, levels: Sequence[str], seed: str):
        self._policy = policy
        self._levels = levels
        self._missing = [name for name in policy.want if name not in state.told]
        self._seed = seed
        self._left = NEVER if policy.max_cost is None else policy.max_cost - state.spent
        self._usual = self._wanted(policy.accept)
        self._choosy = policy.value is not None and policy.order == "learned"
        value = policy.value or 0
        worth = [share * value / MILLION for share in policy.worth]
        self._worth = dict(zip(WEAK, worth, strict=True))
        self._held = self._worth.get(state.hand, 0.0)

    def weigh(self, option: Option, cells: Cells) -> Rating:
        wanted = self._usual if option.accept is None else self._wanted(option.accept)
        known = posterior(cells, self._levels, wanted.places, wanted.prior)
        unsure = self._unsure(option, cells, wanted)
        sure, gained = self._corrections(option, cells, wanted, unsure)
        mean = _corrected(known.mean(), sure, gained)
        normal = normals(self._seed, option.provider)
        draw = _corrected(_drawn(known, *normal), sure, gained)
        charges, delay = self._charges(option, cells, unsure), self._delay(cells)
        check = (option.verify or 0) if unsure else 0
        reason = option.barred or ("over_budget" if option.worst > self._left else "")
        if self._choosy and not reason and not self._pays(cells, wanted, charges, delay, draw):
            kind = (max(DOUBT, one) for one in normal)
            fair = _corrected(_drawn(known, *kind), sure, gained)
            reason = "" if self._pays(cells, wanted, charges, delay, fair) else "not_worth_it"
        return Rating(
            provider=option.provider,
            index=_index(charges, delay, draw),
            mean=_index(charges, delay, mean),
            # Of whom nobody knows the price no cost is expected, however dear it is taken to be.
            cost=min(int(charges.a + mean.h * charges.b + 0.5), option.worst + check),
            chance=int(mean.h * mean.q * MILLION + 0.5),
            worst=option.worst,
            seen=known.calls,
            reason=reason,
            check=check,
        )

    def _wanted(self, statuses: tuple[Status, ...]) -> Wanted:
        prior = prior_of(self._policy.prior, statuses)
        weak = tuple(name for name in WEAK if name not in statuses)
        return Wanted(statuses, places_of(statuses), prior, weak)

    def _unsure(self, option: Option, cells: Cells, wanted: Wanted) -> float:
        """The share of its answers that are verified, for which the budget must do, too."""
        if option.verify is None or "unknown" not in wanted.weak:
            return 0.0
        if option.worst + option.verify > self._left:
            return 0.0
        share, least = self._share(cells, "unknown"), self._policy.min_confidence
        return share * confident(cells, "unknown", least) if least else share

    def _corrections(
        self, option: Option, cells: Cells, wanted: Wanted, unsure: float
    ) -> tuple[float, float]:
        """What a demand for confidence, or for fields, takes from q, and what a verification adds
        to it.
        """
        sure, gained, least = 1.0, unsure * option.confirms / MILLION, self._policy.min_confidence
        if least:
            sure = self._confident(cells, wanted)
        if self._missing:
            sure *= having(cells, self._missing)
        return sure, gained

    def _charges(self, option: Option, cells: Cells, unsure: float) -> Charges:
        b = float(option.per_hit)
        if option.per_verdict:
            b += option.per_verdict * (1 - self._share(cells, "unknown"))
        if option.per_row:
            rows = option.per_row * rows_of(cells, option.rows)
            # Of whom nobody knows the price the worst is not known either.
            b += min(rows, option.worst or rows)
        if unsure:
            b += unsure * (option.verify or 0)
        return Charges(float(option.per_call), b)

    def _delay(self, cells: Cells) -> float:
        """The price of waiting for an answer."""
        if not self._policy.wait_price:
            return 0.0
        return self._policy.wait_price * seconds_of(cells, self._policy.prior)

    def _share(self, cells: Cells, status: str) -> float:
        return share_of(cells, self._levels, PLACES[status], getattr(self._policy.prior, status))

    def _confident(self, cells: Cells, wanted: Wanted) -> float:
        """The share of accepted answers that are confident enough."""
        least = self._policy.min_confidence
        kinds = [name for name in wanted.statuses if name in ("valid", *WEAK)]
        shares = [(self._share(cells, name), confident(cells, name, least)) for name in kinds]
        total = sum(share for share, _ in shares)
        return sum(share * sure for share, sure in shares) / total if total else 0.0

    def _pays(
        self, cells: Cells, wanted: Wanted, charges: Charges, delay: float, chances: Chances
    ) -> bool:
        """Whether it is expected to bring more than it costs beyond what is in hand."""
        won = chances.q * ((self._policy.value or 0) - self._held)
        price = charges.a + delay
        if chances.h * (won - charges.b) >= price:
            return True
        for name in wanted.weak:
            if (more := self._worth[name] - self._held) > 0:
                won += self._share(cells, name) * more
        return chances.h * (won - charges.b) >= price


def _drawn(known: Posterior, first: float, second: float) -> Chances:
    return Chances(
        drawn(known.hits, known.misses, first), drawn(known.wanted, known.unwanted, second)
    )


def _corrected(chances: Chances, sure: float, gained: float) -> Chances:
    return Chances(chances.h, min(1.0, chances.q * sure + gained))


def _index(charges: Charges, delay: float, chances: Chances) -> int:
    accepted = chances.h * chances.q
    if accepted <= 0:
        return NEVER
    return min(NEVER, int((charges.a + delay + chances.h * charges.b) / accepted + 0.5))
