"""A budget is spent to the last unit and not beyond, however many ask at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, Heard, fleet, in_parallel
from tests.gateway.money.books import audit, balances, open_entries

CLIENTS, GATEWAYS = 64, 4
PRICE = Decimal("0.049")
MISSES = 10
# The budget is read, and then spent: whoever reads in between spends it again.
TORN = """
import gateway.money.ledger as l, gateway.money.terms as t, gateway.store.script as s
read, seen = s._read, "if not budget and not meter then"
def read_without(name):
    text = read(name)
    assert name != "admission" or seen in text
    return text.replace(seen, "if true then", 1)
s._read = read_without
admit = l.Ledger.admit
async def check_then_admit(self, claim):
    for scope in claim.scopes:
        limit = await self.store.call("HGET", "{pgw}:budget:" + scope, "total")
        held = await self.store.call("HMGET", self.root + "bal:" + scope + ":t", "posted",
                                     "reserved", "in_doubt")
        posted, reserved, in_doubt = (int(amount or 0) for amount in held)
        if limit and posted + reserved + in_doubt + claim.steps[0].cost > int(limit):
            found = t.Obstacle(scope, "total", posted + in_doubt, reserved, int(limit), 0)
            return t.Admission("none", [t.Skip(claim.steps[0].index, "over_budget", budget=found)])
    return await admit(self, claim)
l.Ledger.admit = check_then_admit
"""
# A miss does not give back what was reserved for it.
LEAKY = """
import gateway.store.script as s
read, seen = s._read, "move(e[3], from, worst, 'posted', ending.cost)"
def read_without(name):
    text = read(name)
    assert name != "moves" or seen in text
    return text.replace(seen, "if ending.cost > 0 then " + seen + " end", 1)
s._read = read_without
"""
# Money that others have only set aside counts as spent.
HASTY = """
import gateway.lookup.descent as d
d.BUDGET_PATIENCE = 0.0
"""


@dataclass
class Race:
    """What the clients of one round know, and by it what no refusal may say."""

    answers: int
    asked: int = 0
    heard: list[Heard] = field(default_factory=list)
    bought: int = 0
    false: list[str] = field(default_factory=list)

    def hear(self, reply: Heard) -> None:
        self.heard.append(reply)
        self.bought += reply.cost == PRICE
        if reply.status == 402 and (why := self._why_false(reply)):
            self.false.append(why)

    def _why_false(self, reply: Heard) -> str:
        """Each request still on its way holds one reservation at most."""
        others = self.asked - len(self.heard)
        if self.bought + others < self.answers:
            return f"{self.bought} bought, {others} on their way"
        fault = reply.body["errors"][0]
        spent, reserved, limit = (Decimal(fault[name]) for name in ("spent", "reserved", "limit"))
        if spent + reserved + PRICE <= limit:
            return f"spent {spent}, reserved {reserved} of {limit}"
        if spent + PRICE <= limit and reply.seconds < 1:
            return f"only reserved, and refused after {reply.seconds:.3f} s"
        return ""


async def race(made: Fleet, key: str, people: list[Any], answers: int) -> Race:
    round_ = Race(answers)

    async def work(number: int, person: Any) -> None:
        round_.asked += 1
        round_.hear(await made.ask(number, person, key=key))

    await in_parallel(people, CLIENTS, work)
    return round_


async def assert_spent_exactly(
    made: Fleet, key: str, people: list[Any], answers: int
) -> Counter[int]:
    """All of `people` are asked for with a budget worth `answers`."""
    before = await bought(made)
    round_ = await race(made, key, people, answers)
    statuses = Counter(reply.status for reply in round_.heard)
    assert set(statuses) == {200, 402}, statuses
    assert len(round_.heard) == len(people)
    granted = await bought(made) - before
    assert granted == answers, f"{granted} of {answers} granted"
    assert round_.bought == granted
    assert not round_.false, f"{len(round_.false)} false refusals: {round_.false[:3]}"
    return statuses


async def bought(made: Fleet) -> int:
    """By the simulator's bill."""
    totals = (await made.control.bill("hunter"))["totals"].get("hunter", {"cost": "0"})
    answers = Decimal(totals["cost"]) / PRICE
    assert answers == int(answers)
    return int(answers)


async def assert_nothing_leaked(made: Fleet) -> None:
    left = await open_entries(made.store)
    assert not left, f"{len(left)} leaked reservations"
    held_by = await balances(made.store) | await balances(made.store, "units")
    for name, held in held_by.items():
        assert not held.get("reserved", 0) + held.get("in_doubt", 0), (name, held)
    await audit(made.store)


async def asked_for(made: Fleet, size: int) -> list[Any]:
    """So many persons; one in ten is a miss, which costs nothing in the end."""
    known, strange = await made.people()
    return [
        strange[at // MISSES % len(strange)] if at % MISSES == 0 else known[at % len(known)]
        for at in range(size)
    ]


async def raise_budget(made: Fleet, team: str, amount: Decimal) -> None:
    body = {"budget": {"amount": str(amount), "period": "total"}}
    reply = await made.gateways[0].client.patch(f"/v1/admin/teams/{team}", json=body)
    assert reply.status_code == 200, reply.text


@pytest.mark.timeout(1200)
async def test_a_budget_worth_1000_answers_buys_1000(tmp_path: Path, campaign: Campaign) -> None:
    """The same team again and again, and each time one that nobody has seen before."""
    answers, attempts = 1000, 4000
    rounds = campaign.size(short=3, full=20)
    async with fleet(tmp_path, size=GATEWAYS) as made:
        people = await asked_for(made, attempts)
        team, key = await made.team("known")
        for number in range(rounds):
            await raise_budget(made, team, PRICE * answers * (number + 1))
            seen = await assert_spent_exactly(made, key, people, answers)
            _, fresh = await made.team(f"fresh {number}", PRICE * answers)
            new = await assert_spent_exactly(made, fresh, people, answers)
            campaign.tell(f"round {number + 1}: known team {dict(seen)}, new team {dict(new)}")
        await assert_nothing_leaked(made)


async def assert_caught(made: Fleet, match: str) -> None:
    people = await asked_for(made, 200)
    _, key = await made.team("one", PRICE * 50)
    with pytest.raises(AssertionError, match=match):
        await assert_spent_exactly(made, key, people, 50)


@pytest.mark.parametrize(
    "code, match",
    [(TORN, "of 50 granted"), (HASTY, "only reserved, and refused")],
    ids=["torn", "hasty"],
)
async def test_a_budget_kept_otherwise_is_noticed(tmp_path: Path, code: str, match: str) -> None:
    async with fleet(tmp_path, size=2, code=code, people=400) as made:
        await assert_caught(made, match)


async def test_a_leaked_reservation_is_noticed(tmp_path: Path) -> None:
    async with fleet(tmp_path, size=2, code=LEAKY, people=400) as made:
        await assert_caught(made, "of 50 granted|false refusals")
        with pytest.raises(AssertionError, match="reserved"):
            await assert_nothing_leaked(made)
