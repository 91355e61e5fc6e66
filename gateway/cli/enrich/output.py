"""OUT.csv.part in input order, and beside it how far it is safe on disk."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec
from msgspec import Struct, field

from gateway.cli.enrich.tally import Tally


class Handed(Struct):
    """Rows up to `end`, excluded, that go as one job, noted before it is handed in.

    `id` is None until the gateway has it, and empty if there is no job to be had from them.
    `turn` counts how often they were handed in before, in jobs that were not kept.
    """

    end: int
    max_cost: str = ""
    id: str | None = None
    turn: int = 0


class Progress(Struct):
    """The sidecar: whose output it is, and which rows are in it.

    `run` is set if its rows go as `jobs`, and the same for as long as the run is unfinished.
    `unknown` is what jobs that are not kept any more may have cost besides.
    """

    input: dict[str, Any]
    options: dict[str, Any]
    rows: int = 0
    bytes: int = 0
    ahead: dict[int, list[str]] = field(default_factory=dict)
    """Rows answered before an earlier one was, by index."""
    tally: Tally = field(default_factory=Tally)
    run: str = ""
    jobs: list[Handed] = field(default_factory=list)
    unknown: Decimal = Decimal(0)


class Finished(Struct):
    """What stays of a finished run: what it was asked, and the digest of its output."""

    input: dict[str, Any]
    options: dict[str, Any]
    sha256: str


class Files:
    """The paths of one output; only `record`, a hidden file, outlives the run beside it."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.part = target.with_name(f"{target.name}.part")
        self.sidecar = target.with_name(f"{target.name}.progress")
        self.record = target.with_name(f".{target.name}.enriched")

    def load(self) -> Progress | None:
        """The unfinished run, if there is one."""
        if not self.part.exists() or not self.sidecar.exists():
            return None
        try:
            progress = msgspec.json.decode(self.sidecar.read_bytes(), type=Progress)
        except msgspec.DecodeError:
            raise click.UsageError(f"{self.sidecar} is damaged; --restart begins anew") from None
        if self.part.stat().st_size < progress.bytes:
            raise click.UsageError(f"{self.part} was cut short; --restart begins anew")
        return progress

    def discard(self) -> None:
        self.sidecar.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    def finish(self, progress: Progress) -> None:
        """All rows are in: the output takes its name; until then `part` can still go on."""
        done = Finished(progress.input, progress.options, digest(self.part))
        replace(self.record, msgspec.json.encode(done))
        self.part.replace(self.target)
        self.sidecar.unlink(missing_ok=True)

    def foreign(self, start: Progress) -> str:
        """Why the finished output is not `start`'s to make anew, in words; empty if it is."""
        try:
            done = msgspec.json.decode(self.record.read_bytes(), type=Finished)
            same = done.sha256 == digest(self.target)
        except (OSError, msgspec.DecodeError):
            return "it is not known to come from this command"
        if not same:
            return "it has been changed since it was written"
        return changed(done, start.input, start.options)


def changed(
    before: Progress | Finished, source: Mapping[str, Any], options: Mapping[str, Any]
) -> str:
    """What differs from an earlier run, in words; empty if nothing does."""
    if before.input != source:
        return "the input file has changed"
    names = sorted({*before.options, *options})
    differ = [name for name in names if before.options.get(name) != options.get(name)]
    return f"other options: {', '.join(differ)}" if differ else ""


class Output:
    """Takes rows in any order, writes them in the input's, syncs both files as it goes."""

    def __init__(
        self, files: Files, progress: Progress, *, delimiter: str = ",", newline: str = "\n"
    ) -> None:
        self.files, self.progress = files, progress
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer, delimiter=delimiter, lineterminator=newline)
        self._file = self._open()
        self._dirty = False

    def _open(self) -> BinaryIO:
        file = self.files.part.open("r+b" if self.files.part.exists() else "w+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise click.UsageError(f"another run is writing {self.files.part}") from None
        file.truncate(self.progress.bytes)
        file.seek(self.progress.bytes)
        return file

    def begin(self, headings: Sequence[str], *, bom: bool) -> None:
        """The heading line of a new output."""
        self._file.write(b"\xef\xbb\xbf" if bom else b"")
        self._write(headings)
        self._dirty = True
        self.sync()

    def has(self, index: int) -> bool:
        return index < self.progress.rows or index in self.progress.ahead

    def put(self, index: int, cells: list[str]) -> None:
        """Row `index` is answered; it is written once all before it are."""
        ahead = self.progress.ahead
        ahead[index] = cells
        while self.progress.rows in ahead:
            self._write(ahead.pop(self.progress.rows))
            self.progress.rows += 1
        self._dirty = True

    def _write(self, cells: Sequence[str]) -> None:
        self._writer.writerow(cells)
        self._file.write(self._buffer.getvalue().encode())
        self._buffer.seek(0)
        self._buffer.truncate()

    def note(self) -> None:
        """Keep the sidecar as it is now, before what it tells of is done."""
        self._dirty = True
        self.sync()

    def forget_jobs(self) -> None:
        """None was handed in after all, and none will be."""
        self.progress.run = ""
        self.progress.jobs.clear()
        self.note()

    def sync(self) -> None:
        """The part first: the sidecar never promises what is not there."""
        if not self._dirty:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self.progress.bytes = self._file.tell()
        replace(self.files.sidecar, msgspec.json.encode(self.progress))
        self._dirty = False

    def close(self) -> None:
        try:
            self.sync()
        finally:
            self._file.close()


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace(path: Path, content: bytes) -> None:
    """Atomic and durable."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
