"""The ledger as an auditor reads it, and short ways to write claims and endings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from gateway.money.ledger import Ledger, new_id
from gateway.money.terms import Admission, Bid, Claim, Keepsake, Settlement
from gateway.store.connection import Store

ROOT = "{pgw}:live:"
MINUTE = 60_000
HELD = {"reserved": "reserved", "dispatched": "reserved", "in_doubt": "in_doubt"}


def bid(slot: str = "s", cost: int = 100, **more: Any) -> Bid:
    """A paid step that must be dispatched apart; `direct=True` dispatches at once."""
    made: dict[str, Any] = {
        "index": 0,
        "slot": slot,
        "rid": new_id("res"),
        "provider": "hunter",
        "operation": "emails.find",
        "credential": "c",
        "units": 1000,
        "cost": cost,
        "price": cost,
        "max_age": 30 * 24 * 60 * MINUTE,
        "lease": MINUTE,
        "free": cost == 0,
        "direct": False,
    }
    return Bid(**made | more)


def claim(*steps: Bid, **more: Any) -> Claim:
    """For the team `t` with the bootstrap key."""
    for index, step in enumerate(steps):
        step.index = index
    made: dict[str, Any] = {
        "lookup": new_id("lkp"),
        "team": "t",
        "key": "",
        "scopes": ["team:t", "all"],
        "persons": [],
    }
    return Claim(**(made | more), steps=list(steps))


def ending(rid: str, state: Any = "posted", cost: int = 100, **more: Any) -> Settlement:
    outcome = {"posted": "accepted", "voided": "failed", "in_doubt": "in_doubt"}[state]
    made = {"outcome": outcome, "units": 1000 if cost else 0, "cost": cost}
    return Settlement(rid=rid, state=state, **made | more)


def kept(slot: str = "s", *marks: str) -> Keepsake:
    return Keepsake(slot, 30 * 24 * 60 * MINUTE, 1000, list(marks))


async def reserve(ledger: Ledger, cost: int = 100, slot: str = "s", **more: Any) -> str:
    """A reservation of its own lookup; fails unless it is granted."""
    found = await ledger.admit(claim(bid(slot, cost, **more)))
    assert found.kind == "reserved", found
    return found.rid


async def buy(ledger: Ledger, cost: int = 100, slot: str = "s", body: bytes = b"") -> str:
    """A call from reservation to posting, kept in the cache if it has a body."""
    rid = await reserve(ledger, cost, slot)
    assert await ledger.dispatch(rid, MINUTE)
    cache = kept(slot) if body else None
    await ledger.settle(ending(rid, cost=cost, cache=cache), answer=body)
    return rid


async def entry(store: Store, rid: str) -> dict[str, str]:
    return await _hash(store, f"{ROOT}entry:{rid}")


async def entries(store: Store) -> list[dict[str, str]]:
    """Every entry that was ever reserved."""
    names = [name async for name in store.scan(f"{ROOT}entry:*")]
    found = [await _hash(store, name) for name in names]
    return [row for row in found if "balances" in row]


async def balances(store: Store, kind: str = "bal") -> dict[str, dict[str, int]]:
    """Of money (`bal`) by scope, or of `units` by account; each by window."""
    found = {}
    async for name in store.scan(f"{ROOT}{kind}:*"):
        row = await _hash(store, name)
        row.pop("told", None)
        found[name.decode()] = {state: int(amount) for state, amount in row.items()}
    return found


async def spent(store: Store, scope: str = "all") -> Counter[str]:
    """Posted, reserved and in doubt of all time."""
    return Counter((await balances(store)).get(f"{ROOT}bal:{scope}:t", {}))


async def audit(store: Store) -> None:
    """The balances are the sums of the entries, and none is below zero."""
    rows = await entries(store)
    _compare(await balances(store), rows, "balances", "cost")
    _compare(await balances(store, "units"), rows, "meters", "units")


def _compare(
    held: dict[str, dict[str, int]], rows: list[dict[str, str]], places: str, amount: str
) -> None:
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        field = HELD.get(row["state"], row["state"])
        for key in row.get(places, "").split():
            moved = int(row[amount] if field == "posted" else row[f"worst_{amount}"])
            sums.setdefault(key, Counter())[field] += moved if field != "voided" else 0
    for key, found in held.items():
        assert min(found.values()) >= 0, (key, found)
        assert +Counter(found) == +sums.get(key, Counter()), key


async def open_entries(store: Store) -> list[str]:
    return [row["state"] for row in await entries(store) if row["state"] in HELD]


async def _hash(store: Store, key: str | bytes) -> dict[str, str]:
    flat = await store.call("HGETALL", key)
    return {
        name.decode(): value.decode(errors="replace")
        for name, value in zip(flat[::2], flat[1::2], strict=True)
    }


def kinds(found: list[Admission]) -> Counter[str]:
    return Counter(one.kind for one in found)
