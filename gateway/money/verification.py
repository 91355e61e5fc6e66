"""Journals put together again, and held against the ledger they witnessed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.money.entries import BOOTSTRAP, Entry
from gateway.money.journal import Closed, Dispatched, Line, Opened, Reserved, Settled

# Clocks of gateway and store may differ by this much, in ms.
SLACK = 1000
FINAL = frozenset({"posted", "voided"})

_decode = msgspec.json.Decoder(Line).decode


@dataclass(kw_only=True)
class Tape:
    """One journal: what it says, and whether its process ended in order."""

    name: str
    process: str = ""
    root: str = ""
    lines: list[Line] = field(default_factory=list)
    whole: bool = False
    faults: list[str] = field(default_factory=list)

    @property
    def began(self) -> int:
        return self.lines[0].t if self.lines else 0

    @property
    def last(self) -> int:
        return self.lines[-1].t if self.lines else 0

    def may_miss(self, at: int) -> bool:
        """Whether its process may have been killed before it could write what it did at `at`."""
        return not self.whole and at >= self.last - SLACK


def read_tape(path: Path) -> Tape:
    """A journal, whose last line may be torn; every other damage is a fault. Raises OSError."""
    tape = Tape(name=path.name)
    rows = path.read_bytes().split(b"\n")
    torn = rows.pop()
    for number, row in enumerate(rows, 1):
        try:
            tape.lines.append(_decode(row))
        except msgspec.MsgspecError:
            tape.faults.append(f"{tape.name}: line {number} can't be read")
    if torn:
        tape.whole = False
    _check_numbers(tape)
    if tape.lines and isinstance(tape.lines[0], Opened):
        tape.process, tape.root = tape.lines[0].process, tape.lines[0].root
    elif tape.lines:
        tape.faults.append(f"{tape.name}: its first line is missing")
    tape.whole = bool(tape.lines) and isinstance(tape.lines[-1], Closed) and not torn
    return tape


def _check_numbers(tape: Tape) -> None:
    expected = 1
    for line in tape.lines:
        if line.n > expected:
            names = f"line {expected}" if line.n == expected + 1 else f"lines {expected} on"
            tape.faults.append(f"{tape.name}: {names} missing before line {line.n}")
        elif line.n < expected:
            tape.faults.append(f"{tape.name}: line {line.n} is there twice")
        expected = line.n + 1


@dataclass(kw_only=True)
class Account:
    """All that the journals say of one reservation."""

    reserved: Reserved | None = None
    dispatched: bool = False
    endings: list[Settled] = field(default_factory=list)
    last: int = 0

    def add(self, line: Reserved | Dispatched | Settled) -> None:
        self.last = max(self.last, line.t)
        match line:
            case Reserved():
                self.reserved = line
                self.dispatched = self.dispatched or line.dispatched
            case Dispatched():
                self.dispatched = True
            case Settled():
                self.endings.append(line)

    @property
    def outcomes(self) -> set[tuple[str, int, int]]:
        """State, units and cost of every ending that is final."""
        free = self.reserved is not None and self.reserved.free
        found = set()
        for line in self.endings:
            if line.state == "posted":
                found.add(("posted", line.units, line.cost))
            elif line.state == "voided" or free:
                found.add(("voided", 0, 0))
        return found


def rebuild(tapes: Iterable[Tape]) -> dict[str, Account]:
    """The reservations by id, from however many journals."""
    accounts: dict[str, Account] = {}
    for tape in tapes:
        for line in tape.lines:
            if isinstance(line, Reserved | Dispatched | Settled):
                accounts.setdefault(line.rid, Account()).add(line)
    return accounts


@dataclass(kw_only=True)
class Verdict:
    """`differences` are wrong; `unconfirmed` may be the last moments of a killed process."""

    entries: int = 0
    older: int = 0
    differences: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)


class Auditor:
    """Compares the journals of one root with the entries of its ledger, one at a time."""

    def __init__(self, tapes: list[Tape], *, oldest: int = 0):
        """Reservations from before `oldest` (ms) may have left the ledger for good."""
        self._tapes = tapes
        self._oldest = oldest
        self._accounts = rebuild(tapes)
        self._began = min((tape.began for tape in tapes), default=0)
        self._seen: set[str] = set()
        self.verdict = Verdict()

    def hear(self, entry: Entry) -> None:
        """One entry of the store."""
        self.verdict.entries += 1
        if entry.id in self._seen:
            self.verdict.differences.append(f"{entry.id}: is in the ledger twice")
        self._seen.add(entry.id)
        account = self._accounts.get(entry.id)
        if account is None and self._tapes and entry.at < self._began - SLACK:
            self.verdict.older += 1
        else:
            self._compare(entry, account or Account())

    def close(self) -> Verdict:
        """What the journals know and the store does not."""
        for rid, account in self._accounts.items():
            if rid not in self._seen and account.last >= self._oldest and _is_money(account):
                self.verdict.differences.append(f"{rid}: is in a journal, not in the ledger")
        return self.verdict

    def _compare(self, entry: Entry, account: Account) -> None:
        if account.reserved is not None:
            self._note(_unlike(entry, account.reserved), excused=False)
        elif not (entry.state == "voided" and account.outcomes <= {("voided", 0, 0)}):
            fault = f"{entry.id}: {entry.state} in the ledger, its reservation in no journal"
            self._note([fault], excused=self._may_miss_reservation(entry))
        elif not account.endings:
            fault = f"{entry.id}: voided in the ledger, in no journal"
            self._note([fault], excused=self._may_miss_reservation(entry))
        moment = entry.closed_at or entry.dispatched_at or entry.at
        excused = any(tape.may_miss(moment) for tape in self._tapes)
        self._note(_unended(entry, account), excused=excused)

    def _note(self, faults: Iterable[str], *, excused: bool) -> None:
        kept = self.verdict.unconfirmed if excused else self.verdict.differences
        kept.extend(faults)

    def _may_miss_reservation(self, entry: Entry) -> bool:
        """An id tells which process made the reservation."""
        process = entry.id.partition("_")[2]
        own = [tape for tape in self._tapes if tape.process and process.startswith(tape.process)]
        return any(tape.may_miss(entry.at) for tape in own)


def _is_money(account: Account) -> bool:
    """What was given up before it was confirmed is voided, and may never have been reserved."""
    return account.reserved is not None or any(line.state != "voided" for line in account.endings)


def _unlike(entry: Entry, line: Reserved) -> Iterator[str]:
    pairs: Mapping[str, tuple[object, object]] = {
        "team": (entry.team, line.team),
        "key": (entry.key, line.key or BOOTSTRAP),
        "provider": (entry.provider, line.provider),
        "operation": (entry.operation, line.operation),
        "credential": (entry.credential, line.credential),
        "reserved units": (entry.worst_units, line.units),
        "reserved cost": (entry.worst_cost, line.cost),
        "price": (entry.price, line.price),
    }
    for name, (kept, written) in pairs.items():
        if kept != written:
            yield f"{entry.id}: {name} is {kept} in the ledger, {written} in a journal"


def _unended(entry: Entry, account: Account) -> Iterator[str]:
    """Where the entry's end is not one that somebody saw."""
    outcomes = account.outcomes
    if outcomes:
        if (entry.state, entry.units, entry.cost) not in outcomes:
            written = " or ".join(f"{state} {cost}" for state, _, cost in sorted(outcomes))
            yield f"{entry.id}: {entry.state} {entry.cost} in the ledger, {written} in a journal"
    elif entry.state == "posted":
        yield f"{entry.id}: posted {entry.cost} in the ledger, in no journal"
    elif entry.state == "voided" and account.reserved and not _expired(entry):
        yield f"{entry.id}: voided in the ledger, in no journal"
    elif entry.state == "in_doubt" and not account.endings and entry.reason != "owner_gone":
        yield f"{entry.id}: in doubt in the ledger, in no journal"
    elif entry.state in ("reserved", "dispatched") and account.endings:
        # A ticket that turned up after all takes an entry out of doubt; nothing else opens one.
        yield f"{entry.id}: {entry.state} in the ledger, in doubt in a journal"


def _expired(entry: Entry) -> bool:
    """Closed by the store itself, as its owner was gone before anything was sent."""
    return entry.reason == "expired"


def among_themselves(tapes: list[Tape]) -> list[str]:
    """What is wrong with the journals, whatever the ledger says."""
    found = []
    for rid, account in rebuild(tapes).items():
        posted = {ending for ending in account.outcomes if ending[0] == "posted"}
        if len(posted) > 1:
            costs = ", ".join(str(cost) for _, _, cost in sorted(posted))
            found.append(f"{rid}: posted with different costs: {costs}")
        process = rid.partition("_")[2]
        cut = any(not tape.whole and process.startswith(tape.process) for tape in tapes)
        if posted and account.reserved is None and not cut:
            found.append(f"{rid}: posted, its reservation in no journal")
    return found
