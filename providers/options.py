"""What can be set of a provider's account beside its secret; every value reaches it as text."""

from __future__ import annotations

from typing import Literal, NamedTuple

Form = Literal["choice", "flag", "number", "words", "path", "field", "url"]


class Option(NamedTuple):
    """`allowed` are the words of a choice, or the ends of a number."""

    form: Form
    allowed: tuple[str, ...] = ()


def choice(*words: str) -> Option:
    return Option("choice", words)


def flag() -> Option:
    """`true` or `false`."""
    return Option("flag")


def number(low: int, high: int) -> Option:
    return Option("number", (str(low), str(high)))


def words() -> Option:
    """Names in an order, with commas."""
    return Option("words")


def url_path() -> Option:
    """The path of an endpoint, below the base URL."""
    return Option("path")


def web_url() -> Option:
    """An address that a provider is given."""
    return Option("url")


def reply_field() -> Option:
    """Where a value stands in a reply: dots descend, bars are alternatives."""
    return Option("field")
