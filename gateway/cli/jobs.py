"""`prospect jobs`: lookups that go on at the gateway, single slow ones and whole files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli import administration, display, options
from gateway.cli.failure import FAILED, Failure, Interrupted, dicts
from gateway.cli.session import Session, pass_session

if TYPE_CHECKING:
    from gateway.cli.client import Gateway, Reply
    from gateway.cli.download import Download
    from gateway.cli.following import JobRecord

PATH = "/v1/jobs"
COLUMNS = (
    *("id", "operation", "status", "rows", "done", "failed", "cancelled"),
    *("cost", "currency", "created_at", "finished_at"),
)
MOST = "1000"
job_argument = click.argument("job", metavar="JOB")


@click.group(
    cls=administration.Verbs,
    epilog=options.examples(
        "prospect jobs list",
        "prospect jobs watch job_01j9x",
        "prospect jobs results job_01j9x -o found.csv",
    ),
)
def jobs() -> None:
    """Lookups that go on at the gateway: single slow ones, and whole files."""


@jobs.command(
    "list", epilog=options.examples("prospect jobs list", "prospect jobs list --all --json")
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=25,
    show_default=True,
    help="So many, newest first.",
)
@click.option("--all", "every", is_flag=True, help="All that are kept.")
@options.client
@pass_session
def list_jobs(session: Session, limit: int, every: bool) -> None:
    """List the team's jobs, newest first."""
    if every:
        reply = session.run(lambda gateway: gateway.list(PATH))
    else:
        reply = administration.request(session, "GET", PATH, params={"limit": str(limit)})
    if session.piped or not reply.body.get("data"):
        display.show(session, reply)
    else:
        display.show_rows([to_row(job) for job in dicts(reply.body["data"])], COLUMNS)


@jobs.command(epilog=options.examples("prospect jobs show job_01j9x"))
@job_argument
@options.client
@pass_session
def show(session: Session, job: str) -> None:
    """How far a job is; of a single lookup, also its answer."""
    display.show(session, read(session, job))


@jobs.command(
    epilog=options.examples(
        "prospect jobs watch job_01j9x",
        "prospect jobs watch job_01j9x --json && echo every row has an answer",
    )
)
@job_argument
@options.client
@pass_session
def watch(session: Session, job: str) -> None:
    """Wait for the end of a job; Ctrl-C leaves it running.

    A bar on a terminal, now and then a line elsewhere. Exit code 1 if rows have no answer.
    """
    end = wait_for(session, job)
    display.show(session, read(session, job))
    conclude(end)


@jobs.command(
    epilog=options.examples(
        "prospect jobs results job_01j9x",
        "prospect jobs results job_01j9x --format ndjson | jq .data.email",
        "prospect jobs results job_01j9x -o found.csv",
        "prospect jobs results job_01j9x -o so-far.ndjson --partial",
    )
)
@job_argument
@click.option(
    "-o",
    "--output",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file ending in .csv, or .ndjson with everything there is of each row.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "ndjson"]),
    help="To stdout as a table or as JSON lines; of FILE, whatever its name ends in.",
)
@click.option("--partial", is_flag=True, help="Do not wait for rows without an answer yet.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@options.client
@pass_session
def results(
    session: Session,
    job: str,
    target: Path | None,
    form: str | None,
    *,
    partial: bool,
    force: bool,
) -> None:
    """The rows of a job, in the order they were handed in.

    Without a file they are shown as they are now. A file is written once the job has ended;
    what breaks off is gone on with by the same command. Exit code 1 if rows have no answer.
    """
    if target is not None:
        record = save(session, job, target, form=form, partial=partial, force=force)
    else:
        record = read(session, job).body["data"]
        show_results(session, record, form)
    conclude(record)


@jobs.command(epilog=options.examples("prospect jobs cancel job_01j9x"))
@job_argument
@options.client
@pass_session
def cancel(session: Session, job: str) -> None:
    """Stop a job: what was not sent yet costs nothing."""
    from gateway.cli.following import path_of

    display.show(session, administration.request(session, "DELETE", path_of(job)))


def read(session: Session, job: str) -> Reply:
    from gateway.cli.following import path_of

    return administration.request(session, "GET", path_of(job))


def to_row(job: Mapping[str, Any]) -> dict[str, Any]:
    """A job as a line of a table: zeros say nothing."""
    counts = job.get("counts") or {}
    shown = {name: counts.get(name) or None for name in ("failed", "cancelled")}
    return {**job, **shown, "rows": counts.get("total"), "done": str(counts.get("done", 0))}


def conclude(job: JobRecord) -> None:
    """Ends with exit code 1 if rows failed or were cancelled."""
    counts = job.get("counts") or {}
    if counts.get("failed") or counts.get("cancelled") or job.get("status") == "failed":
        raise click.exceptions.Exit(FAILED)


def wait_for(session: Session, job: str) -> JobRecord:
    """The job once it has ended, its progress shown on stderr."""
    try:
        return session.run(lambda gateway: waiting(gateway, job), connections=2)
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; the job goes on at the gateway: prospect jobs watch {job}"
        ) from None


