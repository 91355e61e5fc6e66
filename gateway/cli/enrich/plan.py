"""What a run is going to do, refused or shown before anything is sent."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from gateway.cli.enrich.batches import MOST_ROWS
from gateway.cli.enrich.mapping import append_columns, guess, override, suffices
from gateway.cli.enrich.operations import OPERATIONS, Operation
from gateway.cli.enrich.output import Files, Progress, changed
from gateway.cli.enrich.sheet import Sheet, inspect
from gateway.cli.enrich.tally import count_rows
from gateway.cli.session import Session

JOBS_ABOVE = 200


@dataclass(frozen=True, slots=True)
class ByJobs:
    """At most so many rows in each; `optional`: rows may go one by one if jobs are refused."""

    most: int
    budget: Decimal | None
    optional: bool


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
    by_jobs: ByJobs | None


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
        options={"operation": name, "columns": dict(mapping), **parameters, **to_cap(session)},
    )
    unfinished = to_unfinished(session, files, start)
    progress = unfinished or start
    progress.run = to_run(session, sheet, unfinished, files)
    return Plan(
        operation=operation,
        sheet=sheet,
        mapping=mapping,
        parameters=parameters,
        headings=append_columns(sheet.headings, operation.columns),
        files=files,
        progress=progress,
        resumed=unfinished is not None,
        concurrency=given.get("concurrency", 8),
        by_jobs=to_by_jobs(session) if progress.run else None,
    )


def to_cap(session: Session) -> dict[str, str]:
    budget = session.fields.get("budget")
    return {} if budget is None else {"budget": f"{budget:f}"}


def to_run(session: Session, sheet: Sheet, unfinished: Progress | None, files: Files) -> str:
    """A name if rows go as jobs: as they did, else as was said, else by the file's size."""
    given = session.fields
    said, budget = given.get("jobs"), given.get("budget")
    if said is False and budget is not None:
        raise click.UsageError("--budget is kept by jobs, one after the other; not with --no-jobs")
    if unfinished is not None:
        if said is not None and said != bool(unfinished.run):
            how = "as jobs" if unfinished.run else "one by one"
            raise click.UsageError(
                f"{files.part} holds a run whose rows go {how}; leave "
                f"{'--jobs' if said else '--no-jobs'} out to finish it, or --restart"
            )
        return unfinished.run
    large = budget is not None or sheet.rows > given.get("jobs_above", JOBS_ABOVE)
    return uuid.uuid4().hex if said or (said is None and large) else ""


def to_by_jobs(session: Session) -> ByJobs:
    given = session.fields
    budget = given.get("budget")
    return ByJobs(
        most=given.get("job_rows", MOST_ROWS),
        budget=budget,
        optional=budget is None and not given.get("jobs"),
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
    if want := session.fields.get("want"):
        if not name.endswith(".enrich"):
            raise click.UsageError("--want belongs to people.enrich and companies.enrich")
        parameters["want"] = want
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
