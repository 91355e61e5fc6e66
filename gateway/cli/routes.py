"""`prospect routes`: the default routing of each operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from gateway.cli import administration, display, options
from gateway.cli.session import Session, pass_session

if TYPE_CHECKING:
    from gateway.cli.client import Gateway, Reply

PATH = "/v1/admin/routes"
TEAMS = "/v1/admin/teams"
OPERATIONS = (
    "emails.find",
    "emails.verify",
    "people.enrich",
    "companies.enrich",
    "domains.search",
    "emails.count",
    "contacts.search",
    "companies.search",
)
COLUMNS = (
    "operation",
    "providers",
    "order",
    "accept",
    "verify",
    "max_cost",
    "value",
    "wait_price",
    "max_age",
    "timeout",
)

team = click.option("--team", help="The routing of this team, by id or name.")


@click.group(epilog=options.examples("prospect routes set emails.find --providers snov,hunter"))
def routes() -> None:
    """Default routing per operation."""


@routes.command("list", epilog=options.examples("prospect routes list --team sales"))
@team
@options.client
@pass_session
def list_routes(session: Session, team: str | None) -> None:
    """List the routing of every operation."""
    display.show(session, session.run(listing(to_params(session, team))), COLUMNS)


def listing(params: dict[str, str]) -> Callable[[Gateway], Awaitable[Reply]]:
    """Operation by operation: the API has no list of routes."""
    from gateway.cli.client import Reply

    async def work(gateway: Gateway) -> Reply:
        rows: list[dict[str, Any]] = []
        for operation in OPERATIONS:
            reply = await gateway.send("GET", f"{PATH}/{operation}", params=params)
            if reply.status == 404:
                continue
            route = gateway.expect(reply).body.get("data") or {}
            rows.append({**route, "operation": operation})
        return Reply(200, {"data": rows, "meta": {}})

    return work


@routes.command(epilog=options.examples("prospect routes show emails.find"))
@click.argument("operation")
@team
@options.client
@pass_session
def show(session: Session, operation: str, team: str | None) -> None:
    """Show the routing of one operation."""
    params = to_params(session, team)
    display.show(session, administration.request(session, "GET", place(operation), params=params))


@routes.command(
    "set",
    epilog=options.examples(
        "prospect routes set emails.find --providers snov,hunter --accept valid,catch_all",
        "prospect routes set emails.find --order cheapest --max-cost 0.10 --team sales",
    ),
)
@click.argument("operation")
@team
@options.routing
@options.client
@pass_session
def put(session: Session, operation: str, team: str | None) -> None:
    """Replace the routing of one operation by the options given."""
    if not session.routing:
        raise click.UsageError("say what to set, such as --providers snov,hunter")
    params = to_params(session, team)
    parts = {"params": params, "body": session.routing}
    display.show(session, administration.request(session, "PUT", place(operation), **parts))


def place(operation: str) -> str:
    return f"{PATH}/{quote(operation, safe='')}"


def to_params(session: Session, team: str | None) -> dict[str, str]:
    return {"team_id": administration.to_id(session, TEAMS, team)} if team else {}
