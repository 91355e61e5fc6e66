"""What the administration commands share: objects of one kind by id or name, and budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from gateway.cli import display, options
from gateway.cli.failure import dicts
from gateway.cli.options import Decorator, kept
from gateway.cli.session import Session

if TYPE_CHECKING:
    from gateway.cli.client import Reply

PERIODS = ("day", "month", "total")
# What people say of some things, by the verb that the API has for all of them.
SAID = {"create": ("add",), "delete": ("revoke", "remove", "cancel")}


class Verbs(click.Group):
    """Commands that answer to the API's verbs, too."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        names = (cmd_name, *SAID.get(cmd_name, ()))
        return next((self.commands[name] for name in names if name in self.commands), None)


def request(session: Session, method: str, path: str, **parts: Any) -> Reply:
    """One exchange that has to succeed."""
    return session.run(lambda gateway: gateway.ask(method, path, **parts))


def show_list(
    session: Session, path: str, columns: Sequence[str], params: Mapping[str, str] | None = None
) -> None:
    display.show(session, session.run(lambda gateway: gateway.list(path, params)), columns)


def create(session: Session, path: str, body: Mapping[str, Any]) -> None:
    display.show(session, request(session, "POST", path, body=body))


def update(session: Session, path: str, name: str, changes: Mapping[str, Any]) -> None:
    if not changes:
        raise click.UsageError("nothing to change: give at least one option")
    identity = to_id(session, path, name)
    display.show(session, request(session, "PATCH", f"{path}/{identity}", body=changes))


def remove(session: Session, path: str, name: str, *, done: str) -> None:
    identity = to_id(session, path, name)
    reply = request(session, "DELETE", f"{path}/{identity}")
    if session.piped and reply.body:
        display.show_json(reply.body)
    click.echo(f"{name}: {done}", err=True)


def to_id(session: Session, path: str, name: str) -> str:
    """The id of the one object so named; the text itself if it is an id or matches nothing."""
    rows = dicts(session.run(lambda gateway: gateway.list(path)).body["data"])
    matches = [row["id"] for row in rows if row.get("name") == name and "id" in row]
    if any(row.get("id") == name for row in rows) or not matches:
        return quote(name, safe="")
    if len(matches) > 1:
        raise click.UsageError(f"{name!r} is the name of several: {', '.join(matches)}; use an id")
    return quote(str(matches[0]), safe="")


def to_budget(text: str) -> dict[str, str]:
    """`100/month` as the API has it."""
    amount, _, period = text.partition("/")
    if not amount or period not in PERIODS:
        raise click.BadParameter(
            f"{text!r}: expected AMOUNT/PERIOD, PERIOD one of day, month, total"
        )
    return {"amount": amount, "period": period}


def keep_budgets(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
    """One budget as an object, several as a list, `none` as null."""
    if not value:
        return
    budgets = None if list(value) == ["none"] else [to_budget(text) for text in value]
    fields = context.ensure_object(Session).fields
    fields["budget"] = budgets[0] if budgets and len(budgets) == 1 else budgets


budget = click.option(
    "--budget",
    multiple=True,
    metavar="AMOUNT/PERIOD",
    callback=keep_budgets,
    expose_value=False,
    help="Such as 100/month; period day, month or total; repeatable; `none` takes it away.",
)


def body_option(flag: str, to: str, text: str, **attributes: Any) -> Decorator[Any]:
    """An option that becomes the member `to` of the request's body."""
    return kept(flag, to=f"fields.{to}", help=text, **attributes)


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


limits = options.stack(
    budget,
    body_option("--alert-at", "alert_at", "Shares of it that raise an alert.", type=Shares()),
    body_option("--rate-limit-per-minute", "rate_limit_per_minute", "Calls a minute.", type=int),
    body_option("--max-concurrency", "max_concurrency", "Lookups at once.", type=int),
)
