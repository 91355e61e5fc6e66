"""The input file: encoding, delimiter, headings, and its rows one at a time."""

from __future__ import annotations

import codecs
import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

CHUNK = 1 << 20
SAMPLE = 1 << 16
DELIMITERS = "\t;|,"
"""The rarer inside a cell, the earlier."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` counts the data rows, blank lines aside; `bom` = made for a spreadsheet program."""

    path: Path
    sha256: str
    size: int
    encoding: str
    bom: bool
    delimiter: str
    newline: str
    headings: tuple[str, ...]
    rows: int


def inspect(path: Path) -> Sheet:
    """Reads the file twice, never holding more of it than a chunk and a row."""
    sha256, size, encoding, start = digest(path)
    if b"\0" in start and encoding != "utf-16":
        raise click.UsageError(f"{path} is not a text file; save the sheet as CSV first")
    text = start.decode(encoding, errors="replace")
    delimiter = sniff(text)
    rows = records(path, encoding, delimiter)
    headings = tuple(heading.strip() for heading in next(rows, ()))
    if not any(headings):
        raise click.UsageError(f"{path} is empty; its first line should name the columns")
    return Sheet(
        path=path,
        sha256=sha256,
        size=size,
        encoding=encoding,
        bom=encoding != "utf-8-sig" or start.startswith(codecs.BOM_UTF8),
        delimiter=delimiter,
        newline="\r\n" if "\r\n" in text else "\n",
        headings=headings,
        rows=sum(1 for _ in rows),
    )


def digest(path: Path) -> tuple[str, int, str, bytes]:
    """SHA-256, size, encoding and the first bytes, in one pass."""
    hashed, size, start = hashlib.sha256(), 0, b""
    decoder, valid = codecs.getincrementaldecoder("utf-8")(), True
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            start = start or chunk[:SAMPLE]
            hashed.update(chunk)
            size += len(chunk)
            valid = valid and decodes(decoder, chunk)
    valid = valid and decodes(decoder, b"", final=True)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return hashed.hexdigest(), size, "utf-16", start
    return hashed.hexdigest(), size, "utf-8-sig" if valid else "cp1252", start


def decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def sniff(text: str) -> str:
    """The delimiter under which the first lines have the same number of columns."""

    def score(delimiter: str) -> tuple[bool, float, int]:
        lines = list(islice(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), 25))
        widths = [len(line) for line in lines if line] or [0]
        alike = sum(width == widths[0] for width in widths) / len(widths)
        return widths[0] > 1, alike, widths[0]

    best = max(DELIMITERS, key=score)
    return best if score(best)[0] else ","


def records(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Every line that is not blank; quoted line breaks stay within their cell."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            yield from (cells for cells in reader if cells)
        except csv.Error as error:
            raise click.UsageError(
                f"{path}, line {reader.line_num}: {error}; is a quote never closed?"
            ) from None


def read_rows(sheet: Sheet) -> Iterator[list[str]]:
    """The data rows, short ones filled up with empty cells."""
    rows = records(sheet.path, sheet.encoding, sheet.delimiter)
    next(rows, None)
    for cells in rows:
        yield cells + [""] * (len(sheet.headings) - len(cells))
