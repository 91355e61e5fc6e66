"""What the store could not take: bought answers and tickets, sealed on this machine's disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.money.ledger import Ledger
from gateway.money.terms import Settlement
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.vault.sealing import SealBroken, Sealer

log = get_logger()

FOLDER = "spool"
LOOK = 2.0
TICKET_LEASE = 1000
# Seconds after which nobody writes at a draft any more: its process was killed.
ABANDONED = 60.0


class Kept(Struct, kw_only=True):
    """One entry's end and its answer, or its ticket; `bare` of it, and `marks` of whom a ticket is
    about, for when somebody has objected before the store is told.

    `once` marks what its account is charged for a single time. A ticket is left alone for `lease`
    ms and found in `place`, if any; `breaker` is the class of calls that do well, since it was
    given.
    """

    rid: str
    settlement: Settlement | None = None
    answer: bytes = b""
    ticket: bytes = b""
    bare: bytes = b""
    marks: list[str] = []
    once: str = ""
    lease: int = TICKET_LEASE
    place: str = ""
    breaker: str = ""


_pack = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Kept)


async def tell(ledger: Ledger, kept: Kept) -> None:
    """Repeating it changes nothing. Raises StoreDown."""
    end = kept.settlement
    if end is None:
        _ = await ledger.hold(
            kept.rid,
            kept.ticket,
            kept.lease,
            marks=kept.marks,
            bare=kept.bare,
            place=kept.place,
            breaker=kept.breaker,
        )
        return
    if kept.once and end.units and not await ledger.charges(kept.rid, kept.once):
        end.units, end.cost, end.outcome = 0, 0, "empty"
    end.next = None
    _ = await ledger.settle(end, answer=kept.answer, bare=kept.bare)


class Spool:
    """Of one machine; a disk that fails is logged, and loses what a kill would have lost."""

    def __init__(self, folder: Path, sealer: Sealer):
        self._folder = folder
        self._sealer = sealer
        self._kept: set[str] = set()
        self._unreadable: set[str] = set()

    async def keep(self, kept: Kept) -> None:
        """On the disk once it returns; the latest of an entry counts."""
        sealed = self._sealer.seal(_pack(kept), place=f"spool/{kept.rid}")
        self._kept.add(kept.rid)
        try:
            await asyncio.to_thread(self._write, kept.rid, sealed)
        except OSError as error:
            log.error("spool.failed", reason=error.strerror)

    async def drop(self, rid: str) -> None:
        """The store has it."""
        if rid in self._kept:
            self._kept.discard(rid)
            await asyncio.to_thread(self._path(rid).unlink, missing_ok=True)

    async def run(self, ledger: Ledger) -> None:
        """Tell the store what it could not take, also that of processes which are gone."""
        while True:
            try:
                for kept in await asyncio.to_thread(lambda: list(self._read())):
                    await self._replay(ledger, kept)
            except StoreDown:
                log.debug("spool.postponed")
            except OSError as error:
                log.error("spool.failed", reason=error.strerror)
            await asyncio.sleep(LOOK)

    async def _replay(self, ledger: Ledger, kept: Kept) -> None:
        await tell(ledger, kept)
        self._kept.discard(kept.rid)
        await asyncio.to_thread(self._path(kept.rid).unlink, missing_ok=True)
        log.info("spool.replayed", rid=kept.rid)

    def _write(self, rid: str, sealed: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path(rid).with_suffix(".draft")
        try:
            _write_whole(draft, sealed)
            draft.replace(self._path(rid))
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _clear(self) -> None:
        for draft in self._folder.glob("*.draft"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > ABANDONED:
                    draft.unlink()

    def _read(self) -> Iterator[Kept]:
        self._clear()
        for path in sorted(self._folder.glob("*.sealed")):
            try:
                opened = self._sealer.open(path.read_bytes(), place=f"spool/{path.stem}")
                yield _decoder.decode(opened)
            except FileNotFoundError:
                continue  # another process was quicker
            except (SealBroken, msgspec.MsgspecError, OSError) as error:
                self._complain(path.name, error)

    def _complain(self, file: str, error: Exception) -> None:
        """Once of each: it stays, and is looked at again every time."""
        if file not in self._unreadable:
            self._unreadable.add(file)
            log.error("spool.unreadable", file=file, error=type(error).__name__)

    def _path(self, rid: str) -> Path:
        return self._folder / f"{rid}.sealed"


def _write_whole(path: Path, body: bytes) -> None:
    """On the disk, which may take it in parts."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        while body:
            body = body[os.write(descriptor, body) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
