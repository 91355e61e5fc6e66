"""`prospect teams`: who spends, and how much they may."""

from __future__ import annotations

from typing import Any

import click

from gateway.cli import administration, options
from gateway.cli.administration import body_option
from gateway.cli.session import Session, pass_session

PATH = "/v1/admin/teams"
COLUMNS = ("id", "name", "budget", "rate_limit_per_minute", "max_concurrency")


def to_body(session: Session) -> dict[str, Any]:
    """The body so far, with the alerts in every budget, where the API has them."""
    body = {**session.fields}
    shares = body.pop("alert_at", None)
    if shares is None:
        return body
    budgets = body.get("budget")
    if not budgets:
        raise click.UsageError("--alert-at belongs to a --budget")
    for budget in budgets if isinstance(budgets, list) else [budgets]:
        budget["alert_at"] = shares
    return body


class Shares(options.Words):
    """Comma separated numbers."""

    name = "0.8,0.95"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[Any]:
        try:
            return [float(word) for word in super().convert(value, param, ctx)]
        except ValueError:
            self.fail(f"{value!r}: expected shares such as 0.8,0.95", param, ctx)


settings = options.stack(
    administration.budget,
    body_option("--alert-at", "alert_at", "Shares of it that raise an alert.", type=Shares()),
    body_option("--rate-limit-per-minute", "rate_limit_per_minute", "Calls a minute.", type=int),
    body_option("--max-concurrency", "max_concurrency", "Lookups at once.", type=int),
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
    administration.create(session, PATH, {"name": name, **to_body(session)})


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
    administration.update(session, PATH, team, to_body(session))


@teams.command(epilog=options.examples("prospect teams delete sales"))
@click.argument("team")
@options.client
@pass_session
def delete(session: Session, team: str) -> None:
    """Delete a team, given by id or name."""
    administration.remove(session, PATH, team, done="deleted")
