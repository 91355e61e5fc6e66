"""What accounts say they were charged, held against the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.lookup.calls import POLL_SECONDS
from gateway.lookup.desk import Desk
from gateway.money.amounts import MILLI
from gateway.money.entries import Books
from gateway.money.reconciliation import (
    Baseline,
    Baselines,
    Doubt,
    Report,
    Since,
    difference,
    entries_since,
    judge,
    note,
)
from gateway.money.terms import Resolution
from gateway.money.witness import reach_of
from gateway.vault.credentials import Credential
from providers.base import TRIPS, Bounded
from providers.errors import ProviderError

TRIES, PAUSE = 20, 0.25
BY = "reconciliation"


class Unread(Exception):
    """The account can't be read; the text says why, and is empty if no call is documented."""


@dataclass(frozen=True)
class Gap:
    """An account between two quiet moments."""

    credential: Credential
    before: Baseline
    now: Baseline
    since: Since

    def charged(self, unit: str) -> int:
        """By the provider's own count, in thousandths."""
        now = self.now.reading[unit]
        return round((now - self.before.reading.get(unit, now)) * MILLI)


class Accounts:
    """Compares accounts with the ledger; doubts of exclusive ones are resolved by it."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._books = Books(desk.store, desk.root)
        self._baselines = Baselines(desk.store, desk.root)

    async def examine(self, credential: Credential, report: Report) -> None:
        """Compare with the last quiet moment; this one takes its place. Raises StoreDown."""
        try:
            now = await self._quiet_reading(credential)
        except Unread as unread:
            if str(unread):
                report.unchecked[credential.id] = str(unread)
            return
        before = await self._baselines.get(credential.id)
        if before is not None:
            since = await entries_since(self._books, credential.id, before.seq)
            gap = Gap(credential, before, now, since)
            if not all([await self._compare(gap, unit, report) for unit in now.reading]):
                return
        await self._baselines.put(credential.id, now)

    async def _quiet_reading(self, credential: Credential) -> Baseline:
        """A reading with nothing of the account's under way. Raises Unread."""
        for _ in range(TRIES):
            before = await reach_of(self._desk.store, self._desk.root)
            if not await self._is_busy(credential.id):
                reading = await self._reading(credential)
                since = await entries_since(self._books, credential.id, before.seq)
                if not (since.any or await self._is_busy(credential.id)):
                    at = round(datetime.now(UTC).timestamp() * 1000)
                    return Baseline(seq=before.seq, at=at, reading=reading)
            await asyncio.sleep(PAUSE)
        raise Unread("calls of the account are under way all the time")

    async def _reading(self, credential: Credential) -> dict[str, float]:
        try:
            async with Bounded(POLL_SECONDS):
                found = await self._desk.adapter_of(credential).reading()
        except (ProviderError, *TRIPS) as error:
            raise Unread(getattr(error, "reason", "malformed_response")) from None
        if found is None:
            raise Unread
        return dict(found)

    async def _is_busy(self, credential: str) -> bool:
        names = await self._desk.store.call("ZRANGE", f"{self._desk.root}open", 0, -1)
        entries = await self._books.named([name.decode() for name in names])
        return any(entry.credential == credential and entry.is_live for entry in entries)

    async def _compare(self, gap: Gap, unit: str, report: Report) -> bool:
        """Whether this reading tells all that a later one could: no doubt is left to judge."""
        charged, doubts = gap.charged(unit), gap.since.doubts.get(unit, [])
        extra = charged - gap.since.posted.get(unit, 0)
        judgement = judge(extra, doubts)
        judged = bool(doubts) and gap.credential.exclusive and charged >= 0
        if judged and not judgement.unexplained:
            await self._resolve(doubts, set(judgement.posted), report)
        elif doubts or extra:
            line = difference(gap.credential, unit, charged, gap.since, gap.before)
            report.differences.append(line)
            return not judged
        return True

    async def _resolve(self, doubts: Iterable[Doubt], charged: set[str], report: Report) -> None:
        for entry in await self._books.named([doubt.rid for doubt in doubts]):
            paid = entry.id in charged
            word = Resolution(
                state="posted" if paid else "voided",
                units=entry.worst_units if paid else 0,
                cost=entry.worst_cost if paid else 0,
                note="the account's own count",
                by=BY,
            )
            if await self._desk.ledger.resolve(entry.id, word) == "in_doubt":
                note(report, entry, word.state, word.note)
