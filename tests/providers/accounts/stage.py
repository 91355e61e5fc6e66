"""Recordings of account objects, and a provider that plays them."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec

from providers.accounts.base import ACTIONS, Accounts
from providers.base import Account, Bounded
from providers.registry import ACCOUNTS, accounts_of, create

RECORDINGS = Path(__file__).parents[2] / "recordings"
BASE_URL = "http://provider.example/root"
TOKEN = {"access_token": "token", "token_type": "Bearer", "expires_in": 3600}
SECONDS = 10.0

Case = Mapping[str, Any]


def cases() -> Iterator[tuple[str, str, Case]]:
    """Provider, action, case: every recording that there is."""
    for path in sorted(RECORDINGS.glob("*/accounts/*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"))
        assert recorded["origin"], path
        for action, listed in recorded["actions"].items():
            for case in listed:
                yield path.parents[1].name, action, case


def refusals_of(provider: str) -> dict[str, Any]:
    path = RECORDINGS / provider / "refusals.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["refusals"]
    return found


@dataclass
class Played:
    """A provider that answers every request, but for the sign-in, with one reply."""

    reply: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: Exception | None = None
    requests: list[httpx.Request] = field(default_factory=list)

    def play(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth/access_token"):
            return httpx.Response(200, json=TOKEN)
        self.requests.append(request)
        if self.breaks is not None:
            raise self.breaks
        content = self.reply if isinstance(self.reply, bytes) else _encoded(self.reply)
        return httpx.Response(self.status, headers=dict(self.headers), content=content)


def _encoded(reply: Any) -> bytes:
    return reply.encode() if isinstance(reply, str) else msgspec.json.encode(reply)


def accounts_at(provider: str, played: Played) -> Accounts:
    secret = {name: f"secret-{name}" for name in ACCOUNTS[provider].secret_fields}
    transport = httpx.MockTransport(played.play)
    return accounts_of(create(provider, Account(BASE_URL, secret), transport))


async def perform(provider: str, action: str, given: list[Any], played: Played) -> Any:
    """What the action makes of the reply; `given` as JSON. Raises ProviderError."""
    method = getattr(accounts_at(provider, played), ACTIONS[action].method)
    hints = typing.get_type_hints(method)
    hints.pop("return")
    arguments = [
        msgspec.convert(value, hint) for value, hint in zip(given, hints.values(), strict=True)
    ]
    async with Bounded(SECONDS):
        return await method(*arguments)


def shown(found: Any) -> dict[str, Any]:
    """All but the raw reply and what is not there."""
    members = {name: value for name, value in vars(found).items() if name != "raw"}
    plain: dict[str, Any] = bare(msgspec.to_builtins(members))
    return plain


def bare(value: Any) -> Any:
    if isinstance(value, dict):
        found = {name: bare(item) for name, item in value.items()}
        return {name: item for name, item in found.items() if item not in (None, [], {})}
    return [bare(item) for item in value] if isinstance(value, list) else value


def check_request(request: httpx.Request, case: Case) -> None:
    """That it is the one that was recorded."""
    path = request.url.path.removeprefix("/root")
    assert f"{request.method} {path}" == case["request"]
    if "query" in case:
        pairs = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        assert sorted(pairs) == sorted(map(tuple, case["query"]))
    if "form" in case:
        pairs = parse_qsl(request.content.decode(), keep_blank_values=True)
        assert sorted(pairs) == sorted(map(tuple, case["form"]))
    if "json" in case:
        assert json.loads(request.content) == case["json"]
    if not {"form", "json"} & set(case):
        assert not request.content
