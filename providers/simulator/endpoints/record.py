"""What is declared of an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, frozen=True, kw_only=True)
class Endpoint:
    """`path` follows the provider's base URL; `source` is a document and its heading.

    `meter` is what a call may use up, None when it is free; `charge` says when and how much.
    `decisive` names the field that decides hit or miss, `word` the one that holds a status.
    `status` is that of a plain success. `delayed` calls start or ask for later work, `open` ones
    need no credential, `secret` ones list, make or change keys, signing secrets or members.
    `alias_of` is the name of the endpoint that this one is another spelling of.
    """

    provider: str
    method: str
    path: str
    source: str
    meter: str | None = None
    charge: str = "free"
    decisive: str | None = None
    word: str | None = None
    status: int = 200
    delayed: bool = False
    open: bool = False
    secret: bool = False
    alias_of: str | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def rows_of(provider: str, source: str) -> Callable[..., Endpoint]:
    """A maker of rows from `METHOD /path` and a heading of the document."""

    def row(name: str, heading: str, **declared: Any) -> Endpoint:
        method, path = name.split(" ")
        where = f"{source} {heading}" if source else heading
        return Endpoint(provider=provider, method=method, path=path, source=where, **declared)

    return row
