"""The ledger's own proofs: limits within limits, and any sequence of calls against a model."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from gateway.money.budgets import put_limits
from gateway.money.ledger import Ledger, Mark
from gateway.money.terms import NO_LIMIT, Admission
from gateway.store.connection import Store
from tests.gates.conftest import Campaign
from tests.gateway.money.books import ROOT, audit, bid, claim, ending
from tests.gateway.money.conftest import shift
from tests.gateway.money.model import CALLERS, LIMITS
from tests.gateway.money.test_ledger_machine import LedgerMachine, run_machine
from tests.gateway.money.test_ledger_mutants import mutate

# The second day is a leap day, the third in another month.
START, DAYS = datetime(2028, 2, 28, 12, tzinfo=UTC), 4
WINDOWS = ("d:2028-02-28", "d:2028-02-29", "d:2028-03-01", "d:2028-03-02")
MONTHS = ("m:2028-02", "m:2028-02", "m:2028-03", "m:2028-03")
ACCOUNT = "credential:c"
ROOMY = {"key:k": 1, "team:t": 1, "all": 3, ACCOUNT: 1}


def balance_of(scope: str, window: str) -> str:
    """Of money, or of an account's units."""
    name = "units:c" if scope == ACCOUNT else f"bal:{scope}"
    return f"{ROOT}{name}:{window}"


BALANCES = [
    balance_of(scope, window)
    for scope in sorted({ACCOUNT, *(scope for caller in CALLERS for scope in caller)})
    for window in sorted({*WINDOWS, *MONTHS, "t"})
]
SNAPSHOT = """
local rows = {}
for at, key in ipairs(KEYS) do
  rows[at] = redis.call('HMGET', key, 'posted', 'reserved', 'in_doubt')
end
return rows
"""
# Reserves between one emptying and the next, and how likely a call ends before the next begins.
ROUND, SETTLED = 240, 0.4
# Posted, reserved, in doubt.
Holdings = dict[str, tuple[int, int, int]]


class Chest:
    """Reserves and settles at random, and looks at every balance after each."""

    def __init__(self, ledger: Ledger, rng: random.Random):
        self.ledger = ledger
        self.rng = rng
        self.day = 0
        self.limits: dict[tuple[str, str], int] = {}
        self.held: Holdings = {}
        self.open: list[tuple[str, int, list[str]]] = []
        self.seen: Counter[str] = Counter()

    async def fill(self) -> None:
        """Empty, with each of the limits somewhere between few calls and many."""
        await self.ledger.store.call("FLUSHALL")
        self.ledger.mark = Mark()
        await self.turn_to(0)
        # From here on the store knows the script by its hash, and runs it in its turn.
        await self.ledger.settle(ending("of nobody", "voided", 0))
        self.open.clear()
        self.limits = {b: self.rng.randint(500, 15_000) * ROOMY[b[0]] for b in LIMITS}
        for scope in {scope for scope, _ in LIMITS if scope != ACCOUNT}:
            periods = {p: f"0.{self.limits[s, p]:06d}" for s, p in LIMITS if s == scope}
            await put_limits(self.ledger.store, scope, periods)
        self.held = await self.holdings()

    async def turn_to(self, day: int) -> None:
        self.day = day
        moment = START.timestamp() + day * 24 * 3600
        await shift(self.ledger.store, round((moment - time.time()) * 1000))
        # It asks for nothing, and learns the time.
        await self.ledger.admit(claim())

    def windows(self, scope: str) -> dict[str, str]:
        names = {"day": WINDOWS[self.day], "month": MONTHS[self.day], "total": "t"}
        return {period: balance_of(scope, name) for period, name in names.items()}

    async def holdings(self) -> Holdings:
        """Every balance there can be, at one moment."""
        rows = await self.ledger.store.call("EVAL", SNAPSHOT, len(BALANCES), *BALANCES)
        return {
            name: (int(posted or 0), int(reserved or 0), int(in_doubt or 0))
            for name, (posted, reserved, in_doubt) in zip(BALANCES, rows, strict=True)
        }

    async def reserve(self) -> None:
        caller, cost = self.rng.choice(CALLERS), self.rng.randint(1, 500)
        # Units and micro-units are numbers to the store: with the same, all has to move alike.
        step = bid(f"s{self.rng.getrandbits(64):x}", cost, units=cost, credential="c")
        step.limits = (self.limits[ACCOUNT, "day"], NO_LIMIT, NO_LIMIT)
        made, scopes = claim(step, scopes=caller, patient=False), [*caller, ACCOUNT]
        fits = not self.obstacles(scopes, cost)
        # Both travel together, one behind the other.
        found, after = await asyncio.gather(self.ledger.admit(made), self.holdings())
        assert (found.kind == "reserved") == fits, (found, self.held)
        keys = [key for scope in scopes for key in self.windows(scope).values()] if fits else []
        if fits:
            self.open.append((found.rid, cost, keys))
        self.check(after, keys, reserved=cost)
        self.count(found)

    def obstacles(self, scopes: list[str], cost: int) -> list[str]:
        return [
            f"{scope} {period}"
            for scope in scopes
            for period, key in self.windows(scope).items()
            if sum(self.held[key]) + cost > self.limits.get((scope, period), 10**9)
        ]

    def count(self, found: Admission) -> None:
        budget = found.skipped[0].budget if found.skipped else None
        self.seen[f"{budget.scope} {budget.period}" if budget else "granted"] += 1

    async def settle(self) -> None:
        rid, worst, keys = self.open.pop(self.rng.randrange(len(self.open)))
        state = self.rng.choice(("posted", "voided", "in_doubt"))
        cost = self.rng.randint(0, worst) if state == "posted" else 0
        told = ending(rid, state, cost, units=cost)
        _, after = await asyncio.gather(self.ledger.settle(told), self.holdings())
        doubt = worst if state == "in_doubt" else 0
        self.check(after, keys, posted=cost, reserved=-worst, in_doubt=doubt)

    def check(
        self,
        after: Holdings,
        keys: list[str],
        *,
        reserved: int,
        posted: int = 0,
        in_doubt: int = 0,
    ) -> None:
        """Each of `keys` has moved by the same, and nothing else at all."""
        for key in keys:
            p, r, d = self.held[key]
            self.held[key] = (p + posted, r + reserved, d + in_doubt)
        if after != self.held:
            wrong = {key: after[key] for key, row in self.held.items() if after[key] != row}
            pytest.fail(f"partial: {wrong} of {keys}")


