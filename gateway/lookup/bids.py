"""A lookup's steps as the ledger's scripts see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gateway.lookup.bookshelf import Bookshelf
from gateway.lookup.identity import slot_of
from gateway.lookup.leases import lease_of
from gateway.lookup.lookup import Lookup
from gateway.lookup.market import Market
from gateway.lookup.planner import Step
from gateway.money.amounts import MILLI
from gateway.money.ledger import next_id
from gateway.money.terms import NO_LIMIT, Bid, Claim
from gateway.money.windows import PERIODS
from providers.base import LONGEST_CALL, Charge

NO_CAP = -1
LIMITS = tuple(f"units_{period}" for period in PERIODS)


class Bids:
    """The bids of one lookup; a step keeps its reservation id, so that repeating is harmless."""

    def __init__(
        self,
        lookup: Lookup,
        shelf: Bookshelf,
        market: Market,
        *,
        hash_key: bytes,
        team_cache: bool,
        ask_life: int,
    ):
        self._lookup = lookup
        self._shelf = shelf
        self._market = market
        self._hash_key = hash_key
        self._team_cache = team_cache
        self._ask_life = ask_life
        # What a free read needs to find out whether a call that was not answered was charged.
        self._ask = msgspec.json.encode(lookup.query).decode()
        name = next_id("res")
        steps = enumerate(lookup.plan.steps)
        self._made = [self._bid(index, step, f"{name}_{index}") for index, step in steps]

    def __len__(self) -> int:
        return len(self._made)

    def __getitem__(self, index: int) -> Bid:
        return self._made[index]

    def replace(self, index: int, step: Step) -> None:
        """Bid anew for a step whose account was refused; the earlier bid is closed."""
        self._made[index] = self._bid(index, step, f"{self._made[index].rid}_again")

    def make_do(self, index: int) -> None:
        """Bid without the hope for another account."""
        self._made[index].spare = False

    def rearrange(self, places: Sequence[int]) -> None:
        """Put the last steps, named by their `places` so far, into another order."""
        start = len(self._made) - len(places)
        steps = self._lookup.plan.steps
        tail = tuple(steps[at] for at in places)
        self._made[start:] = [self._made[at] for at in places]
        for index, bid in enumerate(self._made[start:], start):
            bid.index = index
        self._lookup.plan = msgspec.structs.replace(
            self._lookup.plan, steps=(*steps[:start], *tail)
        )

    @property
    def is_choice(self) -> bool:
        """Whether it has to be thought about who comes first."""
        return len(self._made) > 1 and self._lookup.route.order == "learned"

    @property
    def is_served_first(self) -> bool:
        """Whether what is kept comes first, and what else may be asked is thought about later."""
        route = self._lookup.route
        return route.max_age > 0 and (self.is_choice or (len(self._made) == 1 and route.guesses))

    def slots(self) -> list[str]:
        """Where an answer may be kept that costs nothing."""
        return [slot for bid in self._made for slot in (bid.slot, *bid.others)]

    def claim(self, index: int, *, patient: bool, planned: bool = True) -> Claim:
        """Everything from step `index` on; only what is free if it is not `planned` yet."""
        lookup = self._lookup
        cap = lookup.route.max_cost
        for bid in self._made[index:]:
            bid.hurried = self._is_hurried(bid)
        return Claim(
            lookup=lookup.id,
            team=lookup.caller.team,
            key=lookup.caller.key,
            scopes=lookup.scopes,
            persons=self._persons(),
            tag=lookup.tag,
            spent=lookup.spent,
            max_cost=NO_CAP if cap is None else cap,
            since=lookup.since,
            patient=patient,
            again=lookup.again,
            booked=lookup.tally.booked if lookup.again else [],
            thrifty=not planned or (self.is_choice and index + 1 < len(self._made)),
            unplanned=not planned,
            steps=self._made[index:],
        )

    def seconds_for(self, index: int) -> float:
        """How long the call of a step may take that is made now."""
        return self._lookup.seconds_for(last=index + 1 == len(self._made))

    def usual(self, index: int) -> float:
        """How many seconds the provider of a step usually takes to reply."""
        return self._shelf.reply_seconds(self._lookup.operation, self._made[index].provider)

    def _is_hurried(self, bid: Bid) -> bool:
        """Whether its provider would get less time than it usually takes.

        Where nobody set a timeout there is time enough for every provider that is well, and one
        that has become slow shows there that it is not any more.
        """
        if not self._lookup.is_pressed:
            return False
        return self.seconds_for(bid.index) < self.usual(bid.index)

    def _persons(self) -> list[str]:
        """A verification is about whom the caller asked for, too: either may have objected."""
        asked = (self._lookup.head.asked, self._lookup.asked)
        return list(dict.fromkeys(mark for one in asked for mark in (*one.persons, *one.places)))

    def _bid(self, index: int, step: Step, rid: str) -> Bid:
        lookup = self._lookup
        own, *others = self._spaces(step)
        return Bid(
            index=index,
            slot=self._slot(step, own),
            others=[self._slot(step, space) for space in others],
            rid=rid,
            provider=step.provider,
            operation=lookup.operation,
            credential=step.credential.id,
            units=step.units,
            cost=step.cost,
            price=step.price,
            max_age=lookup.route.max_age * 1000,
            lease=lease_of(LONGEST_CALL),
            free=step.offer.charge is Charge.FREE,
            direct=step.offer.peek is None and not step.paced,
            limits=limits_of(step.limits),
            spare=step.spare,
            unpriced=step.offer.charge is not Charge.FREE and not step.is_priced,
            unit=step.offer.unit,
            ask=self._ask if step.offer.peek else "",
            ask_life=self._ask_life,
        )

    def _spaces(self, step: Step) -> list[str]:
        """That of the step's account, and those of what else its team may know."""
        team = self._lookup.caller.team
        if self._team_cache:
            return [f"team:{team}"]
        own = step.credential.space
        readable = self._market.spaces(step.provider, team)
        return [own, *(space for space in readable if space != own)]

    def _slot(self, step: Step, space: str) -> str:
        lookup = self._lookup
        parts = (lookup.operation, step.provider, space, lookup.after or "")
        return slot_of(parts, lookup.canonical, self._hash_key)


def limits_of(limits: Mapping[str, int]) -> tuple[int, int, int]:
    """Thousandths of units per day, month and in total."""
    day, month, total = (limits[name] * MILLI if name in limits else NO_LIMIT for name in LIMITS)
    return day, month, total
