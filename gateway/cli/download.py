"""A job's results as a file: streamed, and gone on with where a stream broke off."""

from __future__ import annotations

import fcntl
import os
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from gateway.cli.client import Gateway
from gateway.cli.failure import Failure
from gateway.cli.following import path_of

MEDIA = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
FORMATS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


def format_of(target: Path) -> str:
    """The format that a file's name asks for."""
    try:
        return FORMATS[target.suffix.lower()]
    except KeyError:
        allowed = ", ".join(FORMATS)
        raise click.BadParameter(f"{target}: its name should end in one of {allowed}") from None


class Download:
    """`part` holds whole records only; it names the job, so that no other's is gone on with."""

    def __init__(self, target: Path, job: str, *, form: str, total: int) -> None:
        self.target, self.job, self.total = target, job, total
        self.part = target.with_name(f"{target.name}.{job}.part")
        self.media = MEDIA[form]
        self.headings = 1 if form == "csv" else 0
        self.rows = 0

    async def run(self, gateway: Gateway) -> None:
        """Until all rows are in the target, or a `Failure` and a part that is gone on with."""
        with self._open() as file:
            self.rows = self._cut(file) - self.headings
            if self.rows < self.total:
                await self._fetch(gateway, file)
            self.rows = self._cut(file) - self.headings
            os.fsync(file.fileno())
        if self.rows != self.total:
            raise Failure(f"only {max(0, self.rows)} of {self.total} rows came")
        self.part.replace(self.target)

    def _cut(self, file: BinaryIO) -> int:
        """A line of JSON is a record, whatever quotes are in it."""
        return cut(file, quoted=bool(self.headings))

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with self.part.open("r+b" if self.part.exists() else "w+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise click.UsageError(f"another run is writing {self.part}") from None
            yield file

    async def _fetch(self, gateway: Gateway, file: BinaryIO) -> None:
        """What is missing; of a table, the heading line only if that is missing, too."""
        params = {"start": str(max(0, self.rows))}
        skip = self.headings and self.rows >= 0
        path = f"{path_of(self.job)}/results"
        async with aclosing(gateway.receive(path, accept=self.media, params=params)) as chunks:
            async for chunk in chunks:
                _, newline, rest = chunk.partition(b"\n") if skip else (b"", b"", chunk)
                skip = skip and not newline
                file.write(rest)
        file.flush()


async def pour(gateway: Gateway, job: str, form: str, sink: BinaryIO) -> None:
    """All rows into a pipe, as they come; on a terminal, without what it would obey."""
    path, bare = f"{path_of(job)}/results", sink.isatty()
    decoder = getincrementaldecoder("utf-8")(errors="replace")
    async with aclosing(gateway.receive(path, accept=MEDIA[form])) as chunks:
        async for chunk in chunks:
            sink.write(_harmless(decoder.decode(chunk)).encode() if bare else chunk)
    sink.flush()


def _harmless(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)


def cut(file: BinaryIO, *, quoted: bool) -> int:
    """How many whole records there are; what is behind them, torn by an end, is taken off.

    A line break between quotes belongs to its record, where it may be `quoted`.
    """
    file.seek(0)
    records = end = position = quotes = 0
    for line in file:
        position += len(line)
        quotes += line.count(b'"') if quoted else 0
        if line.endswith(b"\n") and quotes % 2 == 0:
            records, end = records + 1, position
    file.truncate(end)
    file.seek(end)
    return records
