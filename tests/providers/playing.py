"""Recorded exchanges, and a transport that plays them to an adapter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec

from providers.base import Account, Adapter
from providers.model import Answer, Query, Ticket

RECORDINGS = Path(__file__).parents[1] / "recordings"
BASE_URL = "http://provider.example/root"
SECONDS = 30.0
POLLS = 20

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
        assert told(request.url.params.multi_items()) == exchange["params"]
    if "form" in exchange:
        assert told(parse_qsl(request.content.decode())) == exchange["form"]
    if "json" in exchange:
        assert json.loads(request.content) == exchange["json"]


def told(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """A name that comes several times has a list of values."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def response_of(exchange: Exchange) -> httpx.Response:
    reply = exchange["reply"]
    body = reply.encode() if isinstance(reply, str) else msgspec.json.encode(reply)
    return httpx.Response(
        exchange.get("status", 200), headers=exchange.get("headers"), content=body
    )


@dataclass
class Stage:
    adapter: Adapter
    player: Player

    def is_signed(self, request: httpx.Request) -> bool:
        """Whether a header holds the secret, or what signing in gave for it."""
        granted = (self.player.sign_in or {}).get("reply", {}).get("access_token")
        marks = [*self.adapter.account.secret.values(), *filter(None, [granted])]
        return any(mark in value for mark in marks for value in request.headers.values())

    async def lookup(self, query: Query) -> Answer:
        """As the gateway asks: read what is there, ask, then collect until there is an answer."""
        found = await self.adapter.peek(query, seconds=SECONDS)
        if found is None:
            found = await self.adapter.ask(query, seconds=SECONDS)
        for _poll in range(POLLS):
            if isinstance(found, Answer):
                return found
            assert isinstance(found, Ticket)
            found = await self.adapter.collect(query, found, seconds=SECONDS)
        raise AssertionError(f"still a ticket after {POLLS} polls")


def make_stage(
    adapter: type[Adapter],
    exchanges: Sequence[Exchange],
    *,
    sign_in: Exchange | None = None,
    options: Mapping[str, str] | None = None,
) -> Stage:
    """An adapter and what plays to it."""
    player = Player(exchanges, sign_in)
    secret = {name: f"secret-{name}" for name in adapter.secret_fields}
    account = Account(BASE_URL, secret, options or {})
    return Stage(adapter(account, httpx.MockTransport(player.play)), player)