async def reserve_at_random(ledger: Ledger, size: int, seed: int) -> Counter[str]:
    chest = Chest(ledger, random.Random(seed))
    for number in range(size):
        if number % ROUND == 0:
            await chest.fill()
        if number % ROUND % (ROUND // DAYS) == 0:
            await chest.turn_to(number % ROUND // (ROUND // DAYS))
        await chest.reserve()
        while chest.open and chest.rng.random() < SETTLED:
            await chest.settle()
        if number % ROUND == ROUND - 1:
            await audit(ledger.store)
    return chest.seen


@pytest.fixture
async def ledger(store_url: str, store: Store) -> AsyncIterator[Ledger]:
    connected = await Store.connect(store_url, timeout=5, test_clock=True)
    yield Ledger(connected, root=ROOT, zone=ZoneInfo("UTC"))
    await connected.close()


@pytest.mark.timeout(600)
async def test_a_reserve_within_nested_limits_is_never_partial(
    ledger: Ledger, campaign: Campaign
) -> None:
    size = campaign.size(short=10_000, full=100_000)
    seen = await reserve_at_random(ledger, size, seed=3)
    assert sum(seen.values()) == size
    assert set(seen) == {"granted", *(f"{scope} {period}" for scope, period in LIMITS)}
    campaign.tell(f"reserves within nested limits: {size}, {dict(seen)}, 0 partial")


# A scope is charged as soon as it is found to have room, whatever the next one says.
HASTY = (
    "local key = a.root .. 'bal:' .. scope .. ':' .. window.id",
    """local key = a.root .. 'bal:' .. scope .. ':' .. window.id
      redis.call('HINCRBY', key, 'reserved', cost)""",
)
MUTANTS = {
    "hasty": [HASTY, ("redis.call('HINCRBY', key, 'reserved', s.cost)", "local _ = key")],
    "one scope": [("return keys\nend", "return { keys[1], keys[2], keys[3] }\nend")],
    "no month": [("'day', 'month', 'total'", "'day', 'fortnight', 'total'")],
    "no account": [("local meter = exhausted(a, s)", "local meter = nil")],
    "no units": [("redis.call('HINCRBY', key, 'reserved', s.units)", "local _ = key")],
    "one post": [("if to and landed ~= 0", "if to and landed ~= 0 and string.find(key, ':all:')")],
}


@pytest.mark.parametrize("changes", MUTANTS.values(), ids=MUTANTS)
async def test_a_partial_reserve_is_noticed(
    ledger: Ledger, changes: list[tuple[str, str]]
) -> None:
    for old, new in changes:
        mutate(ledger, old, new)
    with pytest.raises((AssertionError, pytest.fail.Exception), match=r"partial|reserved|none"):
        await reserve_at_random(ledger, 2000, seed=3)


@pytest.mark.timeout(1800)
def test_the_ledger_does_what_its_model_does_for_long(store_url: str, campaign: Campaign) -> None:
    class Machine(LedgerMachine):
        url = store_url
        seen: ClassVar[Counter[str]] = Counter()

    size = campaign.size(short=5000, full=50_000)
    budgets = {f"{scope} {period}" for scope, period in LIMITS}
    while Machine.seen["steps"] < size or not budgets <= set(Machine.seen):
        run_machine(Machine, examples=75)
    campaign.tell(f"state machine: {Machine.seen.pop('steps')} steps, refusals {Machine.seen}")
