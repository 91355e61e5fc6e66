"""What one process saw the ledger do, on its own disk: the second witness of the money."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.telemetry.log import get_logger

log = get_logger()

GROUPED = 0.025
FOLDER = "journal"

Ending = Literal["posted", "voided", "in_doubt"]

_encode = msgspec.json.Encoder().encode


class Opened(Struct, frozen=True, tag_field="op", tag="opened"):
    """The first line; `process` is part of the ids of this process's reservations.

    `store` is the identity of the store, which a copy of it shares, `era` the ledger's: how often
    it was accepted although it had come back older.
    """

    n: int
    t: int
    process: str
    root: str
    store: str = ""
    era: int = 0


class Reserved(Struct, frozen=True, tag_field="op", tag="reserved"):
    """Units in thousandths, money in micro-units, `seq` of the change, all as in the ledger.

    `job` is the scope of a job with a cap of its own, '' for none.
    """

    n: int
    t: int
    rid: str
    team: str
    key: str
    provider: str
    operation: str
    credential: str
    units: int
    cost: int
    price: int
    free: bool
    dispatched: bool
    seq: int = 0
    slot: str = ""
    unit: str = ""
    lookup: str = ""
    job: str = ""


class Dispatched(Struct, frozen=True, tag_field="op", tag="dispatched"):
    n: int
    t: int
    rid: str
    seq: int = 0


class Settled(Struct, frozen=True, tag_field="op", tag="settled"):
    """`seq` is 0 if the entry was closed already, or gone."""

    n: int
    t: int
    rid: str
    state: Ending
    units: int
    cost: int
    seq: int = 0


class Closed(Struct, frozen=True, tag_field="op", tag="closed"):
    """The last line of a process that ended in order."""

    n: int
    t: int


Line = Opened | Reserved | Dispatched | Settled | Closed


class Journal:
    """One append-only file: ids and money, no person, no tag, no secret.

    A line is handed to the operating system at once, so that a killed process loses none, and
    to the disk within 50 ms by another thread. A disk that fails is logged, and loses lines
    instead of lookups: the store is the truth.
    """

    def __init__(self, folder: Path, *, root: str, process: str):
        self._folder = folder
        self._root = root
        self._process = process
        self._descriptor = -1
        self._lines = 0
        self._size = 0
        self._due = False
        self._flushing: set[asyncio.Task[None]] = set()
        self._store = ""

    @property
    def is_open(self) -> bool:
        return self._descriptor >= 0

    @property
    def folder(self) -> Path:
        return self._folder

    def open(self, store: str = "", era: int = 0) -> None:
        """Begin a file about the store of that identity; without one, nothing is written."""
        self._store, self._lines, self._size = store, 0, 0
        name = f"{int(time.time() * 1000)}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._folder / name, flags, 0o600)
            _sync_folder(self._folder)
        except OSError as error:
            log.error("journal.unavailable", reason=error.strerror)
            return
        self._write(Opened(*self._next(), self._process, self._root, store, era))

    def reserved(self, rid: str, **members: str | int | bool) -> None:
        """A reservation was granted; `members` are those of Reserved."""
        if self.is_open:
            self._write(Reserved(*self._next(), rid, **members))  # type: ignore[arg-type]

    def dispatched(self, rid: str, seq: int) -> None:
        if self.is_open:
            self._write(Dispatched(*self._next(), rid, seq))

    def settled(self, rid: str, state: Ending, units: int, cost: int, seq: int) -> None:
        if self.is_open:
            self._write(Settled(*self._next(), rid, state, units, cost, seq))

    def turn(self, era: int) -> None:
        """Go on in a new file: the ledger's sequence begins again with each era."""
        if self.is_open:
            self._end()
            self.open(self._store, era)

    async def close(self) -> None:
        """Everything on the disk, and the file marked as whole."""
        await asyncio.gather(*self._flushing)
        if self.is_open:
            await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._write(Closed(*self._next()), flush=False)
        self._sync()
        os.close(self._descriptor)
        self._descriptor = -1

    def _next(self) -> tuple[int, int]:
        self._lines += 1
        return self._lines, int(time.time() * 1000)

    def _write(self, line: Line, *, flush: bool = True) -> None:
        body = _encode(line) + b"\n"
        try:
            written = os.write(self._descriptor, body)
        except OSError as error:
            log.error("journal.failed", reason=error.strerror)
            return
        if written < len(body):
            # A full disk: the half of a line would spoil the one after it.
            os.ftruncate(self._descriptor, self._size)
            log.error("journal.failed", reason="the disk is full")
            return
        self._size += written
        if flush and not self._due:
            self._due = True
            task = asyncio.get_running_loop().create_task(self._flush())
            self._flushing.add(task)
            task.add_done_callback(self._flushing.discard)

    async def _flush(self) -> None:
        await asyncio.sleep(GROUPED)
        # What is written from here on starts the next group.
        self._due = False
        await asyncio.to_thread(self._sync)

    def _sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            log.error("journal.failed", reason=error.strerror)


def _sync_folder(folder: Path) -> None:
    """A power cut must not forget the file's name."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
