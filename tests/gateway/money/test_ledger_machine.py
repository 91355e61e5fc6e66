"""Any sequence of claims, calls, deaths and repetitions, against a model of the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
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
from gateway.money.ledger import Ledger
from gateway.money.terms import Admission, Claim
from gateway.store.connection import Store
from gateway.store.script import Script
from tests.gateway.money.books import MINUTE, ROOT, audit, bid, claim, ending, entry, kept
from tests.gateway.money.conftest import shift

# Sums of the steps of time never come near a multiple of these.
LEASE, LIFE = 10, 29
STEPS_OF_TIME = (4, 11)
LIMIT = 500
SLOTS = st.sampled_from("abc")


@dataclass
class Entry:
    """What the model knows of a reservation; times in minutes.

    `gone` says that it is in doubt only because its owner was not heard of.
    """

    slot: str
    worst: int
    until: int
    state: str
    ticket: bool = False
    cost: int = 0
    gone: bool = False

    @property
    def live(self) -> bool:
        return self.state in ("reserved", "dispatched")

    @property
    def held(self) -> int:
        return self.worst if self.live or self.state == "in_doubt" else self.cost


class LedgerMachine(RuleBasedStateMachine):
    """Each rule is a call that any process could make at any time."""

    url = ""
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
        await put_limits(self.store, "all", {"total": f"0.{LIMIT:06d}"})
        self.ledger = self.make_ledger()
        self.sweep_script = Script.load("sweep")

    def make_ledger(self) -> Ledger:
        return Ledger(self.store, root=ROOT, zone=ZoneInfo("UTC"))

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.wait_for(self.store.close())
            self.loop.close()

    def wait_for(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(target=claims, slot=SLOTS, cost=st.sampled_from((0, 70, 400)), direct=st.booleans())
    def ask(self, slot: str, cost: int, direct: bool) -> Any:
        made = claim(bid(slot, cost, direct=direct, lease=LEASE * MINUTE), patient=False)
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
        share=st.sampled_from((0, 1, 2)),
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
            self.model[step.rid] = Entry(step.slot, 0, 0, "voided")
        if known is None or not self._close(known, state, cost):
            return
        if keep:
            self.cache[step.slot] = self.now

    @rule(minutes=st.sampled_from(STEPS_OF_TIME))
    def pass_time(self, minutes: int) -> None:
        self.now += minutes
        self.wait_for(shift(self.store, self.now * MINUTE))

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
            assert self.wait_for(entry(self.store, rid))["state"] == known.state
        assert sum(known.held for known in self.model.values()) <= LIMIT

    def _admit(self, made: Claim) -> None:
        expected = self._expect(made)
        found = self.wait_for(self.ledger.admit(made))
        assert found.kind == expected, (found, expected)
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
        held = sum(known.held for known in self.model.values())
        return "none" if step.cost and held + step.cost > LIMIT else "reserved"

    def _take(self, made: Claim, found: Admission) -> None:
        step = made.steps[0]
        if found.kind == "reserved" and step.rid not in self.model:
            state = "dispatched" if step.direct else "reserved"
            self.model[step.rid] = Entry(step.slot, step.cost, self.now + LEASE, state)
        if found.kind == "resumed":
            self.model[found.rid].until = self.now + LEASE

    def _flight(self, slot: str) -> tuple[str, Entry] | None:
        """At most one call is under way or in doubt for a slot."""
        found = [
            (rid, known)
            for rid, known in self.model.items()
            if known.slot == slot and (known.live or known.state == "in_doubt")
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def _abandon(self, known: Entry) -> None:
        self._close(known, "in_doubt" if known.state == "dispatched" else "voided", 0)
        known.gone = known.state == "in_doubt"

    def _close(self, known: Entry, state: str, cost: int) -> bool:
        if state == "in_doubt" and known.worst == 0:
            state = "voided"
        if known.state == state or not (known.live or known.state == "in_doubt"):
            return False
        known.state, known.cost, known.gone = state, cost if state == "posted" else 0, False
        return True


def test_the_ledger_does_what_its_model_does(store_url: str) -> None:
    class Machine(LedgerMachine):
        url = store_url

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
