"""The `prospect enrich` command line."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from gateway.cli import options
from gateway.cli.enrich.operations import OPERATIONS
from gateway.cli.options import kept
from gateway.cli.session import Session, pass_session

what = options.stack(
    kept(
        "--operation",
        to="fields.operation",
        type=click.Choice(list(OPERATIONS)),
        help="What is asked of each row [default emails.find].",
    ),
    kept(
        "--map",
        to="fields.map",
        multiple=True,
        metavar="FIELD=HEADING",
        help="The column of a field, over the guess; FIELD= leaves it out; repeatable.",
    ),
    kept(
        "--kind",
        to="fields.kind",
        type=click.Choice(["professional", "personal"]),
        help="Which address emails.find looks for [default professional].",
    ),
    kept(
        "--want",
        to="fields.want",
        type=options.Words(),
        help="people.enrich and companies.enrich ask on until these fields are known.",
    ),
)


class Amount(click.ParamType[Decimal]):
    """Money."""

    name = "amount"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount such as 25.50", param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is not a positive amount", param, ctx)
        return amount


def keep_choice(context: click.Context, _parameter: click.Parameter, value: bool | None) -> None:
    """`--jobs` and `--no-jobs` are both said; neither is a choice left to the file's size."""
    if value is not None:
        context.ensure_object(Session).fields["jobs"] = value


by_jobs = options.stack(
    click.option(
        "--jobs/--no-jobs",
        default=None,
        callback=keep_choice,
        expose_value=False,
        help="Hand the rows in as jobs, or send them one by one [default by the file's size].",
    ),
    kept(
        "--jobs-above",
        to="fields.jobs_above",
        type=click.IntRange(min=0),
        metavar="ROWS",
        help="Files of more rows go as jobs [default 200].",
    ),
    kept(
        "--job-rows",
        to="fields.job_rows",
        type=click.IntRange(1, 10_000),
        metavar="ROWS",
        help="Rows in one job at most [default 2000].",
    ),
    kept(
        "--budget",
        to="fields.budget",
        type=Amount(),
        metavar="AMOUNT",
        help="Hard cap for the whole file; its jobs then go one after the other.",
    ),
)
how = options.stack(
    kept(
        "--concurrency",
        to="fields.concurrency",
        type=click.IntRange(1, 256),
        help="Rows in flight at once, without jobs [default 8].",
    ),
    kept("--yes", "-y", to="fields.yes", is_flag=True, help="Start without asking."),
    kept("--force", to="fields.force", is_flag=True, help="Overwrite an OUT.csv of another run."),
    kept("--restart", to="fields.restart", is_flag=True, help="Throw an unfinished run away."),
)


@click.command(
    epilog=options.examples(
        "prospect enrich people.csv -o found.csv",
        "prospect enrich people.csv -o found.csv --map domain=Homepage --max-cost 0.10 --yes",
        "prospect enrich crm-export.csv -o found.csv --budget 250 --yes",
        "prospect enrich list.csv -o checked.csv --operation emails.verify --concurrency 16",
    )
)
@click.argument(
    "source", metavar="IN.csv", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="OUT.csv",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The rows of IN.csv with the answers appended.",
)
@what
@by_jobs
@how
@options.lookup
@pass_session
def enrich(session: Session, source: Path, target: Path) -> None:
    """Send every row of a CSV file through the gateway.

    The columns are guessed from the headings and shown before it starts. After Ctrl-C the
    same command goes on where it stopped, without paying twice; after the end it makes
    OUT.csv anew, from the gateway's cache.

    The rows of a large file are handed in as jobs. They go on without this command, whatever
    ends it, and wait for it: it fetches what they found whenever it is run again.
    """
    from gateway.cli.enrich.execution import carry_out
    from gateway.cli.enrich.plan import make_plan

    carry_out(session, make_plan(session, source, target))
