"""Recordings, and a transport that plays them to an adapter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest

from providers.base import Account, Adapter
from providers.model import QUERIES, Answer, Query, Ticket
from providers.registry import ADAPTERS, create

RECORDINGS = Path(__file__).parents[1] / "recordings"
BASE_URL = "http://provider.example/root"
SECONDS = 30.0

Exchange = Mapping[str, Any]


@dataclass
class Player:
    """Plays exchanges in order and holds each request against what was recorded of it."""

    exchanges: Sequence[Exchange]
    sign_in: Exchange | None = None
    requests: list[httpx.Request] = field(default_factory=list)
    signed_in: int = 0

    async def play(self, request: httpx.Request) -> httpx.Response:
        asked = f"{request.method} {request.url.path.removeprefix('/root')}"
        if self.sign_in is not None and asked == self.sign_in["request"]:
            self.signed_in += 1
            return response_of(self.sign_in)
        at = min(len(self.requests), len(self.exchanges) - 1)
        self.requests.append(request)
        exchange = self.exchanges[at]
        assert asked == exchange.get("request", asked)
        compare(request, exchange)
        if "raises" in exchange:
            raise exchange["raises"]
        return response_of(exchange)


def compare(request: httpx.Request, exchange: Exchange) -> None:
    if "params" in exchange:
        assert dict(request.url.params) == exchange["params"]
    if "form" in exchange:
        assert dict(parse_qsl(request.content.decode())) == exchange["form"]
    if "json" in exchange:
        assert json.loads(request.content) == exchange["json"]


def response_of(exchange: Exchange) -> httpx.Response:
    reply = exchange["reply"]
    body = reply.encode() if isinstance(reply, str) else msgspec.json.encode(reply)
    return httpx.Response(
        exchange.get("status", 200), headers=exchange.get("headers"), content=body
    )


def read(provider: str, name: str) -> dict[str, Any]:
    """A recording; one that is missing fails the test."""
    found: dict[str, Any] = json.loads((RECORDINGS / provider / f"{name}.json").read_text())
    return found


def query_of(operation: str, given: Mapping[str, Any]) -> Query:
    return msgspec.convert(given, QUERIES[operation])


@dataclass
class Stage:
    adapter: Adapter
    player: Player

    async def lookup(self, query: Query) -> Answer:
        """As the gateway asks: read what is there, ask, then collect until there is an answer."""
        found = await self.adapter.peek(query, seconds=SECONDS)
        if found is None:
            found = await self.adapter.ask(query, seconds=SECONDS)
        for _poll in range(5):
            if isinstance(found, Answer):
                return found
            assert isinstance(found, Ticket)
            found = await self.adapter.collect(query, found, seconds=SECONDS)
        raise AssertionError("still a ticket after five polls")


StageMaker = Callable[..., Stage]


@pytest.fixture
def stage() -> StageMaker:
    """`stage(provider, exchanges, **options)`: an adapter and what plays to it."""

    def make(provider: str, exchanges: Sequence[Exchange], **options: str) -> Stage:
        player = Player(exchanges, read(provider, "refusals")["sign_in"])
        secret = {name: f"secret-{name}" for name in ADAPTERS[provider].secret_fields}
        account = Account(BASE_URL, secret, {k.replace("__", "."): v for k, v in options.items()})
        return Stage(create(provider, account, httpx.MockTransport(player.play)), player)

    return make


@pytest.fixture
def recording() -> Callable[[str, str], dict[str, Any]]:
    return read


@pytest.fixture
def as_query() -> Callable[[str, Mapping[str, Any]], Query]:
    return query_of
