"""Files as spreadsheet programs write them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import click
import pytest

from gateway.cli.enrich.sheet import inspect, read_rows

ROWS = [["Zoë", "Müller, Söhne"], ["Ann\nMarie", 'the "best"']]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "in.csv"
    lines = ["Name,Company", 'Zoë,"Müller, Söhne"', '"Ann\nMarie","the ""best"""', ""]
    path.write_bytes(newline.join(lines).encode(encoding))
    sheet = inspect(path)
    assert (sheet.headings, sheet.rows, sheet.newline) == (("Name", "Company"), 2, newline)
    assert list(read_rows(sheet)) == ROWS
    assert sheet.bom is (encoding != "utf-8")


@pytest.mark.parametrize(
    "text,delimiter,headings",
    [
        ("Name,Domain\nA,b.example\n", ",", ("Name", "Domain")),
        ('Name;Domain\n"A;B";b.example\n', ";", ("Name", "Domain")),
        ("Name;Company\nA;Brown, Son\nB;Gray, Father, Son\n", ";", ("Name", "Company")),
        ("Name\tCompany, city\nA\tB, C\n", "\t", ("Name", "Company, city")),
        ("Name|Domain\nA|b.example\n", "|", ("Name", "Domain")),
        ("E-mail\na@b.example\nc@d.example\n", ",", ("E-mail",)),
        ("E-mail", ",", ("E-mail",)),
    ],
)
def test_delimiters(tmp_path: Path, text: str, delimiter: str, headings: tuple[str, ...]) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text)
    sheet = inspect(path)
    assert (sheet.delimiter, sheet.headings) == (delimiter, headings)


def test_blank_lines_are_no_rows_and_short_rows_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a,b,c\n\n1\n\n1,2,3,4\n\n")
    sheet = inspect(path)
    assert list(read_rows(sheet)) == [["1", "", ""], ["1", "2", "3", "4"]]
    assert sheet.rows == 2


@pytest.mark.parametrize(
    "content,text",
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"PK\x03\x04\0\0", "save the sheet as CSV"),
        (b'a,b\n"open' + b"x" * 200_000, "is a quote never closed?"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    with pytest.raises(click.UsageError, match=text):
        inspect(path)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    with path.open("w") as file:
        file.write("Name,Domain\n")
        file.writelines(f"Person {n},company-{n}.example\n" for n in range(200_000))
    tracemalloc.start()
    sheet = inspect(path)
    assert sum(1 for _ in read_rows(sheet)) == sheet.rows == 200_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sheet.size > 6_000_000
    assert peak < 5_000_000
