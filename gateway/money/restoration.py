"""Putting back into a ledger that came back older what the journals of this machine still know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from gateway.money.ledger import Ledger
from gateway.money.verification import Account
from gateway.money.windows import windows_at
from gateway.money.witness import (
    Reach,
    forgotten,
    identify,
    last_before,
    last_seen,
    missed_at,
    reach_of,
)
from gateway.store.connection import Script, Store, StoreDown
from gateway.telemetry.log import get_logger

log = get_logger()

BATCH = 200
LOOK = 1.0
# A call under way finds out sooner that its entry is gone; in ms.
LOOK_BACK = 3600 * 1000


class Restorer:
    """Of one process. Its journals lie in `folder`, beside those of its siblings."""

    def __init__(self, ledger: Ledger, folder: Path):
        self._ledger = ledger
        self._folder = folder
        self._restore = Script.load("restore")
        self._accept = Script.load("accept")
        self._done = 0

    @property
    def _store(self) -> Store:
        return self._ledger.store

    async def accept(self) -> int:
        """Restore, then let everybody go on; how many entries were put back. Raises StoreDown."""
        seen, since, missed = await self._compare()
        if seen <= since and not missed:
            return 0
        since = await self._floor(since, missed)
        restored = await self._put_back(since)
        told = (seen.seq, seen.era, since.era, since.seq)
        await self._store.run(self._accept, [self._ledger.root], told)
        log.warning("ledger.accepted", restored=restored)
        return restored

    async def is_outdated(self) -> bool:
        """Whether the ledger is older than anyone on this machine has seen it, or was told.

        Raises StoreDown.
        """
        seen, since, missed = await self._compare()
        return seen > since or bool(missed)

    async def _compare(self) -> tuple[Reach, Reach, int]:
        """How far the ledger was seen, how far it is, and since when somebody misses something."""
        root, mark = self._ledger.root, self._ledger.mark
        store = await identify(self._store)
        # What is seen first can't be ahead of what is read later, unless the store is older.
        seen = max(
            Reach(mark.era, mark.seq),
            await asyncio.to_thread(last_seen, self._folder, root=root, store=store),
        )
        return seen, await reach_of(self._store, root), await missed_at(self._store, root)

    async def _floor(self, since: Reach, missed: int) -> Reach:
        """From where on the ledger may have forgotten: whoever had seen less of it went on."""
        if not missed:
            return since
        store = await identify(self._store)
        before = await asyncio.to_thread(
            lambda: last_before(
                self._folder,
                root=self._ledger.root,
                store=store,
                era=since.era,
                moment=missed - LOOK_BACK,
            )
        )
        return Reach(since.era, min(since.seq, before))

    async def run(self) -> None:
        """Put back what only this machine knows whenever somebody has accepted the ledger."""
        while True:
            try:
                await self.follow()
            except StoreDown:
                log.debug("restoration.postponed")
            except OSError as error:
                log.error("restoration.failed", reason=error.strerror)
            await asyncio.sleep(LOOK)

    async def follow(self) -> None:
        """Once for each acceptance. Raises StoreDown, OSError."""
        key = f"{self._ledger.root}lapse"
        found = await self._store.call("HMGET", key, "era", "from_era", "from_seq")
        era, from_era, from_seq = (int(value or 0) for value in found)
        if era <= self._done:
            return
        restored = await self._put_back(Reach(from_era, from_seq), until=era)
        self._done = era
        if restored:
            log.warning("ledger.restored", entries=restored)

    async def _put_back(self, since: Reach, until: float = inf) -> int:
        store, root = await identify(self._store), self._ledger.root
        lost = await asyncio.to_thread(
            lambda: list(forgotten(self._folder, root=root, store=store, since=since, until=until))
        )
        entries = list(_entries(self._ledger, lost))
        changed = 0
        for at in range(0, len(entries), BATCH):
            work = [self._run(entry) for entry in entries[at : at + BATCH]]
            changed += sum(await asyncio.gather(*work))
        return changed

    async def _run(self, entry: Mapping[str, Any]) -> int:
        packed = msgspec.msgpack.encode(entry)
        changed: int = await self._store.run(self._restore, [self._ledger.root], [packed])
        return changed


def _entries(ledger: Ledger, lost: list[tuple[str, Account]]) -> Iterator[dict[str, Any]]:
    for rid, account in lost:
        made = account.reserved
        ending = _ending(account)
        if made is None or ending is None:
            continue
        scopes = [f"team:{made.team}", "all", *([f"key:{made.key}"] if made.key else [])]
        windows = [window.id for window in windows_at(made.t, ledger.zone)]
        yield {
            "root": ledger.root,
            "rid": rid,
            "at": made.t,
            "ending": ending,
            "balances": [
                *_keys(f"{ledger.root}bal:", scopes, windows),
                # A job's own cap knows no calendar.
                *_keys(f"{ledger.root}bal:", [made.job] if made.job else [], windows[-1:]),
            ],
            "meters": []
            if made.free
            else _keys(f"{ledger.root}units:", [made.credential], windows),
            **{name: getattr(made, name) for name in KEPT},
        }


KEPT = (
    *("team", "key", "provider", "operation", "credential", "slot", "unit"),
    *("units", "cost", "price", "free", "lookup"),
)


def _keys(prefix: str, scopes: list[str], windows: list[str]) -> list[str]:
    return [f"{prefix}{scope}:{window}" for scope in scopes for window in windows]


def _ending(account: Account) -> dict[str, Any] | None:
    """How the journals say that it ended; None if nothing was sent."""
    outcomes = sorted(account.outcomes)
    if outcomes:
        state, units, cost = outcomes[0]
        outcome = "empty" if state == "posted" else "failed"
        return {"state": state, "units": units, "cost": cost, "outcome": outcome, "reason": ""}
    if not account.dispatched:
        return None
    unknown = {"state": "in_doubt", "outcome": "in_doubt", "reason": "owner_gone"}
    return {**unknown, "units": 0, "cost": 0}
