"""No provider is asked without a reservation: every route is driven, every request is looked at.

The simulator's door is held while the ledger is read, so what is seen there is what the ledger
held before a byte was answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from gateway.api import me
from gateway.api.bodies import to_query
from gateway.api.exchange import Exchange
from gateway.lookup import calls
from gateway.money.entries import HELD, Books, Entry
from gateway.money.ledger import LIVE
from gateway.store.connection import Store
from providers.base import Bounded
from providers.model import EMAILS_COUNT, EMAILS_FIND, EMAILS_VERIFY, OPERATIONS, PEOPLE_ENRICH
from providers.registry import ADAPTERS
from providers.simulator.app import CONTROL_PREFIX, SimulatorApp
from providers.simulator.settings import SimulatorSettings
from providers.simulator.world import World
from tests.gateway.api.replies import eventually
from tests.gateway.api.route_table import TABLE, Side, check_table
from tests.gateway.api.two_teams import Stage, two_teams
from tests.gateway.conftest import ADMIN_KEY, Gateway, make_settings, running_gateway
from tests.gateway.front import behind
from tests.gateway.lookup.scene import SNOV_PUSH, Scene

# Nothing is bought by these, so there is nothing to reserve.
FREE = {
    "snov POST /v1/oauth/access_token": "a sign-in: no unit is charged, and all calls share it",
    "snov GET /v1/get-balance": "a check of a credential, or what reconciliation compares with",
    "hunter GET /v2/account": "a check of a credential, or what reconciliation compares with",
}
# Asked before anything is bought: the reservation is held, the dispatch comes with the purchase.
# Or long after it, for what is in doubt.
READS = {
    "snov POST /v1/get-emails-from-names": "what the account has found before",
    "snov POST /v1/get-emails-from-url": "whom the account has looked up before",
    "snov POST /v1/get-emails-verification-status": "what the account has verified before",
}


OPEN = HELD | {"in_doubt"}
RECONCILE = "POST /v1/admin/reconcile"


@dataclass(frozen=True)
class Seen:
    """A request at the simulator's door, what the ledger held then, and what it came to cost."""

    provider: str
    name: str
    held: list[Entry]
    charges: int


@dataclass
class Door:
    """The simulator, behind a look into the ledger."""

    app: SimulatorApp
    books: Books
    seen: list[Seen] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", CONTROL_PREFIX)
        if path.startswith(CONTROL_PREFIX):
            await self.app(scope, receive, send)
            return
        held = [entry async for entry in self.books.walk() if entry.state in OPEN]
        before = len(self.app.stage.bill.rows)
        await self.app(scope, receive, send)
        _, provider, rest = path.split("/", 2)
        name = f"{provider} {scope['method']} /{rest}"
        charges = len(self.app.stage.bill.rows) - before
        self.seen.append(Seen(provider, name, held, charges))


@dataclass
class Drive:
    """Everything that is needed to have a route ask every provider that it can ask."""

    gateway: Gateway
    stage: Stage
    scene: Scene
    door: Door

    async def ask(self, label: str) -> list[Seen]:
        """Ask the route as many times as there are ways; the requests that it made."""
        if label == RECONCILE:
            await self._leave_a_doubt()
        self.door.seen = []
        entry, ours = TABLE[label], self.stage.sides["ours"]
        for members in self._ways(label):
            side = await self.stage.spend(entry, ours)
            # With another name, and no cursor, it asks for nothing that was bought before.
            name = "nobody" if entry.reaches else side.name
            side = Side(name, side.ids | members.pop("ids", {}))
            key = self.stage.keys["ours"]
            reply = await self.stage.ask(label, side, key, **members)
            assert reply.status < 500, reply.text
            if "/v1/jobs/" in reply.headers.get("location", ""):
                await eventually(partial(self._is_done, reply.json["data"]["id"]))
            await self.stage.undo(entry, reply)
        return self.door.seen

    async def _leave_a_doubt(self) -> None:
        """A purchase whose answer is lost, which a free read clears up."""
        self.scene.fault("snov", "charge_without_reply", path=SNOV_PUSH)
        person = self.scene.person(snov="valid")
        body = {"full_name": person.full_name, "domain": person.company.domain}
        asked = {**body, "routing": {"providers": ["snov"]}}
        await self.stage.send("POST", "/v1/emails/find", self.stage.keys["ours"], json=asked)
        self.scene.heal()

    async def _is_done(self, job: str) -> bool:
        reply = await self.stage.send("GET", f"/v1/jobs/{job}", self.stage.keys["ours"])
        return bool(reply.json["data"]["status"] == "completed")

    def _ways(self, label: str) -> list[dict[str, Any]]:
        entry = TABLE[label]
        if not entry.reaches or "/providers/{name}/" in label:
            return [{}]
        body = entry.body(self.stage.sides["nobody"]) if entry.body else {}
        operation = body.get("operation") or label.split("/v1/")[1].replace("/", ".")
        if operation not in OPERATIONS:
            return [{"ids": ids} for ids in self._objects()]
        offering = [name for name, one in ADAPTERS.items() if operation in one.offers]
        ways = [{"routing": {"providers": [name], "max_age": 0}} for name in offering]
        return ways + (self._more(operation) if "operation" not in body else [])

    def _more(self, operation: str) -> list[dict[str, Any]]:
        """Questions that take another way with a provider."""
        if operation == PEOPLE_ENRICH:
            url = next(
                one.linkedin_url for one in self.scene.simulator.world.people if one.linkedin_url
            )
            asked = {"providers": ["snov"], "max_age": 0}
            return [{"email": None, "linkedin_url": url, "routing": asked}]
        return self._unsure() if operation == EMAILS_FIND else []

    def _objects(self) -> list[Mapping[str, str]]:
        """Accounts to check and domains to count: of each provider one, nobody asked before."""
        domain = self.scene.simulator.world.companies[7].domain
        accounts = self.stage.sides["ours"].ids["accounts"].split()
        return [{"domain": domain, "credential_id": name} for name in accounts]

    def _unsure(self) -> list[dict[str, Any]]:
        """A find whose answer another provider has to verify."""
        person = self.scene.person(hunter="unknown")
        named = {"full_name": person.full_name, "domain": person.company.domain}
        return [{**named, "routing": {"providers": ["hunter"], "verify": "uncertain"}}]


