"""`prospect teams`: who spends, and how much they may."""

from __future__ import annotations

import click

from gateway.cli import administration, options
from gateway.cli.administration import body_option
from gateway.cli.session import Session, pass_session

PATH = "/v1/admin/teams"
COLUMNS = (
    "id",
    "name",
    "budget",
    "rate_limit_per_minute",
    "max_concurrency",
    "value",
    "wait_price",
)


settings = options.stack(
    administration.limits,
    body_option("--value", "value", "What an answer is worth to it: nobody dearer is asked."),
    body_option("--wait-price", "wait_price", "What a second of waiting costs it."),
    options.client,
)


@click.group(epilog=options.examples("prospect teams list", "prospect teams create sales"))
def teams() -> None:
    """Teams and their budgets."""


@teams.command("list", epilog=options.examples("prospect teams list --json"))
@options.client
@pass_session
def list_teams(session: Session) -> None:
    """List the teams."""
    administration.show_list(session, PATH, COLUMNS)


@teams.command(
    epilog=options.examples("prospect teams create sales --budget 100/month --budget 10/day")
)
@click.argument("name")
@settings
@pass_session
def create(session: Session, name: str) -> None:
    """Create a team; without a budget it has no limit."""
    administration.create(session, PATH, {"name": name, **administration.to_body(session)})


@teams.command(
    epilog=options.examples(
        "prospect teams update sales --budget 200/month --alert-at 0.8,0.95",
        "prospect teams update sales --budget none",
    )
)
@click.argument("team")
@body_option("--name", "name", "A new name.")
@settings
@pass_session
def update(session: Session, team: str) -> None:
    """Change a team, given by id or name."""
    administration.update(session, PATH, team, administration.to_body(session))


@teams.command(epilog=options.examples("prospect teams delete sales"))
@click.argument("team")
@options.client
@pass_session
def delete(session: Session, team: str) -> None:
    """Delete a team, given by id or name."""
    administration.remove(session, PATH, team, done="deleted")
