"""`prospect keys`: who may call the gateway."""

from __future__ import annotations

import click

from gateway.cli import administration, options
from gateway.cli.administration import body_option
from gateway.cli.session import Session, pass_session

PATH = "/v1/admin/keys"
TEAMS = "/v1/admin/teams"
COLUMNS = ("id", "name", "team_id", "scopes", "budget", "expires_at")

settings = options.stack(
    body_option(
        "--scopes",
        "scopes",
        "Among lookup, jobs, accounts:read, accounts:write, native, usage, admin.",
        type=options.Words(),
    ),
    body_option("--expires-at", "expires_at", "ISO 8601, such as 2027-01-01T00:00:00Z."),
    administration.limits,
    options.client,
)


@click.group(
    cls=administration.Verbs,
    epilog=options.examples("prospect keys create --team sales --name crm --scopes lookup"),
)
def keys() -> None:
    """API keys of the teams."""


@keys.command("list", epilog=options.examples("prospect keys list"))
@options.client
@pass_session
def list_keys(session: Session) -> None:
    """List the keys; the keys themselves are never shown again."""
    administration.show_list(session, PATH, COLUMNS)


@keys.command(
    epilog=options.examples("prospect keys create --team sales --name crm --scopes lookup,jobs")
)
@click.option("--team", default="default", show_default=True, help="The team, by id or name.")
@click.option("--name", required=True, help="What the key is for.")
@settings
@pass_session
def create(session: Session, team: str, name: str) -> None:
    """Create a key. It is shown this once."""
    owner = administration.to_id(session, TEAMS, team)
    fields = {"scopes": ["lookup"], **administration.to_body(session)}
    administration.create(session, PATH, {"team_id": owner, "name": name, **fields})
    click.echo("Keep the key now: it is not shown again.", err=True)


@keys.command(epilog=options.examples("prospect keys update crm --scopes lookup --budget 5/day"))
@click.argument("which", metavar="KEY")
@body_option("--name", "name", "A new name.")
@settings
@pass_session
def update(session: Session, which: str) -> None:
    """Change a key, given by id or name."""
    administration.update(session, PATH, which, administration.to_body(session))


@keys.command(
    epilog=options.examples(
        "prospect keys rotate crm --grace-seconds 86400",
        "prospect keys rotate crm --grace-seconds 0",
    )
)
@click.argument("which", metavar="KEY")
@body_option(
    "--grace-seconds",
    "grace_seconds",
    "How long the old text works on; an hour if not given.",
    type=click.IntRange(min=0),
)
@options.client
@pass_session
def rotate(session: Session, which: str) -> None:
    """Give a key, by id or name, a new text. It is shown this once."""
    identity = administration.to_id(session, PATH, which)
    administration.create(session, f"{PATH}/{identity}/rotate", session.fields)
    click.echo("Keep the key now: it is not shown again.", err=True)


@keys.command(epilog=options.examples("prospect keys revoke crm"))
@click.argument("which", metavar="KEY")
@options.client
@pass_session
def revoke(session: Session, which: str) -> None:
    """Revoke a key, given by id or name, for good."""
    administration.remove(session, PATH, which, done="revoked")
