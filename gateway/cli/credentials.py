"""`prospect credentials`: the accounts at the providers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gateway.cli import administration, display, options
from gateway.cli.administration import body_option
from gateway.cli.session import Session, pass_session

PATH = "/v1/admin/credentials"
COLUMNS = ("id", "provider", "name", "status", "enabled", "weight", "team_ids", "limits")


def keep_secret(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """The text itself, `@FILE`, or `-` for a hidden prompt or a line of piped input."""
    if value is None:
        return
    if value == "-":
        value = ask_secret(str(parameter.name))
    elif value.startswith("@"):
        try:
            value = Path(value[1:]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"cannot read that file ({type(error).__name__})") from None
    fields = context.ensure_object(Session).fields
    fields.setdefault("secret", {})[parameter.name] = value


def ask_secret(name: str) -> str:
    """Several secrets from a pipe are its lines, in the order of their options."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, err=True))
    try:
        line = sys.stdin.readline().strip()
    except UnicodeDecodeError:
        line = ""
    if not line:
        raise click.BadParameter("`-` found no line of text on standard input")
    return line


def keep_pairs(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """`NAME=NUMBER` pairs as one object; limits are numbers, prices decimal texts."""
    if not value:
        return
    limits = parameter.name == "limits"
    pairs = dict(text.rpartition("=")[::2] for text in value)
    try:
        numbers = {name: float(number) for name, number in pairs.items() if name}
    except ValueError:
        numbers = {}
    if len(numbers) != len(value):
        raise click.BadParameter("expected NAME=NUMBER, each name once")
    whole = {name: int(n) if n.is_integer() else n for name, n in numbers.items()}
    fields = context.ensure_object(Session).fields
    fields[str(parameter.name)] = whole if limits else pairs


def secret(flag: str, text: str) -> Any:
    return click.option(flag, callback=keep_secret, expose_value=False, metavar="TEXT", help=text)


def pairs(flag: str, name: str, text: str) -> Any:
    return click.option(
        flag,
        name,
        multiple=True,
        callback=keep_pairs,
        expose_value=False,
        metavar="NAME=NUMBER",
        help=text,
    )


settings = options.stack(
    secret(
        "--api-key", "The provider's key; `-` asks for it or reads a piped line, `@FILE` a file."
    ),
    secret("--client-id", "OAuth client id, in the same three ways."),
    secret("--client-secret", "OAuth client secret, in the same three ways."),
    secret("--token", "The provider's token, in the same three ways."),
    body_option("--weight", "weight", "Share of the calls.", type=click.IntRange(min=0)),
    body_option("--teams", "team_ids", "Only these teams, by id.", type=options.Words()),
    click.option("--exclusive/--shared", default=None, help="Is nobody else using the account?"),
    click.option("--enabled/--disabled", default=None, help="May it be used?"),
    pairs("--price", "prices", "Price per unit, such as emails.find=0.049; repeatable."),
    pairs("--limit", "limits", "Such as units_month=5000 or per_second=10; repeatable."),
    options.client,
)


def switches(session: Session, exclusive: bool | None, enabled: bool | None) -> dict[str, Any]:
    """The body so far; `kept` options cannot carry a no."""
    given = {"exclusive": exclusive, "enabled": enabled}
    return {**session.fields, **{name: on for name, on in given.items() if on is not None}}


@click.group(
    cls=administration.Verbs,
    epilog=options.examples("prospect credentials add hunter --name main --api-key -"),
)
def credentials() -> None:
    """Credentials of the providers; secrets go in and never come back."""


@credentials.command("list", epilog=options.examples("prospect credentials list"))
@options.client
@pass_session
def list_credentials(session: Session) -> None:
    """List the credentials."""
    administration.show_list(session, PATH, COLUMNS)


@credentials.command(
    epilog=options.examples(
        "prospect credentials add hunter --name main --api-key -",
        "prospect credentials add snov --name eu --client-id @id.txt --client-secret @secret.txt",
        "prospect credentials add letrics --name main --token @token.txt --limit per_second=2",
    )
)
@click.argument("provider")
@click.option("--name", default="main", show_default=True, help="Told apart by this.")
@settings
@pass_session
def add(
    session: Session, provider: str, name: str, exclusive: bool | None, enabled: bool | None
) -> None:
    """Store a credential of PROVIDER, encrypted."""
    body = switches(session, exclusive, enabled)
    if "secret" not in body:
        raise click.UsageError(
            "give --api-key, or --client-id and --client-secret, or --token; `-` asks unseen"
        )
    administration.create(session, PATH, {"provider": provider, "name": name, **body})


@credentials.command(
    epilog=options.examples(
        "prospect credentials update main --weight 2 --limit units_month=5000",
        "prospect credentials update main --disabled",
    )
)
@click.argument("credential")
@body_option("--name", "name", "A new name.")
@settings
@pass_session
def update(
    session: Session, credential: str, exclusive: bool | None, enabled: bool | None
) -> None:
    """Change a credential, given by id or name."""
    administration.update(session, PATH, credential, switches(session, exclusive, enabled))


@credentials.command(epilog=options.examples("prospect credentials check main"))
@click.argument("credential")
@options.client
@pass_session
def check(session: Session, credential: str) -> None:
    """Ask the provider whether it takes a credential, given by id or name; free."""
    identity = administration.to_id(session, PATH, credential)
    reply = administration.request(session, "POST", f"{PATH}/{identity}/check")
    display.show(session, reply)


@credentials.command(epilog=options.examples("prospect credentials delete main"))
@click.argument("credential")
@options.client
@pass_session
def delete(session: Session, credential: str) -> None:
    """Delete a credential, given by id or name."""
    administration.remove(session, PATH, credential, done="deleted")
