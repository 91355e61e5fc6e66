"""`prospect suppress` and `prospect erase`: people and domains that are to be left alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from gateway.cli import administration, display, options
from gateway.cli.administration import body_option
from gateway.cli.failure import Failure, dicts
from gateway.cli.session import Session, pass_session

SUPPRESSIONS = "/v1/admin/suppressions"
ERASURES = "/v1/admin/erasures"
TRACES = "/v1/admin/traces"
COLUMNS = ("id", "kind", "domain", "reason", "source", "created_at")
ERASURE_COLUMNS = ("id", "status", "created_at", "finished_at", "removed", "left")
TRACE_COLUMNS = ("place", "provider", "operation", "team", "obtained_at", "expires_at", "sources")
ENDED = ("completed", "failed")
LOOK = 0.5

reason = body_option("--reason", "reason", "Why, in clear: no name belongs here.")


class Standing(administration.Verbs):
    """A first word that is no command is whom `add` is about."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            args = ["add", *args]
        return super().parse_args(ctx, args)


def to_member(whom: str) -> dict[str, str]:
    """An address, a profile or a domain, by its look; the gateway checks the spelling."""
    if "linkedin." in whom.lower() and "/" in whom:
        return {"linkedin_url": whom}
    return {"email" if "@" in whom else "domain": whom}


def to_person(session: Session, whom: str | None) -> dict[str, Any]:
    """Members of the body: what WHOM is, and the options."""
    given = to_member(whom) if whom else {}
    if "domain" in given:
        raise click.UsageError(
            f"{whom!r} is neither an address nor a profile; give --name NAME --domain {whom}"
        )
    body = {**given, **session.fields}
    if not body.keys() & {"email", "linkedin_url", "full_name"}:
        raise click.UsageError("say whom: an address, a profile, or --name with --domain")
    return body


@click.group(
    cls=Standing,
    epilog=options.examples(
        "prospect suppress ada@blue-harbor.example --reason 'asked by mail'",
        "prospect suppress rival.example",
        "prospect suppress list ada@blue-harbor.example",
        "prospect suppress remove sup_0123",
    ),
)
def suppress() -> None:
    """People and domains that nobody may look up, store or write to."""


@suppress.command(epilog=options.examples("prospect suppress add rival.example"))
@click.argument("whom")
@reason
@options.client
@pass_session
def add(session: Session, whom: str) -> None:
    """Suppress an address, a domain or a profile, in every spelling, for every team."""
    administration.create(session, SUPPRESSIONS, {**to_member(whom), **session.fields})


@suppress.command(
    "list",
    epilog=options.examples(
        "prospect suppress list", "prospect suppress list blue-harbor.example"
    ),
)
@click.argument("whom", required=False)
@options.client
@pass_session
def list_suppressions(session: Session, whom: str | None) -> None:
    """List objections; with WHOM only those that stop it."""
    administration.show_list(session, SUPPRESSIONS, COLUMNS, to_member(whom) if whom else None)


@suppress.command(
    epilog=options.examples(
        "prospect suppress remove sup_0123", "prospect suppress remove ada@blue-harbor.example"
    )
)
@click.argument("objection")
@options.client
@pass_session
def remove(session: Session, objection: str) -> None:
    """Take back an objection, given by its id or by whom it names."""
    ids = [objection]
    if "@" in objection or "." in objection:
        params = to_member(objection)
        found = session.run(lambda gateway: gateway.list(SUPPRESSIONS, params))
        ids = [row["id"] for row in dicts(found.body.get("data"))]
    if not ids:
        raise click.UsageError(f"nothing stops {objection}: see prospect suppress list")
    for one in ids:
        administration.request(session, "DELETE", f"{SUPPRESSIONS}/{quote(one, safe='')}")
        click.echo(f"{one}: taken back", err=True)


who = options.stack(
    click.argument("whom", required=False),
    body_option("--name", "full_name", "The person's name; with --domain."),
    body_option("--domain", "domain", "The domain at which the name is the person's."),
    body_option("--linkedin-url", "linkedin_url", "The person's profile, too."),
)


@click.group(
    cls=Standing,
    epilog=options.examples(
        "prospect erase ada@blue-harbor.example --reason 'asked by mail'",
        "prospect erase add --name 'Ada Lovelace' --domain blue-harbor.example",
        "prospect erase trace ada@blue-harbor.example --json > held.json",
        "prospect erase show era_0123",
    ),
)
def erase() -> None:
    """Take a person out of everything that is held, for good."""


@erase.command(
    "add",
    epilog=options.examples(
        "prospect erase add ada@blue-harbor.example",
        "prospect erase add --name 'Ada Lovelace' --domain blue-harbor.example --no-wait",
    ),
)
@who
@reason
@click.option("--wait/--no-wait", default=True, help="Stay until it is done [default wait].")
@options.client
@pass_session
def add_erasure(session: Session, whom: str | None, wait: bool) -> None:
    """Erase a person, and suppress them from now on. Ctrl-C ends the waiting only."""
    reply = administration.request(session, "POST", ERASURES, body=to_person(session, whom))
    data: Mapping[str, Any] = reply.body["data"]
    while wait and data["status"] not in ENDED:
        click.echo(f"{data['id']}: {data['status']}, passes {data['passes']}", err=True)
        time.sleep(LOOK)
        reply = administration.request(session, "GET", f"{ERASURES}/{data['id']}")
        data = reply.body["data"]
    display.show(session, reply)
    if data["status"] == "failed":
        raise Failure(f"{data['id']}: not everything could be removed, see `left`", exit_code=1)


@erase.command("list", epilog=options.examples("prospect erase list"))
@options.client
@pass_session
def list_erasures(session: Session) -> None:
    """List erasures, newest first."""
    administration.show_list(session, ERASURES, ERASURE_COLUMNS)


@erase.command(epilog=options.examples("prospect erase show era_0123"))
@click.argument("erasure")
@options.client
@pass_session
def show(session: Session, erasure: str) -> None:
    """Show what one erasure has removed."""
    path = f"{ERASURES}/{quote(erasure, safe='')}"
    display.show(session, administration.request(session, "GET", path))


@erase.command(
    epilog=options.examples("prospect erase trace ada@blue-harbor.example --json > held.json")
)
@who
@options.client
@pass_session
def trace(session: Session, whom: str | None) -> None:
    """Show what is held of a person and why: where, from whom, since when. Changes nothing."""
    body = to_person(session, whom)
    display.show(
        session, administration.request(session, "POST", TRACES, body=body), TRACE_COLUMNS
    )
