"""An adapter and what plays to it, by the provider's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from providers.model import QUERIES, Query
from providers.registry import ADAPTERS
from tests.providers.playing import RECORDINGS, Exchange, Stage, make_stage

StageMaker = Callable[..., Stage]


def read(provider: str, name: str) -> dict[str, Any]:
    """A recording; one that is missing fails the test."""
    found: dict[str, Any] = json.loads((RECORDINGS / provider / f"{name}.json").read_text())
    return found


def query_of(operation: str, given: Mapping[str, Any]) -> Query:
    return msgspec.convert(given, QUERIES[operation])


@pytest.fixture
def stage() -> StageMaker:
    """`stage(provider, exchanges, **options)`; `__` in an option's name is a dot."""

    def make(provider: str, exchanges: Sequence[Exchange], **options: str) -> Stage:
        return make_stage(
            ADAPTERS[provider],
            exchanges,
            sign_in=read(provider, "refusals")["sign_in"],
            options={name.replace("__", "."): value for name, value in options.items()},
        )

    return make


@pytest.fixture
def recording() -> Callable[[str, str], dict[str, Any]]:
    return read


@pytest.fixture
def as_query() -> Callable[[str, Mapping[str, Any]], Query]:
    return query_of
