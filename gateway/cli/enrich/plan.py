"""What a run is going to do, refused or shown before anything is sent."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gateway.cli.enrich.mapping import append_columns, guess, override, suffices
from gateway.cli.enrich.operations import OPERATIONS, Operation
from gateway.cli.enrich.output import Files, Progress, changed
from gateway.cli.enrich.sheet import Sheet, inspect
from gateway.cli.enrich.tally import count_rows
from gateway.cli.session import Session


@dataclass(frozen=True, slots=True)
class Plan:
    """`progress` is where the run begins; `resumed` if rows of an earlier one are in it."""

    operation: Operation
    sheet: Sheet
    mapping: Mapping[str, int]
    parameters: Mapping[str, Any]
    headings: list[str]
    files: Files
    progress: Progress
    resumed: bool
    concurrency: int


def make_plan(session: Session, source: Path, target: Path) -> Plan:
    """Everything that can be wrong before the first row raises a usage error here."""
    given = session.fields
    name = given.get("operation", "emails.find")
    operation, files = OPERATIONS[name], Files(target)
    refuse_target(source, files)
    sheet = inspect(source)
    guessed = guess(sheet.headings, operation)
    mapping = override(guessed, given.get("map", ()), sheet.headings, operation)
    show_mapping(sheet, mapping)
    if not suffices(mapping, operation):
        raise click.UsageError(to_missing(name, operation, sheet))
    parameters = to_parameters(session, name)
    start = Progress(
        input={"sha256": sheet.sha256, "size": sheet.size},
        options={"operation": name, "columns": dict(mapping), **parameters},
    )
    unfinished = to_unfinished(session, files, start)
    return Plan(
        operation=operation,
        sheet=sheet,
        mapping=mapping,
        parameters=parameters,
        headings=append_columns(sheet.headings, operation.columns),
        files=files,
        progress=unfinished or start,
        resumed=unfinished is not None,
        concurrency=given.get("concurrency", 8),
    )


def refuse_target(source: Path, files: Files) -> None:
    if files.target.exists() and files.target.samefile(source):
        raise click.UsageError("IN.csv and OUT.csv are the same file")
    if not files.target.absolute().parent.is_dir():
        raise click.UsageError(f"there is no directory {files.target.parent}")


def to_parameters(session: Session, name: str) -> dict[str, Any]:
    """The members that every row's body has."""
    parameters: dict[str, Any] = {}
    if kind := session.fields.get("kind"):
        if name != "emails.find":
            raise click.UsageError("--kind belongs to emails.find")
        parameters["kind"] = kind
    if session.routing:
        parameters["routing"] = session.routing
    if session.tag:
        parameters["tag"] = session.tag
    return parameters


def to_unfinished(session: Session, files: Files, start: Progress) -> Progress | None:
    """The run to go on with; raises where going on, or beginning, would lose something."""
    if session.fields.get("restart"):
        files.discard()
    progress = files.load()
    if progress is None:
        if not session.fields.get("force"):
            refuse_foreign(files, start)
        return None
    if difference := changed(progress, start.input, start.options):
        raise click.UsageError(
            f"{files.part} holds {count_rows(progress.rows)} of another run ({difference}); "
            "repeat that command to finish it, or throw it away with --restart"
        )
    return progress


def refuse_foreign(files: Files, start: Progress) -> None:
    """The same command may make its output anew; anything else there is not lost unasked."""
    if files.target.exists() and (why := files.foreign(start)):
        raise click.UsageError(
            f"{files.target} is there already and {why}; --force overwrites it "
            "(what was bought before comes from the gateway's cache at no cost)"
        )


def show_mapping(sheet: Sheet, mapping: Mapping[str, int]) -> None:
    """On stderr: file, columns used, columns not used."""
    delimiter = {"\t": "tab"}.get(sheet.delimiter, sheet.delimiter)
    say(f"{sheet.path}: {count_rows(sheet.rows)}, delimiter {delimiter}")
    if sheet.encoding == "cp1252":
        say("  not UTF-8: read as Windows-1252, the output will be UTF-8")
    for field, column in mapping.items():
        say(f"  {field:<13} ← {sheet.headings[column]}")
    unused = [h for i, h in enumerate(sheet.headings) if i not in mapping.values() and h]
    if unused:
        say(f"  not used: {', '.join(unused)}")


def to_missing(name: str, operation: Operation, sheet: Sheet) -> str:
    return (
        f"cannot tell which columns to use: {name} needs {operation.needs_text}; "
        f"the file has {', '.join(map(repr, sheet.headings))}. "
        f"Name them: --map {operation.guessed[0]}=HEADING"
    )


def confirm(session: Session) -> None:
    """Asks only where somebody can answer."""
    if not session.fields.get("yes") and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Start?", default=True, abort=True, err=True)


def say(text: str) -> None:
    click.echo(text, err=True)
