"""The cheapest provider of all: an address made as its domain makes them, and then verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from gateway.lookup.bids import Bids
from gateway.lookup.bouncing import Bounces, name_of
from gateway.lookup.identifiers import spell_email
from gateway.lookup.lookup import Lookup
from gateway.lookup.market import Market
from gateway.lookup.planner import to_step
from gateway.lookup.planning.patterns import Known, Pattern, divided, guess, stated, tallied
from gateway.lookup.routing import PATTERN
from gateway.lookup.verifiers import ANYBODY, verifiers_for
from gateway.store.connection import Argument, Script, Store
from gateway.vault.datakey import DataKey
from providers.model import Datum, DomainEmails, Email, FindEmail, Query

# Of a list so many tell how a domain makes its addresses.
ENOUGH = 20
# No domain is so sure of its pattern, whatever a provider says.
MOST = 0.9
# Assumed until guesses of the domain were verified: that so many of those that follow the pattern
# are there and their server says so; worth so many tries.
CONFIRMED, WEIGHT = 0.75, 4


class Guess(NamedTuple):
    """`chance` is of its being valid; `ways` is what it comes from, of which `tried` were so."""

    email: str
    chance: float
    ways: str
    tried: int


class Guesses:
    """Of one process. Every method raises StoreDown."""

    def __init__(
        self, store: Store, root: str, bounces: Bounces, market: Market, data_key: DataKey
    ):
        self._store = store
        self._root = root
        self._market = market
        self._bounces = bounces
        self._data_key = data_key
        self._seek = Script.load("seek_ways")

    async def of(self, lookup: Lookup, bids: Bids) -> Guess | None:
        """The likeliest address of whom the lookup asks for.

        None where nothing is known, and where an answer that was bought is there already.
        """
        query = lookup.query
        if not isinstance(query, FindEmail) or query.kind != "professional" or not query.domain:
            return None
        name = _name_of(query)
        if name is None or not self._may_pay(lookup):
            return None
        slots = bids.slots()
        names = [
            name_of(query.domain, space, self._data_key.value)
            for space in self._bounces.spaces(lookup.caller.team)
        ]
        operands: list[Argument] = [lookup.route.max_age * 1000, len(slots), *slots, *names]
        found = await self._store.run(self._seek, [self._root], operands)
        made = [_guess(ways.decode(), _to_row(flat), name, query.domain) for ways, flat in found]
        return max(filter(None, made), key=lambda one: one.chance, default=None)

    def _may_pay(self, lookup: Lookup) -> bool:
        """Whether anybody verifies for less than the best guess saves."""
        most = MOST * lookup.plan.steps[0].cost
        return any(
            to_step(ANYBODY, stall).cost < most
            for stall in verifiers_for(self._market, lookup.caller.team, PATTERN)
        )

    async def tried(self, one: Guess, *, held: bool) -> None:
        """A guess was verified: whether it was valid."""
        key = f"{self._root}ways:{one.ways}"
        await self._store.call("HINCRBY", key, "tried", 1)
        if held:
            await self._store.call("HINCRBY", key, "held", 1)


def _to_row(flat: list[bytes]) -> dict[str, str]:
    return {
        field.decode(): value.decode() for field, value in zip(flat[::2], flat[1::2], strict=True)
    }


def _guess(ways: str, row: Mapping[str, str], name: tuple[str, str], domain: str) -> Guess | None:
    pattern = _pattern_of(row)
    email = guess(pattern, *name, domain) if pattern else None
    if pattern is None or email is None:
        return None
    tried, held = int(row.get("tried", 0)), int(row.get("held", 0))
    confirmed = (held + WEIGHT * CONFIRMED) / (tried + WEIGHT)
    return Guess(email, min(MOST, pattern.share) * confirmed, ways, tried)


def _pattern_of(row: Mapping[str, str]) -> Pattern | None:
    """As the domain's addresses say, else as a provider says."""
    votes = {
        field.removeprefix("v:"): int(count)
        for field, count in row.items()
        if field.startswith("v:")
    }
    return tallied(votes, int(row.get("n", 0))) or stated(row.get("stated", ""))


def known_in(query: Query, data: Datum | None) -> Iterator[Known]:
    """Addresses that tell how their domain makes them.

    What was found is believed if it is valid: others may be guesses themselves. What a list has
    was seen somewhere.
    """
    if isinstance(data, DomainEmails):
        rows = (row for row in data.emails if row.status != "invalid")
        yield from islice((one for row in rows if (one := _known(row))), ENOUGH)
    elif isinstance(data, Email) and data.status == "valid":
        asked = _name_of(query) if isinstance(query, FindEmail) else None
        if one := _known(data, asked):
            yield one


def _known(email: Email, asked: tuple[str, str] | None = None) -> Known | None:
    name = asked
    if email.first_name and email.last_name:
        name = (email.first_name, email.last_name)
    if name is None or email.role or email.webmail or email.disposable:
        return None
    return Known(*name, spell_email(email.email))


def _name_of(query: FindEmail) -> tuple[str, str] | None:
    if query.first_name and query.last_name:
        return query.first_name, query.last_name
    return divided(query.full_name) if query.full_name else None
