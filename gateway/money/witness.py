"""What the journals of this machine know of the ledger that its store may have forgotten."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TypeGuard

import msgspec

from gateway.money.journal import Dispatched, Line, Opened, Reserved, Settled
from gateway.money.verification import Account, Tape, read_tape, rebuild
from gateway.store.connection import Store

IDENTITY = "{pgw}:store_id"
TAIL = 64 * 1024
NEWEST = 100

_decode = msgspec.json.Decoder(Line).decode


@dataclass(frozen=True, order=True)
class Reach:
    """How far a ledger has come: its sequence begins again with each era."""

    era: int = 0
    seq: int = 0


async def identify(store: Store) -> str:
    """The identity of the store; a copy of it has the same, an emptied one another."""
    await store.call("SET", IDENTITY, secrets.token_hex(8), "NX")
    found: bytes = await store.call("GET", IDENTITY)
    return found.decode()


async def reach_of(store: Store, root: str) -> Reach:
    """How far the store's own ledger has come."""
    era, seq = await store.call("MGET", f"{root}era", f"{root}seq")
    return Reach(int(era or 0), int(seq or 0))


async def missed_at(store: Store, root: str) -> int:
    """When somebody found the ledger older than it had been, in its present era; 0 for never."""
    missed, era = await store.call("MGET", f"{root}missed", f"{root}era")
    of, _, moment = (missed or b"").decode().partition(" ")
    return int(moment) if of == (era or b"0").decode() and moment else 0


def last_seen(folder: Path, *, root: str, store: str) -> Reach:
    """The furthest that the newest journals in `folder` have seen this store's ledger."""
    paths = sorted(folder.glob("*.jsonl"), reverse=True)[:NEWEST]
    return max((_reach(path, root, store) for path in paths), default=Reach())


def _reach(path: Path, root: str, store: str) -> Reach:
    with path.open("rb") as file:
        opened = _line(file.readline())
        file.seek(max(file.tell(), path.stat().st_size - TAIL))
        lines = [_line(row) for row in file.read().split(b"\n")]
    if not _is_about(opened, root, store):
        return Reach()
    seqs = [line.seq for line in lines if isinstance(line, Reserved | Dispatched | Settled)]
    return Reach(opened.era, max(seqs, default=0))


def _is_about(line: Line | None, root: str, store: str) -> TypeGuard[Opened]:
    return isinstance(line, Opened) and (line.root, line.store) == (root, store)


def _line(row: bytes) -> Line | None:
    try:
        line: Line = _decode(row)
        return line
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # torn, or cut by where the tail begins


def forgotten(
    folder: Path, *, root: str, store: str, since: Reach, until: float = inf
) -> Iterator[tuple[str, Account]]:
    """Reservations with a line that a ledger which is back at `since` cannot know.

    What was seen in the era `until`, in which it was accepted, and later, it has not forgotten.
    A journal that can't be read is left out: `prospect ledger verify` names it.
    """
    tapes = _tapes(folder, root, store)
    late = {
        line.rid
        for era, line in _told(tapes)
        if since.era <= era < until and (line.seq == 0 or Reach(era, line.seq) > since)
    }
    for rid, account in rebuild(tapes).items():
        if rid in late:
            yield rid, account


def last_before(folder: Path, *, root: str, store: str, era: int, moment: int) -> int:
    """The ledger's sequence of that era when it was last seen before `moment`, in ms."""
    told = _told(_tapes(folder, root, store))
    return max((line.seq for own, line in told if own == era and line.t < moment), default=0)


def _tapes(folder: Path, root: str, store: str) -> list[Tape]:
    tapes = [read_tape(path) for path in sorted(folder.glob("*.jsonl"))]
    return [
        tape for tape in tapes if _is_about(tape.lines[0] if tape.lines else None, root, store)
    ]


def _told(tapes: list[Tape]) -> Iterator[tuple[int, Reserved | Dispatched | Settled]]:
    """Each line, with the era of its journal."""
    for tape in tapes:
        era = tape.lines[0].era if isinstance(tape.lines[0], Opened) else 0
        for line in tape.lines[1:]:
            if isinstance(line, Reserved | Dispatched | Settled):
                yield era, line
