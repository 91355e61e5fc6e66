"""Holding the ledger against what providers say of their accounts: what fits and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol

import msgspec
from msgspec import Struct

from gateway.money.amounts import to_money, to_units
from gateway.money.entries import Books, Entry, Filter
from gateway.store.connection import Store

MOST_LINES = 1000


class Doubt(Struct, frozen=True):
    """An entry in doubt, oldest first; `units` in thousandths are what it may have cost."""

    rid: str
    units: int


class Judgement(Struct):
    """Which of an account's doubts were charged; `unexplained` thousandths of units remain."""

    posted: list[str] = []
    voided: list[str] = []
    unexplained: int = 0


def judge(extra: int, doubts: Sequence[Doubt]) -> Judgement:
    """`extra` thousandths were charged beyond what is posted: the oldest doubts are those charged.

    A balance can only tell a group apart, so anything but an exact sum tells nothing.
    """
    left = extra
    for at, doubt in enumerate(doubts):
        if left == 0:
            return Judgement([d.rid for d in doubts[:at]], [d.rid for d in doubts[at:]])
        left -= doubt.units
    if left == 0:
        return Judgement([d.rid for d in doubts], [])
    return Judgement(unexplained=extra)


class Baseline(Struct, frozen=True, kw_only=True):
    """An account at a quiet moment: its reading by unit, and how far the ledger was."""

    seq: int
    at: int
    reading: Mapping[str, float]


class Baselines:
    """The latest of each account, in the store."""

    def __init__(self, store: Store, root: str):
        self._store = store
        self._key = f"{root}reconciled"

    async def get(self, credential: str) -> Baseline | None:
        body = await self._store.call("HGET", self._key, credential)
        return None if body is None else msgspec.json.decode(body, type=Baseline)

    async def put(self, credential: str, baseline: Baseline) -> None:
        await self._store.call("HSET", self._key, credential, msgspec.json.encode(baseline))


class Since(Struct):
    """An account's entries since its baseline, by unit."""

    posted: dict[str, int] = {}
    doubts: dict[str, list[Doubt]] = {}

    @property
    def any(self) -> bool:
        return bool(self.posted or self.doubts)

    def add(self, entry: Entry) -> None:
        if entry.state == "posted":
            self.posted[entry.unit] = self.posted.get(entry.unit, 0) + entry.units
        elif entry.state == "in_doubt":
            doubt = Doubt(entry.id, entry.worst_units)
            # The walk is newest first.
            self.doubts.setdefault(entry.unit, []).insert(0, doubt)


async def entries_since(books: Books, credential: str, seq: int) -> Since:
    """What the ledger holds of an account beyond the sequence `seq`."""
    found = Since()
    async for entry in books.walk(Filter(credential=credential)):
        if entry.seq <= seq:
            break
        found.add(entry)
    return found


Action = Literal["posted", "voided", "kept"]


class Line(Struct, kw_only=True):
    """One doubt and what became of it; `evidence` says how that is known, or why it is not."""

    id: str
    provider: str
    credential: str
    operation: str
    units: float
    cost: str
    action: Action
    evidence: str


class Difference(Struct, kw_only=True):
    """An account whose provider counted something else than the ledger since `since`.

    `charged` is the provider's count, `posted` and `in_doubt` the ledger's, all in `unit`.
    """

    provider: str
    credential: str
    unit: str
    charged: float
    posted: float
    in_doubt: float
    since: str
    note: str


class Report(Struct, kw_only=True):
    """What a reconciliation did and what it leaves to a person; the newest 1,000 lines of each.

    `restored` entries were put back from journals, `unpriced` are entries without a price,
    `overruns` cost more than was reserved, `unchecked` are accounts that could not be read.
    """

    at: str
    outdated: bool = False
    restored: int = 0
    posted: int = 0
    voided: int = 0
    kept: int = 0
    lines: list[Line] = []
    differences: list[Difference] = []
    unpriced: list[str] = []
    overruns: list[str] = []
    unchecked: dict[str, str] = {}


def note(report: Report, entry: Entry, state: str, evidence: str) -> None:
    """One line more, which takes the place of an earlier one about the same entry."""
    report.posted += state == "posted"
    report.voided += state == "voided"
    action: Action = "posted" if state == "posted" else "voided" if state == "voided" else "kept"
    line = Line(
        id=entry.id,
        provider=entry.provider,
        credential=entry.credential,
        operation=entry.operation,
        units=to_units(entry.worst_units),
        cost=to_money(entry.worst_cost),
        action=action,
        evidence=evidence,
    )
    others = [other for other in report.lines if other.id != entry.id]
    report.lines = [*others, line][-MOST_LINES:]


class Account(Protocol):
    """What a difference tells of a credential."""

    @property
    def id(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def exclusive(self) -> bool: ...


def difference(
    account: Account, unit: str, charged: int, since: Since, before: Baseline
) -> Difference:
    """`charged` thousandths of `unit` by the provider's count since `before`."""
    doubts = since.doubts.get(unit, [])
    if charged < 0:
        text = "the provider began to count anew"
    elif doubts and not account.exclusive:
        text = "others may use the account; mark it exclusive if nobody does"
    else:
        text = "the provider and the ledger counted differently"
    moment = datetime.fromtimestamp(before.at / 1000, UTC)
    return Difference(
        provider=account.provider,
        credential=account.id,
        unit=unit,
        charged=to_units(charged),
        posted=to_units(since.posted.get(unit, 0)),
        in_doubt=to_units(sum(doubt.units for doubt in doubts)),
        since=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        note=text,
    )
