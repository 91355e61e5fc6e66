"""Clears up what is in doubt, on demand and on a schedule, and lists what does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec

from gateway.jobs.accounts import Accounts
from gateway.jobs.rereading import Rereader
from gateway.lookup.desk import Desk
from gateway.money.entries import Books, Entry
from gateway.money.reconciliation import Report, note
from gateway.money.restoration import Restorer
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.roster import to_timestamp

log = get_logger()

AT_ONCE = 8
MOST_LINES = 1000
LOOK = 60.0


class Reconciler:
    """One per process."""

    def __init__(self, desk: Desk, restorer: Restorer):
        self._desk = desk
        self._restorer = restorer
        self._store, self._root = desk.store, desk.root
        self._books = Books(desk.store, desk.root)
        self._rereader = Rereader(desk)
        self._accounts = Accounts(desk)
        self._lock = asyncio.Lock()

    async def run(self, minutes: float) -> None:
        """Every so often, one process for all: the first time at once."""
        while True:
            try:
                if await self._is_due(minutes):
                    await self.reconcile(everything=False)
            except StoreDown:
                log.debug("reconciliation.postponed")
            except Exception as error:  # noqa: BLE001 - one broken entry must not end this for good
                log.error("reconciliation.failed", error=type(error).__name__)
            await asyncio.sleep(min(LOOK, minutes * 60))

    async def _is_due(self, minutes: float) -> bool:
        key, life = f"{self._root}reconciling", round(minutes * 60_000)
        return bool(await self._store.call("SET", key, 1, "NX", "PX", life))

    async def reconcile(self, *, accept: bool = False, everything: bool = True) -> Report:
        """Look into every doubt and every account, or only exclusive ones. Raises StoreDown.

        A ledger that came back older is left alone unless `accept`: then what the journals know
        is put back first.
        """
        async with self._lock:
            return await self._reconcile(accept, everything)

    async def _reconcile(self, accept: bool, everything: bool) -> Report:
        report = Report(at=to_timestamp(datetime.now(UTC)))
        if accept:
            report.restored = await self._restorer.accept()
        report.outdated = await self._restorer.is_outdated()
        if not report.outdated:
            await self._clear_up(report, everything)
        await self._store.call("SET", f"{self._root}reconciliation", msgspec.json.encode(report))
        ended = {"posted": report.posted, "voided": report.voided, "kept": report.kept}
        (log.info if any(ended.values()) else log.debug)("ledger.reconciled", **ended)
        return report

    async def last(self) -> Report | None:
        """What the latest reconciliation of any process found. Raises StoreDown."""
        body = await self._store.call("GET", f"{self._root}reconciliation")
        return None if body is None else msgspec.json.decode(body, type=Report)

    async def _clear_up(self, report: Report, everything: bool) -> None:
        await self._read_again([entry async for entry in self._doubts()], report)
        for credential in self._desk.market.credentials:
            # Only an account that nobody else uses needs a baseline before it is asked for.
            if everything or credential.exclusive:
                await self._accounts.examine(credential, report)
        report.kept = len([entry async for entry in self._doubts()])
        async for entry in self._books.walk():
            if entry.unpriced and entry.state == "posted" and len(report.unpriced) < MOST_LINES:
                report.unpriced.append(entry.id)
            if entry.overrun and len(report.overruns) < MOST_LINES:
                report.overruns.append(entry.id)

    async def _doubts(self) -> AsyncIterator[Entry]:
        """Entries in doubt, oldest first."""
        names = await self._store.call("SMEMBERS", f"{self._root}doubts")
        found = await self._books.named([name.decode() for name in names])
        for entry in sorted(found, key=lambda entry: entry.seq):
            if entry.state == "in_doubt":
                yield entry

    async def _read_again(self, doubts: list[Entry], report: Report) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(entry: Entry) -> None:
            async with gate:
                finding = await self._rereader.look_into(entry)
            state = finding.called.state if finding.called else "kept"
            note(report, entry, state, finding.evidence)

        await asyncio.gather(*(look(entry) for entry in doubts))
