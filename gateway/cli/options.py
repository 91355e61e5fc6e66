"""Options that several commands share, gathered into the session instead of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gateway.cli.session import DEFAULT_URL, Session

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Command], Command]


def keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Puts a given value at a dotted place of the session, such as `routing.max_cost`."""

    def put(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value is None or value is False:
            return
        session = context.ensure_object(Session)
        place, _, rest = name.partition(".")
        if not rest:
            setattr(session, place, value)
            return
        holder = getattr(session, place)
        *parents, last = rest.split(".")
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = value

    return put


def kept(*declarations: str, to: str, **attributes: Any) -> Decorator[Any]:
    """An option whose value goes to the session's `to`."""
    return click.option(*declarations, callback=keep(to), expose_value=False, **attributes)


def stack(*decorators: Decorator[Any]) -> Decorator[Any]:
    """Several decorators as one; `--help` lists them in this order."""

    def apply(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return apply


def split(
    _context: click.Context | None, _parameter: click.Parameter | None, value: str | None
) -> list[str] | None:
    """`a,b` as a list; none stays none, an empty text is the empty list."""
    return None if value is None else [word.strip() for word in value.split(",") if word.strip()]


class Words(click.ParamType[list[str]]):
    """Comma separated words."""

    name = "a,b,…"

    def convert(
        self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None
    ) -> list[str]:
        return value if isinstance(value, list) else split(None, None, value) or []


class Number(click.ParamType[int | float]):
    """A number of seconds; sent as an integer where it is one."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        if not 0 <= number < float("inf"):
            self.fail(f"{value!r} is not a positive number of seconds", param, ctx)
        return int(number) if number.is_integer() else number


def reach(envvars: bool = False) -> Decorator[Any]:
    """`--url` and `--key`; only the root reads the environment, so that options win over it."""
    return stack(
        kept(
            "--url",
            to="url",
            metavar="URL",
            envvar="PROSPECT_URL" if envvars else None,
            help=f"The gateway's address [env PROSPECT_URL; default {DEFAULT_URL}].",
        ),
        kept(
            "--key",
            to="key",
            metavar="KEY",
            envvar="PROSPECT_KEY" if envvars else None,
            help="API key [env PROSPECT_KEY; default the data directory's admin.key].",
        ),
    )


client = stack(
    reach(), kept("--json", to="as_json", is_flag=True, help="JSON, also on a terminal.")
)

routing = stack(
    kept("--providers", to="routing.providers", type=Words(), help="Only these, in this order."),
    kept(
        "--order",
        to="routing.order",
        type=click.Choice(["listed", "cheapest", "learned"]),
        help="How the providers are ordered.",
    ),
    kept(
        "--accept",
        to="routing.accept.statuses",
        type=Words(),
        help="E-mail statuses that end the search, such as valid,catch_all.",
    ),
    kept(
        "--min-confidence",
        to="routing.accept.min_confidence",
        type=click.IntRange(0, 100),
        help="Confidence an accepted answer needs.",
    ),
    kept(
        "--max-bounce",
        to="routing.accept.max_bounce",
        type=click.FloatRange(0, 1, min_open=True),
        help="How often an accepted address may be expected to bounce, such as 0.02.",
    ),
    kept(
        "--verify",
        to="routing.verify",
        type=click.Choice(["never", "uncertain"]),
        help="Check uncertain answers with another provider's verifier.",
    ),
    kept("--max-cost", to="routing.max_cost", metavar="AMOUNT", help="Hard cap per lookup."),
    kept(
        "--value",
        to="routing.value",
        metavar="AMOUNT",
        help="What an answer is worth: with the learned order nobody dearer is asked.",
    ),
    kept(
        "--max-age",
        to="routing.max_age",
        type=Number(),
        help="Oldest cached answer to take; 0 asks anew.",
    ),
    kept(
        "--timeout", to="routing.timeout", type=Number(), help="No provider is asked after this."
    ),
)

lookup = stack(
    routing,
    kept(
        "--wait",
        to="wait",
        type=click.IntRange(0, 60),
        help="Seconds one HTTP exchange may take before the lookup goes on as a job.",
    ),
    kept("--tag", to="tag", help="Label for usage reports, at most 64 characters."),
    client,
)


def examples(*lines: str) -> str:
    """An epilog that click does not wrap."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
