"""`prospect ledger` and `prospect usage`: what was spent, by whom, and whether that is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from gateway.cli import administration, display, options
from gateway.cli.administration import body_option
from gateway.cli.options import kept
from gateway.cli.serving import config_file
from gateway.cli.session import Session, pass_session

PATH = "/v1/admin/ledger"
RECONCILE = "/v1/admin/reconcile"
TEAMS, KEYS = "/v1/admin/teams", "/v1/admin/keys"
COLUMNS = ("id", "state", "at", "team", "key", "provider", "operation", "tag", "units", "cost")
STATES = ("reserved", "dispatched", "posted", "voided", "in_doubt")
GROUPS = "team, key, provider, credential, operation, day, tag"

span = options.stack(
    kept("--key-id", to="fields.key", help="Only this key, by id."),
    kept("--provider", to="fields.provider", help="Only this provider."),
    kept("--credential", to="fields.credential", help="Only this credential, by id."),
    kept("--operation", to="fields.operation", help="Only this operation."),
    kept("--state", to="fields.state", type=click.Choice(STATES), help="Only entries like that."),
    kept("--tag", to="fields.tag", help="Only calls with this tag."),
    kept("--from", to="fields.from", metavar="WHEN", help="A day, or a time with a zone."),
    kept("--to", to="fields.to", metavar="WHEN", help="A day, included; or a time, excluded."),
)
team = kept("--team", to="fields.team", help="Only this team, by id or name.")
group_by = kept("--group-by", to="fields.group_by", metavar="a,b,…", help=f"Any of {GROUPS}.")


def to_params(session: Session) -> dict[str, str]:
    """The filters as the API has them, names of teams and keys as ids."""
    params: dict[str, Any] = {**session.fields}
    for name, path in (("team", TEAMS), ("key", KEYS)):
        if name in params:
            params[name] = administration.to_id(session, path, params[name])
    return params


def show_sums(session: Session, path: str, params: dict[str, str]) -> None:
    reply = administration.request(session, "GET", path, params=params)
    display.show(session, reply)


@click.command(
    epilog=options.examples(
        "prospect usage --group-by provider,operation",
        "prospect usage --group-by day,tag --from 2026-11-01 --json",
    )
)
@group_by
@span
@options.client
@pass_session
def usage(session: Session) -> None:
    """What the team of this key has spent."""
    show_sums(session, "/v1/usage", {**session.fields})


@click.group(
    epilog=options.examples(
        "prospect ledger list --team sales --state in_doubt",
        "prospect ledger summary --group-by team,day --from 2026-11-01",
        "prospect ledger reconcile",
        "prospect ledger resolve res_0123_0 --state voided --note 'not on the invoice'",
        "prospect ledger verify data/journal",
    )
)
def ledger() -> None:
    """Every reservation and what came of it."""


@ledger.command("list", epilog=options.examples("prospect ledger list --team sales --json"))
@team
@span
@options.client
@pass_session
def list_entries(session: Session) -> None:
    """List the entries, newest first."""
    administration.show_list(session, PATH, COLUMNS, to_params(session))


@ledger.command(
    epilog=options.examples("prospect ledger summary --group-by team,provider --to 2026-11-30")
)
@team
@group_by
@span
@options.client
@pass_session
def summary(session: Session) -> None:
    """Sums by any combination; without --group-by, the total."""
    show_sums(session, f"{PATH}/summary", to_params(session))


@ledger.command(
    epilog=options.examples("prospect ledger reconcile", "prospect ledger reconcile --accept")
)
@click.option(
    "--accept",
    is_flag=True,
    help="Go on with a store that came back older, after journals were read back.",
)
@options.client
@pass_session
def reconcile(session: Session, accept: bool) -> None:
    """Clear up what is in doubt, and list what providers count otherwise."""
    reply = administration.request(session, "POST", RECONCILE, body={"accept": accept})
    display.show(session, reply)


@ledger.command(
    epilog=options.examples(
        "prospect ledger resolve res_0123_0 --state posted --note 'seen on the invoice'",
        "prospect ledger resolve res_0123_0 --state posted --units 1 --note 'ticket 4711'",
        "prospect ledger resolve res_0123_0 --state voided --note 'not on the invoice'",
    )
)
@click.argument("entry", metavar="ENTRY")
@body_option("--state", "state", "What came of the call.", type=click.Choice(["posted", "voided"]))
@body_option("--note", "note", "How that is known; kept with the entry.")
@body_option("--units", "units", "What was charged; the worst case if not given.", type=float)
@options.client
@pass_session
def resolve(session: Session, entry: str) -> None:
    """End the doubt about a call, by your word."""
    for name in ("state", "note"):
        if name not in session.fields:
            raise click.UsageError(f"--{name} is needed")
    path = f"{PATH}/{quote(entry, safe='')}/resolve"
    reply = administration.request(session, "POST", path, body=session.fields)
    display.show(session, reply)


@ledger.command(
    epilog=options.examples(
        "prospect ledger verify",
        "prospect ledger verify /srv/gateway-1/journal /srv/gateway-2/journal",
    )
)
@click.argument(
    "folders",
    metavar="[DIR]…",
    nargs=-1,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@config_file
@click.pass_context
def verify(context: click.Context, folders: tuple[Path, ...], config: Path | None) -> None:
    """Hold the journals of all processes against the ledger in the store.

    The store is GATEWAY_STORE_URL, else that of the gateway which serves the data directory;
    without either the journals are checked among themselves. DIR is a folder of journals
    [default the data directory's]. Exit codes: 0 equal, 1 differences, 4 no store answers.
    """
    from gateway.cli.verification import run

    context.exit(run(folders, config))
