"""`prospect`: the commands together, and what becomes of their errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from gateway.cli import lookups, options, serving
from gateway.cli.credentials import credentials
from gateway.cli.enrich.command import enrich
from gateway.cli.explain import explain
from gateway.cli.failure import INTERRUPTED, Failure
from gateway.cli.jobs import jobs
from gateway.cli.keys import keys
from gateway.cli.ledger import ledger, usage
from gateway.cli.objections import erase, suppress
from gateway.cli.providers import providers
from gateway.cli.routes import routes
from gateway.cli.teams import teams

COMMANDS: Sequence[click.Command] = (
    serving.serve,
    serving.worker,
    lookups.find,
    lookups.verify,
    lookups.company,
    lookups.person,
    enrich,
    jobs,
    teams,
    keys,
    credentials,
    providers,
    routes,
    usage,
    ledger,
    suppress,
    erase,
    explain,
)


class Ordered(click.Group):
    """Lists the commands as they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=Ordered,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99},
    epilog=options.examples(
        "prospect serve --sandbox",
        'prospect find "Ada Lovelace" blue-harbor.example',
        "prospect enrich people.csv -o found.csv",
        "prospect teams create sales --budget 100/month",
    ),
)
@options.reach(envvars=True)
@click.version_option(package_name="prospecting-gateway")
def prospect() -> None:
    """One gateway in front of every prospecting provider.

    Exit codes: 0 done, 1 some rows failed, 2 usage, 3 refused (budget, authentication),
    4 unreachable, 130 interrupted.
    """


for command in COMMANDS:
    prospect.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point; ends the process with the exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code, once the one message is on stderr."""
    try:
        args = None if arguments is None else list(arguments)
        code = prospect.main(args=args, prog_name="prospect", standalone_mode=False)
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except Failure as failure:
        click.echo(f"prospect: {failure.message}", err=True)
        return failure.exit_code
    except click.Abort:
        click.echo("prospect: interrupted", err=True)
        return INTERRUPTED
    return code if isinstance(code, int) else 0