async def waiting(gateway: Gateway, job: str) -> JobRecord:
    from gateway.cli.client import pause_quietly
    from gateway.cli.enrich.gauge import Gauge, new_gauge
    from gateway.cli.following import follow, to_tally

    gauge: Gauge | None = None
    record: JobRecord = {}
    try:
        async with aclosing(follow(gateway, job, pause_quietly)) as changes:
            async for record in changes:
                tally = to_tally(record)
                gauge = gauge or new_gauge(record["counts"]["total"], tally.done)
                gauge.update(tally)
    finally:
        if gauge is not None:
            gauge.close()
    return record


def save(
    session: Session, job: str, target: Path, *, form: str | None, partial: bool, force: bool
) -> JobRecord:
    from gateway.cli.download import Download, format_of

    form = form or format_of(target)
    if target.exists() and not force:
        raise click.UsageError(f"{target} is there already; --force overwrites it")
    record: JobRecord = read(session, job).body["data"] if partial else wait_for(session, job)
    download = Download(target, job, form=form, total=record["counts"]["total"])
    if partial:
        download.part.unlink(missing_ok=True)
    fetch(session, download)
    click.echo(f"{download.total} rows → {target}", err=True)
    return record


def fetch(session: Session, download: Download) -> None:
    try:
        session.run(download.run)
    except Failure as failure:
        raise Failure(
            f"{failure.message}\n  the same command goes on from {download.part}",
            failure.exit_code,
        ) from None
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; the same command goes on from {download.part}") from None
    except OSError as error:
        raise Failure(f"cannot write {download.target}: {error.strerror or error}") from None


def show_results(session: Session, job: JobRecord, form: str | None) -> None:
    from gateway.cli.following import path_of

    if form is not None:
        pour_results(session, str(job["id"]), form)
        return
    path = f"{path_of(job['id'])}/results"
    reply = session.run(lambda gateway: gateway.list(path, {"limit": MOST}))
    if session.piped:
        display.show_json(reply.body)
        return
    rows = [to_result_row(row) for row in dicts(reply.body["data"])]
    display.show_rows(rows, to_columns(str(job["operation"])))


def pour_results(session: Session, job: str, form: str) -> None:
    from gateway.cli.download import pour

    session.run(lambda gateway: pour(gateway, job, form, sys.stdout.buffer))


def to_columns(operation: str) -> tuple[str, ...]:
    from gateway.cli.enrich.operations import OPERATIONS, ROUTE

    known = OPERATIONS.get(operation)
    found = tuple(name for name in known.columns if name not in ROUTE) if known else ("found",)
    return ("index", "row", *found, "outcome", "provider", "cost", "error")


def to_result_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's answer with what it cost; a list of answers as their number."""
    data, meta, error = row.get("data"), row.get("meta") or {}, row.get("error") or {}
    answer = data if isinstance(data, Mapping) else {}
    found = len(data) if isinstance(data, list) else None
    route = {name: meta.get(name) for name in ("outcome", "provider", "cost")}
    state = None if row.get("status") == "completed" else row.get("status")
    own = {"index": str(row.get("index")), "row": state, "error": error.get("code")}
    return {**answer, "found": found, **route, **own}
