"""`prospect providers`: what can be asked, and how it is doing."""

from __future__ import annotations

from urllib.parse import quote

import click

from gateway.cli import administration, display, options
from gateway.cli.administration import body_option
from gateway.cli.session import Session, pass_session

PATH = "/v1/providers"
BREAKERS = "/v1/admin/providers"
BREAKER_COLUMNS = ("credential", "operation", "state", "fails", "until", "forced")
COLUMNS = ("name", "configured", "breaker", "concurrency", "currency")


@click.group(epilog=options.examples("prospect providers list", "prospect providers show snov"))
def providers() -> None:
    """The providers behind the gateway."""


@providers.command("list", epilog=options.examples("prospect providers list"))
@options.client
@pass_session
def list_providers(session: Session) -> None:
    """List the providers."""
    administration.show_list(session, PATH, COLUMNS)


@providers.command(
    epilog=options.examples(
        "prospect providers breakers hunter",
        "prospect providers breakers hunter --force open --operation emails.verify",
        "prospect providers breakers hunter --force auto",
    )
)
@click.argument("name")
@body_option(
    "--force",
    "state",
    "Leave its accounts alone, ask them whatever happens, or let the gateway decide.",
    type=click.Choice(["open", "closed", "auto"]),
)
@body_option("--operation", "operation", "Only this operation.")
@body_option("--credential", "credential", "Only this credential, by id or name.")
@options.client
@pass_session
def breakers(session: Session, name: str) -> None:
    """Which accounts are left alone because they fail; or force them."""
    path = f"{BREAKERS}/{quote(name, safe='')}/breakers"
    if not session.fields:
        administration.show_list(session, path, BREAKER_COLUMNS)
        return
    if "state" not in session.fields:
        raise click.UsageError("--force is needed")
    reply = administration.request(session, "PUT", path, body=session.fields)
    display.show(session, reply, BREAKER_COLUMNS)


@providers.command(epilog=options.examples("prospect providers show hunter"))
@click.argument("name")
@options.client
@pass_session
def show(session: Session, name: str) -> None:
    """Operations, prices, limits and state of one provider."""
    reply = administration.request(session, "GET", f"{PATH}/{quote(name, safe='')}")
    display.show(session, reply)


@providers.command(
    epilog=options.examples(
        "prospect providers account hunter", "prospect providers account snov --credential main"
    )
)
@click.argument("name")
@click.option("--credential", help="The account, by id or name of its credential.")
@options.client
@pass_session
def account(session: Session, name: str, credential: str | None) -> None:
    """Plan and balance of the account at one provider."""
    path = f"{PATH}/{quote(name, safe='')}/account"
    params = {"credential": credential} if credential else None
    display.show(session, administration.request(session, "GET", path, params=params))
