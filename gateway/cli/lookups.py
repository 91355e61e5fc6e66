"""`find`, `verify`, `company`, `person`: one lookup each."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gateway.cli import display, options
from gateway.cli.failure import Interrupted
from gateway.cli.session import Session, pass_session

if TYPE_CHECKING:
    from gateway.cli.client import Gateway, Reply


def field(flag: str, to: str, text: str, **attributes: Any) -> options.Decorator[Any]:
    return options.kept(flag, to=f"fields.{to}", help=text, **attributes)


WANT = field(
    "--want",
    "want",
    "Ask on until these fields are known, such as job_title,phone.",
    type=options.Words(),
)


@click.command(
    epilog=options.examples(
        'prospect find "Ada Lovelace" blue-harbor.example',
        'prospect find --first-name Ada --last-name Lovelace --company "Blue Harbor"',
        "prospect find --linkedin-url https://www.linkedin.com/in/ada --max-cost 0.10 --json",
    )
)
@click.argument("who", required=False, metavar="[NAME]")
@click.argument("where", required=False, metavar="[DOMAIN]")
@options.stack(
    field("--first-name", "first_name", "Given name."),
    field("--last-name", "last_name", "Family name."),
    field("--domain", "domain", "The company's domain."),
    field("--company", "company", "The company's name."),
    field("--linkedin-url", "linkedin_url", "The person's profile."),
    field(
        "--kind",
        "kind",
        "Which address [default professional].",
        type=click.Choice(["professional", "personal"]),
    ),
    options.lookup,
)
@pass_session
def find(session: Session, who: str | None, where: str | None) -> None:
    """Find the e-mail address of a person.

    NAME is a full name or a LinkedIn URL; DOMAIN is a domain or a company's name.
    """
    if who:
        session.fields["linkedin_url" if is_profile(who) else "full_name"] = who
    if where:
        session.fields["domain" if is_domain(where) else "company"] = where
    look_up(session, "/v1/emails/find")


@click.command(epilog=options.examples("prospect verify ada@blue-harbor.example"))
@click.argument("email")
@options.lookup
@pass_session
def verify(session: Session, email: str) -> None:
    """Check whether an e-mail address can be written to."""
    session.fields["email"] = email
    look_up(session, "/v1/emails/verify")


@click.command(
    epilog=options.examples(
        "prospect company blue-harbor.example",
        'prospect company "Blue Harbor" --providers snov',
    )
)
@click.argument("which", metavar="DOMAIN")
@options.stack(WANT, options.lookup)
@pass_session
def company(session: Session, which: str) -> None:
    """Look up a company by its domain, or by its name."""
    session.fields["domain" if is_domain(which) else "company"] = which
    look_up(session, "/v1/companies/enrich")


@click.command(
    epilog=options.examples(
        "prospect person ada@blue-harbor.example",
        "prospect person https://www.linkedin.com/in/ada",
        "prospect person ada@blue-harbor.example --want job_title,phone",
    )
)
@click.argument("who", metavar="EMAIL_OR_PROFILE")
@options.stack(WANT, options.lookup)
@pass_session
def person(session: Session, who: str) -> None:
    """Look up a person by e-mail address or LinkedIn profile."""
    session.fields["linkedin_url" if is_profile(who) else "email"] = who
    look_up(session, "/v1/people/enrich")


def look_up(session: Session, path: str) -> None:
    if not set(session.fields) - {"kind"}:
        raise click.UsageError('say whom to look for, as in: "Ada Lovelace" blue-harbor.example')
    body = {**session.fields}
    if session.routing:
        body["routing"] = session.routing
    if session.tag:
        body["tag"] = session.tag
    with spinner():
        reply = ask(session, path, body)
    display.show_lookup(session, reply)


def ask(session: Session, path: str, body: dict[str, Any]) -> Reply:
    try:
        return session.run(asking(session, path, body))
    except KeyboardInterrupt:
        if session.pending is None:
            raise
        raise Interrupted(
            f"interrupted; the lookup goes on at the gateway as {session.pending}\n"
            "  the same command again picks up its answer without paying twice"
        ) from None


def asking(
    session: Session, path: str, body: dict[str, Any]
) -> Callable[[Gateway], Awaitable[Reply]]:
    from gateway.cli.client import pause_quietly

    def remember(job: str) -> None:
        session.pending = job

    async def work(gateway: Gateway) -> Reply:
        reply = await gateway.look_up(path, body, pause=pause_quietly, pending=remember)
        return gateway.expect(reply)

    return work


@contextmanager
def spinner() -> Iterator[None]:
    """Only where somebody sees it."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("looking…"):
        yield


def is_profile(text: str) -> bool:
    return "linkedin.com/" in text.lower()


def is_domain(text: str) -> bool:
    return "." in text.strip(".") and not any(c.isspace() for c in text.strip())
