"""A gateway in which everything secret is a canary, and all that it writes and says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.store.connection import Store
from providers.simulator.accounts import Account
from providers.simulator.app import CONTROL_PREFIX, SimulatorApp
from providers.simulator.asgi import read_request
from providers.simulator.population import Person
from providers.simulator.settings import SimulatorSettings
from providers.simulator.testing import RunningSimulator
from providers.simulator.world import World
from tests.gates.canaries import Canary, issued, made, master, plain, whole
from tests.gateway.api.route_table import SIGNING
from tests.gateway.api.two_teams import Answer, Stage, two_teams
from tests.gateway.front import behind
from tests.gateway.store_dump import everything_in, files_below
from tests.gateway.supervisor.processes import (
    Served,
    environment,
    running_store,
    sabotaged,
    serving,
)

FIELDS = {
    "hunter": {"api_key": "HUNTER_API_KEY"},
    "snov": {"client_id": "SNOV_CLIENT_ID", "client_secret": "SNOV_CLIENT_SECRET"},
    "sixtyfour": {"api_key": "SIXTYFOUR_API_KEY"},
    "letrics": {"token": "LETRICS_API_TOKEN"},
}


@dataclass
class Parrot:
    """The simulator; while it has a status to say, it says every request back instead."""

    app: SimulatorApp
    status: int = 0
    said: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", CONTROL_PREFIX)
        if not self.status or path.startswith(CONTROL_PREFIX) or "oauth" in path:
            await self.app(scope, receive, send)
            return
        self.said += 1
        request = await read_request(scope, receive, "", "parrot")
        heard = f"{scope['path']} {scope['query_string']!r} {scope['headers']!r} {request.body!r}"
        fault = {"id": heard, "code": self.status, "details": heard}
        told = {"errors": [fault], "message": heard, "error": heard, "detail": heard}
        body = json.dumps(told).encode()
        headers = [(b"content-type", b"application/json"), (b"x-heard", heard.encode("latin-1"))]
        headers += [(b"retry-after", b"1")] if self.status in (429, 503) else []
        start = {"type": "http.response.start", "status": self.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})


@dataclass
class Aviary:
    """A served gateway, and all that is secret in it."""

    served: Served
    stage: Stage
    parrot: Parrot
    simulator: RunningSimulator
    canaries: dict[str, Canary]
    people: Iterator[Person]

    def find(self, provider: str) -> dict[str, Any]:
        """A question that nobody asked before."""
        person = next(self.people)
        named = {"full_name": person.full_name, "domain": person.company.domain}
        return {**named, "routing": {"providers": [provider], "max_age": 0}}


def bred() -> dict[str, Canary]:
    """What the gateway is given: environment, configuration and stored credentials."""
    names = [f"the {member} of {name}" for name, held in FIELDS.items() for member in held]
    found = {name: made(name) for name in [*names, *(f"{name}, stored" for name in names)]}
    for name in ("the admin key", "the metrics key", "a replaced secret", "a stranger's key"):
        found[name] = made(name)
    found["the master key"], found["the older master key"] = master("it"), master("the older")
    found["the store's password"] = plain("the store's password")
    return found


def secrets_of(canaries: Mapping[str, Canary], ending: str) -> dict[str, dict[str, str]]:
    return {
        name: {member: canaries[f"the {member} of {name}{ending}"].text for member in held}
        for name, held in FIELDS.items()
    }


def open_accounts(app: SimulatorApp, secrets: Mapping[str, Mapping[str, str]]) -> None:
    for provider, held in secrets.items():
        name = f"{provider} {len(app.stage.accounts.all())}"
        account = Account(provider=provider, name=name)
        app.stage.accounts.put(":".join(held.values()), account)


Flight = Callable[[Aviary], Awaitable[None]]


async def flown(
    folder: Path, flight: Flight, sabotage: str
) -> tuple[dict[str, bytes], list[Canary]]:
    """All that was written or said while `flight` went through a gateway, and its secrets."""
    canaries = bred()
    parrot = Parrot(SimulatorApp(World(people=400), SimulatorSettings()))
    configured, stored = secrets_of(canaries, ""), secrets_of(canaries, ", stored")
    open_accounts(parrot.app, configured)
    open_accounts(parrot.app, stored)
    password = canaries["the store's password"].text
    async with AsyncExitStack() as stack:
        url = stack.enter_context(running_store(folder / "s", requirepass=password))
        url = url.replace("unix://", f"unix://:{password}@")
        simulator = await stack.enter_async_context(behind(parrot, parrot.app))
        environ = environment(folder / "data", **variables(canaries, simulator, url))
        environ |= sabotaged(folder / "trap", sabotage)
        async with serving(folder, "--workers", "2", environ=environ) as served:
            admin = canaries["the admin key"].text
            async with two_teams(served.url, admin=admin, secrets=stored) as stage:
                people = iter(simulator.world.people[1:])
                await flight(Aviary(served, stage, parrot, simulator, canaries, people))
        found = [*canaries.values(), *came_up(stage, parrot.app)]
        store = await Store.connect(url, timeout=5)
        stack.push_async_callback(store.close)
        return await corpora(served, stage, store, folder), found


# What an answer shows once, to whoever made it.
ONCE = {
    "key": "a key of a caller",
    "secret": "a secret of a webhook",
    "url": "a callback's address",
}


def came_up(stage: Stage, app: SimulatorApp) -> list[Canary]:
    """What the gateway and Snov made themselves, and what a provider signs with."""
    shown = [(member, text) for one in stage.replies for member, text in shown_in(one)]
    assert {member for member, _ in shown} == {*ONCE}
    found = [
        whole(ONCE[member], text.rpartition("/")[2])
        if member == "url"
        else issued(ONCE[member], text)
        for member, text in shown
    ]
    tokens = [issued("a token of Snov's", text) for text in app.stage.tokens._held]
    assert tokens
    return [*found, *tokens, issued("a signing secret", SIGNING)]


def shown_in(answer: Answer) -> Iterator[tuple[str, str]]:
    made = answer.json.get("data") if answer.status in (200, 201) and answer.json else None
    if not isinstance(made, dict):
        return
    marks = {"key": "pgw_", "secret": "whsec_", "url": "https://gateway.example/hooks/"}
    for member, mark in marks.items():
        text = made.get(member)
        if isinstance(text, str) and text.startswith(mark):
            yield member, text


async def corpora(served: Served, stage: Stage, store: Store, folder: Path) -> dict[str, bytes]:
    """Once the gateway has ended. A new key is shown to whoever made it, once."""
    answered = ""
    for one in stage.replies:
        text = one.text
        for member, secret in shown_in(one):
            text = text.replace(f'"{member}":"{secret}"', "", 1)
        answered += f"{one.status} {dict(one.headers)} {text}\n"
    return {
        "the logs": (served.log + served.banner).encode(),
        "the answers": answered.encode(),
        "the store": await everything_in(store),
        "the append-only files": files_below(folder / "s" / "appendonlydir"),
        "the data directory": files_below(folder / "data"),
    }


def variables(
    canaries: Mapping[str, Canary], simulator: RunningSimulator, url: str
) -> dict[str, str]:
    found = {
        f"{name.upper()}_BASE_URL": str(getattr(simulator.endpoints, name)) for name in FIELDS
    }
    for name, held in FIELDS.items():
        found |= {
            variable: canaries[f"the {member} of {name}"].text for member, variable in held.items()
        }
    keys = [canaries[name].text for name in ("the master key", "the older master key")]
    return found | {
        "GATEWAY_STORE_URL": url,
        "GATEWAY_STORE_TIMEOUT_MS": "5000",
        "GATEWAY_ADMIN_KEY": canaries["the admin key"].text,
        "GATEWAY_METRICS_KEY": canaries["the metrics key"].text,
        "GATEWAY_MASTER_KEY": ",".join(keys),
        "GATEWAY_PUBLIC_URL": "https://gateway.example",
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_LOG_FORMAT": "json",
    }
