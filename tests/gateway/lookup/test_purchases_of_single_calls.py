"""A call outside of a waterfall is reserved, sent and settled like every other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.lookup.endings import KeyRevoked, Objected, OverBudget, TooFast
from gateway.lookup.lookup import Caller
from gateway.lookup.purchases import Purchase, Purchases
from gateway.lookup.spool import Spool
from gateway.lookup.waterfall import Waterfall
from gateway.money.budgets import put_limits, put_pace
from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from gateway.vault.credentials import Credential
from gateway.vault.sealing import Sealer
from providers.errors import InvalidQuery, OutOfCredits, TimedOut
from tests.gateway.api.replies import eventually
from tests.gateway.money.books import MINUTE, ROOT, audit, entry, spent
from tests.gateway.money.conftest import clocked, ledger, shift

__all__ = ["clocked", "ledger"]

CALLER = Caller(team="t", key="", scopes=frozenset())
ACCOUNT = Credential(id="c", provider="hunter", name="n", base_url="http://x")


def purchase(**more: Any) -> Purchase:
    made: dict[str, Any] = {"provider": "hunter", "operation": "GET /email-finder"}
    made |= {"credential": ACCOUNT, "unit": "search", "units": 1000, "price": 100}
    return Purchase(**(made | more))


@pytest.fixture
def purchases(ledger: Ledger, tmp_path: Path) -> Purchases:
    waterfall = Waterfall.__new__(Waterfall)
    waterfall.ledger, waterfall._background = ledger, set()
    waterfall.spool = Spool(tmp_path, Sealer([bytes(32)]))
    return Purchases(waterfall)


async def test_what_was_charged_is_posted(purchases: Purchases, store: Store) -> None:
    held = await purchases.reserve(CALLER, purchase())
    assert (await entry(store, held.rid))["state"] == "dispatched"
    await purchases.settle(held, "posted", units=500)
    row = await entry(store, held.rid)
    assert (row["state"], row["cost"], row["operation"]) == ("posted", "50", "GET /email-finder")
    assert +(await spent(store)) == {"posted": 50}


@pytest.mark.parametrize(
    "error, units, state",
    [
        (TimedOut(uncertain=True), 1000, "in_doubt"),
        (TimedOut(uncertain=True), 0, "voided"),
        (OutOfCredits(uncertain=True), 1000, "voided"),
        (InvalidQuery(), 1000, "voided"),
    ],
)
async def test_silence_is_a_doubt_and_a_refusal_is_free(
    purchases: Purchases, store: Store, error: Any, units: int, state: str
) -> None:
    held = await purchases.reserve(CALLER, purchase(units=units))
    await purchases.fail(held, error)
    assert (await entry(store, held.rid))["state"] == state


async def test_budgets_units_pace_and_objections_hold(purchases: Purchases, store: Store) -> None:
    await put_limits(store, "team:t", {"day": "0.0001"})
    held = await purchases.reserve(CALLER, purchase())
    await purchases.settle(held, "posted", units=1000)
    with pytest.raises(OverBudget) as refused:
        await purchases.reserve(CALLER, purchase())
    assert refused.value.budget
    assert refused.value.budget.scope == "team:t"
    with pytest.raises(OverBudget) as refused:
        await purchases.reserve(CALLER, purchase(price=0, limits={"units_day": 1}))
    assert refused.value.budget
    assert refused.value.budget.scope == "credential:c"
    await store.call("SADD", f"{ROOT}suppressed", "mark")
    with pytest.raises(Objected):
        await purchases.reserve(CALLER, purchase(price=0, persons=("mark",)))
    with pytest.raises(KeyRevoked):
        await purchases.reserve(Caller(team="t", key="gone", scopes=frozenset()), purchase())
    await put_pace(store, "team:t", per_minute=None, at_once=1)
    held = await purchases.reserve(CALLER, purchase(price=0))
    with pytest.raises(TooFast):
        await purchases.reserve(CALLER, purchase(price=0))
    await purchases.settle(held, "voided")
    held = await purchases.reserve(CALLER, purchase(price=0))
    await purchases.settle(held, "voided")
    await audit(store)


async def test_a_call_that_takes_long_counts_all_the_while(
    purchases: Purchases, clocked: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.lookup.purchases.BEAT", 0.01)
    await put_pace(clocked, "team:t", per_minute=None, at_once=1)
    held = await purchases.reserve(CALLER, purchase())
    for minutes in range(1, 4):
        ahead = minutes * MINUTE
        await shift(clocked, ahead)

        async def counts(ahead: int = ahead) -> bool:
            rows = await clocked.call("ZRANGE", "{pgw}:busy:team:t", 0, -1, "WITHSCORES")
            return float(rows[1]) > time.time() * 1000 + ahead + 80_000

        await eventually(counts)
        with pytest.raises(TooFast):
            await purchases.reserve(CALLER, purchase())
    await purchases.settle(held, "voided")
    held = await purchases.reserve(CALLER, purchase())
    await purchases.settle(held, "voided")
