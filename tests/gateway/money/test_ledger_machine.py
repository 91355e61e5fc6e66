"""Any sequence of claims, calls, deaths and repetitions, against a model of the ledger."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from gateway.money.budgets import put_limits
from gateway.money.ledger import Ledger, new_id
from gateway.money.terms import NO_LIMIT, Admission, Claim, Resolution
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.money.books import (
    MINUTE,
    ROOT,
    audit,
    balances,
    bid,
    claim,
    ending,
    entry,
    kept,
)
from tests.gateway.money.conftest import shift
from tests.gateway.money.model import (
    CALLERS,
    LIMITS,
    START,
    Budget,
    Entry,
    meters_of,
    windows_of,
)

# In minutes. Sums of the steps of time never come near a multiple of these, nor near midnight.
LEASE, LIFE = 10, 29
STEPS_OF_TIME = (4, 11, 24 * 60, 24 * 60)
# "" is a slot that nobody asked for before.
SLOTS = st.sampled_from(("a", "b", "c", ""))
COSTS = (0, 70, 150, 300)
ACCOUNT = "credential:c"
PER_DAY = (LIMITS[ACCOUNT, "day"], NO_LIMIT, NO_LIMIT)


class LedgerMachine(RuleBasedStateMachine):
    """Each rule is a call that any process could make at any time."""

    url = ""
    seen: ClassVar[Counter[str]] = Counter()
    """How often the books were right, and which budgets refused."""
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = 0
        self.model: dict[str, Entry] = {}
        self.cache: dict[str, int] = {}
        self.wait_for(self._begin())

    async def _begin(self) -> None:
        self.store = await Store.connect(self.url, timeout=5, test_clock=True)
        await self.store.call("FLUSHALL")
        for scope in {scope for scope, _ in LIMITS if scope != ACCOUNT}:
            amounts = {p: f"0.{limit:06d}" for (s, p), limit in LIMITS.items() if s == scope}
            await put_limits(self.store, scope, amounts)
        await self._set_clock()
        self.ledger = self.make_ledger()
        self.sweep_script = Script.load("sweep")

    async def _set_clock(self) -> None:
        """At most some seconds late, which no step of time is short enough to notice."""
        moment = START + timedelta(minutes=self.now)
        await shift(self.store, round((moment.timestamp() - time.time()) * 1000))

    def make_ledger(self) -> Ledger:
        return Ledger(self.store, root=ROOT, zone=ZoneInfo("UTC"))

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.wait_for(self.store.close())
            self.loop.close()

    def wait_for(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(
        target=claims,
        slot=SLOTS,
        cost=st.sampled_from(COSTS),
        direct=st.booleans(),
        scopes=st.sampled_from(CALLERS),
    )
    def ask(self, slot: str, cost: int, direct: bool, scopes: list[str]) -> Any:
        units = 1000 if cost else 0
        step = bid(slot or new_id("slot"), cost, units=units, direct=direct, limits=PER_DAY)
        step.lease = LEASE * MINUTE
        made = claim(step, scopes=scopes, patient=False)
        self._admit(made)
        return made

    @rule(target=claims, made=claims)
    def ask_again(self, made: Claim) -> Any:
        """The reply was lost, or the claim was slow."""
        self._admit(made)
        return multiple()

    @rule(made=claims)
    def dispatch(self, made: Claim) -> None:
        rid = made.steps[0].rid
        known = self.model.get(rid)
        dispatched = self.wait_for(self.ledger.dispatch(rid, LEASE * MINUTE))
        assert dispatched == bool(known and known.live)
        if known and known.state == "reserved":
            known.state, known.until = "dispatched", self.now + LEASE

    @rule(made=claims)
    def hold(self, made: Claim) -> None:
        rid = made.steps[0].rid
        known = self.model.get(rid)
        held = self.wait_for(self.ledger.hold(rid, b"t", LEASE * MINUTE))
        assert held == bool(known and (known.state == "dispatched" or known.gone))
        if known and held:
            known.state, known.gone = "dispatched", False
            known.ticket, known.until = True, self.now + LEASE

    @rule(
        made=claims,
        state=st.sampled_from(("posted", "voided", "in_doubt")),
        share=st.sampled_from((0, 1, 2, 3)),
        keep=st.booleans(),
    )
    def settle(self, made: Claim, state: str, share: int, keep: bool) -> None:
        step = made.steps[0]
        cost = step.cost * share // 2
        keepsake = kept(step.slot)
        keepsake.life = LIFE * MINUTE
        told = ending(step.rid, state, cost, cache=keepsake if keep else None)
        self.wait_for(self.ledger.settle(told, answer=b"a"))
        known = self.model.get(step.rid)
        if known is None and state == "voided":
            self.model[step.rid] = Entry(slot=step.slot, worst=0, until=0, state="voided")
        if known is None or not self._close(known, state, cost, told.units):
            return
        if keep:
            self.cache[step.slot] = self.now

    @rule(made=claims, state=st.sampled_from(("posted", "voided")))
    def resolve(self, made: Claim, state: Any) -> None:
        step, known = made.steps[0], self.model.get(made.steps[0].rid)
        cost, units = (step.cost, step.units) if state == "posted" else (0, 0)
        word = Resolution(state=state, note="n", by="k", units=units, cost=cost)
        had = self.wait_for(self.ledger.resolve(step.rid, word))
        assert had == (known.state if known else "")
        if known and had == "in_doubt":
            self._close(known, state, cost, units)

    @rule(minutes=st.sampled_from(STEPS_OF_TIME))
    def pass_time(self, minutes: int) -> None:
        self.now += minutes
        self.wait_for(self._set_clock())

    @rule()
    def sweep(self) -> None:
        found = self.wait_for(self.store.run(self.sweep_script, [ROOT], [LEASE * MINUTE]))
        handed = {rid.decode() for rid in found[::3]}
        for rid, known in self.model.items():
            dead = known.live and known.until <= self.now
            assert (rid in handed) == (dead and known.ticket)
            if dead and known.ticket:
                known.until = self.now + LEASE
            elif dead:
                self._abandon(known)

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "ledger"):
            return
        self.wait_for(audit(self.store))
        for rid, known in self.model.items():
            found = self.wait_for(entry(self.store, rid))
            assert found["state"] == known.state
            assert ("overrun" in found) == (known.state == "posted" and known.cost > known.worst)
        expected = self._balances()
        found = self.wait_for(balances(self.store)) | self.wait_for(balances(self.store, "units"))
        assert {name: +Counter(row) for name, row in found.items()} == expected
        self._check_limits()
        self.seen["steps"] += 1

    def _balances(self) -> dict[str, Counter[str]]:
        sums: dict[str, Counter[str]] = {}
        for known in self.model.values():
            for place in known.places:
                sums.setdefault(place, Counter())[known.column] += known.held(place)
        return {place: +row for place, row in sums.items()}

    def _check_limits(self) -> None:
        """What was charged above its reservation may exceed a limit, and nothing else may."""
        budgets = {place: of for each in self.model.values() for place, of in each.places.items()}
        for place, budget in budgets.items():
            held = self._held(place) - sum(each.overrun(place) for each in self.model.values())
            assert held <= LIMITS.get(budget, held), (place, held)

    def _admit(self, made: Claim) -> None:
        expected = self._expect(made)
        found = self.wait_for(self.ledger.admit(made))
        assert found.kind == expected, (found, expected)
        if found.skipped and (budget := found.skipped[0].budget):
            assert (budget.scope, budget.period) in self._obstacles(made)
            self.seen[f"{budget.scope} {budget.period}"] += 1
        self._take(made, found)

    def _expect(self, made: Claim) -> str:
        step = made.steps[0]
        if self.now < self.cache.get(step.slot, -LIFE) + LIFE:
            return "cached"
        flown = self._flight(step.slot)
        if flown and flown[0] == step.rid and flown[1].live:
            return "reserved"
        if flown and flown[1].live and flown[1].until > self.now:
            return "joined"
        if flown and flown[1].live and flown[1].ticket:
            return "resumed"
        if flown and flown[1].live:
            self._abandon(flown[1])
        if flown and flown[1].state == "in_doubt":
            return "none"
        if step.rid in self.model:
            return "gone"
        return "none" if self._obstacles(made) else "reserved"

    def _obstacles(self, made: Claim) -> set[Budget]:
        """The limits that the claim does not fit."""
        step = made.steps[0]
        if not step.cost:
            return set()
        money, units = windows_of(made.scopes, self.now), meters_of(step.credential, self.now)
        places = dict.fromkeys(money, step.cost) | dict.fromkeys(units, step.units)
        return {
            budget
            for place, budget in (money | units).items()
            if self._held(place) + places[place] > LIMITS.get(budget, 10**9)
        }

    def _held(self, place: str) -> int:
        return sum(known.held(place) for known in self.model.values())

    def _take(self, made: Claim, found: Admission) -> None:
        step = made.steps[0]
        if found.kind == "reserved" and step.rid not in self.model:
            self.model[step.rid] = self._reserved(made)
        if found.kind == "resumed":
            self.model[found.rid].until = self.now + LEASE

    def _reserved(self, made: Claim) -> Entry:
        step = made.steps[0]
        return Entry(
            slot=step.slot,
            worst=step.cost,
            until=self.now + LEASE,
            state="dispatched" if step.direct else "reserved",
            worst_units=step.units,
            windows=windows_of(made.scopes, self.now) if step.cost else {},
            meters=meters_of(step.credential, self.now) if step.cost else {},
        )

    def _flight(self, slot: str) -> tuple[str, Entry] | None:
        """At most one call is under way or in doubt for a slot."""
        found = [
            (rid, known)
            for rid, known in self.model.items()
            if known.slot == slot and known.is_held
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def _abandon(self, known: Entry) -> None:
        self._close(known, "in_doubt" if known.state == "dispatched" else "voided", 0, 0)
        known.gone = known.state == "in_doubt"

    def _close(self, known: Entry, state: str, cost: int, units: int) -> bool:
        if state == "in_doubt" and known.worst == 0:
            state = "voided"
        if known.state == state or not known.is_held:
            return False
        known.state, known.gone = state, False
        known.cost, known.units = (cost, units) if state == "posted" else (0, 0)
        return True


def run_machine(machine: type[LedgerMachine], *, examples: int, **more: Any) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **more,
        ),
    )


def test_the_ledger_does_what_its_model_does(store_url: str) -> None:
    class Machine(LedgerMachine):
        url = store_url
        seen: ClassVar[Counter[str]] = Counter()

    run_machine(Machine, examples=40)
    assert Machine.seen["steps"] >= 400