@pytest.fixture
async def drive(store: Store, store_url: str) -> AsyncIterator[Drive]:
    door = Door(SimulatorApp(World(people=400), SimulatorSettings()), Books(store, LIVE))
    async with behind(door, door.app) as simulator:
        settings = make_settings(store_url, simulator, only=("sixtyfour",))
        async with (
            running_gateway(settings, simulator) as gateway,
            two_teams(gateway.url) as stage,
        ):
            held = await stage.send("GET", "/v1/admin/credentials", ADMIN_KEY)
            names = {one["provider"]: one["id"] for one in held.json["data"]}
            stage.sides["ours"].ids["accounts"] = " ".join(names.values())
            yield Drive(gateway, stage, Scene(gateway, simulator, store), door)


def check_seen(seen: Seen, team: str) -> None:
    """Whoever asks a provider has reserved it, or is on the list of what is free."""
    if seen.name in FREE:
        assert not seen.charges, f"{seen.name} is not free"
        return
    own = [one for one in seen.held if one.provider == seen.provider and one.team == team]
    assert own, f"{seen.name} without a reservation"
    if seen.name not in READS and not all(one.free for one in own):
        states = [one.state for one in own]
        assert "dispatched" in states, f"{seen.name} before its dispatch was recorded: {states}"
    assert not seen.charges or any(not one.free for one in own), f"{seen.name} is not free"


async def check_route(drive: Drive, label: str) -> list[Seen]:
    seen = await drive.ask(label)
    if not TABLE[label].reaches:
        assert not seen, f"{label} is not said to reach a provider, and asked {seen}"
    else:
        assert seen, f"{label} is said to reach a provider, and asked none"
    for one in seen:
        check_seen(one, drive.stage.sides["ours"].ids["team_id"])
    return seen


async def test_every_route_that_reaches_a_provider_holds_a_reservation(
    drive: Drive, store_url: str
) -> None:
    check_table(store_url)
    drive.door.app.stage.bill.clear()
    found: dict[str, list[Seen]] = {label: await check_route(drive, label) for label in TABLE}
    everything = [one for seen in found.values() for one in seen]
    assert {one.provider for one in everything} == set(ADAPTERS)
    assert {one.name for one in everything} >= set(READS) | {"hunter GET /v2/account"}
    assert set(READS) & {one.name for one in found[RECONCILE]}, "a doubt was read again"
    paid = [one for one in everything if one.charges]
    assert len(paid) > 5
    verified = {entry.operation for one in everything for entry in one.held}
    assert {EMAILS_FIND, EMAILS_VERIFY, EMAILS_COUNT} <= verified


serve, view = Exchange.serve, me._view


async def serve_unadmitted(self: Exchange, request: Any, operation: str, body: Any) -> Any:
    """Asks the first provider by itself, and then does what is right."""
    for stall in self.desk.market.stalls(operation, request.scope["caller"].team)[:1]:
        assert stall.credential is not None
        adapter = self.desk.adapter_of(stall.credential)
        await adapter.ask(to_query(operation, body), seconds=5)
    return await serve(self, request, operation, body)


async def dispatch_unrecorded(*_: Any) -> None:
    """Tells nobody."""


async def view_with_balance(context: Any, caller: Any) -> Any:
    for credential in context.market.credentials:
        async with Bounded(5):
            await context.desk.adapter_of(credential).balance()
    return await view(context, caller)


MUTANTS: dict[str, tuple[object, str, object, str, str]] = {
    "a provider is asked without admission": (
        Exchange,
        "serve",
        serve_unadmitted,
        "POST /v1/emails/find",
        "without a reservation",
    ),
    "a purchase is not recorded before it leaves": (
        calls,
        "dispatch",
        dispatch_unrecorded,
        "POST /v1/emails/find",
        "before its dispatch",
    ),
    "a route asks that nobody thought of": (
        me,
        "_view",
        view_with_balance,
        "GET /v1/me",
        "not said to reach",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_what_asks_without_one_is_noticed(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    place, attribute, mutant, label, nature = MUTANTS[name]
    monkeypatch.setattr(place, attribute, mutant)
    with pytest.raises(AssertionError, match=nature):
        await check_route(drive, label)
