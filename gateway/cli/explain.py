"""`prospect explain`: why a lookup asked whom."""

from __future__ import annotations

from urllib.parse import quote

import click

from gateway.cli import administration, display, options
from gateway.cli.failure import clean
from gateway.cli.session import Session, pass_session

PATH = "/v1/explain"
TEAMS = "/v1/admin/teams"


@click.command(
    epilog=options.examples(
        "prospect explain 0c1f9a52-req", "prospect explain job_0123.7 --team sales --json"
    )
)
@click.argument("request_id")
@click.option("--team", help="Of this team, by id or name.")
@options.client
@pass_session
def explain(session: Session, request_id: str, team: str | None) -> None:
    """Say why each provider came when it did, or not at all.

    REQUEST_ID is `meta.request_id` of a reply; for a row of a job, JOB_ID.INDEX.
    """
    params = {"team_id": administration.to_id(session, TEAMS, team)} if team else {}
    place = f"{PATH}/{quote(request_id, safe='')}"
    reply = administration.request(session, "GET", place, params=params)
    data = reply.body.get("data")
    if session.piped or not isinstance(data, dict):
        display.show_json(reply.body)
        return
    click.echo(f"{clean(data.get('operation'))}, order {clean(data.get('order'))}:")
    for sentence in data.get("sentences") or ():
        click.echo(f"  {clean(sentence)}")
    click.echo(TOLD[bool(data.get("replayed"))])
    display.show_remarks(reply.body.get("meta") or {})


TOLD = {
    True: "Made again from what is kept of it, each decision is the same, byte for byte.",
    False: "Made again from what is kept of it, a decision differs: another version made it.",
}
