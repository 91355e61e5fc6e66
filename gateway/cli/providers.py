"""`prospect providers`: what can be asked, and how it is doing."""

from __future__ import annotations

from urllib.parse import quote

import click

from gateway.cli import administration, display, options
from gateway.cli.session import Session, pass_session

PATH = "/v1/providers"
COLUMNS = ("provider", "name", "configured", "enabled", "operations", "breaker", "hit_rate")


@click.group(epilog=options.examples("prospect providers list", "prospect providers show snov"))
def providers() -> None:
    """The providers behind the gateway."""


@providers.command("list", epilog=options.examples("prospect providers list"))
@options.client
@pass_session
def list_providers(session: Session) -> None:
    """List the providers."""
    administration.show_list(session, PATH, COLUMNS)


@providers.command(epilog=options.examples("prospect providers show hunter"))
@click.argument("name")
@options.client
@pass_session
def show(session: Session, name: str) -> None:
    """Operations, prices, limits and state of one provider."""
    reply = administration.request(session, "GET", f"{PATH}/{quote(name, safe='')}")
    display.show(session, reply)
