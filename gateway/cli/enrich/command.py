"""The `prospect enrich` command line."""

from __future__ import annotations

from pathlib import Path

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
)
how = options.stack(
    kept(
        "--concurrency",
        to="fields.concurrency",
        type=click.IntRange(1, 256),
        help="Rows in flight at once [default 8].",
    ),
    kept("--yes", "-y", to="fields.yes", is_flag=True, help="Start without asking."),
    kept("--force", to="fields.force", is_flag=True, help="Overwrite an OUT.csv of another run."),
    kept("--restart", to="fields.restart", is_flag=True, help="Throw an unfinished run away."),
)


@click.command(
    epilog=options.examples(
        "prospect enrich people.csv -o found.csv",
        "prospect enrich people.csv -o found.csv --map domain=Homepage --max-cost 0.10 --yes",
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
@how
@options.lookup
@pass_session
def enrich(session: Session, source: Path, target: Path) -> None:
    """Send every row of a CSV file through the gateway.

    The columns are guessed from the headings and shown before it starts. After Ctrl-C the
    same command goes on where it stopped, without paying twice; after the end it makes
    OUT.csv anew, from the gateway's cache.
    """
    from gateway.cli.enrich.execution import carry_out
    from gateway.cli.enrich.plan import make_plan

    carry_out(session, make_plan(session, source, target))
